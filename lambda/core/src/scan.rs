//! The whole core in one place: what was read goes in, an outcome comes out.
//!
//! A scan takes two looks (see `look`). The first takes failures, key changes and minted sessions; from them
//! follows which keys and owners matter ([`Scan::interest`]), and the second look takes the
//! successful uses of those only. Parts may be added in any order, and twice: the outcome is the
//! same.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};

use crate::cause::{KeyKnowledge, Situation};
use crate::causes;
use crate::failure::{Failure, Family, Origin};
use crate::finding::{Finding, Outcome, Read, SCHEMA, Warning};
use crate::group::{Group, GroupKey};
use crate::key_change::{Change, KeyChange, Mint};
use crate::key_use::KeyUse;
use crate::knowledge::Knowledge;
use crate::left_behind::{self, LeftBehind};
use crate::look::FirstLook;
use crate::record::Record;
use crate::settings::Settings;
use crate::state::{Bucket, Coverage, StoredFinding};
use crate::summary::Material;
use crate::tally::Tally;

/// An IAM user: account and friendly name.
pub type Owner = (Option<String>, String);

/// A scan under way.
#[derive(Debug)]
pub struct Scan {
    settings: Settings,
    now: DateTime<Utc>,
    read: Read,
    warnings: Vec<Warning>,
    counted: HashSet<String>,
    groups: BTreeMap<GroupKey, Group>,
    buckets: BTreeMap<(DateTime<Utc>, GroupKey), Bucket>,
    /// Keys refused as unknown, by source, before filters.
    keys_tried: BTreeMap<String, BTreeMap<String, Tally>>,
    key_changes: BTreeMap<String, KeyChange>,
    mints: BTreeMap<String, Mint>,
    owners: BTreeSet<(String, Owner)>,
    uses: BTreeMap<String, KeyUse>,
}

impl Scan {
    /// A scan that has read nothing. `now` tells which sessions are still live.
    pub fn new(settings: Settings, now: DateTime<Utc>) -> Scan {
        Scan {
            settings,
            now,
            read: Read::default(),
            warnings: Vec::new(),
            counted: HashSet::new(),
            groups: BTreeMap::new(),
            buckets: BTreeMap::new(),
            keys_tried: BTreeMap::new(),
            key_changes: BTreeMap::new(),
            mints: BTreeMap::new(),
            owners: BTreeSet::new(),
            uses: BTreeMap::new(),
        }
    }

    /// Adds what the first look at a file gave.
    pub fn add(&mut self, file: &str, look: FirstLook) {
        for (reason, count) in &look.problems {
            self.warn(file, format!("{count} skipped: {reason}"));
        }
        self.read.merge(&look.read);
        for failure in &look.failures {
            if !self.add_failure(failure) {
                self.read.duplicates += 1;
            }
        }
        for change in look.key_changes {
            self.key_changes.insert(change.event_id.clone(), change);
        }
        self.add_mints(look.mints);
        self.owners.extend(look.owners);
        for failure in &look.reports {
            self.add_failure(failure);
        }
    }

    /// Counts a failure of any origin; false where it was counted before.
    pub fn add_failure(&mut self, failure: &Failure) -> bool {
        if !self.counted.insert(failure.event_id.clone()) {
            return false;
        }
        if let (Some(id), Family::UnknownCredentials) = (&failure.access_key_id, failure.family) {
            let tried = self.keys_tried.entry(failure.source.clone()).or_default();
            tried.entry(id.clone()).or_default().add(failure.time, &failure.event_id);
        }
        if self.shows(failure) {
            let key = GroupKey {
                account: failure.account.clone(),
                access_key_id: failure.access_key_id.clone(),
                source: failure.source.clone(),
                event_source: failure
                    .event_source
                    .clone()
                    .filter(|_| self.settings.group_by_event_source),
            };
            self.add_to_bucket(&key, failure);
            self.groups.entry(key).or_insert_with_key(|key| Group::new(key.clone())).add(failure);
        } else {
            self.read.filtered += 1;
        }
        true
    }

    fn add_to_bucket(&mut self, key: &GroupKey, failure: &Failure) {
        let (hour, slot) = Bucket::place(failure, self.now);
        let bucket = self.buckets.entry((hour, key.clone())).or_insert_with(|| Bucket {
            hour,
            group: key.clone(),
            slots: BTreeMap::new(),
        });
        bucket.slots.entry(slot).or_default().count(failure.origin);
    }

    /// Adds something that could not be read.
    pub fn warn(&mut self, file: impl Into<String>, reason: impl Into<String>) {
        self.warnings.push(Warning { file: file.into(), reason: reason.into() });
    }

