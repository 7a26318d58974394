//! What counts as a credential failure: the code table, its families, and one failure.
//!
//! Knows the error codes with which AWS refuses credentials, and the texts that tell the same code
//! apart. Must not know where a record came from, how failures are grouped or what causes them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::record::Record;

/// How this project learned of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A CloudTrail record shows it.
    Recorded,
    /// A client's own log shows it.
    Reported,
    /// Nothing shows it: a key was turned off that somebody still used, so it is expected.
    Predicted,
}

impl Origin {
    /// All origins, in the order in which they are shown.
    pub const ALL: [Origin; 3] = [Origin::Recorded, Origin::Reported, Origin::Predicted];

    /// The name in machine output and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Recorded => "recorded",
            Origin::Reported => "reported",
            Origin::Predicted => "predicted",
        }
    }
}

/// Error codes that mean the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// The access key ID or session token is not recognised.
    UnknownCredentials,
    /// The session token has expired.
    ExpiredToken,
    /// The key ID is known, the signature is wrong.
    Signature,
    /// The client's clock is off, or the signature is too old.
    Clock,
    /// The `Authorization` header is malformed.
    MalformedAuthorization,
    /// The request was not signed.
    MissingAuthentication,
    /// STS is not active in the region.
    RegionDisabled,
    /// The web identity or SAML token was refused: no AWS key is involved.
    IdentityToken,
}

/// Every error code that can mean refused credentials, sorted, with its family.
///
/// The same list makes the EventBridge patterns of the deployed monitor. Codes whose text decides
/// (`AuthFailure`, the signature codes) are narrowed by [`classify`].
///
/// Sources: the common errors of the query protocol
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>), of S3
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>), of EC2
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>) and of
/// `AssumeRoleWithWebIdentity`
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>).
pub const CODES: [(&str, Family); 20] = [
    ("AuthFailure", Family::UnknownCredentials),
    ("ExpiredToken", Family::ExpiredToken),
    ("ExpiredTokenException", Family::ExpiredToken),
    ("IDPCommunicationError", Family::IdentityToken),
    ("IDPRejectedClaim", Family::IdentityToken),
    ("IncompleteSignature", Family::MalformedAuthorization),
    ("IncompleteSignatureException", Family::MalformedAuthorization),
    ("InvalidAccessKeyId", Family::UnknownCredentials),
    ("InvalidClientTokenId", Family::UnknownCredentials),
    ("InvalidIdentityToken", Family::IdentityToken),
    ("InvalidSignatureException", Family::Signature),
    ("InvalidToken", Family::UnknownCredentials),
    ("MissingAuthenticationToken", Family::MissingAuthentication),
    ("MissingAuthenticationTokenException", Family::MissingAuthentication),
    ("RegionDisabledException", Family::RegionDisabled),
    ("RequestExpired", Family::Clock),
    ("RequestInTheFuture", Family::Clock),
    ("RequestTimeTooSkewed", Family::Clock),
    ("SignatureDoesNotMatch", Family::Signature),
    ("UnrecognizedClientException", Family::UnknownCredentials),
];

/// EC2's code for refused credentials and for missing permissions on images and buckets.
pub const AUTH_FAILURE: &str = "AuthFailure";
/// The text, in lower case, that tells EC2's refused credentials.
pub const ABOUT_CREDENTIALS: &str = "credentials";
/// The text, in lower case, of an SNS topic, KMS key or vault of a closed or suspended account: not
/// the caller's key.
pub const NOT_THE_CALLERS_KEY: &str = "no account found for the given parameters";
/// The texts, in lower case, with which the codes of a wrong signature are about the clock.
pub const CLOCK_TEXTS: [&str; 2] = ["signature expired", "signature not yet current"];
/// The operations whose expired token is the identity provider's.
pub const IDENTITY_CALLS: [&str; 2] = ["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"];

/// The family of an error code by the table alone, with or without EC2's `Client.` prefix.
pub fn family(code: &str) -> Option<Family> {
    in_table(code.as_bytes()).map(|at| CODES[at].1)
}

/// Where an error code stands in [`CODES`], with or without EC2's `Client.` prefix.
pub(crate) fn in_table(code: &[u8]) -> Option<usize> {
    let bare = code.strip_prefix(b"Client.").unwrap_or(code);
    CODES.binary_search_by_key(&bare, |(code, _)| code.as_bytes()).ok()
}

/// The family of a refusal by its code and text; `None` where it is not about credentials.
pub fn classify(code: &str, message: &str, event_name: &str) -> Option<Family> {
    let family = family(code)?;
    let message = message.to_ascii_lowercase();
    if message.contains(NOT_THE_CALLERS_KEY) {
        return None;
    }
    match family {
        Family::UnknownCredentials if code.ends_with(AUTH_FAILURE) => {
            message.contains(ABOUT_CREDENTIALS).then_some(Family::UnknownCredentials)
        }
        Family::Signature if CLOCK_TEXTS.iter().any(|text| message.contains(text)) => {
            Some(Family::Clock)
        }
        Family::ExpiredToken if IDENTITY_CALLS.contains(&event_name) => Some(Family::IdentityToken),
        family => Some(family),
    }
}

