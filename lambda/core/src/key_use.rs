//! Successful uses of access keys.
//!
//! A use proves that a key was recognised at a time, for a caller. Must not know why somebody asks.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::record::Record;

/// One successful call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The record that shows it.
    pub event_id: String,
    /// When.
    pub time: DateTime<Utc>,
    /// Whose call it was.
    pub caller: Arc<Caller>,
    /// The service called.
    pub event_source: Arc<str>,
    /// The operation.
    pub event_name: Arc<str>,
    /// The region that answered.
    pub region: Arc<str>,
}

/// An access key in the hands of one client of one principal at one source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Caller {
    /// The key that signed.
    pub access_key_id: String,
    /// The caller's account.
    pub account: Option<String>,
    /// Where the calls came from.
    pub source: String,
    /// Who the caller is to AWS.
    pub principal: Option<String>,
    /// The IAM user's friendly name, for users.
    pub user_name: Option<String>,
    /// What the client says of itself.
    pub user_agent: String,
}

impl KeyUse {
    /// The use that a record shows: a call signed with a key and carried out without an error.
    pub fn of(record: &Record) -> Option<KeyUse> {
        if !record.succeeded() {
            return None;
        }
        let text = |text: Option<&str>| Arc::from(text.unwrap_or(""));
        Some(KeyUse {
            event_id: record.event_id.to_owned()?,
            time: record.time()?,
            caller: Arc::new(Caller {
                access_key_id: record.access_key_id()?.to_owned(),
                account: record.account().map(str::to_owned),
                source: record.source().to_owned(),
                principal: record.principal().map(str::to_owned),
                user_name: record.user_identity.user_name.to_owned(),
                user_agent: record.user_agent().to_owned(),
            }),
            event_source: text(record.event_source.as_deref()),
            event_name: text(record.event_name.as_deref()),
            region: text(record.aws_region.as_deref()),
        })
    }
}

/// Whether a source is an AWS service rather than an address: such a call was made by AWS on the
/// caller's behalf, so no copy of the key lives there.
pub fn is_service(source: &str) -> bool {
    source.parse::<IpAddr>().is_err() && source != "unknown"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_call_is_no_use() {
        let base = r#""eventID":"e","eventTime":"2026-01-02T03:04:05Z","userIdentity":{"accessKeyId":"AKIADEPLOYCI1EXAMPLE"}"#;
        let read = |text: String| KeyUse::of(&Record::parse(text.as_bytes()).unwrap());
        assert!(read(format!("{{{base}}}")).is_some());
        assert!(read(format!(r#"{{{base},"errorCode":"AccessDenied"}}"#)).is_none());
        assert!(read(format!(r#"{{{base},"errorMessage":"Failed authentication"}}"#)).is_none());
    }

    #[test]
    fn addresses_are_not_services() {
        for source in ["192.0.2.1", "2001:db8::1", "unknown"] {
            assert!(!is_service(source), "{source}");
        }
        for source in ["AWS Internal", "cloudformation.amazonaws.com"] {
            assert!(is_service(source), "{source}");
        }
    }
}
