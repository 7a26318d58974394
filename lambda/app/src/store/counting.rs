//! Counts each failure once, however often it comes: mark, finding and hour bucket change together.
//!
//! In one transaction stand the marks of some failures, the findings they belong to and their hour
//! buckets. Where a mark is there already, its failure was counted before and is taken out; where a
//! finding has changed since it was read, it is read again. Either way the transaction is tried
//! anew, so a retry, a second delivery or a second function at work never counts twice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use failure_monitor_core::failure::Failure;
use failure_monitor_core::group::GroupKey;
use failure_monitor_core::left_behind::LeftBehind;
use failure_monitor_core::state::{Bucket, GroupId, SourceRecord, StoredFinding, group_key};

use super::typed::{TRIES, Typed, Versioned, read_finding};
use super::{Counter, Item, Key, Refused, Store, Write};

/// What is to be counted.
#[derive(Debug, Default)]
pub struct Batch {
    /// Failures, duplicates among them.
    pub failures: Vec<Failure>,
    /// Predictions; their callers are counted as predicted failures.
    pub left_behind: Vec<LeftBehind>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Counted {
    /// The event IDs that were counted now.
    pub counted: BTreeSet<String>,
    /// How many failures had been counted before, in this batch or in another.
    pub duplicates: u64,
    /// The event IDs that could not be counted.
    pub failed: BTreeSet<String>,
    /// Why.
    pub error: Option<anyhow::Error>,
    /// All findings concerned, also those of failures counted before, as they are now.
    pub findings: BTreeMap<GroupId, StoredFinding>,
    /// How many items were written.
    pub writes: u64,
}

/// Explains a finding anew before it is written. Pure: it may be called more than once.
pub type Explain<'a> = &'a dyn Fn(&mut StoredFinding);

/// Failures of one group that go into one transaction.
struct Part<'a> {
    key: GroupKey,
    failures: Vec<&'a Failure>,
    left_behind: Option<&'a LeftBehind>,
}

/// Counts a batch. Sources' records of refused keys are kept up to date beside it.
pub async fn count<S: Store>(
    typed: &Typed<S>,
    batch: &Batch,
    by_event_source: bool,
    now: DateTime<Utc>,
    explain: Explain<'_>,
) -> Counted {
    let mut counted = Counted::default();
    let predicted: Vec<Failure> = batch.left_behind.iter().flat_map(LeftBehind::failures).collect();
    let mut groups: BTreeMap<GroupKey, Vec<&Failure>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for failure in batch.failures.iter().chain(&predicted) {
        if seen.insert(failure.event_id.as_str()) {
            // A prediction is of a key and a source, whatever else failures are grouped by.
            let by_event_source = by_event_source && failure.event_source.is_some();
            groups.entry(group_key(failure, by_event_source)).or_default().push(failure);
        } else {
            counted.duplicates += 1;
        }
    }
    // A key that went off twice may have left a source behind twice: the last time is the one to
    // tell. The callers of both are counted.
    let mut left_behind: BTreeMap<GroupKey, &LeftBehind> = BTreeMap::new();
    for left in &batch.left_behind {
        let Some(first) = left.failures().first().map(|first| group_key(first, false)) else {
            continue;
        };
        let last = left_behind.entry(first).or_insert(left);
        if last.since <= left.since {
            *last = left;
        }
    }

    for parts in transactions(groups, &left_behind, S::MOST_WRITES) {
        if let Err(err) = count_parts(typed, &parts, now, explain, &mut counted).await {
            let failed = parts.iter().flat_map(|part| &part.failures);
            counted.failed.extend(failed.map(|failure| failure.event_id.clone()));
            counted.error.get_or_insert(err);
        }
    }
    counted
}

/// Packs groups into transactions: each failure takes one change, each group two at least.
fn transactions<'a>(
    groups: BTreeMap<GroupKey, Vec<&'a Failure>>,
    left_behind: &BTreeMap<GroupKey, &'a LeftBehind>,
    most: usize,
) -> Vec<Vec<Part<'a>>> {
    let mut transactions: Vec<Vec<Part<'a>>> = Vec::new();
    let mut room = 0;
    for (key, mut failures) in groups {
        let left = left_behind.get(&key).copied();
        failures.sort_by(|a, b| (a.time, &a.event_id).cmp(&(b.time, &b.event_id)));
        let mut rest = failures.as_slice();
        while !rest.is_empty() {
            let mut taken = 0;
            let mut hours: BTreeSet<DateTime<Utc>> = BTreeSet::new();
            let mut cost = 1;
            for failure in rest {
                let hour = Bucket::place(failure, DateTime::UNIX_EPOCH).0;
                let more = 1 + usize::from(!hours.contains(&hour));
                if cost + more > room {
                    break;
                }
                hours.insert(hour);
                cost += more;
                taken += 1;
            }
            if taken == 0 {
                transactions.push(Vec::new());
                room = most;
                continue;
            }
            room -= cost;
            let (now, later) = rest.split_at(taken);
            if let Some(parts) = transactions.last_mut() {
                parts.push(Part { key: key.clone(), failures: now.to_vec(), left_behind: left });
            }
            rest = later;
        }
    }
    transactions
}

