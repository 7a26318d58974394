//! What is known of keys and sources, brought together for the causes.
//!
//! Must not judge. Everything is read before anything is counted, so that explaining is pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use failure_monitor_core::alert::Policy;
use failure_monitor_core::cause::{Evidence, KeyKnowledge, Situation};
use failure_monitor_core::causes;
use failure_monitor_core::failure::Failure;
use failure_monitor_core::key_change::Change;
use failure_monitor_core::state::{KeyRecord, SourceRecord, StoredFinding};
use failure_monitor_core::tally::Tally;

use super::Monitor;
use crate::notify::Notifier;
use crate::store::{Key, Store};

/// What is known for one run.
#[derive(Debug, Default)]
pub(super) struct Known {
    keys: HashMap<String, (KeyKnowledge, Vec<String>)>,
    tried: BTreeMap<String, BTreeMap<String, Tally>>,
    /// Owners by key, as the records at hand name them.
    owners: BTreeMap<String, String>,
}

impl Known {
    pub(super) fn with_sources(mut self, sources: BTreeMap<String, SourceRecord>) -> Known {
        for (source, record) in sources {
            let tally = |(key, (time, event_id)): (String, (Option<DateTime<Utc>>, String))| {
                let mut tally = Tally::default();
                tally.add(time, &event_id);
                (key, tally)
            };
            self.tried.insert(source, record.keys.into_iter().map(tally).collect());
        }
        self
    }

    pub(super) fn with_owners(mut self, owners: BTreeMap<String, String>) -> Known {
        self.owners = owners;
        self
    }

    /// Explains a finding with all that is known. Pure.
    pub(super) fn explain(&self, finding: &mut StoredFinding, policy: &Policy, now: DateTime<Utc>) {
        let none = (KeyKnowledge::default(), Vec::new());
        let nothing = BTreeMap::new();
        let id = finding.group.key.access_key_id.as_deref();
        let (key, facts) = id.and_then(|id| self.keys.get(id)).unwrap_or(&none);
        if key.user_name.is_some() {
            finding.user_name.clone_from(&key.user_name);
        } else if finding.user_name.is_none() {
            finding.user_name = id.and_then(|id| self.owners.get(id)).cloned();
        }
        let switched = key
            .changes
            .iter()
            .rfind(|change| !matches!(change.change, Change::Created | Change::Quarantined));
        finding.active_again =
            switched.filter(|change| change.change == Change::Reactivated).cloned();
        let situation = Situation {
            group: &finding.group,
            left_behind: finding.left_behind.as_ref(),
            key,
            keys_tried: self.tried.get(&finding.group.key.source).unwrap_or(&nothing),
            now,
        };
        let mut causes = causes::diagnose(&situation);
        // What IAM says stands beside the records; it does not choose the cause.
        if let Some(first) = causes.first_mut() {
            first.evidence.extend(facts.iter().map(|fact| Evidence::new(fact.clone(), Vec::new())));
        }
        finding.causes = causes;
        finding.ignored = policy.ignored(finding);
    }
}

impl<S: Store, N: Notifier> Monitor<S, N> {
    /// Reads what is known of the keys of failures, and of these others.
    pub(super) async fn knowing(
        &self,
        failures: &[Failure],
        others: &[String],
    ) -> anyhow::Result<Known> {
        let ids: BTreeSet<&str> = failures
            .iter()
            .filter_map(|failure| failure.access_key_id.as_deref())
            .chain(others.iter().map(String::as_str))
            .collect();
        if ids.is_empty() {
            return Ok(Known::default());
        }
        let keys: Vec<Key> = ids.iter().map(|id| Key::key_record(id, None, None)).collect();
        let records = self.typed.key_records(&keys).await?;
        let owners: BTreeSet<Key> = records.iter().filter_map(|kept| owner(&kept.value)).collect();
        let owners: Vec<Key> = owners.into_iter().collect();
        let users: HashMap<Key, KeyRecord> = self
            .typed
            .key_records(&owners)
            .await?
            .into_iter()
            .filter_map(|kept| Some((owner(&kept.value)?, kept.value)))
            .collect();
        let mut known = Known::default();
        for record in records.into_iter().map(|kept| kept.value) {
            let user = owner(&record).and_then(|key| users.get(&key));
            let id = record.access_key_id.clone();
            known.keys.insert(id, (knowledge(&record, user), record.facts.clone()));
        }
        Ok(known)
    }
}

/// Where the record of a key's owner is.
fn owner(record: &KeyRecord) -> Option<Key> {
    let user = record.user_name.as_deref()?;
    Some(Key::key_record("", record.account.as_deref(), Some(user)))
}

fn knowledge(record: &KeyRecord, user: Option<&KeyRecord>) -> KeyKnowledge {
    let of_user = user.into_iter().flat_map(|user| &user.changes);
    let mut changes: Vec<_> = record
        .changes
        .iter()
        .chain(of_user.filter(|change| change.access_key_id.is_none()))
        .cloned()
        .collect();
    changes.sort_by(|a, b| (a.time, a.change, &a.event_id).cmp(&(b.time, b.change, &b.event_id)));
    let others = user.into_iter().flat_map(|user| &user.uses);
    KeyKnowledge {
        changes,
        uses: record.uses.clone(),
        other_keys: others
            .filter(|one| one.caller.access_key_id != record.access_key_id)
            .cloned()
            .collect(),
        minted: record
            .mints
            .iter()
            .find(|mint| mint.access_key_id == record.access_key_id)
            .cloned(),
        user_name: record.user_name.clone(),
    }
}
