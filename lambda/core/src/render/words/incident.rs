//! The sentences about an incident: what a person who gets an alert asks first, in that order.

use std::collections::BTreeSet;

use super::{NAMED, Words, cause_label};
use crate::alert::{Alert, AlertIncident, Due, Kind, Status};
use crate::cause::{Confidence, Diagnosis};
use crate::causes::shell_quoted;
use crate::finding::Finding;
use crate::render::{counted, number, span, time, times};

/// How many sources are told with their clients.
const PLACES: usize = 5;

impl AlertIncident {
    /// How many recorded and reported failures there are.
    fn observed(&self) -> u64 {
        self.origins.recorded + self.origins.reported
    }

    /// How many sources there are.
    fn source_count(&self) -> u64 {
        self.sources.len() as u64 + self.more_sources
    }

    /// How many sources were refused, where that is known.
    fn refused_sources(&self) -> Option<u64> {
        if self.origins.predicted == 0 {
            return Some(self.source_count());
        }
        let refused = |one: &&Finding| one.origins.recorded + one.origins.reported > 0;
        let sources: BTreeSet<&String> =
            self.findings.iter().filter(refused).map(|finding| &finding.source).collect();
        (self.more_findings == 0).then_some(sources.len() as u64)
    }

    /// Whether the same key proves that a finding is over: it may not have been used yet.
    fn is_on_again(&self) -> bool {
        self.findings.iter().any(|finding| {
            let proof = finding.resolved.as_ref().map(|resolved| &resolved.access_key_id);
            proof.is_some() && proof == finding.access_key_id.as_ref()
        })
    }

    /// How many different keys the findings that are told have.
    fn key_count(&self) -> u64 {
        let keys: BTreeSet<_> =
            self.findings.iter().filter_map(|finding| finding.access_key_id.as_ref()).collect();
        keys.len() as u64
    }

    /// What turned the key off, where callers are still expected to fail.
    fn expected(&self) -> Option<&Finding> {
        let mut expected = self.findings.iter().filter(|_| self.active_again.is_none());
        expected.find(|one| one.predicted.is_some() && one.resolved.is_none())
    }

    /// The cause that leads, and all others.
    pub(in crate::render) fn cause(&self) -> Option<&Diagnosis> {
        self.findings.first()?.causes.first()
    }
}

/// How sure it is, and what that means.
pub(in crate::render) fn certainty(diagnosis: &Diagnosis) -> &'static str {
    match diagnosis.confidence {
        _ if diagnosis.id == "unexplained" => "No known cause fits what was read.",
        Confidence::High => {
            "The cause is proved: by a record, an answer of IAM or what the error says."
        }
        Confidence::Medium => "The cause is likely: several circumstances suggest it.",
        Confidence::Low => "The cause is only possible: nothing proves it, nothing rules it out.",
    }
}

/// The command that shows everything, not only what is in the alert.
pub(in crate::render) fn summary_command(alert: &Alert) -> String {
    format!(
        "aws lambda invoke --region {} --function-name {} --cli-binary-format raw-in-base64-out \
         --payload '{{\"task\":\"summary\",\"since\":\"24h\",\"format\":\"markdown\"}}' /dev/stdout",
        shell_quoted(&alert.monitor.region),
        shell_quoted(&alert.monitor.summary_function),
    )
}

/// How to have no more alerts of an incident: the sentence, and the rule.
pub(in crate::render) fn mute(incident: &AlertIncident) -> (&'static str, Option<String>) {
    let quoted = |text: &str| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        text.replace("${", "$${").replace("%{", "%%{")
    };
    let rule = match (&incident.access_key_id, &incident.source) {
        (Some(id), _) => {
            Some(format!("{{ access_key_id = \"{}\", reason = \"...\" }}", quoted(id)))
        }
        (None, Some(source)) => {
            Some(format!("{{ source = \"{}\", reason = \"...\" }}", quoted(source)))
        }
        (None, None) => None,
    };
    (
        "To mute it, add this rule to `ignore` in the Terraform variables and apply; it is counted \
         all the same:",
        rule,
    )
}

