//! The life of access keys: who created, turned off, turned on or deleted one, and who minted a
//! session with one.
//!
//! Knows the IAM and STS operations concerned
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html>). Must not know
//! who used a key or what follows for them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::record::{self, Record};

/// What happened to a key, or to the user who owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// `CreateAccessKey`.
    Created,
    /// `UpdateAccessKey` to `Active`.
    Reactivated,
    /// `UpdateAccessKey` to `Inactive`.
    Deactivated,
    /// `DeleteAccessKey`.
    Deleted,
    /// `DeleteUser`: ends the user's keys and the sessions minted with them.
    UserDeleted,
    /// A policy `AWSCompromisedKeyQuarantine…` was put on the user: calls get AccessDenied, which is
    /// no credential failure, but somebody believes the key has leaked.
    Quarantined,
}

impl Change {
    /// The change in the past tense, as in "the access key was …".
    pub fn verb(self) -> &'static str {
        match self {
            Change::Created => "created",
            Change::Reactivated => "reactivated",
            Change::Deactivated => "deactivated",
            Change::Deleted => "deleted",
            Change::UserDeleted => "deleted with its user",
            Change::Quarantined => "quarantined",
        }
    }
}

/// One change that a record proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// The record that shows it.
    pub event_id: String,
    /// When the change was made.
    pub time: DateTime<Utc>,
    /// What was done.
    pub change: Change,
    /// The key; `None` for changes of a whole user.
    pub access_key_id: Option<String>,
    /// The account of the key.
    pub account: Option<String>,
    /// The user who owns the key; `None` for keys of the root user.
    pub user_name: Option<String>,
    /// Who made the change.
    pub changed_by: Option<String>,
    /// Where the change was made from.
    pub source: String,
    /// What it was made with.
    pub user_agent: String,
}

/// The operations whose records can be a [`KeyChange`].
pub const EVENT_NAMES: [&str; 6] = [
    "AttachUserPolicy",
    "CreateAccessKey",
    "DeleteAccessKey",
    "DeleteUser",
    "PutUserPolicy",
    "UpdateAccessKey",
];

/// How the names of the policies begin that AWS puts on users whose key has leaked.
pub const QUARANTINE: &str = "AWSCompromisedKeyQuarantine";

/// The key change that a record shows; only a call without an error changed anything.
pub fn key_change(record: &Record) -> Option<KeyChange> {
    if record.event_source.as_deref() != Some("iam.amazonaws.com") || !record.succeeded() {
        return None;
    }
    let asked = &record.request_parameters;
    let quarantine = |policy: Option<&str>| {
        policy.is_some_and(|policy| {
            let name = policy.rsplit_once('/').map_or(policy, |(_, name)| name);
            name.starts_with(QUARANTINE)
        })
    };
    let own_user = || record.user_identity.user_name.to_owned();
    let mut access_key_id = asked.access_key_id.to_owned();
    let mut user_name = asked.user_name.to_owned().or_else(own_user);
    let change = match record.event_name.as_deref()? {
        "CreateAccessKey" => {
            let made = &record.response_elements.access_key;
            access_key_id = Some(made.access_key_id.to_owned()?);
            user_name = made.user_name.to_owned().or(user_name);
            Change::Created
        }
        "UpdateAccessKey" => match asked.status.as_deref()? {
            status if status.eq_ignore_ascii_case("Active") => Change::Reactivated,
            status if status.eq_ignore_ascii_case("Inactive") => Change::Deactivated,
            _ => return None,
        },
        "DeleteAccessKey" => Change::Deleted,
        "DeleteUser" => Change::UserDeleted,
        "AttachUserPolicy" if quarantine(asked.policy_arn.as_deref()) => Change::Quarantined,
        "PutUserPolicy" if quarantine(asked.policy_name.as_deref()) => Change::Quarantined,
        _ => return None,
    };
    match change {
        Change::UserDeleted | Change::Quarantined => {
            access_key_id = None;
            user_name.as_ref()?;
        }
        _ => {
            access_key_id.as_ref()?;
        }
    }
    Some(KeyChange {
        event_id: record.event_id.to_owned()?,
        time: record.time()?,
        change,
        access_key_id,
        account: record.account().map(str::to_owned),
        user_name,
        changed_by: record.principal().map(str::to_owned),
        source: record.source().to_owned(),
        user_agent: record.user_agent().to_owned(),
    })
}

/// Whether a record shows a key change that cannot be used, because it has no valid event ID or
/// time.
pub fn is_incomplete(record: &Record) -> bool {
    if !record.event_id.is_none() && record.time().is_some() {
        return false;
    }
    let mut completed = record.clone();
    completed.event_id = "any".into();
    completed.event_time = "1970-01-01T00:00:00Z".into();
    key_change(&completed).is_some()
}

/// A session that a long-term key minted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mint {
    /// The record that shows it.
    pub event_id: String,
    /// When the session was minted.
    pub time: DateTime<Utc>,
    /// `GetSessionToken`, `GetFederationToken` or `AssumeRole`.
    pub event_name: String,
    /// The key that signed the request.
    pub parent_access_key_id: String,
    /// The session's own access key ID.
    pub access_key_id: String,
    /// When the session ends by itself, where the response says so.
    pub expires: Option<DateTime<Utc>>,
}

