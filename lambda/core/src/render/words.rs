//! The sentences about an outcome that terminal and Markdown have in common.
//!
//! Knows how to word what is known without saying more: a predicted failure was never observed, and
//! no data is not the absence of failures. Must not know a medium: everything that a stranger can
//! write goes through [`Words::name`] or [`Words::sentence`], which escape for the medium at hand.
//! The fixed parts of the sentences hold no character that any medium would have to escape.

mod aftermath;
pub(super) mod explain;
mod incident;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::masker::Masker;
use super::step::step_and_command;
use super::{
    NAME_CHARS, SENTENCE_CHARS, counted, cut, number, short_time, span, time, times, visible,
};
use crate::cause::{Confidence, Diagnosis};
use crate::finding::Finding;
use crate::key_change::Change;
use crate::tally::WITNESSES;

pub(super) use incident::{certainty, mute, summary_command};
pub(super) use run::{Headline, accounting, caveat, headline, reading};

/// How many of a kind are named before "and 2 more".
const NAMED: usize = 5;
/// How many event IDs of a fact are named: people look one up, programs read JSON.
const EVENT_IDS: usize = 1;
/// What the IDs of reports begin with.
const REPORT: &str = "report:";
/// How many steps are shown of a cause that is less sure than the first.
const LESS_SURE_STEPS: usize = 2;

/// The words for one outcome in one medium.
pub(super) struct Words<'a> {
    pub(super) masker: &'a Masker,
    /// The time of the run.
    pub(super) now: DateTime<Utc>,
    /// The medium's escaping function.
    pub(super) escape: fn(&str) -> String,
}

/// What stands before a cause's title, and how sure it is, where that says anything.
pub(super) fn cause_label(
    place: usize,
    diagnosis: &Diagnosis,
) -> (&'static str, Option<&'static str>) {
    match place {
        _ if diagnosis.id == "unexplained" => ("Cause", None),
        0 if diagnosis.confidence == Confidence::Low => ("Possible cause", Some("low")),
        0 => ("Likely cause", Some(diagnosis.confidence.name())),
        _ => ("Also possible", Some(diagnosis.confidence.name())),
    }
}

/// What a finding advises for one of its causes.
pub(super) struct Advice<'a> {
    /// The steps to show.
    pub(super) steps: &'a [String],
    /// Where the others are, if any.
    pub(super) more: Option<String>,
    /// Whether the cause is as sure as the first, and thus told in full.
    pub(super) whole: bool,
}

/// What to do about a cause: little where another is more likely.
pub(super) fn advice<'a>(finding: &Finding, diagnosis: &'a Diagnosis) -> Advice<'a> {
    let first = finding.causes.first();
    let whole = first.is_none_or(|first| first.confidence == diagnosis.confidence);
    let all = diagnosis.next_steps.as_slice();
    match all.split_at_checked(LESS_SURE_STEPS) {
        Some((steps, more @ [_, _, ..])) if !whole => {
            let more = number(more.len() as u64);
            let more = format!("{more} more steps: failure-monitor causes --markdown");
            Advice { steps, more: Some(more), whole }
        }
        _ => Advice { steps: all, more: None, whole },
    }
}

/// The likely cause in a few words, or that it no longer matters.
pub(super) fn verdict(finding: &Finding, now: DateTime<Utc>) -> String {
    if let Some(resolved) = &finding.resolved {
        return format!("Resolved: seen working since {}", short_time(resolved.time, now));
    }
    let Some(diagnosis) = finding.causes.first() else { return String::new() };
    match cause_label(0, diagnosis).1 {
        Some(confidence) => format!("{} ({confidence})", diagnosis.title),
        None => diagnosis.title.to_owned(),
    }
}

/// What a cause does not mean, as a sentence that does not hang on the one before it.
pub(super) fn not_meant(diagnosis: &Diagnosis) -> String {
    match diagnosis.not.strip_prefix("It does not ") {
        Some(rest) => format!("This does not {rest}"),
        None => diagnosis.not.to_owned(),
    }
}

