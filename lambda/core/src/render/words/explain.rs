//! The sentences about the refusals of one text.

use std::collections::BTreeMap;

use super::super::{counted, span};
use super::Words;
use crate::explain::{Explained, Explanation, NotSent, Section, place};
use crate::report::Stage;

/// What a person reads first.
pub(in crate::render) fn headline(explanation: &Explanation) -> (bool, &'static str, String) {
    let refusals = explanation.failures.len() as u64;
    match (refusals, explanation.not_sent.is_empty()) {
        (0, true) => (false, "No refused credentials in", String::new()),
        (0, false) => {
            (true, "No credentials, so nothing was sent and nothing refused:", String::new())
        }
        _ => (true, "in", counted(refusals, "refusal", "refusals")),
    }
}

/// What the explanation rests on.
pub(in crate::render) fn basis(explanation: &Explanation) -> String {
    let lines = counted(explanation.lines, "line", "lines");
    if explanation.failures.is_empty() && explanation.not_sent.is_empty() {
        return format!(
            "{lines} read. A refusal that the client did not print, or in words that are not known \
             here, stays unseen."
        );
    }
    format!("Worked out from {lines} of text alone, without asking AWS.")
}

impl Words<'_> {
    /// The headline as one line.
    pub(in crate::render) fn explanation(&self, explanation: &Explanation) -> (bool, String) {
        let (found, text, count) = headline(explanation);
        let source = self.name(&explanation.source);
        (found, format!("{count} {text} {source}").trim_start().to_owned())
    }

    /// The head of a section.
    pub(in crate::render) fn refusal_title(
        &self,
        explanation: &Explanation,
        section: &Section,
    ) -> String {
        let Some(first) = self.members(explanation, section).next() else { return String::new() };
        let place = place::title(first.stage, first.client);
        let many = match section.failures.len() as u64 {
            1 => String::new(),
            count => format!(", {}", super::times(count)),
        };
        format!("{}{many} · {place}", self.name(&first.code))
    }

    fn members<'e>(
        &self,
        explanation: &'e Explanation,
        section: &'e Section,
    ) -> impl Iterator<Item = &'e Explained> {
        section.failures.iter().filter_map(|place| explanation.failures.get(*place))
    }

    /// What the text tells of the refusals of a section.
    pub(in crate::render) fn refusal_facts(
        &self,
        explanation: &Explanation,
        section: &Section,
    ) -> Vec<(&'static str, String)> {
        let members: Vec<&Explained> = self.members(explanation, section).collect();
        let count = |field: fn(&Explained) -> Option<&String>| {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for value in members.iter().filter_map(|one| field(one)) {
                *counts.entry(value.clone()).or_default() += 1;
            }
            self.counts(&counts)
        };
        let called = match count(|one| one.operation.as_ref()) {
            none if none.is_empty() => count(|one| one.event_source.as_ref()),
            called => called,
        };
        let region = count(|one| one.region.as_ref());
        let called = match (called.is_empty(), region.is_empty()) {
            (false, false) => format!("{called} in {region}"),
            _ => called + &region,
        };
        let status = members.iter().find_map(|one| one.status);
        let client = members.first().map(|one| client(one.client, one.ci)).unwrap_or_default();
        let times = members.iter().filter_map(|one| one.time);
        let when = times.clone().min().zip(times.max());
        let key = members.iter().find_map(|one| one.access_key_id.as_deref());
        let lines: Vec<u64> = members.iter().map(|one| one.line as u64).collect();
        let facts = [
            ("Message", count(|one| Some(&one.message).filter(|text| !text.is_empty()))),
            ("Called", called),
            ("Status", status.map(|status| format!("HTTP {status}")).unwrap_or_default()),
            ("Request", self.names(members.iter().filter_map(|one| one.request_id.as_ref()))),
            ("Access key", key.map(|id| self.key(Some(id))).unwrap_or_default()),
            ("Resource", self.names(members.iter().filter_map(|one| one.resource.as_ref()))),
            ("When", when.map(|(first, last)| span(first, last)).unwrap_or_default()),
            ("Client", client),
            ("Line", line_numbers(&lines, members.first().map_or(1, |one| one.times_printed))),
        ];
        facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }

    /// The head of a client's lack of credentials.
    pub(in crate::render) fn not_sent_title(&self, one: &NotSent) -> String {
        let place = match (one.stage, one.client) {
            (Stage::Other, None) => "an AWS client".to_owned(),
            _ => place::title(one.stage, one.client),
        };
        format!("No request was sent · {place}")
    }

    /// What the text tells of a client without credentials.
    pub(in crate::render) fn not_sent_facts(&self, one: &NotSent) -> Vec<(&'static str, String)> {
        let resource = one.resource.as_ref().map(|name| self.name(name)).unwrap_or_default();
        let facts = [
            ("Message", self.sentence(&one.message)),
            ("Resource", resource),
            ("When", one.time.map(super::super::time).unwrap_or_default()),
            ("Client", client(one.client, one.ci)),
            ("Line", line_numbers(&[one.line as u64], one.times_printed)),
        ];
        facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }
}

fn client(client: Option<&'static str>, ci: Option<&'static str>) -> String {
    let ci = ci.map(|ci| match ci {
        "GitHubActions" => "GitHub Actions",
        "GitLab-CI" => "GitLab CI",
        "CodeBuild" => "AWS CodeBuild",
        "Azure-Pipelines" => "Azure Pipelines",
        other => other,
    });
    match (client, ci) {
        (Some(client), Some(ci)) => format!("{client} in {ci}"),
        (client, ci) => client.or(ci).unwrap_or("").to_owned(),
    }
}

fn line_numbers(lines: &[u64], printed: u32) -> String {
    let Some(first) = lines.first() else { return String::new() };
    match lines.len() {
        1 if printed > 1 => {
            format!("{}; printed {}", super::number(*first), super::times(printed.into()))
        }
        1 => super::number(*first),
        more => format!("{} and {} more", super::number(*first), more - 1),
    }
}
