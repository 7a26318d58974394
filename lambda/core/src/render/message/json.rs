//! The machine form of an alert, `failure-monitor/alert/1`. Key IDs are whole here.

use crate::alert::Alert;
use crate::render::json::escape;

/// The alert as JSON on one line.
#[expect(clippy::expect_used, reason = "the keys are strings and nothing in it can fail")]
pub(super) fn render(alert: &Alert) -> String {
    escape(&serde_json::to_string(alert).expect("an alert is serialisable"))
}
