//! Puts a summary together, and counts it anew where it is narrowed down.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::incidents::{self, Member};
use super::shape::{
    Accounting, CauseCount, GroupView, KeyCount, LiveSession, Matrix, ShortCause, Slot,
    SourceCount, Standing, Summary, Totals, WindowView,
};
use super::{FIVE_MINUTES, Material, SCHEMA, Window, reading};
use crate::finding::Finding;
use crate::group::{GroupKey, Origins};
use crate::left_behind::KeyChangeDetail;
use crate::state::{Bucket, GroupId, StoredFinding};

/// How many rows and columns the matrix has, beside those for the others.
const MATRIX: usize = 8;
/// How many names of a kind a group carries.
const NAMES: usize = 5;
/// How many problems are told.
const PROBLEMS: usize = 100;

/// The summary of a window.
pub fn build(window: Window, material: Material, now: DateTime<Utc>) -> Summary {
    let Material { buckets, findings, incidents, key_changes, coverage, canary, problems } =
        material;
    let counted = count(window, &buckets);
    let used = buckets.iter().filter(|bucket| in_window(window, bucket)).count() as u64;
    let findings: HashMap<GroupId, StoredFinding> =
        findings.into_iter().map(|finding| (finding.id(), finding)).collect();

    let members = members(counted, findings);
    let (incidents, groups) = incidents::sort_out(window, members, incidents);
    let live_sessions = live_sessions(&key_changes, now);
    let mut key_changes: Vec<KeyChangeDetail> = key_changes
        .into_iter()
        .filter(|detail| window.from <= detail.change.time && detail.change.time < window.to)
        .collect();
    key_changes.sort_by(|a, b| {
        (b.change.time, &b.change.event_id).cmp(&(a.change.time, &a.change.event_id))
    });
    let (reading, coverage) = reading::coverage(window, &coverage, now);
    let mut summary = Summary {
        schema: SCHEMA.to_owned(),
        generated: now,
        window: WindowView {
            from: window.from,
            to: window.to,
            slot_seconds: window.slot().num_seconds(),
            name: window.name().filter(|_| now - window.to < FIVE_MINUTES),
        },
        access_key_id: None,
        answer: reading::undecided(),
        reading,
        totals: Totals::default(),
        timeline: Vec::new(),
        causes: Vec::new(),
        matrix: Matrix::default(),
        incidents,
        groups,
        access_keys: Vec::new(),
        sources: Vec::new(),
        key_changes,
        live_sessions,
        coverage,
        accounting: Accounting { buckets: used, ..Accounting::default() },
        canary,
        problems: problems.into_iter().take(PROBLEMS).collect(),
        cut: None,
    };
    summary.count(window);
    summary
}

/// The failures of a group in the window: all together and by slot of the timeline.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) all: Origins,
    pub(super) slots: BTreeMap<usize, Origins>,
}

fn count(window: Window, buckets: &[Bucket]) -> BTreeMap<GroupKey, Counts> {
    let mut counted: BTreeMap<GroupKey, Counts> = BTreeMap::new();
    for bucket in buckets {
        for (five, origins) in &bucket.slots {
            let time = bucket.hour + TimeDelta::minutes(i64::from(*five) * 5);
            let Some(place) = window.place(time) else { continue };
            if origins.total() > 0 {
                let counts = counted.entry(bucket.group.clone()).or_default();
                counts.all.add(*origins);
                counts.slots.entry(place).or_default().add(*origins);
            }
        }
    }
    counted
}

fn in_window(window: Window, bucket: &Bucket) -> bool {
    bucket.slots.iter().any(|(five, origins)| {
        let time = bucket.hour + TimeDelta::minutes(i64::from(*five) * 5);
        origins.total() > 0 && window.place(time).is_some()
    })
}

/// Groups with what is known of them.
fn members(
    counted: BTreeMap<GroupKey, Counts>,
    mut findings: HashMap<GroupId, StoredFinding>,
) -> Vec<Member> {
    let mut members: Vec<Member> = counted
        .into_iter()
        .map(|(key, counts)| {
            let id = GroupId::of(&key);
            Member { stored: findings.remove(&id), id, key, counts }
        })
        .collect();
    members.extend(findings.into_iter().map(|(id, stored)| Member {
        id,
        key: stored.group.key.clone(),
        counts: Counts::default(),
        stored: Some(stored),
    }));
    members.sort_by(|a, b| a.key.cmp(&b.key));
    members
}