    /// Adds to the accounting of the run what belongs to no look.
    pub fn count(&mut self, read: &Read) {
        self.read.merge(read);
    }

    /// The keys whose uses the second look must bring: those that changed or fail, the sessions
    /// minted with them, and everything else of their owners.
    pub fn interest(&self) -> BTreeSet<String> {
        let mut keys: BTreeSet<String> =
            self.keys_tried.values().flat_map(|keys| keys.keys().cloned()).collect();
        keys.extend(self.groups.keys().filter_map(|key| key.access_key_id.clone()));
        let mut users: BTreeSet<Owner> = BTreeSet::new();
        for change in self.key_changes.values() {
            match change.change {
                Change::Deactivated | Change::Deleted | Change::Reactivated => {
                    keys.extend(change.access_key_id.clone());
                }
                // Without a refusal or a key turned off there is nothing to ask about them.
                Change::Created | Change::Quarantined => continue,
                Change::UserDeleted => {}
            }
            users.extend(change.user_name.clone().map(|name| (change.account.clone(), name)));
        }
        users.extend(
            self.owners
                .iter()
                .filter(|(key, _)| keys.contains(key))
                .map(|(_, owner)| owner.clone()),
        );
        keys.extend(
            self.owners
                .iter()
                .filter(|(_, owner)| users.contains(owner))
                .map(|(key, _)| key.clone()),
        );
        for change in self.key_changes.values() {
            let owner = change.user_name.clone().map(|name| (change.account.clone(), name));
            if owner.is_some_and(|owner| users.contains(&owner)) {
                keys.extend(change.access_key_id.clone());
            }
        }
        for mint in self.mints.values() {
            if keys.contains(&mint.parent_access_key_id) {
                keys.insert(mint.access_key_id.clone());
            }
        }
        keys
    }

    /// Adds sessions that the second look brought; they may add to the interest.
    pub fn add_mints(&mut self, mints: Vec<Mint>) {
        for mint in mints {
            self.mints.insert(mint.event_id.clone(), mint);
        }
    }

    /// Adds uses that the second look brought.
    pub fn add_uses(&mut self, uses: Vec<KeyUse>) {
        for key_use in uses {
            self.uses.entry(key_use.event_id.clone()).or_insert(key_use);
        }
    }

    /// Groups, explains and sorts.
    pub fn finish(self) -> Outcome {
        self.conclude(|_| {})
    }

    /// Groups, explains and gives what a summary is made of; predictions are counted when they
    /// begin.
    pub fn material(mut self) -> Material {
        let now = self.now;
        let mut buckets = std::mem::take(&mut self.buckets);
        let mut findings = Vec::new();
        let mut predicted = Scan::new(self.settings.clone(), now);
        let outcome = self.conclude(|situation| {
            let key = situation.group.key.clone();
            let mut stored = StoredFinding::new(key.clone(), now);
            stored.group = situation.group.clone();
            stored.user_name.clone_from(&situation.key.user_name);
            stored.causes = causes::diagnose(situation);
            if let Some(left) = situation.left_behind {
                for failure in left.failures() {
                    predicted.add_to_bucket(&key, &failure);
                }
                stored.take_left_behind(left.clone());
            }
            findings.push(stored);
        });
        for (place, more) in predicted.buckets {
            let bucket = buckets
                .entry(place)
                .or_insert_with(|| Bucket { slots: BTreeMap::new(), ..more.clone() });
            for (slot, origins) in more.slots {
                bucket.slots.entry(slot).or_default().add(origins);
            }
        }
        let read = outcome.read;
        let files = |intake: &str, seen, skipped| Coverage {
            intake: intake.to_owned(),
            last_run: Some(now),
            seen,
            skipped,
            ..Coverage::default()
        };
        let records = (read.seen > 0).then(|| files("trail-file", read.seen, read.skipped));
        let logs = (read.lines > 0).then(|| files("client-log", read.lines, 0));
        Material {
            buckets: buckets.into_values().collect(),
            findings,
            key_changes: outcome.key_changes,
            coverage: records.into_iter().chain(logs).collect(),
            problems: outcome
                .warnings
                .into_iter()
                .map(|warning| format!("{}: {}", warning.file, warning.reason))
                .collect(),
            ..Material::default()
        }
    }

