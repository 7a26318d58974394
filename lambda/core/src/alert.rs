//! Which findings are worth a message now, and why: incidents and the alert policy.
//!
//! An incident is what one person would handle at once: one access key, or one source where there is
//! no key or where it tries many. Must not know stores or channels; the time is a parameter.

mod content;
mod decide;
mod ignore;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use content::{
    Alert, AlertIncident, Context, Kind, Monitor, SCHEMA, alert, digest_alert, sample,
};
pub use decide::consider;

use crate::state::{GroupId, StoredFinding, digest};

/// When alerts are sent. Every number can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How many recorded and reported failures of an incident, within `window`, are worth an alert.
    pub threshold: usize,
    /// See `threshold`.
    pub window: TimeDelta,
    /// From how many keys on a source is an incident of its own.
    pub probing_keys: usize,
    /// The shortest time between two messages of one incident for a new cause or source.
    pub min_interval: TimeDelta,
    /// The first message that an incident goes on; the time doubles with each, up to
    /// `follow_up_max`.
    pub follow_up_first: TimeDelta,
    /// See `follow_up_first`.
    pub follow_up_max: TimeDelta,
    /// More alerts than this, due in one run or within `window`, become one digest.
    pub digest_over: usize,
    /// What no alert is sent for.
    pub ignore: Vec<IgnoreRule>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            threshold: 3,
            window: TimeDelta::minutes(15),
            probing_keys: 5,
            min_interval: TimeDelta::minutes(15),
            follow_up_first: TimeDelta::hours(1),
            follow_up_max: TimeDelta::hours(24),
            digest_over: 20,
            ignore: Vec::new(),
        }
    }
}

/// Failures that are counted but not told: all parts that are given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoreRule {
    /// This key.
    pub access_key_id: Option<String>,
    /// This source, or any address of this CIDR block.
    pub source: Option<String>,
    /// This principal.
    pub principal: Option<String>,
    /// Calls of this service only.
    pub event_source: Option<String>,
    /// Why, for whoever reads the summary.
    pub reason: Option<String>,
}

/// What an incident is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IncidentKey {
    /// The account, where it is known.
    pub account: Option<String>,
    /// The key, for an incident of a key.
    pub access_key_id: Option<String>,
    /// The source, for an incident of a source.
    pub source: Option<String>,
}

impl IncidentKey {
    /// The incident that a finding belongs to; `keys_tried` is how many keys its source was
    /// refused with.
    pub fn of(finding: &StoredFinding, keys_tried: usize, policy: &Policy) -> IncidentKey {
        let key = &finding.group.key;
        let of_source = finding.left_behind.is_none()
            && (key.access_key_id.is_none() || keys_tried >= policy.probing_keys);
        IncidentKey {
            account: key.account.clone(),
            access_key_id: key.access_key_id.clone().filter(|_| !of_source),
            source: of_source.then(|| key.source.clone()),
        }
    }

    /// A short, stable name, safe in any medium.
    pub fn id(&self) -> String {
        digest(&[self.account.as_deref(), self.access_key_id.as_deref(), self.source.as_deref()])
    }
}

/// Whether an incident still needs somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It does, or nobody knows better.
    Open,
    /// A record proves that every caller works again.
    Resolved,
}

/// Why a message is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// Nothing was told of this incident yet.
    New,
    /// The likely cause is another one now.
    NewCause,
    /// It comes from a new source, too.
    NewSource,
    /// It goes on.
    FollowUp,
    /// It is over.
    Closing,
}

impl Due {
    /// The name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Due::New => "new",
            Due::NewCause => "new-cause",
            Due::NewSource => "new-source",
            Due::FollowUp => "follow-up",
            Due::Closing => "closing",
        }
    }
}

/// An incident as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What it is about.
    pub key: IncidentKey,
    /// Whether it still needs somebody.
    pub status: Status,
    /// When it was first seen.
    pub opened: DateTime<Utc>,
    /// When it was resolved.
    pub resolved: Option<DateTime<Utc>>,
    /// The groups in it; at most 50, the rest is in `more_groups`.
    pub groups: Vec<GroupId>,
    /// How many groups are not in `groups`.
    pub more_groups: u64,
    /// The sources that were told.
    pub told_sources: Vec<String>,
    /// The most likely cause that was told last, by ID.
    pub told_cause: Option<String>,
    /// How many failures were there when it was told last.
    pub told_failures: u64,
    /// How many messages were due so far.
    pub alerts: u32,
    /// When the last one was.
    pub last_alert: Option<DateTime<Utc>>,
    /// Its ID.
    pub last_alert_id: Option<String>,
    /// How many follow-ups there were since it was opened or re-opened.
    pub follow_ups: u32,
    /// The latest failure, expected ones among them.
    pub last_failure: Option<DateTime<Utc>>,
    /// Whether a message was due since it was opened or re-opened, and none that it is over.
    #[serde(default)]
    pub told: bool,
    /// The latest recorded or reported failure when it was told last.
    #[serde(default)]
    pub told_until: Option<DateTime<Utc>>,
    /// How many messages for a new cause or source there were since it was opened or re-opened.
    #[serde(default)]
    pub changes: u32,
    /// Failures up to then were over with when it was resolved.
    #[serde(default)]
    pub settled: Option<DateTime<Utc>>,
    /// The groups that `more_groups` counts, by the beginning of their IDs.
    #[serde(default)]
    pub other_groups: BTreeSet<String>,
}

#[cfg(test)]
pub(crate) mod tests;
