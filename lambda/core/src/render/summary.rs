//! The recent-failure summary in every medium: terminal, Markdown, CSV, HTML page, dashboard widget
//! and digest.
//!
//! Here is what they share: masking, and phrases. Must not count anything: every number is in the
//! summary.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::masker::Masker;
use super::words::{self, Words};
use super::{counted, duration, number, short_time, time};
use crate::cause::Diagnosis;
use crate::group::Origins;
use crate::summary::{CoverageView, IncidentView, LiveSession, State, Summary};

mod chart;
pub mod csv;
pub mod digest;
pub mod html;
mod incident_card;
pub mod markdown;
mod sections;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod widget;

/// How to show a summary.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The columns of a terminal; the other media have no use for it.
    pub width: usize,
    /// Whether to use ANSI colours.
    pub colour: bool,
    /// Whether to show access key IDs whole.
    pub unmask: bool,
    /// The time at which it is shown.
    pub now: DateTime<Utc>,
}

/// A masker that knows the access key IDs of a summary.
fn masker(summary: &Summary, unmask: bool) -> Masker {
    let mut ids: BTreeSet<&String> = BTreeSet::new();
    ids.extend(&summary.access_key_id);
    ids.extend(summary.access_keys.iter().flat_map(|key| &key.access_key_id));
    ids.extend(summary.matrix.access_key_ids.iter().flatten());
    ids.extend(summary.incidents.iter().flat_map(|incident| &incident.access_key_id));
    for group in &summary.groups {
        ids.extend(&group.access_key_id);
        ids.extend(group.resolved.iter().map(|resolved| &resolved.access_key_id));
    }
    for detail in &summary.key_changes {
        ids.extend(&detail.change.access_key_id);
        ids.extend(detail.sessions.iter().map(|session| &session.access_key_id));
    }
    for session in &summary.live_sessions {
        ids.extend([&session.access_key_id, &session.parent_access_key_id]);
    }
    Masker::of_ids(ids.into_iter(), unmask)
}

/// What is counted, for one and for many.
const ACCESS_KEYS: (&str, &str) = ("access key", "access keys");
const SOURCES: (&str, &str) = ("source", "sources");
const LIVE_SESSIONS: (&str, &str) = ("live session of a dead key", "live sessions of dead keys");

/// What is said where IDs are masked.
const MASKED: &str = "The middle of access key IDs is left out, in commands too.";

/// The window: its name and both ends.
fn window(summary: &Summary) -> String {
    let ends = format!("{} to {}", minute(summary.window.from), minute(summary.window.to));
    match &summary.window.name {
        Some(name) => format!("{name}, {ends}"),
        None => ends,
    }
}

