//! What a document is: a record, or something that wraps records.
//!
//! Knows the shapes of EventBridge envelopes, LookupEvents items and CloudWatch Logs subscription
//! payloads. Must not know where the text came from.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::record::Record;
use crate::report;

/// The members by which the shapes are told apart.
#[derive(Deserialize)]
struct Shape<'a> {
    /// Present in records only.
    #[serde(rename = "eventVersion")]
    event_version: Option<serde::de::IgnoredAny>,
    /// EventBridge (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>).
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    /// LookupEvents (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Event.html>).
    #[serde(rename = "CloudTrailEvent", borrow)]
    cloud_trail_event: Option<Cow<'a, str>>,
    /// CloudWatch Logs (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>).
    #[serde(rename = "logEvents")]
    log_events: Option<Vec<LogEvent>>,
    #[serde(rename = "messageType")]
    message_type: Option<String>,
    #[serde(rename = "logGroup")]
    log_group: Option<String>,
    #[serde(rename = "logStream")]
    log_stream: Option<String>,
}

#[derive(Deserialize)]
struct LogEvent {
    #[serde(default)]
    message: String,
}

/// What a document holds.
pub enum Content {
    /// Records, or reasons why something is none.
    Records(Vec<Result<Record, String>>),
    /// Lines of a client's log, with the failures that they report.
    Log {
        /// How many lines.
        lines: u64,
        /// What they report.
        failures: Vec<Failure>,
        /// Records between the lines.
        records: Vec<Result<Record, String>>,
    },
}

/// Takes a document apart.
pub fn content(json: &[u8]) -> Content {
    // Only wrappers have these members; a record never pays for looking.
    let wraps = [&b"\"detail\""[..], b"\"CloudTrailEvent\"", b"\"logEvents\""]
        .iter()
        .any(|name| memchr::memmem::find(json, name).is_some());
    if !wraps {
        return Content::Records(vec![record(json)]);
    }
    match serde_json::from_slice::<Shape<'_>>(json) {
        Ok(Shape { event_version: Some(_), .. }) => Content::Records(vec![record(json)]),
        Ok(Shape { log_events: Some(events), message_type, log_group, log_stream, .. }) => {
            if message_type.as_deref() == Some("CONTROL_MESSAGE") {
                return Content::Records(Vec::new());
            }
            let log = format!(
                "{}/{}",
                log_group.as_deref().unwrap_or("unknown"),
                log_stream.as_deref().unwrap_or("unknown")
            );
            log_content(&events, &log)
        }
        Ok(Shape { cloud_trail_event: Some(text), .. }) => {
            Content::Records(vec![record(text.as_bytes())])
        }
        Ok(Shape { detail: Some(detail), .. }) if detail.get().starts_with('{') => {
            Content::Records(vec![record(detail.get().as_bytes())])
        }
        _ => Content::Records(vec![record(json)]),
    }
}

fn log_content(events: &[LogEvent], log: &str) -> Content {
    let mut lines = Vec::new();
    let mut records = Vec::new();
    for event in events {
        // Clients log JSON, too; only an object with a record's members is one.
        let text = event.message.trim_start();
        match text.starts_with('{').then(|| Record::parse(text.as_bytes())) {
            Some(Ok(found)) if found.looks_like_one() => records.push(Ok(found)),
            Some(Err(_)) if text.starts_with("{\"eventVersion\"") => {
                records.push(record(text.as_bytes()));
            }
            _ => lines.push(event.message.as_str()),
        }
    }
    Content::Log {
        lines: lines.len() as u64,
        failures: report::to_failures(&report::parse(&lines.join("\n")), log),
        records,
    }
}

fn record(json: &[u8]) -> Result<Record, String> {
    match Record::parse(json) {
        Ok(record) if record.looks_like_one() => Ok(record),
        Ok(_) => Err("a JSON object that is not a CloudTrail record".to_owned()),
        Err(err) => Err(format!("invalid JSON: {err}")),
    }
}
