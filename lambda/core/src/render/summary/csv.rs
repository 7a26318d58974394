//! A summary as CSV for spreadsheets and programs: a header, and one line per group. Key IDs are
//! whole here.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::render::csv::escape;
use crate::summary::{GroupView, Summary};

/// The columns.
const HEADER: [&str; 21] = [
    "standing",
    "access_key_id",
    "user_name",
    "account",
    "source",
    "event_source",
    "recorded",
    "reported",
    "predicted",
    "first_seen",
    "last_seen",
    "expected_since",
    "resolved",
    "cause",
    "confidence",
    "clients",
    "principals",
    "regions",
    "event_sources",
    "incident",
    "ignored",
];

/// The groups as CSV. Lists are joined with `; `, times are RFC 3339, what is not known is empty.
#[expect(clippy::expect_used, reason = "writing to memory does not fail")]
pub fn csv(summary: &Summary) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER).expect("a header is written to memory");
    for group in &summary.groups {
        writer.write_record(row(group)).expect("a row as long as the header");
    }
    let bytes = writer.into_inner().expect("memory is flushed");
    String::from_utf8(bytes).expect("cells are text")
}

fn row(group: &GroupView) -> [String; HEADER.len()] {
    let text = |text: &Option<String>| text.as_deref().map(escape).unwrap_or_default();
    let time = |time: Option<DateTime<Utc>>| {
        time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
    };
    let list =
        |items: &[String]| items.iter().map(|item| escape(item)).collect::<Vec<_>>().join("; ");
    let cause = group.cause.as_ref();
    [
        group.standing.words().to_owned(),
        text(&group.access_key_id),
        text(&group.user_name),
        text(&group.account),
        escape(&group.source),
        text(&group.event_source),
        group.failures.recorded.to_string(),
        group.failures.reported.to_string(),
        group.failures.predicted.to_string(),
        time(group.first_seen),
        time(group.last_seen),
        time(group.expected_since),
        time(group.resolved.as_ref().map(|resolved| resolved.time)),
        cause.map(|cause| escape(&cause.id)).unwrap_or_default(),
        cause.map(|cause| cause.confidence.name().to_owned()).unwrap_or_default(),
        list(&group.clients),
        list(&group.principals),
        list(&group.regions),
        list(&group.event_sources),
        escape(&group.incident),
        text(&group.ignored),
    ]
}
