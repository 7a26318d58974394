//! What the deployed monitor knows of the canary's key, as plain data.
//!
//! The monitor counts by key and source, so this cannot tell single calls apart, and says so, as it
//! says how far the monitor had read.

use chrono::{DateTime, Utc};
use failure_monitor_core::group::Origins;
use failure_monitor_core::render::terminal::escape;
use failure_monitor_core::summary::Summary;
use serde::Serialize;

use super::Outcome;
use super::reach::Read;
use crate::aws;

/// What the monitor answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Monitor {
    /// The function that was asked.
    pub function: String,
    /// The long-term key that was asked about; its session has another.
    pub access_key_id: Option<String>,
    /// When it answered; `None` where it could not be asked.
    pub asked: Option<DateTime<Utc>>,
    /// Failures of the key by origin; `None` where the monitor could not be asked.
    pub failures: Option<Origins>,
    /// What was noted to be done to the key, the latest first.
    pub key_changes: Vec<&'static str>,
    /// How far it had read each Region of the calls, against the last refused one; empty where it
    /// could not be asked.
    pub read: Vec<Read>,
    /// How far it had read the Region in which IAM's changes are recorded.
    pub read_changes: Option<Read>,
    /// Why it could not be asked, or what it could not read; empty where all went well.
    pub unread: Vec<String>,
}

impl Monitor {
    /// From the answer, or from why there is none.
    pub fn new(function: &str, outcome: &Outcome, answer: Result<Summary, String>) -> Monitor {
        let key = outcome.access_key_id.as_deref();
        let mut monitor = Monitor {
            function: function.to_owned(),
            access_key_id: key.map(str::to_owned),
            asked: None,
            failures: None,
            key_changes: Vec::new(),
            read: Vec::new(),
            read_changes: None,
            unread: Vec::new(),
        };
        let summary = match answer {
            Ok(summary) => summary,
            Err(why) => {
                monitor.unread.push(why);
                return monitor;
            }
        };
        let of_key = summary.key_changes.iter().map(|detail| &detail.change);
        let of_key = of_key.filter(|change| change.access_key_id.as_deref() == key);
        monitor.key_changes = of_key.map(|change| change.change.verb()).collect();
        let (coverage, calls) = (&summary.coverage, &outcome.calls);
        monitor.read =
            outcome.regions.iter().map(|name| Read::of_calls(coverage, calls, name)).collect();
        let of_changes = |name: &String| Read::of_changes(coverage, calls, aws::iam_region(name));
        monitor.read_changes = outcome.regions.first().map(of_changes);
        monitor.asked = Some(summary.generated);
        monitor.failures = Some(summary.totals.failures);
        monitor.unread = summary.problems;
        monitor
    }

    /// For people, in lines.
    pub fn text(&self) -> String {
        let name = escape(&self.function);
        let unread = escape(&self.unread.join("; "));
        let Some(of) = self.failures else {
            return format!("Monitor {name} could not be asked: {unread}\n");
        };
        let mut out = match self.asked {
            Some(at) => {
                format!("Monitor {name}, asked at {}:\n    ", at.format("%Y-%m-%d %H:%M UTC"))
            }
            None => format!("Monitor {name}:\n    "),
        };
        out += &match of.total() {
            0 => "no failures of the key".to_owned(),
            _ => format!(
                "failures of the key: {} recorded, {} predicted, {} reported",
                of.recorded, of.predicted, of.reported
            ),
        };
        out += &match self.key_changes.is_empty() {
            true => "; no change of it noted\n".to_owned(),
            false => format!("; noted: {}\n", self.key_changes.join(", ")),
        };
        for read in &self.read {
            out += &read.text("the last refused call", "counted", of.total() > 0);
        }
        out += "    It counts by source and the key that a record names, not by single call;\n    \
                sessions are not asked for.\n";
        // Noted changes need no words on how far was read; missing ones do.
        if let Some(read) = self.read_changes.as_ref().filter(|_| self.key_changes.is_empty()) {
            out += "    Changes of the key:\n";
            out += &read.text("the last change", "noted", false);
        }
        if !unread.is_empty() {
            out += &format!("    It could not read everything: {unread}\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::outcome;
    use super::*;

    #[test]
    fn each_answer_has_its_words() {
        let mut monitor = Monitor::new("fm-summary", &outcome(None), Err("no\x1b".to_owned()));
        let text = monitor.text();
        assert!(
            text.starts_with("Monitor fm-summary could not be asked: no") && !text.contains('\x1b')
        );
        monitor.unread.clear();
        monitor.failures = Some(Origins::default());
        let text = monitor.text();
        assert!(text.contains("no failures of the key; no change of it noted"), "{text}");
        assert!(text.contains("not by single call"));
        monitor.failures = Some(Origins { recorded: 2, reported: 0, predicted: 1 });
        monitor.key_changes = vec!["deleted", "deactivated"];
        let text = monitor.text();
        assert!(text.contains("2 recorded, 1 predicted, 0 reported; noted: deleted, deactivated"));
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}
