//! The sentences about a run as a whole: how it stands, what was read, and how far to trust that.

use chrono::{DateTime, Utc};

use crate::finding::{Outcome, Read};
use crate::render::{counted, number, span_in};

/// The first line: what needs action, and what no longer does.
pub(in crate::render) enum Headline {
    /// Findings, by how they stand.
    Found { need_action: Option<String>, resolved: Option<String> },
    /// There are none to show, and why that is.
    Nothing(&'static str),
}

pub(in crate::render) fn headline(outcome: &Outcome) -> Headline {
    let resolved = outcome.findings.iter().filter(|finding| finding.resolved.is_some()).count();
    let open = outcome.findings.len() - resolved;
    let callers = |count: usize| counted(count as u64, "caller", "callers");
    match (open, resolved) {
        (0, 0) if no_data(&outcome.read) => Headline::Nothing(match outcome.read.skipped {
            0 => "Nothing was read",
            _ => "Nothing could be read",
        }),
        (0, 0) if outcome.read.filtered > 0 => {
            Headline::Nothing("No failures to show: the filters hide all that were found")
        }
        (0, 0) => Headline::Nothing("No failures in what was read"),
        _ => Headline::Found {
            need_action: match open {
                0 => None,
                1 => Some("1 caller needs action".to_owned()),
                _ => Some(format!("{} need action", callers(open))),
            },
            resolved: match (open, resolved) {
                (_, 0) => None,
                (0, _) => Some(format!("{} resolved, none needs action", callers(resolved))),
                _ => Some(format!("{} resolved", number(resolved as u64))),
            },
        },
    }
}

/// Whether the run has neither a record nor a line of a client's log to judge by.
fn no_data(read: &Read) -> bool {
    no_records(read) && read.lines == 0
}

/// Whether CloudTrail's side is missing.
fn no_records(read: &Read) -> bool {
    read.seen == read.skipped
}

/// How much was read, and when what was found took place.
pub(in crate::render) fn reading(outcome: &Outcome) -> String {
    let Read { seen, lines, files, skipped, .. } = outcome.read;
    let records = (seen > 0 || lines == 0).then(|| counted(seen, "record", "records"));
    let lines = (lines > 0).then(|| log_lines(lines));
    let mut text = records.into_iter().chain(lines).collect::<Vec<_>>().join(" and ");
    if files > 0 {
        text.push_str(&format!(" in {}", counted(files, "file", "files")));
    }
    if skipped > 0 {
        text.push_str(&format!(", {} unreadable", number(skipped)));
    }
    let of_findings = outcome.findings.iter().flat_map(|finding| {
        let predicted = finding.predicted.as_ref();
        [finding.first_seen, finding.last_seen, predicted.map(|predicted| predicted.since)]
    });
    let of_changes = outcome.key_changes.iter().map(|detail| Some(detail.change.time));
    let times: Vec<DateTime<Utc>> = of_findings.chain(of_changes).flatten().collect();
    if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
        let what = if outcome.findings.is_empty() { "key changes" } else { "findings" };
        let one_minute = first.timestamp() / 60 == last.timestamp() / 60;
        let preposition = if one_minute { "at" } else { "from" };
        text.push_str(&format!(" · {what} {preposition} {}", span_in(*first, *last, "%H:%M")));
    }
    text
}

fn log_lines(lines: u64) -> String {
    counted(lines, "log line", "log lines")
}

/// What the reader must know before trusting the answer.
pub(in crate::render) fn caveat(outcome: &Outcome) -> &'static str {
    let found = !outcome.findings.is_empty();
    if no_data(&outcome.read) && !found {
        "This says nothing about failures: there is no data to judge by."
    } else if no_records(&outcome.read) && found {
        "Without records of CloudTrail nobody can say who changed a key, or who else used it."
    } else if no_records(&outcome.read) {
        "A client's log shows only what that client printed; no records of CloudTrail were read."
    } else if found {
        "CloudTrail does not record most refused requests: there may be more than it shows."
    } else {
        "CloudTrail does not record most refused requests, so there may have been failures."
    }
}

/// The equation of the run.
pub(in crate::render) fn accounting(read: &Read) -> String {
    let equation = format!(
        "{} seen = {} + {} + {} other + {} skipped",
        counted(read.seen, "record", "records"),
        counted(read.failures, "failure", "failures"),
        counted(read.key_changes, "key change", "key changes"),
        number(read.other),
        number(read.skipped),
    );
    let mut text = match read.lines {
        0 => equation,
        lines if read.seen == 0 => format!("{} read, no records", log_lines(lines)),
        lines => format!("{equation}; {} read", log_lines(lines)),
    };
    let notes = [
        (read.duplicates > 0).then(|| {
            format!("{} counted once", counted(read.duplicates, "duplicate", "duplicates"))
        }),
        (read.filtered > 0).then(|| format!("{} hidden by filters", number(read.filtered))),
        (read.passed_over > 0).then(|| {
            let files = counted(read.passed_over, "file", "files");
            format!("{files} of digests or Insights passed over")
        }),
    ];
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    if !notes.is_empty() {
        text.push_str(&format!(" ({})", notes.join(", ")));
    }
    text
}
