//! The decision: whether a message about an incident is due, and what changes with the message.
//!
//! Compares what is known now with what was told. Times only space messages out, so a clock that
//! jumps cannot make them many; whether there is anything to tell is read off counts.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Due, Incident, IncidentKey, Policy, Status};
use crate::cause::Diagnosis;
use crate::causes;
use crate::left_behind::PROPAGATION;
use crate::state::{StoredFinding, digest};

/// How many groups an incident names.
const GROUPS: usize = 50;
/// How many further groups are told apart, so that their number is right.
const OTHER_GROUPS: usize = 250;
/// How many sources that were told are kept; of later ones their age decides.
const TOLD_SOURCES: usize = 100;
/// Sources with a longer name are kept as a digest.
const SOURCE_BYTES: usize = 64;
/// After so many messages for new causes and sources, the time between them doubles with each.
const CHANGES_AT_ONCE: u32 = 4;

/// Brings an incident up to date with its findings (all of its groups that could be loaded) and
/// says whether a message is due. Pure, and the same when repeated until [`Incident::told`].
pub fn consider(
    known: Option<Incident>,
    key: &IncidentKey,
    findings: &[StoredFinding],
    policy: &Policy,
    now: DateTime<Utc>,
) -> (Incident, Option<Due>) {
    let mut incident = known.unwrap_or_else(|| Incident::new(key.clone(), now));
    incident.note_groups(findings);
    // After a clock that ran ahead, time starts at what it says now.
    incident.last_alert = incident.last_alert.map(|last| last.min(now));
    let findings: Vec<&StoredFinding> = findings
        .iter()
        .filter(|finding| finding.ignored.is_none() && policy.ignored(finding).is_none())
        .collect();
    if findings.is_empty() {
        return (incident, None);
    }
    let latest = findings.iter().filter_map(|finding| last_failure(finding)).max();
    incident.last_failure = incident.last_failure.max(latest);
    match settled(&findings) {
        Some(time) => {
            incident.status = Status::Resolved;
            incident.resolved = Some(time);
            incident.settled = incident.settled.max(Some(time));
        }
        None => {
            if incident.status == Status::Resolved && !incident.told {
                incident.reopen(now);
            }
            incident.status = Status::Open;
            incident.resolved = None;
        }
    }
    let due = incident.due(&findings, policy, now);
    (incident, due)
}

/// The most likely cause of an incident: of the surest ones that which was told, else that of the
/// most failures.
pub(super) fn leading<'a>(
    findings: &[&'a StoredFinding],
    told: Option<&str>,
) -> Option<&'a Diagnosis> {
    let firsts: Vec<(&StoredFinding, &Diagnosis)> = findings
        .iter()
        .filter(|finding| !is_over(finding))
        .filter_map(|finding| Some((*finding, finding.causes.first()?)))
        .collect();
    let sure = |diagnosis: &Diagnosis| (is_explained(diagnosis), diagnosis.confidence);
    let surest = firsts.iter().map(|(_, diagnosis)| sure(diagnosis)).max()?;
    let best = firsts.into_iter().filter(|(_, diagnosis)| sure(diagnosis) == surest).min_by_key(
        |(finding, diagnosis)| {
            let count = finding.group.origins.total();
            (told != Some(diagnosis.id), Reverse(count), diagnosis.id, &finding.group.key)
        },
    )?;
    Some(best.1)
}

fn is_explained(diagnosis: &Diagnosis) -> bool {
    diagnosis.id != causes::by_id("").id
}

/// When a finding was over, by the proof of a use or because its key is active again.
pub(super) fn settled_at(finding: &StoredFinding) -> Option<DateTime<Utc>> {
    let left = finding.left_behind.as_ref();
    let used = left.and_then(|left| left.resolved.as_ref()).map(|resolved| resolved.time);
    let again = finding.active_again.as_ref().map(|change| change.time);
    used.or(again.filter(|time| left.is_none_or(|left| *time >= left.since)))
}

/// Whether a finding was settled and has not failed since.
pub(super) fn is_over(finding: &StoredFinding) -> bool {
    settled_at(finding).is_some_and(|time| quiet_since(finding, time))
}