/// A group as it is shown.
pub(super) fn view(
    window: Window,
    member: &Member,
    finding: Option<&Finding>,
    standing: Standing,
    incident: String,
) -> GroupView {
    let slots = window.slots();
    let timeline = member.counts.slots.iter();
    let timeline: Vec<Slot> = timeline
        .filter_map(|(place, failures)| Some(Slot { at: *slots.get(*place)?, failures: *failures }))
        .collect();
    let first = |names: Vec<String>| names.into_iter().take(NAMES).collect();
    let ranked = |counts: Option<&BTreeMap<String, u64>>| {
        let mut counts: Vec<(&String, &u64)> = counts.into_iter().flatten().collect();
        counts.sort_by_key(|(name, count)| (Reverse(**count), *name));
        first(counts.into_iter().map(|(name, _)| name.clone()).collect())
    };
    let predicted = finding.and_then(|finding| finding.predicted.as_ref());
    GroupView {
        id: member.id.clone(),
        standing,
        incident,
        account: member.key.account.clone(),
        access_key_id: member.key.access_key_id.clone(),
        user_name: finding.and_then(|finding| finding.user_name.clone()),
        source: member.key.source.clone(),
        event_source: member.key.event_source.clone(),
        failures: member.counts.all,
        timeline,
        first_seen: finding.and_then(|finding| finding.first_seen),
        last_seen: finding.and_then(|finding| finding.last_seen),
        expected_since: predicted.map(|predicted| predicted.since),
        resolved: finding.and_then(|finding| finding.resolved.clone()),
        clients: first(
            finding.iter().flat_map(|f| &f.clients).map(|client| client.label.clone()).collect(),
        ),
        principals: first(finding.map(|finding| finding.principals.clone()).unwrap_or_default()),
        regions: ranked(finding.map(|finding| &finding.regions)),
        event_sources: ranked(finding.map(|finding| &finding.event_sources)),
        codes: ranked(finding.map(|finding| &finding.codes)),
        cause: finding.and_then(|finding| finding.causes.first()).map(|cause| ShortCause {
            id: cause.id.to_owned(),
            title: cause.title.to_owned(),
            confidence: cause.confidence,
        }),
        ignored: member.stored.as_ref().and_then(|stored| stored.ignored.clone()),
    }
}

/// Sessions of keys that are off which still work.
fn live_sessions(key_changes: &[KeyChangeDetail], now: DateTime<Utc>) -> Vec<LiveSession> {
    let mut by_time: Vec<&KeyChangeDetail> = key_changes.iter().collect();
    by_time.sort_by_key(|detail| detail.change.time);
    let mut known = BTreeSet::new();
    let mut live = Vec::new();
    for detail in by_time {
        for session in &detail.sessions {
            let lives = session.ends.map_or(session.live, |ends| ends > now);
            if lives && known.insert(&session.access_key_id) {
                live.push(LiveSession {
                    access_key_id: session.access_key_id.clone(),
                    parent_access_key_id: session.minted.parent_access_key_id.clone(),
                    user_name: detail.change.user_name.clone(),
                    account: detail.change.account.clone(),
                    change: detail.change.change,
                    changed: detail.change.time,
                    minted_by: session.minted.event_name.clone(),
                    ends: session.ends,
                    callers: session.callers.clone(),
                });
            }
        }
    }
    // One without a known end may be the longest.
    live.sort_by_key(|session| (session.ends.is_some(), Reverse(session.ends)));
    live
}

impl Summary {
    /// Counts everything anew that follows from the groups, incidents and other lists.
    pub(super) fn count(&mut self, window: Window) {
        let mut timeline: BTreeMap<DateTime<Utc>, Origins> =
            window.slots().into_iter().map(|at| (at, Origins::default())).collect();
        let mut failures = Origins::default();
        let mut without_details = 0;
        for group in &self.groups {
            failures.add(group.failures);
            for slot in &group.timeline {
                timeline.entry(slot.at).or_default().add(slot.failures);
            }
            if group.cause.is_none() {
                without_details += group.failures.total();
            }
        }
        self.timeline = timeline.into_iter().map(|(at, failures)| Slot { at, failures }).collect();
        self.causes = causes(&self.groups);
        self.access_keys = access_keys(&self.groups);
        self.sources = sources(&self.groups);
        self.matrix = matrix(&self.access_keys, &self.sources, &self.groups);
        let standing = |standing: Standing| {
            self.incidents.iter().filter(|incident| incident.standing == standing).count() as u64
        };
        self.totals = Totals {
            failures,
            access_keys: self.access_keys.iter().filter(|key| key.access_key_id.is_some()).count()
                as u64,
            sources: self.sources.len() as u64,
            groups: self.groups.len() as u64,
            need_action: standing(Standing::NeedsAction),
            quiet: standing(Standing::Quiet),
            ignored: standing(Standing::Ignored),
            resolved: standing(Standing::Resolved),
            key_changes: self.key_changes.len() as u64,
            live_sessions: self.live_sessions.len() as u64,
        };
        self.accounting = Accounting {
            failures: failures.total(),
            explained: failures.total() - without_details,
            without_details,
            seen: self.coverage.iter().map(|coverage| coverage.seen).sum(),
            skipped: self.coverage.iter().map(|coverage| coverage.skipped).sum(),
            ..self.accounting
        };
        self.answer = reading::answer(self);
    }
}