impl Words<'_> {
    /// A name, shortened, its key IDs masked, escaped.
    pub(super) fn name(&self, text: &str) -> String {
        (self.escape)(&cut(&self.masker.text(text), NAME_CHARS))
    }

    /// A sentence with names in it, treated likewise.
    pub(super) fn sentence(&self, text: &str) -> String {
        (self.escape)(&cut(&self.masker.text(text), SENTENCE_CHARS))
    }

    /// An access key ID, masked where it has to be.
    pub(super) fn key(&self, access_key_id: Option<&str>) -> String {
        (self.escape)(&cut(&self.masker.key(access_key_id), NAME_CHARS))
    }

    /// A principal without what every ARN of the account begins with: `user/admin`.
    pub(super) fn who(&self, principal: Option<&str>) -> String {
        let Some(principal) = principal else { return "somebody".to_owned() };
        let resource = principal.splitn(6, ':').nth(5).filter(|_| principal.starts_with("arn:"));
        self.name(resource.unwrap_or(principal))
    }

    /// Names, at most a few of them.
    pub(super) fn names<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> String {
        self.list(names.into_iter().map(|name| self.name(name)).collect(), NAMED)
    }

    /// Names with how often each was counted.
    fn counts(&self, counts: &BTreeMap<String, u64>) -> String {
        let mut sorted: Vec<(&String, &u64)> = counts.iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let several = sorted.len() > 1;
        let items = sorted.iter().map(|(name, count)| {
            let count = if several { format!(" ({})", times(**count)) } else { String::new() };
            self.name(name) + &count
        });
        self.list(items.collect(), NAMED)
    }

    fn list(&self, mut items: Vec<String>, named: usize) -> String {
        let more = items.len().saturating_sub(named);
        items.truncate(named);
        let list = items.join(", ");
        if more > 0 { format!("{list} and {more} more") } else { list }
    }

    /// A next step: what to do, and the command for it, which no escaping may alter but for what
    /// deceives.
    pub(super) fn step(&self, step: &str) -> (String, Option<String>) {
        let masked = self.masker.text(step);
        let step = cut(&masked, SENTENCE_CHARS);
        let (text, command) = step_and_command(&step);
        let text = if text.is_empty() { "Run:" } else { text };
        ((self.escape)(text), command.map(visible))
    }

    /// The records, or the reports of a log, that show a fact.
    pub(super) fn events(&self, event_ids: &[String]) -> Option<String> {
        let first = event_ids.first()?;
        let noun = match first.strip_prefix(REPORT) {
            Some(_) => "report",
            None if event_ids.len() == 1 => "event",
            None => "events",
        };
        let ids = event_ids.iter().map(|id| self.name(id.strip_prefix(REPORT).unwrap_or(id)));
        // A full set of witnesses is a sample, so how many more there are is not known here.
        if event_ids.len() >= WITNESSES {
            let named: Vec<String> = ids.take(EVENT_IDS).collect();
            return Some(format!("{noun} {} and others", named.join(", ")));
        }
        Some(format!("{noun} {}", self.list(ids.collect(), EVENT_IDS)))
    }

    /// Key and source.
    pub(super) fn title(&self, finding: &Finding) -> String {
        let key = self.key(finding.access_key_id.as_deref());
        let owner = finding.user_name.as_deref().map(|name| format!(" ({})", self.name(name)));
        format!("{key}{} from {}", owner.unwrap_or_default(), self.name(&finding.source))
    }

    /// What is known, as labels and sentences: each origin, then when, what and who. Of a resolved
    /// finding only how it stands, what it was and why.
    pub(super) fn known(&self, finding: &Finding) -> Vec<(&'static str, String)> {
        let mut known = self.origins(finding);
        match self.resolved(finding) {
            Some(text) => {
                known.insert(0, ("Resolved", text));
                let cause = finding.causes.first();
                known.extend(cause.map(|cause| ("Cause", cause.title.to_owned())));
            }
            None => known.extend(self.circumstances(finding)),
        }
        known
    }

    fn origins(&self, finding: &Finding) -> Vec<(&'static str, String)> {
        let origins = finding.origins;
        let refusals = |count: u64| counted(count, "refusal", "refusals");
        let mut facts = Vec::new();
        if origins.recorded > 0 {
            facts
                .push(("Recorded", format!("CloudTrail recorded {}.", refusals(origins.recorded))));
        }
        if origins.reported > 0 {
            facts.push((
                "Reported",
                format!("A client's log shows {}.", refusals(origins.reported)),
            ));
        }
        if let Some(text) = self.predicted(finding) {
            facts.push(("Predicted", text));
        }
        facts
    }

    fn circumstances(&self, finding: &Finding) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let (Some(first), Some(last)) = (finding.first_seen, finding.last_seen) {
            facts.push(("When", span(first, last)));
        }
        let called = [self.counts(&finding.event_sources), self.counts(&finding.event_names)];
        let called: Vec<String> = called.into_iter().filter(|text| !text.is_empty()).collect();
        let callers = finding.predicted.iter().flat_map(|predicted| &predicted.callers);
        let used: BTreeSet<&String> =
            callers.clone().flat_map(|caller| &caller.event_sources).collect();
        let regions: BTreeSet<&String> =
            callers.flat_map(|caller| &caller.regions).chain(finding.regions.keys()).collect();
        let clients: Vec<String> =
            finding.clients.iter().map(|client| self.name(&client.label)).collect();
        // The ARN of a principal says it already.
        let account = finding.account.as_deref();
        let account = account.filter(|id| {
            let principals = &finding.principals;
            principals.is_empty() || !principals.iter().all(|arn| names(arn, id))
        });
        let mut stages = finding.stages.clone();
        stages.remove("other");
        // Records have their event IDs; a client's log has only these.
        let requests = finding.request_ids.iter().filter(|_| finding.origins.reported > 0);
        for (label, text) in [
            ("Error", self.counts(&finding.codes)),
            ("Called", called.join(": ")),
            ("Used", self.names(used)),
            ("Region", self.names(regions)),
            ("Stage", self.counts(&stages)),
            ("Request", self.names(requests)),
            ("Client", self.list(clients, NAMED)),
            ("Principal", self.names(&finding.principals)),
            ("Account", account.map(|id| self.name(id)).unwrap_or_default()),
        ] {
            if !text.is_empty() {
                facts.push((label, text));
            }
        }
        facts
    }

    fn predicted(&self, finding: &Finding) -> Option<String> {
        let predicted = finding.predicted.as_ref()?;
        let uses = counted(predicted.uses, "successful use", "successful uses");
        let callers = match predicted.callers.len() {
            0 | 1 => String::new(),
            several => format!(" by {several} callers"),
        };
        let when = predicted.first_use.zip(predicted.last_use);
        let when = when.map(|(first, last)| format!(", {}", span(first, last)));
        let observed = finding.origins.recorded + finding.origins.reported > 0;
        Some(format!(
            "{} to fail since {}, when {} {}; {uses}{callers} before that{}.",
            if observed { "Expected" } else { "Not observed: expected" },
            time(predicted.since),
            self.who(predicted.changed_by.as_deref()),
            change(predicted.change),
            when.unwrap_or_default(),
        ))
    }

    /// The proof that a finding is over; a key that is active again may not have been used yet.
    pub(super) fn proof(&self, finding: &Finding) -> Option<String> {
        let resolved = finding.resolved.as_ref()?;
        if finding.access_key_id.as_ref() != Some(&resolved.access_key_id) {
            return self.resolved(finding);
        }
        let event = self.name(&resolved.event_id);
        Some(format!("The key is active again, as event {event} of {} shows.", time(resolved.time)))
    }

    /// Why a finding needs no action any more.
    fn resolved(&self, finding: &Finding) -> Option<String> {
        let resolved = finding.resolved.as_ref()?;
        let key = if finding.access_key_id.as_deref() == Some(&resolved.access_key_id) {
            "the same key".to_owned()
        } else {
            format!("another key, {},", self.key(Some(&resolved.access_key_id)))
        };
        let event = self.name(&resolved.event_id);
        Some(format!("Seen working since {} with {key} in event {event}.", time(resolved.time)))
    }
}

/// Whether an ARN is one of an account.
fn names(arn: &str, account: &str) -> bool {
    arn.starts_with("arn:") && arn.split(':').nth(4) == Some(account)
}

pub(super) fn change(change: Change) -> &'static str {
    match change {
        Change::Created => "created the key",
        Change::Reactivated => "reactivated the key",
        Change::Deactivated => "deactivated the key",
        Change::Deleted => "deleted the key",
        Change::UserDeleted => "deleted the user who owns the key",
        Change::Quarantined => "quarantined the user who owns the key",
    }
}
