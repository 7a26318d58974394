//! Everything that a summary of a time span needs, in requests that grow with buckets and groups,
//! never with failures.

use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::alert::{Incident, Status};
use failure_monitor_core::failure::Origin;
use failure_monitor_core::group::{GroupKey, Origins};
use failure_monitor_core::state::{Bucket, GroupId, StoredFinding};
use failure_monitor_core::summary::{Material, Window};

use super::keys::LAST;
use super::{Key, Raised, Store, Typed};

/// The hour buckets between two times, by time.
pub async fn buckets<S: Store>(
    typed: &Typed<S>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> anyhow::Result<Vec<Bucket>> {
    let mut buckets = Vec::new();
    let mut day = from.date_naive();
    while day <= to.date_naive() {
        let start = day.and_time(chrono::NaiveTime::MIN).and_utc();
        let first = if from > start { from.format("%H").to_string() } else { String::new() };
        let last = if day == to.date_naive() {
            to.format("%H").to_string() + "#" + LAST
        } else {
            LAST.to_owned()
        };
        let raised = typed.store.counters(&Key::bucket_day(start), &first, &last).await?;
        for raised in raised {
            buckets.push(bucket(start, &raised)?);
        }
        let Some(next) = day.succ_opt() else { break };
        day = next;
    }
    Ok(buckets)
}

fn bucket(day: DateTime<Utc>, raised: &Raised) -> anyhow::Result<Bucket> {
    let hour: u8 = raised.key.sort.get(..2).and_then(|hour| hour.parse().ok()).unwrap_or(0);
    let group: GroupKey = serde_json::from_str(&raised.json)?;
    let mut bucket =
        Bucket { hour: day + TimeDelta::hours(hour.into()), group, slots: Default::default() };
    for ((slot, origin), count) in &raised.counts {
        let origins: &mut Origins = bucket.slots.entry(*slot).or_default();
        match origin {
            Origin::Recorded => origins.recorded += count,
            Origin::Reported => origins.reported += count,
            Origin::Predicted => origins.predicted += count,
        }
    }
    Ok(bucket)
}

/// The IDs of the groups that occur in buckets.
pub fn groups(buckets: &[Bucket]) -> Vec<GroupId> {
    let mut ids: Vec<GroupId> = buckets.iter().map(|bucket| GroupId::of(&bucket.group)).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// How long the sessions of a key may outlive it
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>).
const SESSIONS: TimeDelta = TimeDelta::hours(36);

/// Everything that the summary of a window is made of.
///
/// # Errors
/// Where the store does not answer: a part of a summary would pass for the whole.
pub async fn material<S: Store>(typed: &Typed<S>, window: Window) -> anyhow::Result<Material> {
    let buckets = buckets(typed, window.from, window.to).await?;
    let incidents: Vec<Incident> =
        typed.incidents().await?.into_iter().map(|kept| kept.value).collect();
    let lately = |incident: &&Incident| {
        incident.status == Status::Open || incident.resolved.is_some_and(|at| at >= window.from)
    };
    let mut ids = groups(&buckets);
    ids.extend(incidents.iter().filter(lately).flat_map(|incident| incident.groups.clone()));
    ids.sort();
    ids.dedup();
    let findings: Vec<StoredFinding> =
        typed.findings(&ids).await?.into_iter().map(|kept| kept.value).collect();
    let from = window.from.min(window.to - SESSIONS);
    Ok(Material {
        buckets,
        findings,
        incidents,
        key_changes: typed.key_changes(from, window.to).await?,
        coverage: typed.coverage().await?.into_iter().map(|kept| kept.value).collect(),
        canary: typed.canary().await?,
        problems: Vec::new(),
    })
}
