//! What is remembered between runs: findings, hour buckets, keys, watches and coverage.
//!
//! Knows how each of them grows and how it stays small. Must not know where they are kept. Every
//! count here is exact as long as each failure is handed over once; the store sees to that.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cause::{Diagnosis, UseTally};
use crate::client::Client;
use crate::failure::{Failure, Family, Origin};
use crate::finding::Finding;
use crate::group::{Group, GroupKey, Origins};
use crate::key_change::{KeyChange, Mint};
use crate::key_use::KeyUse;
use crate::knowledge::tallies;
use crate::left_behind::LeftBehind;

mod bounds;
mod coverage;

pub use bounds::{FINDING_BYTES, keep_change_small};
pub use coverage::{Coverage, TimeRange};

/// How many times of the latest failures a finding keeps, for the threshold of alerts; the most
/// that a threshold may be.
pub const RECENT: usize = 100;

/// A name for a group that is short, stable and safe in any medium: 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupId(String);

impl GroupId {
    /// The ID of the group with this key.
    pub fn of(key: &GroupKey) -> GroupId {
        GroupId(digest(&[
            key.account.as_deref(),
            key.access_key_id.as_deref(),
            Some(&key.source),
            key.event_source.as_deref(),
        ]))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for GroupId {
    /// An ID that was written down before.
    fn from(digits: String) -> GroupId {
        GroupId(digits)
    }
}

/// A digest of parts that keeps them apart: 32 hexadecimal digits.
pub fn digest(parts: &[Option<&str>]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        match part {
            Some(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text.as_bytes());
            }
            None => hash.update([0]),
        }
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The key of the group that a failure belongs to.
pub fn group_key(failure: &Failure, by_event_source: bool) -> GroupKey {
    GroupKey {
        account: failure.account.clone(),
        access_key_id: failure.access_key_id.clone(),
        source: failure.source.clone(),
        event_source: failure.event_source.clone().filter(|_| by_event_source),
    }
}

/// A finding as it is kept: everything counted so far, and what it was explained with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFinding {
    /// What was counted.
    pub group: Group,
    /// The callers expected to fail, where the group holds a prediction.
    pub left_behind: Option<LeftBehind>,
    /// The change that made the key active again, where no use proves yet that its callers work.
    #[serde(default)]
    pub active_again: Option<KeyChange>,
    /// What the clients of those callers say of themselves, by label.
    #[serde(default)]
    callers: BTreeMap<String, Client>,
    /// The user who owns the key, where a record or an IAM answer says so.
    pub user_name: Option<String>,
    /// What explains it, most likely first.
    pub causes: Vec<Diagnosis>,
    /// When the latest recorded and reported failures were, ascending; at most [`RECENT`].
    #[serde(default)]
    pub recent: Vec<DateTime<Utc>>,
    /// Why no alert is sent for it: the reason of the `ignore` rule that fits.
    #[serde(default)]
    pub ignored: Option<String>,
    /// What could not be read when it was explained, in sentences without a full stop.
    #[serde(default)]
    pub unread: Vec<String>,
    /// The first and the last moment at which something of it was counted.
    pub first_counted: DateTime<Utc>,
    /// See `first_counted`.
    pub last_counted: DateTime<Utc>,
}

impl StoredFinding {
    /// A finding without failures.
    pub fn new(key: GroupKey, now: DateTime<Utc>) -> StoredFinding {
        StoredFinding {
            group: Group::new(key),
            left_behind: None,
            active_again: None,
            callers: BTreeMap::new(),
            user_name: None,
            causes: Vec::new(),
            recent: Vec::new(),
            ignored: None,
            unread: Vec::new(),
            first_counted: now,
            last_counted: now,
        }
    }

    /// The ID of its group.
    pub fn id(&self) -> GroupId {
        GroupId::of(&self.group.key)
    }

    /// Counts a failure that was not counted before.
    pub fn count(&mut self, failure: &Failure, now: DateTime<Utc>) {
        let failure = &*bounds::short(failure);
        self.group.add(failure);
        self.last_counted = self.last_counted.max(now);
        if failure.origin != Origin::Predicted {
            let time = failure.time.unwrap_or(now);
            let place = self.recent.partition_point(|other| *other <= time);
            self.recent.insert(place, time);
            if self.recent.len() > RECENT {
                self.recent.remove(0);
            }
        }
        bounds::keep_small(&mut self.group);
    }

    /// Takes what is now known of the callers left behind. A proof that they work again stays, as
    /// long as the key was not turned off anew.
    pub fn take_left_behind(&mut self, mut left: LeftBehind) {
        if let Some(known) = &self.left_behind {
            if known.since > left.since {
                return;
            }
            if known.change.event_id == left.change.event_id {
                left.resolved = left.resolved.or_else(|| known.resolved.clone());
                if known.uses.count > left.uses.count {
                    left.uses = known.uses.clone();
                    left.callers.clone_from(&known.callers);
                }
            }
        }
        bounds::callers(&mut left);
        self.callers = left
            .callers
            .iter()
            .map(|caller| (caller.client.clone(), caller.parsed.clone()))
            .collect();
        self.left_behind = Some(left);
    }

    /// Puts back what the form in which it is kept leaves out; after reading.
    pub fn restored(mut self) -> StoredFinding {
        for caller in self.left_behind.iter_mut().flat_map(|left| &mut left.callers) {
            if let Some(client) = self.callers.get(&caller.client) {
                caller.parsed = client.clone();
            }
        }
        self
    }