fn minute(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// Counts by origin: `64 recorded, 5 reported, 3 predicted`; `none` without any.
fn origins(failures: Origins) -> String {
    let parts = origin_parts(failures);
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn origin_parts(failures: Origins) -> Vec<String> {
    [
        (failures.recorded, "recorded"),
        (failures.reported, "reported"),
        (failures.predicted, "predicted"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, origin)| format!("{} {origin}", number(count)))
    .collect()
}

/// How sure a cause is, after its title.
fn titled(cause: &Diagnosis) -> String {
    match words::cause_label(0, cause).1 {
        Some(confidence) => format!("{} ({confidence} confidence)", cause.title),
        None => cause.title.to_owned(),
    }
}

/// The phrases about parts of a summary, in one medium.
struct Phrases<'a> {
    words: Words<'a>,
}

impl<'a> Phrases<'a> {
    fn new(masker: &'a Masker, now: DateTime<Utc>, escape: fn(&str) -> String) -> Phrases<'a> {
        Phrases { words: Words { masker, now, escape } }
    }

    /// A key with its owner, or a source.
    fn subject(&self, incident: &IncidentView) -> String {
        match (&incident.access_key_id, &incident.source) {
            (None, Some(source)) => self.words.name(source),
            (id, _) => self.words.key(id.as_deref()),
        }
    }

    fn owner(&self, user_name: Option<&str>) -> String {
        user_name.map(|name| self.words.name(name)).unwrap_or_default()
    }

    /// Sources, with how many are not named.
    fn sources(&self, incident: &IncidentView, named: usize) -> String {
        let names: Vec<String> =
            incident.sources.iter().take(named).map(|source| self.words.name(source)).collect();
        let more = incident.source_count.saturating_sub(names.len() as u64);
        match (names.is_empty(), more) {
            (_, 0) => names.join(", "),
            (true, more) => counted(more, "source", "sources"),
            (false, more) => format!("{} and {} more", names.join(", "), number(more)),
        }
    }

    /// What is expected, and why; nothing without a prediction.
    fn expected(&self, incident: &IncidentView) -> Option<String> {
        let since = incident.expected_since?;
        let why = incident.change.map(|change| {
            let by = self.words.who(incident.changed_by.as_deref());
            format!(", when {by} {}", words::change(change))
        });
        let why = why.unwrap_or_default();
        let observed = incident.failures.recorded + incident.failures.reported > 0;
        let (verb, start) = match (incident.resolved, observed) {
            (Some(_), _) => ("was expected", "It"),
            (None, true) => ("expected", "Callers are"),
            (None, false) => ("expected", "Not observed: callers are"),
        };
        Some(format!("{start} {verb} to fail since {}{why}.", time(since)))
    }

    /// What was told of it.
    fn told(&self, incident: &IncidentView) -> String {
        if let Some(reason) = &incident.ignored {
            return format!("No alerts, because of a rule: {}", self.words.sentence(reason));
        }
        match incident.last_alert {
            Some(at) => {
                let alerts = counted(incident.alerts.into(), "alert", "alerts");
                format!("{alerts}, the last one {} ago", duration(self.words.now - at))
            }
            None => "No alert was sent".to_owned(),
        }
    }

    /// A live session in a sentence.
    fn session(&self, session: &LiveSession) -> String {
        let id = self.words.key(Some(&session.access_key_id));
        let parent = self.words.key(Some(&session.parent_access_key_id));
        let until = match session.ends {
            Some(ends) => {
                format!("works until {} ({} more)", minute(ends), duration(ends - self.words.now))
            }
            None => "still works; no record says until when".to_owned(),
        };
        let owner = self.owner(session.user_name.as_deref());
        let owner = if owner.is_empty() { owner } else { format!(" of {owner}") };
        let by = self.words.name(&session.minted_by);
        let callers: Vec<String> = session
            .callers
            .iter()
            .take(3)
            .map(|caller| {
                format!("{} ({})", self.words.name(&caller.source), self.words.name(&caller.client))
            })
            .collect();
        let used = if callers.is_empty() {
            "no use of it was seen".to_owned()
        } else {
            format!("used by {}", callers.join(", "))
        };
        format!(
            "{id}, minted by {by} with {parent}{owner}, which was {} {}: {until}; {used}.",
            session.change.verb(),
            minute(session.changed)
        )
    }

    /// How an intake stands, in a word or two.
    fn state(&self, coverage: &CoverageView) -> String {
        if let Some(problem) = &coverage.problem {
            return self.words.sentence(problem);
        }
        match (coverage.read_up_to, coverage.holes.len() as u64) {
            (None, _) => "as it is sent".to_owned(),
            (Some(_), 0) => "without a gap".to_owned(),
            (Some(_), holes) => format!("with {}", counted(holes, "gap", "gaps")),
        }
    }
}

/// The equation of a summary.
fn accounting(summary: &Summary) -> String {
    let accounting = &summary.accounting;
    let Origins { recorded, reported, predicted } = summary.totals.failures;
    let gone = match accounting.without_details {
        0 => String::new(),
        gone => format!(", {} of them without details", number(gone)),
    };
    let skipped = match accounting.skipped {
        0 => String::new(),
        skipped => format!(", {} of them unreadable", number(skipped)),
    };
    format!(
        "{} = {} recorded + {} reported + {} predicted{gone}; {} read since monitoring began{skipped}",
        counted(accounting.failures, "failure", "failures"),
        number(recorded),
        number(reported),
        number(predicted),
        counted(accounting.seen, "record", "records"),
    )
}

/// A state as a class of a style sheet.
fn class(state: State) -> &'static str {
    match state {
        State::NeedsAction => "act",
        State::Handled => "handled",
        State::NoFailures => "clear",
        State::NoData => "nodata",
    }
}

/// A time for a table, with the dash of what is not known.
fn short(time: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    time.map_or_else(|| "–".to_owned(), |time| short_time(time, now))
}
