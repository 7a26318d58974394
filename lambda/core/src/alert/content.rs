//! What an alert says, before any medium shows it: the machine form that all messages come from.
//!
//! Access key IDs are whole here. Must not know how a medium looks.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::decide::{is_expected, is_over, leading, observed, settled_at};
use super::{Due, Incident, Status};
use crate::causes;
use crate::finding::Finding;
use crate::group::Origins;
use crate::state::{StoredFinding, digest};

mod sample;

pub use sample::sample;

/// The version of the machine form of an alert.
pub const SCHEMA: &str = "failure-monitor/alert/1";

/// How many findings of an incident an alert carries.
const FINDINGS: usize = 20;
/// How many findings of each incident a digest carries.
const FINDINGS_IN_DIGEST: usize = 1;
/// How many incidents a digest carries.
const INCIDENTS: usize = 100;
/// How many sources are named.
const SOURCES: usize = 20;
/// How many sentences about what could not be read are carried.
const UNREAD: usize = 10;

/// Where the alert comes from and where to see more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The name of the deployment.
    pub name: String,
    /// The region that it runs in.
    pub region: String,
    /// A page with more.
    pub dashboard_url: Option<String>,
    /// The function that gives the summary.
    pub summary_function: String,
    /// Whether people see access key IDs whole.
    pub unmask: bool,
}

/// What an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// About one incident.
    Incident,
    /// About many at once.
    Digest,
    /// A sample, about nothing.
    Test,
}

/// One alert, `failure-monitor/alert/1` (docs/alert.schema.json).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// [`SCHEMA`].
    pub schema: String,
    /// The same whenever the same alert is sent again.
    pub alert_id: String,
    /// What it is.
    pub kind: Kind,
    /// When it was decided.
    pub time: DateTime<Utc>,
    /// Who sends it.
    pub monitor: Monitor,
    /// What it is about; exactly one but for a digest.
    pub incidents: Vec<AlertIncident>,
    /// How many incidents of a digest are not in `incidents`.
    pub more_incidents: u64,
}

/// The monitor that sends an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitor {
    /// The name of the deployment.
    pub name: String,
    /// The region that it runs in.
    pub region: String,
    /// A page with more.
    pub dashboard_url: Option<String>,
    /// The function that gives the summary.
    pub summary_function: String,
}

/// An incident as an alert tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertIncident {
    /// Stable over all alerts of the incident.
    pub incident_id: String,
    /// Why it is told now.
    pub due: Due,
    /// Whether it still needs somebody.
    pub status: Status,
    /// The account, where it is known.
    pub account: Option<String>,
    /// The key, for an incident of a key.
    pub access_key_id: Option<String>,
    /// The source, for an incident of a source.
    pub source: Option<String>,
    /// The user who owns the key, where it is known.
    pub user_name: Option<String>,
    /// Counts over all groups that were looked at.
    pub origins: Origins,
    /// How many recorded and reported failures came since the last message.
    pub new_failures: u64,
    /// The first recorded or reported failure that has a time.
    pub first_seen: Option<DateTime<Utc>>,
    /// The last recorded or reported failure that has a time.
    pub last_seen: Option<DateTime<Utc>>,
    /// Since when callers are expected to fail.
    pub expected_since: Option<DateTime<Utc>>,
    /// When it was opened or re-opened.
    pub opened: DateTime<Utc>,
    /// When it was over.
    pub resolved: Option<DateTime<Utc>>,
    /// The change that made the key active again, where that is the latest that is known of it.
    pub active_again: Option<ActiveAgain>,
    /// Where the calls come from, new sources first.
    pub sources: Vec<String>,
    /// How many sources of the findings are not in `sources`.
    pub more_sources: u64,
    /// The sources that the last message did not name.
    pub new_sources: Vec<String>,
    /// Which message of this incident it is, from 1.
    pub number: u32,
    /// The title of the most likely cause of the last message.
    pub previous_cause: Option<String>,
    /// When the last message was due.
    pub previous_alert: Option<DateTime<Utc>>,
    /// Its ID.
    pub previous_alert_id: Option<String>,
    /// The findings, what needs action first.
    pub findings: Vec<Finding>,
    /// How many groups of the incident are not in `findings`.
    pub more_findings: u64,
    /// What could not be read, in sentences without a full stop.
    pub unread: Vec<String>,
}

/// A key that was made active again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveAgain {
    /// When.
    pub time: DateTime<Utc>,
    /// Who did it.
    pub changed_by: Option<String>,
    /// The record that shows it.
    pub event_id: String,
}

/// The alert of one incident. Its ID is the same whenever the same decision is made again.
pub fn alert(
    incident: &Incident,
    due: Due,
    findings: &[StoredFinding],
    context: &Context,
    now: DateTime<Utc>,
) -> Alert {
    Alert {
        schema: SCHEMA.to_owned(),
        alert_id: alert_id(incident, due),
        kind: Kind::Incident,
        time: now,
        monitor: Monitor::of(context),
        incidents: vec![told(incident, due, findings, FINDINGS, now)],
        more_incidents: 0,
    }
}