    /// The finding in the shape of the machine output.
    pub fn finding(&self) -> Finding {
        Finding::new(
            &self.group,
            self.left_behind.as_ref(),
            self.user_name.clone(),
            self.causes.clone(),
        )
    }
}

/// The failures of one group in one hour, by five minutes and origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// The beginning of the hour.
    pub hour: DateTime<Utc>,
    /// Whose failures.
    pub group: GroupKey,
    /// Counts by the five minutes of the hour, 0 to 11.
    pub slots: BTreeMap<u8, Origins>,
}

impl Bucket {
    /// The hour and the five minutes of it to which a failure belongs; a failure without a time of
    /// its own belongs to the time at which it was counted.
    pub fn place(failure: &Failure, now: DateTime<Utc>) -> (DateTime<Utc>, u8) {
        let time = failure.time.unwrap_or(now);
        let hour = time.duration_trunc(TimeDelta::hours(1)).unwrap_or(time);
        (hour, (time.minute() / 5) as u8)
    }

    /// All of the hour together.
    pub fn total(&self) -> Origins {
        self.slots.values().fold(Origins::default(), |mut sum, slot| {
            sum.add(*slot);
            sum
        })
    }
}

/// What records have shown of one access key, or of a whole user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The key; empty for a user.
    pub access_key_id: String,
    /// The account of its owner.
    pub account: Option<String>,
    /// Its owner.
    pub user_name: Option<String>,
    /// Its changes, by time.
    pub changes: Vec<KeyChange>,
    /// Sessions minted with it.
    pub mints: Vec<Mint>,
    /// What the last look at its uses showed, the most frequent ones; for a user, those of all of
    /// the user's keys.
    #[serde(default)]
    pub uses: Vec<UseTally>,
    /// What IAM said, in sentences.
    #[serde(default)]
    pub facts: Vec<String>,
    /// When its uses were looked up last.
    #[serde(default)]
    pub looked_up: Option<DateTime<Utc>>,
}

impl KeyRecord {
    /// Notes a change; false where it was known.
    pub fn take(&mut self, change: &KeyChange) -> bool {
        if self.changes.iter().any(|known| known.event_id == change.event_id) {
            return false;
        }
        self.account = self.account.take().or_else(|| change.account.clone());
        self.user_name = self.user_name.take().or_else(|| change.user_name.clone());
        let mut change = change.clone();
        bounds::change(&mut change);
        self.changes.push(change);
        self.changes
            .sort_by(|a, b| (a.time, a.change, &a.event_id).cmp(&(b.time, b.change, &b.event_id)));
        bounds::newest(&mut self.changes);
        true
    }

    /// Notes the uses that a look at all of them showed.
    pub fn take_uses<'a>(&mut self, uses: impl Iterator<Item = &'a KeyUse>) {
        self.uses = tallies(uses);
        bounds::uses(&mut self.uses);
    }

    /// Notes a minted session; false where it was known.
    pub fn take_mint(&mut self, mint: &Mint) -> bool {
        if self.mints.iter().any(|known| known.event_id == mint.event_id) {
            return false;
        }
        self.mints.push(mint.clone());
        self.mints.sort_by(|a, b| (a.time, &a.event_id).cmp(&(b.time, &b.event_id)));
        bounds::newest(&mut self.mints);
        true
    }
}

impl Watch {
    /// Notes a minted session.
    pub fn take_mint(&mut self, mint: &Mint) {
        if !self.mints.iter().any(|known| known.event_id == mint.event_id) {
            self.mints.push(mint.clone());
            bounds::newest(&mut self.mints);
        }
    }
}

/// The key IDs that one source was refused with, for telling apart who tries keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The source.
    pub source: String,
    /// By access key ID: the first refusal, and when it was. At most [`SourceRecord::MOST`] keys.
    pub keys: BTreeMap<String, (Option<DateTime<Utc>>, String)>,
}

impl SourceRecord {
    /// How many keys are kept: more than any rule asks for.
    pub const MOST: usize = 50;
    /// The most bytes that a key ID has
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>).
    const ID_BYTES: usize = 128;

    /// Notes the key of a refusal; false where nothing new is to be kept.
    pub fn take(&mut self, failure: &Failure) -> bool {
        let Some(id) = &failure.access_key_id else { return false };
        if failure.family != Family::UnknownCredentials
            || failure.origin == Origin::Predicted
            || self.keys.contains_key(id)
            || self.keys.len() >= SourceRecord::MOST
            || id.len() > SourceRecord::ID_BYTES
        {
            return false;
        }
        let event_id = bounds::short(failure).event_id.clone();
        self.keys.insert(id.clone(), (failure.time, event_id));
        true
    }
}

/// A key that was turned off and whose earlier users are still to be found, or watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The key; empty where a whole user was deleted.
    pub access_key_id: String,
    /// Its account.
    pub account: Option<String>,
    /// Its owner.
    pub user_name: Option<String>,
    /// The change that turned it off.
    pub change: KeyChange,
    /// Regions in which the uses before the change are still to be looked up.
    pub unread_regions: Vec<String>,
    /// Look again at this time: uses may show late.
    pub again_at: Option<DateTime<Utc>>,
    /// What was left behind, to be watched until it is seen to work.
    pub groups: Vec<GroupId>,
    /// Sessions that other keys minted and its callers may use.
    #[serde(default)]
    pub mints: Vec<Mint>,
    /// Watched until then.
    pub until: DateTime<Utc>,
}

#[cfg(test)]
mod tests;