/// The operations whose records can be a [`Mint`].
pub const MINT_EVENT_NAMES: [&str; 3] = ["AssumeRole", "GetFederationToken", "GetSessionToken"];

/// The session that a record shows being minted by an access key.
pub fn mint(record: &Record) -> Option<Mint> {
    let event_name = record.event_name.as_deref()?;
    if record.event_source.as_deref() != Some("sts.amazonaws.com")
        || !MINT_EVENT_NAMES.contains(&event_name)
        || !record.succeeded()
    {
        return None;
    }
    let credentials = &record.response_elements.credentials;
    Some(Mint {
        event_id: record.event_id.to_owned()?,
        time: record.time()?,
        event_name: event_name.to_owned(),
        parent_access_key_id: record.access_key_id()?.to_owned(),
        access_key_id: credentials.access_key_id.to_owned()?,
        expires: credentials.expiration.as_deref().and_then(record::time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deployed_rules_watch_for_the_same_operations() {
        let patterns: serde_json::Value =
            serde_json::from_str(include_str!("../../../infra/patterns.json")).unwrap();
        assert_eq!(patterns["key_changes"], serde_json::json!(EVENT_NAMES));
    }

    fn read(event_name: &str, rest: &str) -> Option<KeyChange> {
        let text = format!(
            r#"{{"eventID":"e","eventTime":"2026-01-02T03:04:05Z","eventSource":"iam.amazonaws.com",
            "eventName":"{event_name}","userIdentity":{{"type":"IAMUser","userName":"admin",
            "arn":"arn:aws:iam::111122223333:user/admin","accountId":"111122223333"}},{rest}}}"#
        );
        key_change(&Record::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn reads_each_change() {
        let asked = |extra: &str| {
            format!(
                r#""requestParameters":{{"userName":"deploy","accessKeyId":"AKIADEPLOYCI1EXAMPLE"{extra}}}"#
            )
        };
        let cases = [
            ("UpdateAccessKey", asked(r#","status":"Inactive""#), Change::Deactivated),
            ("UpdateAccessKey", asked(r#","status":"Active""#), Change::Reactivated),
            ("DeleteAccessKey", asked(""), Change::Deleted),
        ];
        for (event_name, rest, change) in cases {
            let found = read(event_name, &rest).unwrap();
            assert_eq!(found.change, change);
            assert_eq!(found.access_key_id.as_deref(), Some("AKIADEPLOYCI1EXAMPLE"));
            assert_eq!(found.user_name.as_deref(), Some("deploy"));
            assert_eq!(found.changed_by.as_deref(), Some("arn:aws:iam::111122223333:user/admin"));
        }
        let created = read(
            "CreateAccessKey",
            r#""requestParameters":null,"responseElements":{"accessKey":
               {"accessKeyId":"AKIANEWKEY001EXAMPLE","userName":"deploy"}}"#,
        );
        assert_eq!(created.unwrap().access_key_id.as_deref(), Some("AKIANEWKEY001EXAMPLE"));
        let user = read("DeleteUser", r#""requestParameters":{"userName":"deploy"}"#).unwrap();
        assert_eq!((user.change, user.access_key_id), (Change::UserDeleted, None));
        let policy = r#""requestParameters":{"userName":"deploy","policyArn":"arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"}"#;
        assert_eq!(read("AttachUserPolicy", policy).unwrap().change, Change::Quarantined);
        assert!(read("AttachUserPolicy", &policy.replace("AWSComp", "Comp")).is_none());
    }

    #[test]
    fn a_user_may_change_their_own_key_without_a_name() {
        let rest =
            r#""requestParameters":{"accessKeyId":"AKIAADMINKEY1EXAMPLE","status":"Inactive"}"#;
        assert_eq!(read("UpdateAccessKey", rest).unwrap().user_name.as_deref(), Some("admin"));
    }

    #[test]
    fn a_change_without_a_time_is_incomplete() {
        let text = r#"{"eventID":"e","eventSource":"iam.amazonaws.com","eventName":"DeleteAccessKey",
            "requestParameters":{"accessKeyId":"AKIADEPLOYCI1EXAMPLE"}}"#;
        let record = Record::parse(text.as_bytes()).unwrap();
        assert!(key_change(&record).is_none() && is_incomplete(&record));
        let denied = text.replacen('{', r#"{"errorCode":"AccessDenied","#, 1);
        assert!(!is_incomplete(&Record::parse(denied.as_bytes()).unwrap()));
    }

    #[test]
    fn a_denied_call_changed_nothing() {
        let rest = r#""errorCode":"AccessDenied","requestParameters":{"accessKeyId":"AKIADEPLOYCI1EXAMPLE"}"#;
        assert!(read("DeleteAccessKey", rest).is_none());
        assert!(read("DeleteAccessKey", r#""requestParameters":null"#).is_none());
    }
}