impl Words<'_> {
    /// What the incident is about: `AKIA****MPLE (deploy-ci)`, or the source.
    pub(in crate::render) fn subject(&self, incident: &AlertIncident) -> String {
        match (&incident.source, &incident.user_name) {
            (Some(source), _) => format!("calls from {}", self.name(source)),
            (None, Some(user)) => {
                format!("{} ({})", self.key(incident.access_key_id.as_deref()), self.name(user))
            }
            (None, None) => self.key(incident.access_key_id.as_deref()),
        }
    }

    /// The alert in the fewest words, for the subject of an email and a text message.
    pub(in crate::render) fn in_short(&self, alert: &Alert) -> String {
        let [incident] = alert.incidents.as_slice() else { return self.digest_in_short(alert) };
        if alert.kind == Kind::Digest {
            return self.digest_in_short(alert);
        }
        let observed = incident.observed() > 0;
        let what = match (incident.due, observed) {
            (Due::New, true) => "Refused",
            (Due::New, false) => "Expected to fail",
            (Due::NewCause, _) => "New cause",
            (Due::NewSource, true) => "Refused, new source",
            (Due::NewSource, false) => "Expected to fail, new source",
            (Due::FollowUp, _) if incident.new_failures > 0 => "Still refused",
            (Due::FollowUp, _) => "Still expected to fail",
            (Due::Closing, _) => "Over",
        };
        let test = if alert.kind == Kind::Test { "[TEST] " } else { "" };
        let cause = incident.cause().map(|cause| format!(": {}", cause.title));
        format!("{test}{what}: {}{}", self.subject(incident), cause.unwrap_or_default())
    }

    fn digest_in_short(&self, alert: &Alert) -> String {
        let all = alert.incidents.len() as u64 + alert.more_incidents;
        let new = alert.incidents.iter().filter(|incident| incident.due == Due::New).count();
        let over = alert.incidents.iter().filter(|incident| incident.due == Due::Closing).count();
        let known = alert.more_incidents == 0;
        let parts: Vec<String> = [(new, "new"), (over, "over")]
            .into_iter()
            .filter(|(count, _)| known && *count > 0)
            .map(|(count, what)| format!("{} {what}", number(count as u64)))
            .collect();
        let parts =
            if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
        format!(
            "AWS credentials refused or expected to fail: {} at once{parts}",
            counted(all, "incident", "incidents")
        )
    }

    /// The first sentence: what happened, and why it is told now.
    pub(in crate::render) fn opening(&self, incident: &AlertIncident) -> String {
        let subject = self.subject(incident);
        let failures = self.failures(incident);
        match incident.due {
            Due::New => match (incident.observed() > 0, incident.expected()) {
                (true, None) => format!("AWS refuses {subject}: {failures}."),
                (false, Some(expected)) => {
                    format!(
                        "{} are expected to fail: {}.",
                        self.callers(incident),
                        self.off(expected)
                    )
                }
                (true, Some(expected)) => format!(
                    "AWS refuses {subject}: {failures}, and more are expected: {}.",
                    self.off(expected)
                ),
                (false, None) => format!("{subject} may fail."),
            },
            Due::NewCause => {
                let cause = incident.cause().map_or("none", |cause| cause.title);
                let before = incident.previous_cause.as_deref().unwrap_or("none");
                format!("Another cause is likely now for {subject}: {cause} (before: {before}).")
            }
            Due::NewSource => {
                let sources = self.names(&incident.new_sources);
                let seen = incident
                    .findings
                    .first()
                    .is_some_and(|first| first.origins.recorded + first.origins.reported > 0);
                let what = if seen { "is refused" } else { "is expected to fail" };
                format!("{subject} {what} at a source that was not told before: {sources}.")
            }
            Due::FollowUp if incident.new_failures > 0 => format!(
                "AWS still refuses {subject}: {} since the last message, {failures} in all.",
                counted(incident.new_failures, "failure", "failures"),
            ),
            Due::FollowUp => format!(
                "{} are still expected to fail: no record shows that they work again.",
                self.callers(incident)
            ),
            Due::Closing => match &incident.active_again {
                Some(again) => format!(
                    "Over: {subject} is active again since {}; {} did that.",
                    time(again.time),
                    self.who(again.changed_by.as_deref())
                ),
                None if incident.is_on_again() => format!("Over: {subject} is active again."),
                None => format!("Over: every known caller of {subject} works again."),
            },
        }
    }

    fn callers(&self, incident: &AlertIncident) -> String {
        let callers = match incident.origins.predicted {
            0 | 1 => "Calls".to_owned(),
            several => format!("{} callers", number(several)),
        };
        format!("{callers} with {}", self.subject(incident))
    }

    /// Who turned the key off, and when.
    fn off(&self, finding: &Finding) -> String {
        let Some(predicted) = &finding.predicted else { return String::new() };
        format!(
            "{} {} at {}",
            self.who(predicted.changed_by.as_deref()),
            super::change(predicted.change),
            time(predicted.since)
        )
    }

    /// How often and from how many places or with how many keys.
    fn failures(&self, incident: &AlertIncident) -> String {
        let least =
            if incident.more_findings > 0 && incident.more_sources > 0 { "at least " } else { "" };
        let count = counted(incident.observed(), "failure", "failures");
        let spread = match (&incident.source, incident.key_count()) {
            (Some(_), 0) => " without a key ID".to_owned(),
            (Some(_), keys) => format!(" with {}", counted(keys, "access key", "access keys")),
            (None, _) => match incident.refused_sources() {
                None | Some(0 | 1) => String::new(),
                Some(sources) => format!(" from {} sources", number(sources)),
            },
        };
        format!("{least}{count}{spread}")
    }

    /// What fails, or is expected to, how often and since when; a sentence for each origin.
    pub(in crate::render) fn what(&self, incident: &AlertIncident) -> Vec<String> {
        let origins = incident.origins;
        let mut out = Vec::new();
        let seen = match (incident.first_seen, incident.last_seen) {
            (Some(first), Some(last)) => format!(", {}", span(first, last)),
            _ => String::new(),
        };
        let least =
            if incident.more_findings > 0 && incident.more_sources > 0 { "at least " } else { "" };
        let refusals = |count: u64| format!("{least}{}", counted(count, "refusal", "refusals"));
        match (origins.recorded, origins.reported) {
            (0, 0) => {}
            (recorded, 0) => out.push(format!("CloudTrail recorded {}{seen}.", refusals(recorded))),
            (0, reported) => {
                out.push(format!("Logs of clients show {}{seen}.", refusals(reported)))
            }
            (recorded, reported) => out.push(format!(
                "CloudTrail recorded {}, and logs of clients show {}{seen}.",
                refusals(recorded),
                refusals(reported)
            )),
        }
        let expected = incident.findings.iter().filter(|f| f.resolved.is_none());
        let predicted: Vec<_> = expected.filter_map(|f| f.predicted.as_ref()).collect();
        if let (Some(since), Some(first)) = (incident.expected_since, predicted.first())
            && incident.status == Status::Open
            && incident.active_again.is_none()
        {
            let uses: u64 = predicted.iter().map(|one| one.uses).sum();
            let last = predicted.iter().filter_map(|one| one.last_use).max();
            let last = last.map(|last| format!(", the last at {}", time(last)));
            out.push(format!(
                "{} to fail since {}, when {} {}. Before that it was used {}{}.",
                if out.is_empty() {
                    "Not observed, but expected"
                } else {
                    "More calls are expected"
                },
                time(since),
                self.who(first.changed_by.as_deref()),
                super::change(first.change),
                times(uses),
                last.unwrap_or_default(),
            ));
        }
        out
    }

    /// Which key and whose.
    pub(in crate::render) fn whose(&self, incident: &AlertIncident) -> String {
        let account = incident.account.as_deref();
        let account = account.map(|account| format!(", account {}", self.name(account)));
        let account = account.unwrap_or_default();
        if incident.source.is_some() {
            let keys: BTreeSet<String> = incident
                .findings
                .iter()
                .map(|finding| self.key(finding.access_key_id.as_deref()))
                .collect();
            return format!("{}{account}", self.list(keys.into_iter().collect(), NAMED));
        }
        let owner = match &incident.user_name {
            Some(user) => format!(" of the user {}", self.name(user)),
            None => ", owner not known".to_owned(),
        };
        format!("{}{owner}{account}", self.key(incident.access_key_id.as_deref()))
    }

    /// Where from, and with what client; a line for each source.
    pub(in crate::render) fn places(&self, incident: &AlertIncident) -> Vec<String> {
        let mut named: BTreeSet<&String> = BTreeSet::new();
        let mut out = Vec::new();
        for finding in &incident.findings {
            if !named.insert(&finding.source) || out.len() == PLACES {
                continue;
            }
            let of_source = incident.findings.iter().filter(|one| one.source == finding.source);
            let clients: BTreeSet<&String> =
                of_source.flat_map(|one| &one.clients).map(|client| &client.label).collect();
            let with = match clients.is_empty() {
                true => String::new(),
                false => format!(" with {}", self.names(clients)),
            };
            let state = match (&finding.resolved, incident.new_sources.contains(&finding.source)) {
                (Some(_), _) if incident.due != Due::Closing => " (works again)",
                (_, true) => " (new)",
                _ => "",
            };
            out.push(format!("{}{with}{state}", self.name(&finding.source)));
        }
        let more = incident.source_count().saturating_sub(out.len() as u64);
        if more > 0 {
            out.push(format!("… and {}", counted(more, "more source", "more sources")));
        }
        out
    }

    /// What other causes there are: of the first finding, and of other sources.
    pub(in crate::render) fn other_causes(&self, incident: &AlertIncident) -> Vec<String> {
        let Some(first) = incident.findings.first() else { return Vec::new() };
        let mut told: BTreeSet<&str> = first.causes.iter().map(|cause| cause.id).collect();
        let sure = |place: usize, cause: &Diagnosis| match cause_label(place, cause).1 {
            Some(confidence) => format!("{} ({confidence} confidence)", cause.title),
            None => cause.title.to_owned(),
        };
        let others = first.causes.iter().skip(1);
        let mut out: Vec<String> =
            others.map(|cause| format!("Also possible: {}.", sure(1, cause))).collect();
        for finding in incident.findings.iter().skip(1).filter(|one| one.resolved.is_none()) {
            if let Some(cause) = finding.causes.first().filter(|cause| told.insert(cause.id)) {
                out.push(format!("At {}: {}.", self.name(&finding.source), sure(1, cause)));
            }
        }
        out
    }

    /// How far all this is to be trusted.
    pub(in crate::render) fn unseen(&self, incident: &AlertIncident) -> Vec<String> {
        let mut out = Vec::new();
        out.push(match incident.observed() {
            0 => "CloudTrail does not show most calls with such a key, so nobody can see here \
                  whether they are made."
                .to_owned(),
            _ => "CloudTrail does not record most refused requests: there may be more than it \
                  shows."
                .to_owned(),
        });
        out.extend(
            incident.unread.iter().map(|text| format!("Not read: {}.", self.sentence(text))),
        );
        out
    }

    /// One incident of a digest in one or two sentences.
    pub(in crate::render) fn in_digest(&self, incident: &AlertIncident) -> String {
        let cause = incident.cause().map(|cause| match cause_label(0, cause) {
            (label, Some(confidence)) => format!(" {label}: {} ({confidence}).", cause.title),
            (_, None) => format!(" {}.", cause.title),
        });
        let cause = cause.filter(|_| !matches!(incident.due, Due::NewCause | Due::Closing));
        format!("{}{}", self.opening(incident), cause.unwrap_or_default())
    }
}
