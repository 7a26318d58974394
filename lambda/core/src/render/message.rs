//! An alert as the messages that SNS sends: one text for each protocol, all within one limit.
//!
//! Each medium has its file, with one escaping function that everything a stranger can write passes
//! through. Limits: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>.

mod chatbot;
mod email;
mod json;
pub mod slack;
mod sms;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::masker::Masker;
use super::summary::digest::Digest;
use super::wrap;
use crate::alert::Alert;
use crate::state::digest as digest_of;
use crate::summary::Summary;

/// The most that a message may have, all protocols together: SNS takes 262,144 bytes, and the
/// outbox keeps it in an item of 400 KB, where each quotation mark takes two bytes.
const BODY_BYTES: usize = 180_000;
/// The most that the machine form takes at first; it is in the body twice.
const MACHINE_BYTES: usize = 60_000;
/// The most that a text for people takes at first; it is in the body twice.
const TEXT_BYTES: usize = 24_000;
/// How wide text for people is.
const WIDTH: usize = 80;
/// How many groups of ten times smaller texts are tried; the last fits whatever the alert holds.
const TRIES: u32 = 6;

/// What is handed to SNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The ID by which a repeated message is known.
    pub alert_id: String,
    /// At most 99 characters of printable ASCII.
    pub subject: String,
    /// The document for `MessageStructure=json`, at most 262,144 bytes.
    pub body: String,
}

/// The messages of an alert. Key IDs are masked for people, and whole for programs.
pub fn publish(alert: &Alert, unmask: bool) -> Published {
    let mut body = String::new();
    // What is escaped twice may double twice: the next try has half of everything.
    for halved in 0..TRIES {
        let machine = json::render(alert, MACHINE_BYTES >> halved);
        let text = email::render(alert, unmask, TEXT_BYTES >> halved);
        let document = json!({
            "default": text,
            "email": text,
            "https": chatbot::render(alert, unmask).to_string(),
            "sms": sms::render(alert, unmask),
            "sqs": machine,
            "lambda": machine,
        });
        body = document.to_string();
        if body.len() <= BODY_BYTES {
            break;
        }
    }
    Published { alert_id: alert.alert_id.clone(), subject: sms::subject(alert, unmask), body }
}

/// The messages of a summary that is sent on request or by the clock: text for people, and the
/// summary itself, as much of it as fits, for programs that read a queue.
pub fn summary(summary: &Summary, digest: &Digest, now: DateTime<Utc>) -> Published {
    let id = |name: &str| {
        let (from, to) = (summary.window.from.to_rfc3339(), now.to_rfc3339());
        digest_of(&[Some(name), Some(&from), Some(&to)])
    };
    let alert_id = id("summary");
    let lines = digest.text.lines().flat_map(|line| wrap(line, WIDTH, "", ""));
    let text: String = lines.map(|line| line + "\n").collect();
    let (text, left) = beginning(&text, TEXT_BYTES);
    let text = match left {
        0 => text.to_owned(),
        left => format!("{text}… and {left} more lines: failure-monitor summary\n"),
    };
    let mut body = String::new();
    for halved in 0..TRIES {
        let mut machine = summary.clone();
        machine.cut_to(MACHINE_BYTES >> halved);
        let document = json!({
            "default": text,
            "email": text,
            "https": chatbot::of_text(&alert_id, &digest.subject, &text).to_string(),
            "sms": digest.subject,
            "sqs": serde_json::to_string(&machine).unwrap_or_default(),
            "lambda": text,
        });
        body = document.to_string();
        if body.len() <= BODY_BYTES {
            break;
        }
    }
    Published { alert_id, subject: digest.subject.clone(), body }
}

/// A masker that knows all key IDs of an alert.
fn masker(alert: &Alert, unmask: bool) -> Masker {
    let findings = alert.incidents.iter().flat_map(|incident| {
        let of_findings = incident.findings.iter().flat_map(|finding| {
            let resolved = finding.resolved.as_ref().map(|resolved| &resolved.access_key_id);
            finding.access_key_id.iter().chain(resolved)
        });
        incident.access_key_id.iter().chain(of_findings)
    });
    Masker::of_ids(findings, unmask)
}

/// A text in which a link or an address is one no more: `http[:]//`, `www[.]`. Clients for mail and
/// chat turn into links whatever looks like one.
fn unlinked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            ':' if text[at..].starts_with("://") => out.push_str("[:]"),
            '.' if text.as_bytes()[..at]
                .last_chunk::<3>()
                .is_some_and(|end| end.eq_ignore_ascii_case(b"www")) =>
            {
                out.push_str("[.]");
            }
            c => out.push(c),
        }
    }
    out
}

/// The beginning of a text, of so many bytes at most, cut between lines where there are some, and
/// how many lines are left out.
fn beginning(text: &str, bytes: usize) -> (&str, usize) {
    if text.len() <= bytes {
        return (text, 0);
    }
    let cut = text.floor_char_boundary(bytes);
    let cut = text[..cut].rfind('\n').map_or(cut, |at| at + 1);
    (&text[..cut], text[cut..].lines().count())
}