/// One alert for many that are due at once: what is new before what goes on and what is over, the
/// most failures first.
pub fn digest_alert(
    parts: &[(Incident, Due, Vec<StoredFinding>)],
    context: &Context,
    now: DateTime<Utc>,
) -> Alert {
    let mut ids: Vec<String> =
        parts.iter().map(|(incident, due, _)| alert_id(incident, *due)).collect();
    ids.sort();
    let ids: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_str())).collect();
    let mut incidents: Vec<AlertIncident> = parts
        .iter()
        .map(|(incident, due, findings)| told(incident, *due, findings, FINDINGS_IN_DIGEST, now))
        .collect();
    incidents.sort_by_cached_key(|incident| {
        let failures = incident.origins.total();
        (incident.due as u8, Reverse(failures), incident.incident_id.clone())
    });
    let more = incidents.len().saturating_sub(INCIDENTS);
    incidents.truncate(INCIDENTS);
    Alert {
        schema: SCHEMA.to_owned(),
        alert_id: digest(&ids),
        kind: Kind::Digest,
        time: now,
        monitor: Monitor::of(context),
        incidents,
        more_incidents: more as u64,
    }
}

fn alert_id(incident: &Incident, due: Due) -> String {
    let alerts = incident.alerts.to_string();
    digest(&[Some(&incident.key.id()), Some(due.name()), Some(&alerts)])
}

impl Monitor {
    fn of(context: &Context) -> Monitor {
        Monitor {
            name: context.name.clone(),
            region: context.region.clone(),
            dashboard_url: context.dashboard_url.clone(),
            summary_function: context.summary_function.clone(),
        }
    }
}

fn told(
    incident: &Incident,
    due: Due,
    findings: &[StoredFinding],
    most: usize,
    now: DateTime<Utc>,
) -> AlertIncident {
    let mut findings: Vec<&StoredFinding> =
        findings.iter().filter(|finding| finding.ignored.is_none()).collect();
    let cause = leading(&findings, incident.told_cause.as_deref()).map(|cause| cause.id);
    let is_new = |finding: &StoredFinding| {
        due != Due::New && due != Due::Closing && incident.is_new_source(finding, now)
    };
    let id_of = |finding: &StoredFinding| finding.causes.first().map(|cause| cause.id);
    findings.sort_by_cached_key(|finding| {
        let latest = finding.group.all.last.max(finding.left_behind.as_ref().map(|l| l.since));
        let led = cause.is_some() && id_of(finding) == cause;
        (is_over(finding), !is_new(finding), !led, Reverse(latest), finding.group.key.clone())
    });
    let mut sources = Sources::default();
    let mut new_sources = Sources::default();
    let mut origins = Origins::default();
    let mut unread: Vec<String> = Vec::new();
    for finding in &findings {
        sources.add(&finding.group.key.source);
        if is_new(finding) {
            new_sources.add(&finding.group.key.source);
        }
        origins.add(finding.group.origins);
        unread.extend(finding.unread.iter().cloned());
    }
    unread.sort();
    unread.dedup();
    unread.truncate(UNREAD);
    let shown = findings.len().min(most) as u64;
    let groups = (incident.groups.len() as u64 + incident.more_groups).max(findings.len() as u64);
    let all = || findings.iter().map(|finding| &finding.group.all);
    let left = findings.iter().filter_map(|finding| finding.left_behind.as_ref());
    let again = findings.iter().filter(|finding| settled_at(finding).is_some());
    let again = again.filter_map(|finding| finding.active_again.as_ref());
    let again = again.max_by_key(|change| (change.time, &change.event_id));
    let again = again.filter(|_| !findings.iter().any(|finding| is_expected(finding)));
    let known = observed(findings.iter().copied());
    let key = &incident.key;
    AlertIncident {
        incident_id: key.id(),
        due,
        status: incident.status,
        account: key.account.clone(),
        access_key_id: key.access_key_id.clone(),
        source: key.source.clone(),
        user_name: findings
            .iter()
            .find_map(|f| f.user_name.clone())
            .filter(|_| key.source.is_none()),
        origins,
        new_failures: known.saturating_sub(if incident.told { incident.told_failures } else { 0 }),
        first_seen: all().filter_map(|tally| tally.first).min(),
        last_seen: all().filter_map(|tally| tally.last).max(),
        expected_since: left.map(|left| left.since).min(),
        opened: incident.opened,
        resolved: incident.resolved,
        active_again: again.map(|change| ActiveAgain {
            time: change.time,
            changed_by: change.changed_by.clone(),
            event_id: change.event_id.clone(),
        }),
        more_sources: sources.more
            + if findings.len() as u64 == groups { 0 } else { incident.more_groups },
        sources: sources.named,
        new_sources: new_sources.named,
        number: incident.alerts.saturating_add(1),
        previous_cause: incident.told_cause.as_deref().map(|id| causes::by_id(id).title.to_owned()),
        previous_alert: incident.last_alert,
        previous_alert_id: incident.last_alert_id.clone(),
        more_findings: groups - shown,
        findings: findings.iter().take(most).map(|finding| finding.finding()).collect(),
        unread,
    }
}

/// Sources, each once, a few of them by name.
#[derive(Default)]
struct Sources {
    named: Vec<String>,
    more: u64,
    seen: std::collections::BTreeSet<String>,
}

impl Sources {
    fn add(&mut self, source: &str) {
        if !self.seen.insert(source.to_owned()) {
            return;
        }
        if self.named.len() < SOURCES {
            self.named.push(source.to_owned());
        } else {
            self.more += 1;
        }
    }
}
