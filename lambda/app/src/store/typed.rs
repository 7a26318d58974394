//! What the core remembers, as items of a store.
//!
//! Knows how each thing is written down. Must not decide anything.

use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::alert::Incident;
use failure_monitor_core::left_behind::KeyChangeDetail;
use failure_monitor_core::state::{
    Coverage, GroupId, KeyRecord, SourceRecord, StoredFinding, Watch,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::LAST;
use super::{Item, Key, Refused, Store, Write};

/// Something with the version it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// What was read.
    pub value: T,
    /// Its version; 0 where it does not exist yet.
    pub version: u64,
}

/// A message that was decided on and is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The alert's ID, the same however often it is sent.
    pub alert_id: String,
    /// The subject.
    pub subject: String,
    /// The SNS message.
    pub body: String,
    /// When it was decided on.
    pub decided: DateTime<Utc>,
    /// Until then somebody is sending it; nobody else may.
    pub leased_until: DateTime<Utc>,
}

/// A store with the times after which what it keeps may go.
#[derive(Debug, Clone)]
pub struct Typed<S> {
    /// The store.
    pub store: S,
    /// How long marks of counted failures are kept.
    pub marks_for: TimeDelta,
    /// How long everything else is kept.
    pub findings_for: TimeDelta,
}

impl<S: Store> Typed<S> {
    /// The time after which what is written now may go.
    pub fn expiry(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        now.checked_add_signed(self.findings_for)
    }

    /// An item for a value.
    pub fn item<T: Serialize>(
        &self,
        key: Key,
        value: &T,
        version: u64,
        expires: Option<DateTime<Utc>>,
    ) -> anyhow::Result<Item> {
        Ok(Item { key, version, json: serde_json::to_string(value)?, expires })
    }

    async fn one<T: DeserializeOwned>(&self, key: Key) -> anyhow::Result<Option<Versioned<T>>> {
        let items = self.store.get(std::slice::from_ref(&key)).await?;
        items.first().map(read).transpose()
    }

    /// The findings of these groups, those that exist.
    pub async fn findings(&self, ids: &[GroupId]) -> anyhow::Result<Vec<Versioned<StoredFinding>>> {
        let keys: Vec<Key> = ids.iter().map(Key::finding).collect();
        self.store.get(&keys).await?.iter().map(read_finding).collect()
    }

    /// What is known of these keys.
    pub async fn key_records(&self, keys: &[Key]) -> anyhow::Result<Vec<Versioned<KeyRecord>>> {
        self.store.get(keys).await?.iter().map(read).collect()
    }

    /// What these sources were refused with.
    pub async fn sources(&self, sources: &[&str]) -> anyhow::Result<Vec<Versioned<SourceRecord>>> {
        let keys: Vec<Key> = sources.iter().map(|source| Key::source(source)).collect();
        self.store.get(&keys).await?.iter().map(read).collect()
    }

    /// Every incident that is kept.
    pub async fn incidents(&self) -> anyhow::Result<Vec<Versioned<Incident>>> {
        self.all(Key::INCIDENTS).await
    }

    /// These incidents, those that exist.
    pub async fn incidents_of(&self, ids: &[String]) -> anyhow::Result<Vec<Versioned<Incident>>> {
        let keys: Vec<Key> = ids.iter().map(|id| Key::incident(id)).collect();
        self.store.get(&keys).await?.iter().map(read).collect()
    }

    /// Every message that is still to be sent.
    pub async fn outbox(&self) -> anyhow::Result<Vec<Versioned<Outgoing>>> {
        self.all(Key::OUTBOX).await
    }

    /// Every key that is watched.
    pub async fn watches(&self) -> anyhow::Result<Vec<Versioned<Watch>>> {
        self.all(Key::WATCHES).await
    }

    /// What every intake has read.
    pub async fn coverage(&self) -> anyhow::Result<Vec<Versioned<Coverage>>> {
        let items = self.store.list(Key::COVERAGE, "", LAST).await?;
        items.iter().filter(|item| item.key != Key::canary()).map(read).collect()
    }