/// One refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How it became known. Predicted failures are made of callers, not of this.
    pub origin: Origin,
    /// The record's `eventID`; for a report, an ID made of its place and text.
    pub event_id: String,
    /// When; a client's log line may carry no time.
    pub time: Option<DateTime<Utc>>,
    /// The account, where it is known.
    pub account: Option<String>,
    /// The access key ID, where one was sent and is known.
    pub access_key_id: Option<String>,
    /// Where the call came from, or the log the report is in.
    pub source: String,
    /// The error code as the service wrote it.
    pub code: String,
    /// What that code means here.
    pub family: Family,
    /// The error's text.
    pub message: String,
    /// The service called, such as `sts.amazonaws.com`.
    pub event_source: Option<String>,
    /// The operation, such as `GetCallerIdentity`.
    pub event_name: Option<String>,
    /// The region called.
    pub region: Option<String>,
    /// Who AWS says made the call, where it says so at all.
    pub principal: Option<String>,
    /// The user agent: a hint, and hostile text.
    pub user_agent: String,
    /// The service's request ID.
    pub request_id: Option<String>,
    /// The HTTP status of the answer; reports only.
    pub status: Option<u16>,
    /// Where in a client's work the refusal came (`provider`, `backend`, …); reports only.
    pub stage: Option<&'static str>,
}

/// The refusal in a record: code, text and family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal<'a> {
    code: &'a str,
    message: &'a str,
    family: Family,
}

/// The refusal that a record shows, if it shows one.
///
/// The record's own code decides: the one at its top level, or, only where there is none, the one
/// directly in `responseElements`, where some services put the call's error
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>,
/// `errorCode`).
pub fn refusal(record: &Record) -> Option<Refusal<'_>> {
    let (code, message) = match record.error_code.as_deref() {
        Some(code) => (code, record.error_message.as_deref()),
        None => (
            record.response_elements.error_code.as_deref()?,
            record.response_elements.error_message.as_deref(),
        ),
    };
    let message = message.unwrap_or("");
    let family = classify(code, message, record.event_name.as_deref().unwrap_or(""))?;
    Some(Refusal { code, message, family })
}

/// The failure that a record with a refusal shows; `None` where it has no valid event ID or time,
/// so that it can be neither counted once nor placed in time.
pub fn recorded(record: &Record, refusal: &Refusal<'_>) -> Option<Failure> {
    Some(Failure {
        origin: Origin::Recorded,
        event_id: record.event_id.to_owned()?,
        time: Some(record.time()?),
        account: record.account().map(str::to_owned),
        access_key_id: record.access_key_id().map(str::to_owned),
        source: record.source().to_owned(),
        code: refusal.code.to_owned(),
        family: refusal.family,
        message: refusal.message.to_owned(),
        event_source: record.event_source.to_owned(),
        event_name: record.event_name.to_owned(),
        region: record.aws_region.to_owned(),
        principal: record.principal().map(str::to_owned),
        user_agent: record.user_agent().to_owned(),
        request_id: record.request_id.to_owned(),
        status: None,
        stage: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_no_code_twice() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn the_deployed_rules_watch_for_the_same_codes() {
        let patterns: serde_json::Value =
            serde_json::from_str(include_str!("../../../infra/patterns.json")).unwrap();
        assert_eq!(patterns["error_codes"], serde_json::json!(CODES.map(|(code, _)| code)));
    }

    #[test]
    fn matches_whole_codes_only() {
        assert_eq!(family("InvalidClientTokenId"), Some(Family::UnknownCredentials));
        assert_eq!(family("Client.AuthFailure"), Some(Family::UnknownCredentials));
        for code in [
            "",
            "Client.",
            "Client.Client.AuthFailure",
            "CloudTrailInvalidClientTokenIdException",
            "InvalidClientTokenId2",
            "invalidclienttokenid",
            "ExpiredIteratorException",
            "InvalidTokenId.NotFound",
            "OptInRequired",
            "NotAuthorized",
            "AccessDenied",
            "UnauthorizedOperation",
        ] {
            assert_eq!(family(code), None, "{code}");
        }
    }

    #[test]
    fn the_text_decides_where_a_code_has_two_meanings() {
        let cases = [
            (
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
                "",
                Some(Family::UnknownCredentials),
            ),
            ("AuthFailure", "Not authorized for images: [ami-1]", "", None),
            ("AuthFailure", "", "", None),
            ("InvalidClientTokenId", "No account found for the given parameters", "", None),
            (
                "SignatureDoesNotMatch",
                "Signature expired: 20260102T000000Z is now earlier than 20260102T001500Z",
                "",
                Some(Family::Clock),
            ),
            (
                "InvalidSignatureException",
                "Signature not yet current: 20260102T003000Z is still later than …",
                "",
                Some(Family::Clock),
            ),
            (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match",
                "",
                Some(Family::Signature),
            ),
            (
                "ExpiredTokenException",
                "Token expired: current date/time must be before the expiration date/time",
                "AssumeRoleWithWebIdentity",
                Some(Family::IdentityToken),
            ),
            (
                "ExpiredToken",
                "The security token included in the request is expired",
                "ListBuckets",
                Some(Family::ExpiredToken),
            ),
        ];
        for (code, message, event_name, expected) in cases {
            assert_eq!(classify(code, message, event_name), expected, "{code}: {message}");
        }
    }

    #[test]
    fn the_code_in_the_response_counts_only_where_there_is_none_at_the_top() {
        let base = r#""eventID":"e","eventTime":"2026-01-02T03:04:05Z""#;
        let inner = r#""responseElements":{"errorCode":"InvalidClientTokenId"}"#;
        let read = |text: String| {
            refusal(&Record::parse(text.as_bytes()).unwrap()).map(|refusal| refusal.code.to_owned())
        };
        assert!(read(format!("{{{base},{inner}}}")).is_some());
        assert!(read(format!(r#"{{{base},"errorCode":"AccessDenied",{inner}}}"#)).is_none());
        let nested = r#""responseElements":{"errors":[{"errorCode":"InvalidClientTokenId"}]}"#;
        assert!(read(format!("{{{base},{nested}}}")).is_none());
    }
}
