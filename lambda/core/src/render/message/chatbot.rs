//! An alert as a custom notification of Amazon Q Developer in chat applications, which drops in
//! silence whatever breaks its schema
//! (<https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>).

use serde_json::{Map, Value, json};

use super::masker;
use super::slack::{clipped, escape};
use crate::alert::{Alert, AlertIncident, Due, Kind};
use crate::render::words::{self, Words};

const TITLE_CHARS: usize = 250;
const DESCRIPTION_CHARS: usize = 3_000;
const STEPS: usize = 5;
const STEP_CHARS: usize = 250;
/// How many incidents of a digest are told.
const INCIDENTS: usize = 10;

/// A notification of plain text.
pub(super) fn of_text(id: &str, title: &str, text: &str) -> Value {
    let title = clipped(&escape(title), TITLE_CHARS);
    json!({
        "version": "1.0",
        "source": "custom",
        "id": id,
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": clipped(&escape(text), DESCRIPTION_CHARS),
        },
        "metadata": { "threadId": id, "summary": title, "eventType": "summary" },
    })
}

/// The notification.
pub(super) fn render(alert: &Alert, unmask: bool) -> Value {
    let masker = masker(alert, unmask);
    let words = Words { masker: &masker, now: alert.time, escape };
    let title = clipped(&words.in_short(alert), TITLE_CHARS);
    let (lines, steps) = match (alert.kind, alert.incidents.as_slice()) {
        (Kind::Incident | Kind::Test, [incident]) => incident_lines(&words, alert, incident),
        _ => (digest_lines(&words, alert), Vec::new()),
    };
    let mut content = Map::new();
    content.insert("textType".to_owned(), "client-markdown".into());
    content.insert("title".to_owned(), title.clone().into());
    let description = clipped(&lines.join("\n"), DESCRIPTION_CHARS);
    content.insert("description".to_owned(), description.into());
    if !steps.is_empty() {
        content.insert("nextSteps".to_owned(), steps.into());
    }
    let thread = match alert.incidents.as_slice() {
        [incident] => &incident.incident_id,
        _ => &alert.alert_id,
    };
    let event_type = match alert.incidents.as_slice() {
        [incident] if alert.kind == Kind::Incident => incident.due.name(),
        _ if alert.kind == Kind::Digest => "digest",
        _ => "test",
    };
    json!({
        "version": "1.0",
        "source": "custom",
        "id": alert.alert_id,
        "content": content,
        "metadata": {
            "threadId": thread,
            "summary": title,
            "eventType": event_type,
            "additionalContext": {
                "alert_id": alert.alert_id,
                "monitor": alert.monitor.name,
                "region": alert.monitor.region,
            },
        },
    })
}

fn incident_lines(
    words: &Words<'_>,
    alert: &Alert,
    incident: &AlertIncident,
) -> (Vec<String>, Vec<String>) {
    let mut lines = Vec::new();
    if alert.kind == Kind::Test {
        lines.push("*THIS IS A TEST.* Nothing happened; everything below is made up.".to_owned());
    }
    lines.push(words.opening(incident));
    if incident.due == Due::Closing {
        let proofs = incident.findings.iter().take(INCIDENTS).filter_map(|finding| {
            Some(format!("• {}: {}", words.name(&finding.source), words.proof(finding)?))
        });
        lines.extend(proofs);
        return (lines, Vec::new());
    }
    lines.extend(words.what(incident));
    lines.push(format!("*Key:* {}", words.whose(incident)));
    lines.push(format!("*From:* {}", words.places(incident).join("; ")));
    let mut steps = Vec::new();
    if let Some(cause) = incident.cause() {
        let (label, confidence) = words::cause_label(0, cause);
        let sure = confidence.map(|name| format!(" ({name} confidence)")).unwrap_or_default();
        lines.push(format!("*{label}:* {}{sure}", cause.title));
        let facts = cause.evidence.iter().take(3);
        lines.extend(facts.map(|fact| format!("• {}", words.sentence(&fact.fact))));
        steps = cause.next_steps.iter().take(STEPS).map(|step| next_step(words, step)).collect();
        lines.push(words::certainty(cause).to_owned());
    }
    lines.extend(words.unseen(incident));
    (lines, steps)
}

/// A step with its command, or without it where both are too long: half a command is worse than
/// none.
fn next_step(words: &Words<'_>, step: &str) -> String {
    let (text, command) = words.step(step);
    let whole = command.map(|command| format!("{text} `{}`", super::slack::code(&command)));
    match whole.filter(|whole| whole.chars().count() <= STEP_CHARS) {
        Some(whole) => whole,
        None => clipped(text.trim_end_matches(':'), STEP_CHARS),
    }
}

fn digest_lines(words: &Words<'_>, alert: &Alert) -> Vec<String> {
    let told = alert.incidents.iter().take(INCIDENTS);
    let mut lines: Vec<String> =
        told.map(|incident| format!("• {}", clipped(&words.in_digest(incident), 250))).collect();
    let more = (alert.incidents.len() - lines.len()) as u64 + alert.more_incidents;
    if more > 0 {
        let command = super::slack::code(&words::summary_command(alert));
        lines.push(format!("… and {more} more: `{command}`"));
    }
    lines
}