async fn count_parts<S: Store>(
    typed: &Typed<S>,
    parts: &[Part<'_>],
    now: DateTime<Utc>,
    explain: Explain<'_>,
    counted: &mut Counted,
) -> anyhow::Result<()> {
    let mut fresh: Vec<Vec<&Failure>> = parts.iter().map(|part| part.failures.clone()).collect();
    let mut duplicates = 0;
    for _ in 0..TRIES {
        let findings = current(typed, parts, now).await?;
        let mut writes = Vec::new();
        let mut marks: Vec<Option<(usize, usize)>> = Vec::new();
        let mut after = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let mut finding = findings[at].clone();
            let before = finding.value.clone();
            for failure in &fresh[at] {
                finding.value.count(failure, now);
            }
            if let Some(left) = part.left_behind {
                finding.value.take_left_behind(left.clone());
            }
            explain(&mut finding.value);
            if finding.value != before {
                let key = Key::finding(&finding.value.id());
                let item = typed.item(key, &finding.value, finding.version, typed.expiry(now))?;
                writes.push(Write::Put(item));
                marks.push(None);
            }
            for (index, failure) in fresh[at].iter().enumerate() {
                let expires = now.checked_add_signed(typed.marks_for).unwrap_or(now);
                writes.push(Write::Claim { key: Key::mark(&failure.event_id), expires });
                marks.push(Some((at, index)));
            }
            for raise in raises(typed, &part.key, &fresh[at], now)? {
                writes.push(raise);
                marks.push(None);
            }
            after.push(finding.value);
        }
        let result = match writes.is_empty() {
            true => Ok(()),
            false => typed.store.transact(&writes).await,
        };
        match result {
            Ok(()) => {
                counted.writes += writes.len() as u64;
                counted.duplicates += duplicates;
                let ids = fresh.iter().flatten().map(|failure| failure.event_id.clone());
                counted.counted.extend(ids);
                counted.findings.extend(after.into_iter().map(|found| (found.id(), found)));
                return Ok(());
            }
            Err(Refused::Unfit(places)) => {
                let taken: BTreeSet<(usize, usize)> = places
                    .iter()
                    .filter_map(|place| marks.get(*place).copied().flatten())
                    .collect();
                duplicates += taken.len() as u64;
                for (at, fresh) in fresh.iter_mut().enumerate() {
                    let mut index = 0;
                    fresh.retain(|_| {
                        index += 1;
                        !taken.contains(&(at, index - 1))
                    });
                }
            }
            Err(Refused::Unavailable(err)) => return Err(err),
        }
    }
    anyhow::bail!("the same findings are being changed by too many at once")
}

/// The findings of the parts as they are now, new ones among them, in the order of the parts.
async fn current<S: Store>(
    typed: &Typed<S>,
    parts: &[Part<'_>],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Versioned<StoredFinding>>> {
    let keys: Vec<Key> = parts.iter().map(|part| Key::finding(&GroupId::of(&part.key))).collect();
    let items: Vec<Item> = typed.store.get(&keys).await?;
    let finding = |part: &Part<'_>| {
        let id = GroupId::of(&part.key);
        let item = items.iter().find(|item| item.key == Key::finding(&id));
        let new = || StoredFinding::new(part.key.clone(), now);
        item.map_or_else(|| Ok(Versioned { value: new(), version: 0 }), read_finding)
    };
    parts.iter().map(finding).collect()
}

/// The hour buckets that failures of one group raise.
fn raises<S: Store>(
    typed: &Typed<S>,
    key: &GroupKey,
    failures: &[&Failure],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Write>> {
    let mut hours: BTreeMap<DateTime<Utc>, BTreeMap<Counter, u64>> = BTreeMap::new();
    for failure in failures {
        let (hour, slot) = Bucket::place(failure, now);
        *hours.entry(hour).or_default().entry((slot, failure.origin)).or_default() += 1;
    }
    let id = GroupId::of(key);
    let json = serde_json::to_string(key)?;
    let expires = typed.expiry(now).unwrap_or(now);
    let raise =
        |(hour, by)| Write::Raise { key: Key::bucket(hour, &id), json: json.clone(), by, expires };
    Ok(hours.into_iter().map(raise).collect())
}

/// Notes which keys sources were refused with. Called before failures are counted, so that a crash
/// in between loses nothing.
pub async fn note_sources<S: Store>(
    typed: &Typed<S>,
    failures: &[Failure],
    now: DateTime<Utc>,
) -> anyhow::Result<BTreeMap<String, SourceRecord>> {
    let names: BTreeSet<&str> = failures
        .iter()
        .filter(|failure| failure.access_key_id.is_some())
        .map(|failure| failure.source.as_str())
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let mut known: BTreeMap<String, SourceRecord> = typed
        .sources(&names)
        .await?
        .into_iter()
        .map(|kept| (kept.value.source.clone(), kept.value))
        .collect();
    for name in names {
        let of_source = || failures.iter().filter(|failure| failure.source == name);
        let mut record = known.remove(name).unwrap_or_default();
        // Nothing new is the usual case, and costs no write.
        if of_source().fold(false, |new, failure| record.clone().take(failure) | new) {
            let change = |record: &mut SourceRecord| {
                name.clone_into(&mut record.source);
                of_source().fold(false, |new, failure| record.take(failure) | new)
            };
            record = typed.update(&Key::source(name), typed.expiry(now), change).await?;
        }
        known.insert(name.to_owned(), record);
    }
    Ok(known)
}
