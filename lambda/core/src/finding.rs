//! A finding: a group with its causes, in the shape of the machine output.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::cause::Diagnosis;
use crate::client::Client;
use crate::group::{Group, Origins};
use crate::key_change::Change;
use crate::left_behind::{CallerUses, KeyChangeDetail, LeftBehind, Resolved};
use crate::tally::{Tallies, Tally};

/// The version of the machine output of a scan.
pub const SCHEMA: &str = "failure-monitor/scan/1";

/// How many sample event IDs a finding carries.
const SAMPLES: usize = 5;

/// Everything a scan found.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What was read.
    pub read: Read,
    /// What was found, what needs action first.
    pub findings: Vec<Finding>,
    /// What happened to keys, by time.
    pub key_changes: Vec<KeyChangeDetail>,
    /// What could not be read, and why.
    pub warnings: Vec<Warning>,
}

/// The accounting of a run: `seen = failures + key_changes + other + skipped`, and
/// `failures = counted + duplicates`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Files opened.
    pub files: u64,
    /// Bytes of text, after inflating.
    pub bytes: u64,
    /// Lines of client logs.
    pub lines: u64,
    /// Records, those that could not be read among them.
    pub seen: u64,
    /// Records that show a failure, duplicates among them.
    pub failures: u64,
    /// Records that show a key change, duplicates among them.
    pub key_changes: u64,
    /// Records that show neither.
    pub other: u64,
    /// Records and files that could not be read.
    pub skipped: u64,
    /// Failures that were read before.
    pub duplicates: u64,
    /// Failures of any origin that a filter keeps from being shown.
    pub filtered: u64,
    /// Digest and Insights files that were passed over: they hold no records of API calls.
    pub passed_over: u64,
}

impl Read {
    /// Whether the parts add up to the whole.
    pub fn adds_up(&self) -> bool {
        self.seen == self.failures + self.key_changes + self.other + self.skipped
    }

    /// Adds the counts of another part of the run.
    pub fn merge(&mut self, other: &Read) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.lines += other.lines;
        self.seen += other.seen;
        self.failures += other.failures;
        self.key_changes += other.key_changes;
        self.other += other.other;
        self.skipped += other.skipped;
        self.duplicates += other.duplicates;
        self.filtered += other.filtered;
        self.passed_over += other.passed_over;
    }
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Warning {
    /// The file, or `-`.
    pub file: String,
    /// Why, and what that means for the answer.
    pub reason: String,
}

/// A group with its causes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The key; `None` where none was sent or none is known.
    pub access_key_id: Option<String>,
    /// The user who owns the key, where a record says so.
    pub user_name: Option<String>,
    /// Where the calls came from.
    pub source: String,
    /// The account.
    pub account: Option<String>,
    /// The service called, in runs that group by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_source: Option<String>,
    /// Counts per origin.
    pub origins: Origins,
    /// Counts per error code.
    pub codes: BTreeMap<String, u64>,
    /// The first recorded or reported failure that has a time.
    pub first_seen: Option<DateTime<Utc>>,
    /// The last recorded or reported failure that has a time.
    pub last_seen: Option<DateTime<Utc>>,
    /// Counts per service called.
    pub event_sources: BTreeMap<String, u64>,
    /// Counts per operation.
    pub event_names: BTreeMap<String, u64>,
    /// Counts per region.
    pub regions: BTreeMap<String, u64>,
    /// Counts per stage of a client's work (`provider`, `backend`, `refresh`, `resource`, `other`);
    /// reported failures only.
    pub stages: BTreeMap<String, u64>,
    /// Counts per HTTP status; reported failures only.
    pub statuses: BTreeMap<String, u64>,
    /// The request IDs of the earliest few, to ask AWS or look up records by.
    pub request_ids: Vec<String>,
    /// Who the callers are to AWS.
    pub principals: Vec<String>,
    /// What the callers are.
    pub clients: Vec<ClientCount>,
    /// A few records that show the failures, or for a prediction the uses before it.
    pub sample_event_ids: Vec<String>,
    /// What is expected, and since when; `None` without a prediction.
    pub predicted: Option<Predicted>,
    /// The proof that the callers have working credentials again.
    pub resolved: Option<Resolved>,
    /// What explains it, most likely first; never empty.
    pub causes: Vec<Diagnosis>,
}

