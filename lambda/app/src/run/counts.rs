//! What an invocation did, in numbers that add up.

use std::collections::{BTreeMap, BTreeSet};

use failure_monitor_core::failure::{Failure, Origin};
use failure_monitor_core::finding::Read;
use failure_monitor_core::group::Origins;
use failure_monitor_core::left_behind::LeftBehind;
use failure_monitor_core::state::{GroupId, StoredFinding, group_key};
use serde_json::{Value, json};

use crate::store::{Batch, Counted};

/// The numbers of one invocation.
#[derive(Debug, Default)]
pub struct Counts {
    /// The accounting of what was read.
    pub read: Read,
    /// Failures that were counted now.
    pub counted: Origins,
    /// The same by the ID of the most likely cause.
    pub causes: BTreeMap<&'static str, u64>,
    /// Failures that had been counted before.
    pub duplicates: u64,
    /// The event IDs of failures that could not be counted.
    pub failed: BTreeSet<String>,
    /// Items written for counting.
    pub writes: u64,
    /// Messages that SNS accepted.
    pub sent: u64,
    /// Messages that are still to be sent.
    pub pending: u64,
    /// Digests among those that were decided on.
    pub digests: u64,
    /// What went wrong without ending the run, in sentences.
    pub problems: Vec<String>,
    /// How far behind the sweep is, in seconds; `None` where there was none.
    pub lag: Option<i64>,
    /// How much time is not read, in seconds, over all regions.
    pub holes: Option<i64>,
}

impl Counts {
    /// Notes what could not be read.
    pub(super) fn note_problems(&mut self, problems: &BTreeMap<String, u64>) {
        for (reason, count) in problems {
            tracing::warn!(count, reason = reason.as_str(), "skipped");
            self.problems.push(format!("{count} skipped: {reason}"));
        }
    }

    /// Notes what came of counting a batch.
    pub(super) fn counted(
        &mut self,
        batch: &Batch,
        counted: Counted,
        touched: &mut BTreeMap<GroupId, StoredFinding>,
    ) {
        let predicted: Vec<Failure> =
            batch.left_behind.iter().flat_map(LeftBehind::failures).collect();
        for failure in batch.failures.iter().chain(&predicted) {
            if !counted.counted.contains(&failure.event_id) {
                continue;
            }
            match failure.origin {
                Origin::Recorded => self.counted.recorded += 1,
                Origin::Reported => self.counted.reported += 1,
                Origin::Predicted => self.counted.predicted += 1,
            }
            let of = |by: bool| counted.findings.get(&GroupId::of(&group_key(failure, by)));
            let finding = of(true).or_else(|| of(false));
            if let Some(cause) = finding.and_then(|finding| finding.causes.first()) {
                *self.causes.entry(cause.id).or_default() += 1;
            }
        }
        // A prediction that is made again is no duplicate of a record.
        let predicted: BTreeSet<&str> = predicted.iter().map(|f| f.event_id.as_str()).collect();
        let again = predicted.iter().filter(|id| !counted.counted.contains(**id)).count() as u64;
        self.duplicates += counted.duplicates.saturating_sub(again);
        self.writes += counted.writes;
        if let Some(err) = counted.error {
            tracing::error!(failed = counted.failed.len(), "not counted: {err:#}");
            self.problems.push(format!("{} failures not counted: {err:#}", counted.failed.len()));
        }
        self.failed.extend(counted.failed);
        touched.extend(counted.findings);
    }

    /// Adds what another part of the invocation did.
    pub fn merge(&mut self, other: Counts) {
        self.read.merge(&other.read);
        self.counted.add(other.counted);
        for (cause, count) in other.causes {
            *self.causes.entry(cause).or_default() += count;
        }
        self.duplicates += other.duplicates;
        self.failed.extend(other.failed);
        self.writes += other.writes;
        self.sent += other.sent;
        self.pending = self.pending.max(other.pending);
        self.digests += other.digests;
        self.problems.extend(other.problems);
        self.lag = self.lag.max(other.lag);
        self.holes = self.holes.max(other.holes);
    }

    /// The answer to a task.
    pub fn answer(&self, task: &str) -> Value {
        let read = &self.read;
        json!({
            "task": task,
            "read": {
                "seen": read.seen, "failures": read.failures, "key_changes": read.key_changes,
                "other": read.other, "skipped": read.skipped, "lines": read.lines,
                "passed_over": read.passed_over,
            },
            "counted": {
                "recorded": self.counted.recorded, "reported": self.counted.reported,
                "predicted": self.counted.predicted,
            },
            "duplicates": self.duplicates,
            "not_counted": self.failed.len(),
            "alerts": { "sent": self.sent, "pending": self.pending },
            "problems": self.problems,
        })
    }
}
