//! What a client's own output says about refused credentials, explained refusal by refusal.
//!
//! Knows how to bring together what `report` reads, the causes of `causes`, the meaning of a code,
//! the stage of the client's work and the questions for whoever administers the account. Must not
//! know media, where the text came from or how it is handed on.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cause::{Diagnosis, KeyKnowledge, Situation};
use crate::causes;
use crate::failure::{Failure, Family};
use crate::finding::Finding;
use crate::group::{Group, GroupKey};
use crate::report::{self, Report, Stage};
use crate::tally::Tally;

mod ask;
mod clients;
mod clues;
pub mod excerpt;
pub mod meaning;
pub mod place;

/// The version of the machine output of `explain`.
pub const SCHEMA: &str = "failure-monitor/explain/1";

/// What one text shows.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The name of the text.
    pub source: String,
    /// How many lines it has.
    pub lines: u64,
    /// The refusals, in the order of their first lines; none twice.
    pub failures: Vec<Explained>,
    /// Where a client had no credentials and sent nothing, so that nobody refused anything.
    pub not_sent: Vec<NotSent>,
    /// The refusals that are explained by the same words, as people read them.
    #[serde(skip)]
    pub sections: Vec<Section>,
}

/// One refusal and what there is to say about it.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// The error code; where the text has none, the one that its wording proves or else the name
    /// of the family.
    pub code: String,
    /// What the code means here.
    pub family: Family,
    /// The error's own text, at most 512 bytes.
    pub message: String,
    /// The line of the text where it is printed first, counted from 1.
    pub line: usize,
    /// In how many statements of the text it is printed.
    pub times_printed: u32,
    /// When, where the text says so with its time zone.
    pub time: Option<DateTime<Utc>>,
    /// Where in the client's work it came.
    pub stage: Stage,
    /// The Terraform address of the provider, resource or data source.
    pub resource: Option<String>,
    /// The client that was refused.
    pub client: Option<&'static str>,
    /// The CI system that the text is from.
    pub ci: Option<&'static str>,
    /// The operation with its service, `sts:GetCallerIdentity`, or alone where that is not known.
    pub operation: Option<String>,
    /// The service called, `sts.amazonaws.com`.
    pub event_source: Option<String>,
    /// The region called.
    pub region: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The service's request ID.
    pub request_id: Option<String>,
    /// The access key ID, where the text shows it.
    pub access_key_id: Option<String>,
    /// What the answer means.
    pub meaning: &'static str,
    /// What it does not mean.
    pub not: &'static str,
    /// What the stage is, and where its credentials come from.
    pub place: &'static str,
    /// What to look at in this stage, in order, with commands.
    pub next_steps: Vec<String>,
    /// What explains it, as in a scan, most likely first; never empty.
    pub causes: Vec<Diagnosis>,
    /// What to ask whoever administers the account, with commands.
    pub ask: Vec<String>,
}

/// A client that had no credentials.
#[derive(Debug, Clone, Serialize)]
pub struct NotSent {
    /// The line of the text.
    pub line: usize,
    /// In how many statements of the text it is printed.
    pub times_printed: u32,
    /// When, where the text says so with its time zone.
    pub time: Option<DateTime<Utc>>,
    /// The client's words.
    pub message: String,
    /// Where in the client's work it came.
    pub stage: Stage,
    /// The Terraform address of the provider or resource.
    pub resource: Option<String>,
    /// The client.
    pub client: Option<&'static str>,
    /// The CI system that the text is from.
    pub ci: Option<&'static str>,
    /// What it means.
    pub meaning: &'static str,
    /// What it does not mean.
    pub not: &'static str,
    /// What to do, in order, with commands.
    pub next_steps: Vec<String>,
}

/// Refusals that differ in nothing that matters for their explanation, such as those of forty
/// resources of one run.
#[derive(Debug, Clone)]
pub struct Section {
    /// Their places in [`Explanation::failures`], in order.
    pub failures: Vec<usize>,
    /// Their causes, judged together.
    pub finding: Finding,
}