/// A client and how many failures, or uses before a prediction, are its.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientCount {
    /// What a person calls it.
    pub label: String,
    /// How many.
    pub count: u64,
    /// What its user agent says.
    #[serde(flatten)]
    pub client: Client,
}

/// Callers that are expected to fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// From when on.
    pub since: DateTime<Utc>,
    /// What turned the key off.
    pub change: Change,
    /// The record that shows it.
    pub change_event_id: String,
    /// Who did it.
    pub changed_by: Option<String>,
    /// Successful uses in the look-back.
    pub uses: u64,
    /// The first of them.
    pub first_use: Option<DateTime<Utc>>,
    /// The last of them.
    pub last_use: Option<DateTime<Utc>>,
    /// The callers.
    pub callers: Vec<CallerUses>,
}

impl Finding {
    /// Puts a finding together.
    pub fn new(
        group: &Group,
        left_behind: Option<&LeftBehind>,
        user_name: Option<String>,
        causes: Vec<Diagnosis>,
    ) -> Finding {
        let mut clients: BTreeMap<String, ClientCount> = BTreeMap::new();
        let mut count_client = |label: &String, client: &Client, count: u64| {
            let entry = clients.entry(label.clone()).or_insert_with(|| ClientCount {
                label: label.clone(),
                count: 0,
                client: client.clone(),
            });
            entry.count += count;
        };
        for (label, (client, tally)) in &group.clients {
            count_client(label, client, tally.count);
        }
        let mut principals: Vec<String> = group.principals.keys().cloned().collect();
        for caller in left_behind.iter().flat_map(|left| &left.callers) {
            count_client(&caller.client, &caller.parsed, caller.uses);
            principals.extend(caller.principal.clone());
        }
        principals.sort();
        principals.dedup();
        let mut clients: Vec<ClientCount> = clients.into_values().collect();
        clients.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
        let mut sample_event_ids = group.all.event_ids();
        if let Some(left) = left_behind {
            sample_event_ids.extend(left.uses.event_ids());
            sample_event_ids.truncate(SAMPLES);
        }
        Finding {
            access_key_id: group.key.access_key_id.clone(),
            user_name,
            source: group.key.source.clone(),
            account: group.key.account.clone(),
            event_source: group.key.event_source.clone(),
            origins: group.origins,
            codes: counts(&group.codes),
            first_seen: group.all.first,
            last_seen: group.all.last,
            event_sources: counts(&group.event_sources),
            event_names: counts(&group.event_names),
            regions: counts(&group.regions),
            stages: counts(&group.stages),
            statuses: counts(&group.statuses),
            request_ids: group.request_ids.event_ids(),
            principals,
            clients,
            sample_event_ids,
            predicted: left_behind.map(predicted),
            resolved: left_behind.and_then(|left| left.resolved.clone()),
            causes,
        }
    }

    /// The last moment at which this finding is known to matter; sorts findings.
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        [self.last_seen, self.predicted.as_ref().map(|predicted| predicted.since)]
            .into_iter()
            .flatten()
            .max()
    }
}

fn predicted(left: &LeftBehind) -> Predicted {
    let Tally { count, first, last, .. } = &left.uses;
    Predicted {
        since: left.since,
        change: left.change.change,
        change_event_id: left.change.event_id.clone(),
        changed_by: left.change.changed_by.clone(),
        uses: *count,
        first_use: *first,
        last_use: *last,
        callers: left.callers.clone(),
    }
}

fn counts(tallies: &Tallies) -> BTreeMap<String, u64> {
    tallies.iter().map(|(name, tally)| (name.clone(), tally.count)).collect()
}
