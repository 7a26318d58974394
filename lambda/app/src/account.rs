//! What IAM says of an access key, and the way into a member account.
//!
//! An answer of IAM is a fact beside others and never decides alone: it says what is now, not what
//! was when a call was refused.

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::primitives::DateTimeFormat;

/// What IAM says of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFacts {
    /// The user who owns it.
    pub user_name: Option<String>,
    /// Facts, each a sentence without a full stop.
    pub facts: Vec<String>,
    /// What could not be read, likewise.
    pub unread: Vec<String>,
}

/// Asks IAM about a key: owner, last use, state, the owner's other keys.
pub async fn key_facts(
    iam: &aws_sdk_iam::Client,
    access_key_id: &str,
    user: Option<&str>,
) -> KeyFacts {
    let mut facts = KeyFacts { user_name: user.map(str::to_owned), ..KeyFacts::default() };
    match iam.get_access_key_last_used().access_key_id(access_key_id).send().await {
        Ok(answer) => {
            facts.user_name = answer.user_name.or(facts.user_name);
            if let Some(used) = answer.access_key_last_used
                && let Some(date) =
                    used.last_used_date.and_then(|at| at.fmt(DateTimeFormat::DateTime).ok())
            {
                let (service, region) = (used.service_name, used.region);
                facts.facts.push(format!(
                    "IAM says that the key was last used at {date}, for {service} in {region}"
                ));
            }
        }
        Err(err) => match err.code() {
            // A key that IAM does not know is a key of nobody here: no use to say more of it.
            Some("NoSuchEntity") => {
                facts.facts.push("IAM does not know the key in this account".to_owned());
            }
            code => facts.unread.push(format!(
                "IAM did not say whose key it is ({}: iam:GetAccessKeyLastUsed)",
                code.unwrap_or("no answer")
            )),
        },
    }
    let Some(user) = facts.user_name.clone() else { return facts };
    match iam.list_access_keys().user_name(&user).send().await {
        Ok(answer) => {
            let keys = answer.access_key_metadata;
            let own = keys.iter().find(|key| key.access_key_id() == Some(access_key_id));
            facts.facts.push(match own {
                Some(key) => format!(
                    "IAM lists the key of {user} as {}",
                    key.status().map_or("unknown", |status| status.as_str())
                ),
                None => format!("IAM does not list the key among those of {user}"),
            });
            let others = keys
                .iter()
                .filter(|key| key.access_key_id() != Some(access_key_id))
                .filter(|key| key.status().is_some_and(|status| status.as_str() == "Active"))
                .count();
            if others > 0 {
                facts.facts.push(format!(
                    "{user} has {others} other active key{}",
                    if others == 1 { "" } else { "s" }
                ));
            }
        }
        Err(err) => match err.code() {
            Some("NoSuchEntity") => facts.facts.push(format!("IAM has no user {user}")),
            code => facts.unread.push(format!(
                "IAM did not list the keys of {user} ({}: iam:ListAccessKeys)",
                code.unwrap_or("no answer")
            )),
        },
    }
    facts
}

/// Settings that act in a member account through a role.
///
/// # Errors
///
/// Where the role cannot be assumed.
pub async fn in_member(
    config: &SdkConfig,
    partition: &str,
    account: &str,
    role: &str,
) -> Result<SdkConfig, String> {
    let arn = format!("arn:{partition}:iam::{account}:role/{role}");
    let provider = AssumeRoleProvider::builder(&arn)
        .session_name("failure-monitor")
        .configure(config)
        .build()
        .await;
    // Asked once here, so that a role that cannot be assumed is said once and not by every call.
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|err| format!("the role {arn} cannot be assumed: {}", source_of(&err)))?;
    let provider = SharedCredentialsProvider::new(credentials);
    Ok(config.clone().into_builder().credentials_provider(provider).build())
}

/// The last cause of an error: the SDK's own words say only that it failed.
fn source_of(err: &dyn std::error::Error) -> String {
    let mut last = err;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