/// Explains every refusal that a text shows. `source` names the text; `now` is the time of the run.
pub fn explain(text: &str, source: &str, now: DateTime<Utc>) -> Explanation {
    let reports = report::parse(text);
    let failures = report::to_failures(&reports, source);
    let refused = reports.iter().filter(|report| !report.no_request).zip(&failures);
    let tried = keys_tried(&failures);
    let clues = clues::Clues::read(text);
    let judge = |failures: &[&Failure]| judged(failures, &tried, &clues, now);

    let mut explained = Vec::with_capacity(failures.len());
    let mut alike: Vec<(Alike<'_>, Vec<usize>)> = Vec::new();
    for (index, (report, failure)) in refused.enumerate() {
        let causes = judge(&[failure]).causes;
        let key = Alike {
            code: &failure.code,
            stage: report.stage,
            region: &report.region,
            access_key_id: &report.access_key_id,
            client: report.client,
            causes: causes.iter().map(|cause| cause.id).collect(),
        };
        match alike.iter_mut().find(|(known, _)| *known == key) {
            Some((_, places)) => places.push(index),
            None => alike.push((key, vec![index])),
        }
        explained.push(one(report, failure, causes));
    }
    let sections = alike.into_iter().map(|(_, places)| {
        let members: Vec<&Failure> = places.iter().map(|place| &failures[*place]).collect();
        Section { finding: judge(&members), failures: places }
    });
    Explanation {
        schema: SCHEMA,
        source: source.to_owned(),
        lines: text.lines().count() as u64,
        sections: sections.collect(),
        failures: explained,
        not_sent: reports.iter().filter(|report| report.no_request).map(not_sent).collect(),
    }
}

#[derive(PartialEq, Eq)]
struct Alike<'a> {
    code: &'a str,
    stage: Stage,
    region: &'a Option<String>,
    access_key_id: &'a Option<String>,
    client: Option<&'static str>,
    causes: Vec<&'static str>,
}

/// The same judgement that a scan would make of these failures, if they were all it had read, and
/// what the text shows beside them.
fn judged(
    failures: &[&Failure],
    tried: &BTreeMap<String, Tally>,
    clues: &clues::Clues,
    now: DateTime<Utc>,
) -> Finding {
    let first = failures.first();
    let own = first.and_then(|failure| failure.access_key_id.clone());
    let refused = first.is_some_and(|failure| failure.family == Family::UnknownCredentials);
    let assumed = if refused && own.is_none() { clues.id.as_ref() } else { None };
    let mut group = Group::new(GroupKey {
        account: first.and_then(|failure| failure.account.clone()),
        access_key_id: own.or_else(|| assumed.map(|(id, _)| id.clone())),
        source: first.map(|failure| failure.source.clone()).unwrap_or_default(),
        event_source: None,
    });
    failures.iter().for_each(|failure| group.add(failure));
    let key = KeyKnowledge::default();
    let situation =
        Situation { group: &group, left_behind: None, key: &key, keys_tried: tried, now };
    let mut causes = causes::diagnose(&situation);
    clues.apply(&mut causes, assumed.is_some());
    Finding::new(&group, None, None, causes)
}

fn keys_tried(failures: &[Failure]) -> BTreeMap<String, Tally> {
    let mut tried: BTreeMap<String, Tally> = BTreeMap::new();
    for failure in failures.iter().filter(|one| one.family == Family::UnknownCredentials) {
        if let Some(id) = &failure.access_key_id {
            tried.entry(id.clone()).or_default().add(failure.time, &failure.event_id);
        }
    }
    tried
}

fn one(report: &Report, failure: &Failure, causes: Vec<Diagnosis>) -> Explained {
    let meaning = meaning::of(failure.family, &failure.code);
    let place = place::of(report);
    let operation = report.operation.as_ref().map(|operation| match &report.service {
        Some(service) => format!("{service}:{operation}"),
        None => operation.clone(),
    });
    Explained {
        code: failure.code.clone(),
        family: failure.family,
        message: report.message.clone(),
        line: report.line,
        times_printed: report.times_printed,
        time: report.time,
        stage: report.stage,
        resource: report.resource.clone(),
        client: report.client,
        ci: report.ci,
        operation,
        event_source: report.event_source.clone(),
        region: report.region.clone(),
        status: report.status,
        request_id: report.request_id.clone(),
        access_key_id: report.access_key_id.clone(),
        meaning: meaning.means,
        not: meaning.not,
        place: place.what,
        next_steps: place.next_steps,
        causes,
        ask: ask::of(report, failure),
    }
}

fn not_sent(report: &Report) -> NotSent {
    NotSent {
        line: report.line,
        times_printed: report.times_printed,
        time: report.time,
        message: report.message.clone(),
        stage: report.stage,
        resource: report.resource.clone(),
        client: report.client,
        ci: report.ci,
        meaning: meaning::NOT_SENT.means,
        not: meaning::NOT_SENT.not,
        next_steps: place::without_credentials(report),
    }
}

#[cfg(test)]
mod tests;