/// Whether no failure of a finding is known after a time; for a minute, AWS may still refuse.
fn quiet_since(finding: &StoredFinding, time: DateTime<Utc>) -> bool {
    last_observed(finding).is_none_or(|last| last <= time + PROPAGATION)
}

/// When everything was over: no caller left behind without proof, and no failure since.
fn settled(findings: &[&StoredFinding]) -> Option<DateTime<Utc>> {
    let time = findings.iter().filter_map(|finding| settled_at(finding)).max()?;
    let over = |finding: &&StoredFinding| match finding.left_behind {
        Some(_) => is_over(finding),
        None => quiet_since(finding, settled_at(finding).unwrap_or(time)),
    };
    findings.iter().all(over).then_some(time)
}

/// Whether a finding is a prediction that nothing has settled.
pub(super) fn is_expected(finding: &StoredFinding) -> bool {
    finding.left_behind.is_some() && settled_at(finding).is_none()
}

/// How many recorded and reported failures there are.
pub(super) fn observed<'a>(findings: impl IntoIterator<Item = &'a StoredFinding>) -> u64 {
    let origins = findings.into_iter().map(|finding| finding.group.origins);
    origins.map(|origins| origins.recorded + origins.reported).sum()
}

/// The latest recorded or reported failure. A client's log may bear any date, but nothing was
/// counted before it happened.
fn last_observed(finding: &StoredFinding) -> Option<DateTime<Utc>> {
    let last = finding.recent.last().copied().max(finding.group.all.last)?;
    Some(last.min(finding.last_counted))
}

fn last_failure(finding: &StoredFinding) -> Option<DateTime<Utc>> {
    let expected = finding.left_behind.as_ref().map(|left| left.since);
    last_observed(finding).max(expected)
}

/// A source as it is kept among those that were told.
fn short(source: &str) -> String {
    match source.len() {
        0..=SOURCE_BYTES => source.to_owned(),
        _ => digest(&[Some(source)]),
    }
}

impl Policy {
    /// The time from a message to the follow-up after so many others.
    pub(super) fn follow_up_after(&self, follow_ups: u32) -> TimeDelta {
        doubled(self.follow_up_first, follow_ups, self.follow_up_max)
    }

    /// Whether a prediction that nothing was added to is worth another follow-up: as long as all of
    /// them together take no longer than the longest time between two.
    pub(super) fn reminds(&self, follow_ups: u32) -> bool {
        let mut waited = TimeDelta::zero();
        for nth in 0..=follow_ups {
            let next = waited.checked_add(&self.follow_up_after(nth));
            match next.filter(|next| *next <= self.follow_up_max) {
                Some(next) if next > waited => waited = next,
                _ => return false,
            }
        }
        true
    }

    fn between_changes(&self, changes: u32) -> TimeDelta {
        let most = self.follow_up_max.max(self.min_interval);
        doubled(self.min_interval, changes.saturating_sub(CHANGES_AT_ONCE - 1), most)
    }
}

fn doubled(time: TimeDelta, times: u32, most: TimeDelta) -> TimeDelta {
    let factor = 1_i32.checked_shl(times.min(30)).unwrap_or(i32::MAX);
    time.checked_mul(factor).map_or(most, |time| time.min(most))
}

impl Incident {
    fn new(key: IncidentKey, now: DateTime<Utc>) -> Incident {
        Incident {
            key,
            status: Status::Open,
            opened: now,
            resolved: None,
            groups: Vec::new(),
            more_groups: 0,
            told_sources: Vec::new(),
            told_cause: None,
            told_failures: 0,
            alerts: 0,
            last_alert: None,
            last_alert_id: None,
            follow_ups: 0,
            last_failure: None,
            told: false,
            told_until: None,
            changes: 0,
            settled: None,
            other_groups: BTreeSet::new(),
        }
    }

    fn note_groups(&mut self, findings: &[StoredFinding]) {
        let ids: BTreeSet<_> = findings.iter().map(StoredFinding::id).collect();
        for id in ids {
            if self.groups.contains(&id) {
                continue;
            }
            if self.groups.len() < GROUPS {
                self.groups.push(id);
            } else if self.other_groups.len() < OTHER_GROUPS {
                self.other_groups.insert(id.as_str().chars().take(8).collect());
            }
        }
        self.more_groups = self.more_groups.max(self.other_groups.len() as u64);
    }