    /// Like [`Scan::finish`], and lets each group be looked at as the causes see it.
    pub fn conclude(mut self, mut look: impl FnMut(&Situation<'_>)) -> Outcome {
        let changes: Vec<KeyChange> = self.key_changes.values().cloned().collect();
        let mints: Vec<Mint> = self.mints.values().cloned().collect();
        let uses: Vec<KeyUse> = std::mem::take(&mut self.uses).into_values().collect();
        let mut aftermath =
            left_behind::aftermath(&changes, &mints, &uses, self.settings.look_back, self.now);
        let mut left_behind: BTreeMap<GroupKey, LeftBehind> = BTreeMap::new();
        for left in std::mem::take(&mut aftermath.left_behind) {
            let callers = left.callers.len() as u64;
            if !self.shows_left_behind(&left) {
                self.read.filtered += callers;
                continue;
            }
            let key = GroupKey {
                account: left.account.clone(),
                access_key_id: Some(left.access_key_id.clone()),
                source: left.source.clone(),
                event_source: None,
            };
            let group = self.groups.entry(key.clone()).or_insert_with(|| Group::new(key.clone()));
            group.origins.predicted += callers;
            left_behind.insert(key, left);
        }
        let filter = &self.settings.filter;
        aftermath.key_changes.retain(|detail| {
            filter.shows_time(Some(detail.change.time))
                && filter.shows_key(detail.change.access_key_id.as_deref())
                && filter.shows_account(detail.change.account.as_deref())
        });

        let knowledge = Knowledge::new(&changes, &mints, &uses, &self.owners);
        let mut findings = Vec::with_capacity(self.groups.len());
        self.each_situation(&knowledge, &left_behind, |situation| {
            look(situation);
            findings.push(Finding::new(
                situation.group,
                situation.left_behind,
                situation.key.user_name.clone(),
                causes::diagnose(situation),
            ));
        });
        findings.sort_by(|a, b| {
            (a.resolved.is_some().cmp(&b.resolved.is_some()))
                .then_with(|| b.latest().cmp(&a.latest()))
                .then_with(|| a.access_key_id.cmp(&b.access_key_id))
                .then_with(|| a.source.cmp(&b.source))
                .then_with(|| a.account.cmp(&b.account))
                .then_with(|| a.event_source.cmp(&b.event_source))
        });
        self.warnings.sort();
        Outcome {
            schema: SCHEMA,
            read: self.read,
            findings,
            key_changes: aftermath.key_changes,
            warnings: self.warnings,
        }
    }

    fn each_situation(
        &self,
        knowledge: &Knowledge<'_>,
        left_behind: &BTreeMap<GroupKey, LeftBehind>,
        mut look: impl FnMut(&Situation<'_>),
    ) {
        let none = KeyKnowledge::default();
        let nothing_tried = BTreeMap::new();
        let mut known: BTreeMap<&str, KeyKnowledge> = BTreeMap::new();
        for id in self.groups.keys().filter_map(|key| key.access_key_id.as_deref()) {
            known.entry(id).or_insert_with(|| knowledge.of(id));
        }
        for (key, group) in &self.groups {
            let of_key = key.access_key_id.as_deref().and_then(|id| known.get(id));
            look(&Situation {
                group,
                left_behind: left_behind.get(key),
                key: of_key.unwrap_or(&none),
                keys_tried: self.keys_tried.get(&key.source).unwrap_or(&nothing_tried),
                now: self.now,
            });
        }
    }

    fn shows(&self, failure: &Failure) -> bool {
        let filter = &self.settings.filter;
        filter.shows_origin(failure.origin)
            && filter.shows_time(failure.time)
            && filter.shows_key(failure.access_key_id.as_deref())
            && filter.shows_source(&failure.source)
            && filter.shows_account(failure.account.as_deref())
            && filter.shows_region(failure.region.as_deref().into_iter())
    }

    fn shows_left_behind(&self, left: &LeftBehind) -> bool {
        let filter = &self.settings.filter;
        let regions = left.callers.iter().flat_map(|caller| &caller.regions);
        filter.shows_origin(Origin::Predicted)
            && filter.shows_time(Some(left.since))
            && filter.shows_key(Some(&left.access_key_id))
            && filter.shows_source(&left.source)
            && filter.shows_account(left.account.as_deref())
            && filter.shows_region(regions.map(String::as_str))
    }
}

/// A scan of records that are all at hand.
pub fn of_records(records: &[Record], settings: Settings, now: DateTime<Utc>) -> Scan {
    let mut look = FirstLook::default();
    records.iter().for_each(|record| look.take(record));
    let mut scan = Scan::new(settings, now);
    scan.add("records", look);
    let interest = scan.interest();
    let of_interest = |key_use: &KeyUse| interest.contains(&key_use.caller.access_key_id);
    scan.add_uses(records.iter().filter_map(KeyUse::of).filter(of_interest).collect());
    scan
}

#[cfg(test)]
mod tests;
