//! Sorts groups into incidents, and both by what needs action first.
//!
//! Every group shown belongs to one incident shown: to the one that alerts were sent for, or, where
//! there is none yet, to the one that alerts would be sent for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::Window;
use super::build::{Counts, view};
use super::shape::{GroupView, IncidentView, Standing};
use crate::alert::{Incident, IncidentKey, Policy, Status};
use crate::finding::Finding;
use crate::group::{GroupKey, Origins};
use crate::state::{GroupId, StoredFinding};

/// How many names of a kind an incident carries.
const NAMES: usize = 10;

/// A group with what is known of it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: GroupId,
    pub(super) key: GroupKey,
    pub(super) counts: Counts,
    /// `None` where it is no longer kept.
    pub(super) stored: Option<StoredFinding>,
}

/// The incidents and the groups to show, each sorted.
pub(super) fn sort_out(
    window: Window,
    members: Vec<Member>,
    incidents: Vec<Incident>,
) -> (Vec<IncidentView>, Vec<GroupView>) {
    let mut known: BTreeMap<String, Incident> = BTreeMap::new();
    let mut by_group: HashMap<GroupId, String> = HashMap::new();
    for incident in incidents {
        let id = incident.key.id();
        by_group.extend(incident.groups.iter().map(|group| (group.clone(), id.clone())));
        known.insert(id, incident);
    }
    let tried = keys_tried(&members);
    let policy = Policy::default();
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    let mut groups = Vec::new();
    for member in members {
        let key = incident_key(&member, &tried, &policy);
        let id = by_group.get(&member.id).cloned().unwrap_or_else(|| key.id());
        let incident = known.get(&id);
        let standing = standing(&member, incident);
        if !shown(window, &member, standing) {
            continue;
        }
        let finding = member.stored.as_ref().map(StoredFinding::finding);
        let group = view(window, &member, finding.as_ref(), standing, id.clone());
        let case = cases.entry(id.clone()).or_insert_with(|| Case {
            key: incident.map_or(key, |incident| incident.key.clone()),
            members: Vec::new(),
        });
        case.members.push((groups.len(), member.stored, finding));
        groups.push(group);
    }
    for (id, incident) in &known {
        let lately = incident.resolved.is_some_and(|time| time >= window.from);
        if !cases.contains_key(id) && (incident.status == Status::Open || lately) {
            let case = Case { key: incident.key.clone(), members: Vec::new() };
            cases.insert(id.clone(), case);
        }
    }
    let mut views: Vec<IncidentView> = cases
        .into_iter()
        .map(|(id, case)| case.view(window, id.clone(), known.get(&id), &groups))
        .collect();
    views.sort_by(|a, b| {
        (a.standing.cmp(&b.standing))
            .then_with(|| latest(b).cmp(&latest(a)))
            .then_with(|| b.failures.total().cmp(&a.failures.total()))
            .then_with(|| a.id.cmp(&b.id))
    });
    groups.sort_by(|a, b| {
        (a.standing.cmp(&b.standing))
            .then_with(|| group_latest(b).cmp(&group_latest(a)))
            .then_with(|| b.failures.total().cmp(&a.failures.total()))
            .then_with(|| a.id.cmp(&b.id))
    });
    (views, groups)
}

/// How many keys each source was refused with.
fn keys_tried(members: &[Member]) -> HashMap<String, usize> {
    let mut keys: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for member in members {
        let refused = member.counts.all.recorded + member.counts.all.reported > 0;
        if let Some(id) = member.key.access_key_id.as_deref().filter(|_| refused) {
            keys.entry(&member.key.source).or_default().insert(id);
        }
    }
    keys.into_iter().map(|(source, keys)| (source.to_owned(), keys.len())).collect()
}

fn incident_key(member: &Member, tried: &HashMap<String, usize>, policy: &Policy) -> IncidentKey {
    let tried = tried.get(&member.key.source).copied().unwrap_or(0);
    match &member.stored {
        Some(stored) => IncidentKey::of(stored, tried, policy),
        None => {
            let of_source = member.key.access_key_id.is_none() || tried >= policy.probing_keys;
            IncidentKey {
                account: member.key.account.clone(),
                access_key_id: member.key.access_key_id.clone().filter(|_| !of_source),
                source: of_source.then(|| member.key.source.clone()),
            }
        }
    }
}

fn standing(member: &Member, incident: Option<&Incident>) -> Standing {
    let stored = member.stored.as_ref();
    let left = stored.and_then(|stored| stored.left_behind.as_ref());
    if incident.is_some_and(|incident| incident.status == Status::Resolved)
        || left.is_some_and(|left| left.resolved.is_some())
    {
        Standing::Resolved
    } else if stored.is_some_and(|stored| stored.ignored.is_some()) {
        Standing::Ignored
    } else if left.is_some() || member.counts.all.total() > 0 {
        Standing::NeedsAction
    } else {
        Standing::Quiet
    }
}

