//! The texts of refusals.
//!
//! Knows the wordings with which AWS refuses credentials and with which clients say that they have
//! none. Must not know how a log is laid out.

use crate::failure::Family;

/// A text that alone shows a refusal.
#[derive(Debug)]
pub(super) struct Wording {
    /// The text, without the full stop that some services leave out.
    pub(super) text: &'static str,
    pub(super) family: Family,
    /// The error code, where only one code has this text.
    pub(super) code: Option<&'static str>,
    /// Whether the text goes on with details up to the end of its line.
    pub(super) open: bool,
    /// Whether the client had no credentials and sent no request.
    pub(super) no_request: bool,
}

const fn closed(family: Family, code: Option<&'static str>, text: &'static str) -> Wording {
    Wording { text, family, code, open: false, no_request: false }
}

const fn open(family: Family, code: Option<&'static str>, text: &'static str) -> Wording {
    Wording { text, family, code, open: true, no_request: false }
}

const fn no_request(text: &'static str) -> Wording {
    Wording {
        text,
        family: Family::MissingAuthentication,
        code: None,
        open: false,
        no_request: true,
    }
}

/// Every wording. "The security token …" and "The request signature …" come with two codes each,
/// by protocol, so they prove none.
pub(super) const WORDINGS: &[Wording] = &[
    closed(
        Family::UnknownCredentials,
        None,
        "The security token included in the request is invalid",
    ),
    closed(Family::ExpiredToken, None, "The security token included in the request is expired"),
    closed(
        Family::UnknownCredentials,
        Some("InvalidClientTokenId"),
        "The X.509 certificate or AWS access key ID provided does not exist in our records",
    ),
    closed(
        Family::UnknownCredentials,
        Some("InvalidAccessKeyId"),
        "The AWS Access Key Id you provided does not exist in our records",
    ),
    closed(
        Family::UnknownCredentials,
        Some("AuthFailure"),
        "AWS was not able to validate the provided access credentials",
    ),
    closed(
        Family::UnknownCredentials,
        Some("InvalidToken"),
        "The provided token is malformed or otherwise invalid",
    ),
    closed(Family::ExpiredToken, Some("ExpiredToken"), "The provided token has expired"),
    open(
        Family::Signature,
        None,
        "The request signature we calculated does not match the signature you provided",
    ),
    open(Family::Clock, None, "Signature expired:"),
    open(Family::Clock, None, "Signature not yet current"),
    closed(
        Family::Clock,
        Some("RequestTimeTooSkewed"),
        "The difference between the request time and the current time is too large",
    ),
    open(
        Family::RegionDisabled,
        Some("RegionDisabledException"),
        "STS is not activated in this region for account",
    ),
    open(
        Family::IdentityToken,
        None,
        "Token expired: current date/time must be before the expiration date/time",
    ),
    open(
        Family::IdentityToken,
        Some("InvalidIdentityToken"),
        "No OpenIDConnect provider found in your account for",
    ),
    closed(
        Family::IdentityToken,
        Some("InvalidIdentityToken"),
        "Couldn't retrieve verification key from your identity provider",
    ),
    no_request("No valid credential sources found"),
    no_request("No valid credential sources for"),
    no_request("Unable to locate credentials"),
    no_request("NoCredentialProviders"),
    no_request("NoCredentialsError"),
    no_request("Could not load credentials from any providers"),
    no_request("Unable to load AWS credentials from any provider in the chain"),
    no_request("Unable to load credentials from any of the providers in the chain"),
    no_request("no EC2 IMDS role found"),
    no_request("Missing credentials in config"),
    no_request("Unable to get IAM security credentials from EC2 Instance Metadata Service"),
    no_request("No credentials specified or obtained from persisted/shell defaults"),
    no_request("unable to sign request without credentials set"),
    no_request("Error retrieving credentials from the instance profile metadata"),
    no_request("no credentials have been configured"),
    no_request("the credential provider was not enabled"),
    no_request("Unable to resolve AWS account to use"),
];

/// Parts of codes and wordings, lower case: a text without any of them shows no refusal. They are
/// short, so that a line break inside a wording leaves one of them whole.
pub(super) const FRAGMENTS: &[&str] = &[
    "invalidclient",
    "clienttokenid",
    "unrecognizedclient",
    "invalidaccess",
    "authfailure",
    "expiredtoken",
    "idpcommunication",
    "idprejected",
    "incompletesig",
    "invalididentity",
    "invalidsignature",
    "invalidtoken",
    "missingauthent",
    "regiondisabled",
    "requestexpired",
    "requestinthe",
    "requesttimetoo",
    "signaturedoes",
    "security token",
    "token included",
    "in the request is",
    "access key id",
    "exist in our records",
    "validate the provided",
    "access credentials",
    "signature we",
    "signature you",
    "malformed or",
    "provided token",
    "signature expired",
    "signature not",
    "request time",
    "not activated",
    "token expired",
    "openidconnect provider",
    "verification key",
    "credential sources",
    "locate credentials",
    "nocredential",
    "load credentials",
    "aws credentials",
    "imds role",
    "credentials in",
    "iam security",
    "credentials specified",
    "instance profile",
    "credentials have",
    "credential provider",
    "without cred",
    "aws account to use",
];

/// The name of a family, for a failure whose wording proves no code.
pub(super) fn family_name(family: Family) -> &'static str {
    match family {
        Family::UnknownCredentials => "unknown-credentials",
        Family::ExpiredToken => "expired-token",
        Family::Signature => "signature",
        Family::Clock => "clock",
        Family::MalformedAuthorization => "malformed-authorization",
        Family::MissingAuthentication => "missing-authentication",
        Family::RegionDisabled => "region-disabled",
        Family::IdentityToken => "identity-token",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::CODES;

    #[test]
    fn every_code_and_wording_has_a_fragment() {
        let texts = CODES.iter().map(|(code, _)| *code).chain(WORDINGS.iter().map(|w| w.text));
        for text in texts {
            let lower = text.to_ascii_lowercase();
            assert!(FRAGMENTS.iter().any(|fragment| lower.contains(fragment)), "{text}");
        }
        assert!(FRAGMENTS.iter().all(|f| f.len() < 60 && *f == f.to_ascii_lowercase()));
    }

    #[test]
    fn a_family_is_named_as_it_is_serialised() {
        for wording in WORDINGS {
            let json = serde_json::to_value(wording.family).unwrap();
            assert_eq!(json.as_str(), Some(family_name(wording.family)));
        }
    }
}