    fn reopen(&mut self, now: DateTime<Utc>) {
        self.opened = now;
        self.follow_ups = 0;
        self.changes = 0;
        self.told_sources.clear();
        self.told_cause = None;
    }

    fn due(&self, findings: &[&StoredFinding], policy: &Policy, now: DateTime<Utc>) -> Option<Due> {
        let expected = findings.iter().any(|finding| is_expected(finding));
        match (self.status, self.told) {
            (Status::Resolved, told) => return told.then_some(Due::Closing),
            (Status::Open, false) => {
                let due = expected || self.reaches_threshold(findings, policy);
                return due.then_some(Due::New);
            }
            (Status::Open, true) => {}
        }
        let waited = self.last_alert.map_or(TimeDelta::MAX, |last| now - last);
        if waited >= policy.between_changes(self.changes) {
            let cause = leading(findings, self.told_cause.as_deref());
            let cause = cause.filter(|cause| is_explained(cause)).map(|cause| cause.id);
            if cause.is_some() && cause != self.told_cause.as_deref() {
                return Some(Due::NewCause);
            }
            if findings.iter().any(|finding| self.is_new_source(finding, now)) {
                return Some(Due::NewSource);
            }
        }
        let more = observed(findings.iter().copied()) > self.told_failures
            || findings.iter().filter_map(|finding| last_observed(finding)).max() > self.told_until;
        let goes_on = more || expected && policy.reminds(self.follow_ups);
        (goes_on && waited >= policy.follow_up_after(self.follow_ups)).then_some(Due::FollowUp)
    }

    /// Whether enough failures lie close together. When they became known does not matter:
    /// CloudTrail is late.
    fn reaches_threshold(&self, findings: &[&StoredFinding], policy: &Policy) -> bool {
        let over = self.settled.map(|settled| settled + PROPAGATION);
        let mut times: Vec<DateTime<Utc>> = findings
            .iter()
            .flat_map(|finding| finding.recent.iter().map(|time| (*time).min(finding.last_counted)))
            .filter(|time| over.is_none_or(|over| *time > over))
            .collect();
        times.sort();
        let threshold = policy.threshold.max(1);
        times.windows(threshold).any(|some| some[threshold - 1] - some[0] <= policy.window)
    }

    pub(super) fn is_new_source(&self, finding: &StoredFinding, now: DateTime<Utc>) -> bool {
        if is_over(finding) || self.told_sources.contains(&short(&finding.group.key.source)) {
            return false;
        }
        let first = finding.first_counted;
        self.told_sources.len() < TOLD_SOURCES
            || first <= now && self.last_alert.is_some_and(|last| first > last)
    }

    /// What changes when a message is due: to be stored together with the message.
    pub fn told(
        &mut self,
        due: Due,
        alert_id: &str,
        findings: &[StoredFinding],
        now: DateTime<Utc>,
    ) {
        let findings: Vec<&StoredFinding> =
            findings.iter().filter(|finding| finding.ignored.is_none()).collect();
        match due {
            Due::New => (self.follow_ups, self.changes) = (0, 0),
            Due::NewCause | Due::NewSource => self.changes = self.changes.saturating_add(1),
            Due::FollowUp => self.follow_ups = self.follow_ups.saturating_add(1),
            Due::Closing => {}
        }
        self.told = due != Due::Closing;
        if let Some(cause) = leading(&findings, self.told_cause.as_deref()) {
            self.told_cause = Some(cause.id.to_owned());
        }
        for source in findings.iter().map(|finding| short(&finding.group.key.source)) {
            if self.told_sources.len() < TOLD_SOURCES && !self.told_sources.contains(&source) {
                self.told_sources.push(source);
            }
        }
        self.told_failures = observed(findings.iter().copied());
        self.told_until = findings.iter().filter_map(|finding| last_observed(finding)).max();
        self.alerts = self.alerts.saturating_add(1);
        self.last_alert = Some(now);
        self.last_alert_id = Some(alert_id.to_owned());
    }
}
