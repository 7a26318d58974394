//! Where each kind of item is: partition and sort key. docs/state.md lists the access patterns.
//!
//! Must not know what is in the items. Names that strangers can write are digested: they may be of
//! any length.

use chrono::{DateTime, Utc};
use failure_monitor_core::state::{GroupId, digest};

/// A sort key that comes after every other.
pub(super) const LAST: &str = "~";

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What is read together.
    pub partition: String,
    /// The order inside.
    pub sort: String,
}

impl Key {
    fn new(partition: impl Into<String>, sort: impl Into<String>) -> Key {
        Key { partition: partition.into(), sort: sort.into() }
    }

    /// The mark of a counted failure.
    pub fn mark(event_id: &str) -> Key {
        Key::new(format!("mark#{}", digest(&[Some(event_id)])), "-")
    }

    /// A finding.
    pub fn finding(id: &GroupId) -> Key {
        Key::new(format!("finding#{}", id.as_str()), "-")
    }

    /// The failures of a group in an hour; a partition holds a day.
    pub fn bucket(hour: DateTime<Utc>, id: &GroupId) -> Key {
        Key::new(Key::bucket_day(hour), format!("{}#{}", hour.format("%H"), id.as_str()))
    }

    /// The partition of a day's buckets.
    pub fn bucket_day(time: DateTime<Utc>) -> String {
        format!("bucket#{}", time.format("%Y-%m-%d"))
    }

    /// What is known of a key, or, with an empty ID, of a user.
    pub fn key_record(access_key_id: &str, account: Option<&str>, user: Option<&str>) -> Key {
        let name = match access_key_id {
            "" => digest(&[account, user]),
            id => digest(&[Some(id)]),
        };
        Key::new(format!("key#{name}"), "-")
    }

    /// What a source was refused with.
    pub fn source(source: &str) -> Key {
        Key::new(format!("source#{}", digest(&[Some(source)])), "-")
    }

    /// A key change with what followed; a partition holds a month.
    pub fn change(time: DateTime<Utc>, event_id: &str) -> Key {
        let sort = format!("{}#{}", time.format("%Y-%m-%dT%H:%M:%SZ"), digest(&[Some(event_id)]));
        Key::new(Key::change_month(time), sort)
    }

    /// The partition of a month's key changes.
    pub fn change_month(time: DateTime<Utc>) -> String {
        format!("change#{}", time.format("%Y-%m"))
    }

    /// A key that is watched.
    pub fn watch(change_event_id: &str) -> Key {
        Key::new(Key::WATCHES, digest(&[Some(change_event_id)]))
    }

    /// An incident.
    pub fn incident(id: &str) -> Key {
        Key::new(Key::INCIDENTS, id)
    }

    /// A message that is to be sent.
    pub fn outgoing(alert_id: &str) -> Key {
        Key::new(Key::OUTBOX, alert_id)
    }

    /// What an intake has read in a region.
    pub fn coverage(intake: &str, region: &str) -> Key {
        Key::new(Key::COVERAGE, format!("{intake}#{region}"))
    }

    /// The result of the last canary.
    pub fn canary() -> Key {
        Key::new(Key::COVERAGE, "canary")
    }

    /// How many alerts were sent lately.
    pub fn pace() -> Key {
        Key::new("pace", "-")
    }

    pub(super) const WATCHES: &'static str = "watch";
    pub(super) const INCIDENTS: &'static str = "incident";
    pub(super) const OUTBOX: &'static str = "outbox";
    pub(super) const COVERAGE: &'static str = "coverage";
}