/// Whether a group belongs into the summary: what needs somebody does, however old.
fn shown(window: Window, member: &Member, standing: Standing) -> bool {
    let left = member.stored.as_ref().and_then(|stored| stored.left_behind.as_ref());
    let resolved = left.and_then(|left| left.resolved.as_ref());
    member.counts.all.total() > 0
        || matches!(standing, Standing::NeedsAction | Standing::Quiet)
        || resolved.is_some_and(|resolved| resolved.time >= window.from)
}

fn latest(incident: &IncidentView) -> Option<DateTime<Utc>> {
    incident.last_failure.max(incident.expected_since)
}

fn group_latest(group: &GroupView) -> Option<DateTime<Utc>> {
    let counted = group.timeline.last().map(|slot| slot.at);
    group.last_seen.max(group.expected_since).max(counted)
}

/// An incident while it is put together: its groups by their place, and what is known of them.
struct Case {
    key: IncidentKey,
    members: Vec<(usize, Option<StoredFinding>, Option<Finding>)>,
}

impl Case {
    fn view(
        self,
        window: Window,
        id: String,
        incident: Option<&Incident>,
        groups: &[GroupView],
    ) -> IncidentView {
        let mut members: Vec<(&GroupView, &Option<StoredFinding>, &Option<Finding>)> = self
            .members
            .iter()
            .map(|(place, stored, finding)| (&groups[*place], stored, finding))
            .collect();
        members.sort_by(|(a, ..), (b, ..)| {
            (a.standing.cmp(&b.standing))
                .then_with(|| b.failures.total().cmp(&a.failures.total()))
                .then_with(|| group_latest(b).cmp(&group_latest(a)))
                .then_with(|| a.id.cmp(&b.id))
        });
        let mut failures = Origins::default();
        for (group, ..) in &members {
            failures.add(group.failures);
        }
        let status = incident.map(|incident| incident.status);
        let standing = match status {
            Some(Status::Resolved) => Standing::Resolved,
            _ => members.iter().map(|(group, ..)| group.standing).min().unwrap_or(Standing::Quiet),
        };
        let findings = || members.iter().filter_map(|(_, _, finding)| finding.as_ref());
        let stored = || members.iter().filter_map(|(_, stored, _)| stored.as_ref());
        let predicted =
            findings().find_map(|finding| finding.predicted.as_ref().map(|p| (p, finding)));
        let sources = names(members.iter().map(|(group, ..)| group.source.as_str()));
        let first = |names: Vec<String>| names.into_iter().take(NAMES).collect();
        let opened = incident
            .map(|incident| incident.opened)
            .or_else(|| stored().map(|stored| stored.first_counted).min())
            .or_else(|| {
                members.iter().filter_map(|(group, ..)| group.timeline.first()).map(|s| s.at).min()
            });
        let proof = findings().filter_map(|finding| Some(finding.resolved.as_ref()?.time)).max();
        IncidentView {
            id,
            standing,
            account: self.key.account,
            access_key_id: self.key.access_key_id,
            user_name: findings().find_map(|finding| finding.user_name.clone()),
            source: self.key.source,
            opened: opened.unwrap_or(window.from),
            resolved: incident
                .and_then(|incident| incident.resolved)
                .or(proof)
                .filter(|_| standing == Standing::Resolved),
            last_failure: incident
                .and_then(|incident| incident.last_failure)
                .max(members.iter().filter_map(|(group, ..)| group_latest(group)).max()),
            expected_since: predicted.map(|(predicted, _)| predicted.since),
            change: predicted.map(|(predicted, _)| predicted.change),
            changed_by: predicted.and_then(|(predicted, _)| predicted.changed_by.clone()),
            alerts: incident.map_or(0, |incident| incident.alerts),
            last_alert: incident.and_then(|incident| incident.last_alert),
            failures,
            groups: members.len() as u64,
            source_count: sources.len() as u64,
            sources: first(sources),
            clients: first(names(
                findings().flat_map(|finding| &finding.clients).map(|client| client.label.as_str()),
            )),
            principals: first(names(
                findings().flat_map(|finding| &finding.principals).map(String::as_str),
            )),
            causes: findings()
                .find(|finding| !finding.causes.is_empty())
                .map_or_else(Vec::new, |finding| finding.causes.clone()),
            ignored: stored().find_map(|stored| stored.ignored.clone()),
            unread: names(stored().flat_map(|stored| &stored.unread).map(String::as_str)),
        }
    }
}

/// Names in the order in which they come, each once.
fn names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).map(str::to_owned).collect()
}
