//! The machine form of an alert, `failure-monitor/alert/1`. Key IDs are whole here.
//!
//! What does not fit is left out findings first, and the alert says how many; then long texts and
//! lists are cut. What is left is always a valid alert.

use serde_json::Value;

use crate::alert::Alert;
use crate::render::json::escape;

/// The members that count by name, and may lose names.
const COUNTS: [&str; 6] =
    ["codes", "event_sources", "event_names", "regions", "stages", "statuses"];
/// How long a text may be before anything else is left out.
const LONGEST: usize = 2_000;
/// How long texts and lists may be at last, try by try; enough for every
/// time, ID and link.
const CUTS: [(usize, usize); 3] = [(1_000, 20), (300, 5), (160, 2)];

/// The alert as JSON on one line, of so many bytes at most where the alert can be cut that small.
pub(super) fn render(alert: &Alert, bytes: usize) -> String {
    let text = json(alert);
    if text.len() <= bytes {
        return text;
    }
    // One long text, such as a user agent, costs no finding its place.
    let mut alert = shortened(alert, LONGEST, usize::MAX).unwrap_or_else(|| alert.clone());
    let mut text = json(&alert);
    while text.len() > bytes && drop_some(&mut alert) {
        text = json(&alert);
    }
    for (chars, items) in CUTS {
        if text.len() <= bytes {
            break;
        }
        if let Some(shorter) = shortened(&alert, chars, items) {
            text = json(&shorter);
        }
    }
    text
}

#[expect(clippy::expect_used, reason = "the keys are strings and nothing in it can fail")]
fn json(alert: &Alert) -> String {
    escape(&serde_json::to_string(alert).expect("an alert is serialisable"))
}

/// Leaves out half of the incidents, or half of the findings of the only one.
fn drop_some(alert: &mut Alert) -> bool {
    let incidents = alert.incidents.len();
    if incidents > 1 {
        alert.incidents.truncate(incidents.div_ceil(2));
        alert.more_incidents += (incidents - alert.incidents.len()) as u64;
        return true;
    }
    for incident in &mut alert.incidents {
        let findings = incident.findings.len();
        if findings > 1 {
            incident.findings.truncate(findings.div_ceil(2));
            incident.more_findings += (findings - incident.findings.len()) as u64;
            return true;
        }
    }
    false
}

fn shortened(alert: &Alert, chars: usize, items: usize) -> Option<Alert> {
    let mut value = serde_json::to_value(alert).ok()?;
    shorten(&mut value, chars, items);
    serde_json::from_value(value).ok()
}

fn shorten(value: &mut Value, chars: usize, items: usize) {
    match value {
        Value::String(text) => {
            *text = crate::render::cut(text, chars).into_owned();
        }
        Value::Array(list) => {
            list.truncate(items);
            list.iter_mut().for_each(|one| shorten(one, chars, items));
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if let (true, Value::Object(counts)) =
                    (COUNTS.contains(&name.as_str()), &mut *member)
                {
                    let short = |name: &String| name.chars().count() <= chars;
                    let kept = std::mem::take(counts).into_iter().filter(|(name, _)| short(name));
                    *counts = kept.take(items).collect();
                } else {
                    shorten(member, chars, items);
                }
            }
        }
        _ => {}
    }
}
