//! What the deployed monitor knows of the canary's key, as plain data.
//!
//! The monitor counts by key and source, so this cannot tell single calls apart, and says so.

use failure_monitor_core::group::Origins;
use failure_monitor_core::render::terminal::escape;
use failure_monitor_core::summary::Summary;
use serde::Serialize;

/// What the monitor answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Monitor {
    /// The function that was asked.
    pub function: String,
    /// The long-term key that was asked about; its session has another.
    pub access_key_id: Option<String>,
    /// Failures of the key by origin; `None` where the monitor could not be asked.
    pub failures: Option<Origins>,
    /// What was noted to be done to the key, the latest first.
    pub key_changes: Vec<&'static str>,
    /// Why it could not be asked, or what it could not read; empty where all went well.
    pub unread: Vec<String>,
}

impl Monitor {
    /// From the answer, or from why there is none.
    pub fn new(function: &str, key: Option<&str>, answer: Result<Summary, String>) -> Monitor {
        let (failures, key_changes, unread) = match answer {
            Ok(summary) => {
                let of_key = summary.key_changes.iter().map(|detail| &detail.change);
                let of_key = of_key.filter(|change| change.access_key_id.as_deref() == key);
                let verbs = of_key.map(|change| change.change.verb()).collect();
                (Some(summary.totals.failures), verbs, summary.problems)
            }
            Err(why) => (None, Vec::new(), vec![why]),
        };
        let access_key_id = key.map(str::to_owned);
        Monitor { function: function.to_owned(), access_key_id, failures, key_changes, unread }
    }

    /// For people, in lines.
    pub fn text(&self) -> String {
        let name = escape(&self.function);
        let unread = escape(&self.unread.join("; "));
        let Some(of) = self.failures else {
            return format!("Monitor {name} could not be asked: {unread}\n");
        };
        let mut out = format!("Monitor {name}:\n    ");
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
        out += "    It counts by key and source, not by single call; sessions are not asked for.\n";
        if !unread.is_empty() {
            out += &format!("    It could not read everything: {unread}\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_has_its_words() {
        let mut monitor = Monitor::new("fm-summary", None, Err("no\x1b".to_owned()));
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
