//! Where a client found its credentials, from the feature list (`m/E,b,g`) of its user agent.
//!
//! Knows the feature IDs that the AWS SDKs agree on (botocore's `useragent.py`, the Java SDK's
//! `BusinessMetricFeatureId`). Must not know the rest of the user agent.

use serde::{Deserialize, Serialize};

/// Where a client found the credentials it signed with.
///
/// The variants stand in order of precedence. First what minted a session, because the access key
/// ID of the request is then the session's; then where stored credentials were read. [`Code`]
/// stands last because SDKs add it to any other when a program names the provider itself.
///
/// [`Code`]: CredentialSource::Code
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialSource {
    /// STS `AssumeRole`.
    AssumeRole,
    /// STS `AssumeRoleWithSAML`.
    Saml,
    /// STS `AssumeRoleWithWebIdentity`, set up by environment variables (EKS does so).
    EnvironmentWebIdentity,
    /// STS `AssumeRoleWithWebIdentity`, set up by a profile.
    ProfileWebIdentity,
    /// STS `AssumeRoleWithWebIdentity`, set up in some other way.
    WebIdentity,
    /// STS `GetFederationToken`.
    FederationToken,
    /// STS `GetSessionToken`.
    SessionToken,
    /// IAM Identity Center.
    Sso,
    /// `aws login`.
    Login,
    /// The output of a `credential_process`.
    Process,
    /// A container's credential endpoint (ECS, EKS Pod Identity).
    Container,
    /// The metadata of an EC2 instance.
    InstanceMetadata,
    /// Keys in a profile of the shared `config` or `credentials` file.
    Profile,
    /// `AWS_ACCESS_KEY_ID` and its companions.
    Environment,
    /// System properties of a Java virtual machine.
    SystemProperties,
    /// A configuration file of the old Boto (`~/.boto`).
    BotoConfig,
    /// The encrypted store of the .NET SDK and the Tools for PowerShell.
    SdkStore,
    /// The program itself, or a command-line option.
    Code,
}

impl CredentialSource {
    /// The source in words, to follow "credentials from".
    pub fn describe(self) -> &'static str {
        match self {
            CredentialSource::AssumeRole => "an assumed role",
            CredentialSource::Saml => "a role assumed with SAML",
            CredentialSource::EnvironmentWebIdentity => {
                "a role assumed with the web identity that environment variables name"
            }
            CredentialSource::ProfileWebIdentity => {
                "a role assumed with the web identity that a profile names"
            }
            CredentialSource::WebIdentity => "a role assumed with a web identity",
            CredentialSource::FederationToken => "a federation token",
            CredentialSource::SessionToken => "a session token",
            CredentialSource::Sso => "IAM Identity Center",
            CredentialSource::Login => "aws login",
            CredentialSource::Process => "a credential process",
            CredentialSource::Container => "a container credential endpoint",
            CredentialSource::InstanceMetadata => "EC2 instance metadata",
            CredentialSource::Profile => "a profile file",
            CredentialSource::Environment => "environment variables",
            CredentialSource::SystemProperties => "Java system properties",
            CredentialSource::BotoConfig => "a Boto configuration file",
            CredentialSource::SdkStore => "the encrypted SDK store",
            CredentialSource::Code => "the program itself",
        }
    }
}

/// The feature IDs that tell of credentials, case-sensitive.
///
/// `o` and `p` are left out: they say that a profile points to another source, which has its own
/// ID beside them.
const FEATURES: [(&str, CredentialSource); 23] = [
    ("0", CredentialSource::InstanceMetadata),
    ("AC", CredentialSource::Login),
    ("AD", CredentialSource::Login),
    ("e", CredentialSource::Code),
    ("f", CredentialSource::SystemProperties),
    ("g", CredentialSource::Environment),
    ("h", CredentialSource::EnvironmentWebIdentity),
    ("i", CredentialSource::AssumeRole),
    ("j", CredentialSource::Saml),
    ("k", CredentialSource::WebIdentity),
    ("l", CredentialSource::FederationToken),
    ("m", CredentialSource::SessionToken),
    ("n", CredentialSource::Profile),
    ("q", CredentialSource::ProfileWebIdentity),
    ("r", CredentialSource::Sso),
    ("s", CredentialSource::Sso),
    ("t", CredentialSource::Sso),
    ("u", CredentialSource::Sso),
    ("v", CredentialSource::Process),
    ("w", CredentialSource::Process),
    ("x", CredentialSource::BotoConfig),
    ("y", CredentialSource::SdkStore),
    ("z", CredentialSource::Container),
];

/// The credential source of a feature list without its `m/`, and what signed the call that minted
/// it: `n,o,i` is a role assumed with the keys of a profile.
///
/// The list may come in any order. The first variant of [`CredentialSource`] that it names is the
/// source; for an assumed role, the next one is its base. `k` beside `h` or `q` is no base of its
/// own: it is the call that those set up.
pub(super) fn credential_sources(
    list: &str,
) -> (Option<CredentialSource>, Option<CredentialSource>) {
    let mut found: Vec<CredentialSource> =
        FEATURES.iter().filter(|(id, _)| list.split(',').any(|f| f == *id)).map(|f| f.1).collect();
    found.sort_unstable();
    found.dedup();
    let source = found.first().copied();
    let base = (source == Some(CredentialSource::AssumeRole)).then(|| found.get(1).copied());
    (source, base.flatten())
}

#[cfg(test)]
mod tests {
    use super::CredentialSource::*;
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_no_id_twice() {
        assert!(FEATURES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn the_most_specific_source_wins_in_any_order() {
        let cases = [
            ("g", Some(Environment), None),
            ("E,Z,b,g", Some(Environment), None),
            ("g,b,Z,E", Some(Environment), None),
            ("n", Some(Profile), None),
            ("n,e", Some(Profile), None),
            ("e", Some(Code), None),
            ("n,o,i", Some(AssumeRole), Some(Profile)),
            ("i,n", Some(AssumeRole), Some(Profile)),
            ("p,g,i", Some(AssumeRole), Some(Environment)),
            ("i,k,h", Some(AssumeRole), Some(EnvironmentWebIdentity)),
            ("i", Some(AssumeRole), None),
            ("h,k", Some(EnvironmentWebIdentity), None),
            ("q,k", Some(ProfileWebIdentity), None),
            ("k", Some(WebIdentity), None),
            ("j", Some(Saml), None),
            ("l", Some(FederationToken), None),
            ("m", Some(SessionToken), None),
            ("r,s", Some(Sso), None),
            ("t,u", Some(Sso), None),
            ("AC,AD", Some(Login), None),
            ("v,w", Some(Process), None),
            ("E,z", Some(Container), None),
            ("0", Some(InstanceMetadata), None),
            ("f", Some(SystemProperties), None),
            ("x", Some(BotoConfig), None),
            ("y", Some(SdkStore), None),
        ];
        for (list, source, base) in cases {
            assert_eq!(credential_sources(list), (source, base), "{list}");
        }
    }

    #[test]
    fn letters_of_other_features_say_nothing() {
        // Upper case is another feature, and an ID is a whole item of the list.
        for list in ["", ",", ",,", "E,G,N,I,K", "gg", "AC0", "b,Z,C,D", "o,p", " g", "\u{202e}g"] {
            assert_eq!(credential_sources(list), (None, None), "{list:?}");
        }
    }
}