    /// What one intake has read in one region.
    pub async fn coverage_of(
        &self,
        intake: &str,
        region: &str,
    ) -> anyhow::Result<Versioned<Coverage>> {
        let known = self.one(Key::coverage(intake, region)).await?;
        Ok(known.unwrap_or_else(|| Versioned {
            value: Coverage {
                intake: intake.to_owned(),
                region: region.to_owned(),
                ..Coverage::default()
            },
            version: 0,
        }))
    }

    /// What the last canary showed.
    pub async fn canary(&self) -> anyhow::Result<Option<serde_json::Value>> {
        Ok(self.one(Key::canary()).await?.map(|kept| kept.value))
    }

    /// The key changes between two times, by time.
    pub async fn key_changes(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> anyhow::Result<Vec<KeyChangeDetail>> {
        let sort = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (first, last) = (sort(from), sort(to) + LAST);
        let mut changes = Vec::new();
        for month in months(from, to) {
            let items = self.store.list(&month, &first, &last).await?;
            for item in &items {
                changes.push(read::<KeyChangeDetail>(item)?.value);
            }
        }
        Ok(changes)
    }

    /// Writes one value; `Unfit` where somebody else wrote it since it was read.
    pub async fn put<T: Serialize>(
        &self,
        key: Key,
        value: &Versioned<T>,
        expires: Option<DateTime<Utc>>,
    ) -> Result<(), Refused> {
        let item = self.item(key, &value.value, value.version, expires)?;
        self.store.transact(&[Write::Put(item)]).await
    }

    /// Reads a value, changes it and writes it, anew where somebody else was faster. `change`
    /// returns false where there is nothing to write.
    pub async fn update<T: Serialize + DeserializeOwned + Default>(
        &self,
        key: &Key,
        expires: Option<DateTime<Utc>>,
        mut change: impl FnMut(&mut T) -> bool,
    ) -> anyhow::Result<T> {
        for _ in 0..TRIES {
            let mut known: Versioned<T> = self
                .one(key.clone())
                .await?
                .unwrap_or_else(|| Versioned { value: T::default(), version: 0 });
            if !change(&mut known.value) {
                return Ok(known.value);
            }
            match self.put(key.clone(), &known, expires).await {
                Ok(()) => return Ok(known.value),
                Err(Refused::Unfit(_)) => {}
                Err(Refused::Unavailable(err)) => return Err(err),
            }
        }
        anyhow::bail!("{} is being changed by too many at once", key.partition)
    }

    async fn all<T: DeserializeOwned>(&self, partition: &str) -> anyhow::Result<Vec<Versioned<T>>> {
        self.store.list(partition, "", LAST).await?.iter().map(read).collect()
    }
}

/// How often a change is tried anew where somebody else was faster. Of many in lockstep one gets
/// through in each round, so this must be more than functions run at a time; the store's own
/// deadline ends it sooner.
pub(super) const TRIES: usize = 60;

/// Reads what an item holds.
pub(super) fn read<T: DeserializeOwned>(item: &Item) -> anyhow::Result<Versioned<T>> {
    let value = serde_json::from_str(&item.json).map_err(|err| {
        anyhow::anyhow!("cannot read {} {}: {err}", item.key.partition, item.key.sort)
    })?;
    Ok(Versioned { value, version: item.version })
}

/// Reads a finding.
pub(super) fn read_finding(item: &Item) -> anyhow::Result<Versioned<StoredFinding>> {
    let Versioned { value, version } = read::<StoredFinding>(item)?;
    Ok(Versioned { value: value.restored(), version })
}

/// The partitions of key changes between two times.
fn months(from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<String> {
    let mut months = Vec::new();
    let mut day = from;
    while day <= to {
        let month = Key::change_month(day);
        if months.last() != Some(&month) {
            months.push(month);
        }
        match day.checked_add_signed(TimeDelta::days(1)) {
            Some(next) => day = next,
            None => break,
        }
    }
    let last = Key::change_month(to);
    if from <= to && !months.contains(&last) {
        months.push(last);
    }
    months
}