fn causes(groups: &[GroupView]) -> Vec<CauseCount> {
    let mut counts: BTreeMap<Option<&str>, CauseCount> = BTreeMap::new();
    for group in groups.iter().filter(|group| group.failures.total() > 0) {
        let cause = group.cause.as_ref();
        let count = counts.entry(cause.map(|cause| cause.id.as_str())).or_insert_with(|| {
            let title = cause.map_or("Details no longer kept", |cause| cause.title.as_str());
            CauseCount {
                id: cause.map(|cause| cause.id.clone()),
                title: title.to_owned(),
                failures: Origins::default(),
                groups: 0,
            }
        });
        count.failures.add(group.failures);
        count.groups += 1;
    }
    let mut counts: Vec<CauseCount> = counts.into_values().collect();
    counts.sort_by(|a, b| {
        (b.failures.total().cmp(&a.failures.total())).then_with(|| a.title.cmp(&b.title))
    });
    counts
}

fn access_keys(groups: &[GroupView]) -> Vec<KeyCount> {
    type Key<'a> = (&'a Option<String>, &'a Option<String>);
    let mut counts: BTreeMap<Key<'_>, (KeyCount, BTreeSet<&str>)> = BTreeMap::new();
    for group in groups.iter().filter(|group| group.failures.total() > 0) {
        let (count, sources) =
            counts.entry((&group.access_key_id, &group.account)).or_insert_with(|| {
                let count = KeyCount {
                    access_key_id: group.access_key_id.clone(),
                    account: group.account.clone(),
                    user_name: None,
                    failures: Origins::default(),
                    sources: 0,
                };
                (count, BTreeSet::new())
            });
        if count.user_name.is_none() {
            count.user_name.clone_from(&group.user_name);
        }
        count.failures.add(group.failures);
        sources.insert(&group.source);
        count.sources = sources.len() as u64;
    }
    let mut counts: Vec<KeyCount> = counts.into_values().map(|(count, _)| count).collect();
    counts.sort_by_key(|count| Reverse(count.failures.total()));
    counts
}

fn sources(groups: &[GroupView]) -> Vec<SourceCount> {
    let mut counts: BTreeMap<&str, (Origins, BTreeSet<&String>)> = BTreeMap::new();
    for group in groups.iter().filter(|group| group.failures.total() > 0) {
        let (failures, keys) = counts.entry(&group.source).or_default();
        failures.add(group.failures);
        keys.extend(&group.access_key_id);
    }
    let mut counts: Vec<SourceCount> = counts
        .into_iter()
        .map(|(source, (failures, keys))| SourceCount {
            source: source.to_owned(),
            failures,
            access_keys: keys.len() as u64,
        })
        .collect();
    counts.sort_by_key(|count| Reverse(count.failures.total()));
    counts
}

fn matrix(keys: &[KeyCount], sources: &[SourceCount], groups: &[GroupView]) -> Matrix {
    let mut columns: Vec<Option<String>> = Vec::new();
    for key in keys {
        if !columns.contains(&key.access_key_id) {
            columns.push(key.access_key_id.clone());
            if columns.len() > MATRIX {
                break;
            }
        }
    }
    let other_access_keys = columns.len() > MATRIX;
    columns.truncate(MATRIX);
    let rows: Vec<String> = sources.iter().take(MATRIX).map(|count| count.source.clone()).collect();
    let other_sources = sources.len() > MATRIX;
    let width = columns.len() + usize::from(other_access_keys);
    let mut failures = vec![vec![0; width]; rows.len() + usize::from(other_sources)];
    for group in groups.iter().filter(|group| group.failures.total() > 0) {
        let row = rows.iter().position(|source| *source == group.source).unwrap_or(rows.len());
        let column = columns.iter().position(|id| *id == group.access_key_id);
        if let Some(cell) =
            failures.get_mut(row).and_then(|row| row.get_mut(column.unwrap_or(columns.len())))
        {
            *cell += group.failures.total();
        }
    }
    Matrix { access_key_ids: columns, sources: rows, other_access_keys, other_sources, failures }
}
