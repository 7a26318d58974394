//! From places that show a refusal to refusals: which printings are one and the same.
//!
//! Knows when two printings can be of one request. Must not know how a fact is written in a log.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

use super::facts::{Context, Facts};
use super::hits::{self, Hit};
use super::lines::Squeezed;
use super::wording::Wording;
use super::{Report, Stage};
use crate::failure::{self, Family};

/// How much squeezed text on either side of a refusal may speak of it.
const CONTEXT: usize = 4096;
/// The longest message, in bytes.
const MESSAGE: usize = 512;
/// How many of the latest refusals a printing without a request ID may belong to, and how many
/// lines it may be away from them.
const NEIGHBOURS: usize = 16;
const NEAR: usize = 200;
/// Printings further apart than this are two refusals, where their request IDs do not say.
const SAME_TIME: TimeDelta = TimeDelta::minutes(5);

/// One printing of a refusal.
struct Draft {
    line: usize,
    time: Option<DateTime<Utc>>,
    code: Option<String>,
    family: Family,
    wording: Option<&'static Wording>,
    message: String,
    facts: Facts,
    no_request: bool,
    times_printed: u32,
}

/// Whether the lines of two hits begin with the same words.
fn starts_alike(text: &Squeezed, a: &Hit, b: &Hit) -> bool {
    let start = |hit: &Hit| {
        let start = text.lines[text.line_at(hit.range.start)].start;
        &text.text.as_bytes()[start..hit.range.start.min(start + 24)]
    };
    start(a).len() >= 8 && start(a) == start(b)
}

fn read_hit(context: &Context<'_>, index: usize, hits: &[Hit]) -> Option<Draft> {
    let (text, hit) = (context.text, &hits[index]);
    let no_request = hit.wording.as_ref().is_some_and(|(wording, _)| wording.no_request);
    let facts = if no_request { context.place() } else { context.facts() };
    let said = hit
        .wording
        .as_ref()
        .map(|(wording, range)| (*wording, hits::sentence(text, wording, range, MESSAGE)));
    let (code, family, message) = match (&hit.code, said) {
        (Some(code), said) => {
            let mut after = text.text.floor_char_boundary(code.end + 400).min(context.after.end);
            after = after.max(code.end);
            if text.lower[code.end..after].contains("noaccountfoundforthegivenparameters") {
                return None;
            }
            let code = &text.text[code.clone()];
            if !hit.certain && is_common(code) && !speaks_of_aws(context) {
                return None;
            }
            let message = match said {
                Some((_, said)) => said,
                None => message_after(text, hit.range.end),
            };
            // Some clients print the message before the code.
            let earlier = index.checked_sub(1).and_then(|earlier| hits[earlier].wording.as_ref());
            let earlier = earlier.filter(|(_, range)| hit.range.start - range.end < CONTEXT);
            let all = format!("{message} {}", earlier.map_or("", |(wording, _)| wording.text));
            let operation = facts.operation.as_deref().unwrap_or("");
            let family = failure::classify(code, &all, operation)?;
            (Some(code.to_owned()), family, message)
        }
        (None, Some((wording, said))) => (None, wording.family, said),
        (None, None) => return None,
    };
    let line = &text.lines[text.line_at(hit.range.start)];
    Some(Draft {
        line: line.number,
        time: line.time.or_else(|| {
            let first = text.line_at(context.before.start);
            text.lines[first..=text.line_at(hit.range.start)].iter().rev().find_map(|l| l.time)
        }),
        code,
        family,
        wording: hit.wording.as_ref().map(|(wording, _)| *wording),
        message: cut(&message),
        facts,
        no_request,
        times_printed: 1,
    })
}

/// Whether other software has an error code of that name, too.
fn is_common(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken"
            | "InvalidToken"
            | "InvalidIdentityToken"
            | "RequestExpired"
            | "RequestInTheFuture"
    )
}

fn speaks_of_aws(context: &Context<'_>) -> bool {
    let marks = [
        "aws",
        "amazon",
        "statuscode:",
        "requestid",
        "whencallingthe",
        "s3",
        "sts",
        "theprovidedtokenhasexpired",
        "theprovidedtokenismalformed",
        "thesecuritytokenincluded",
    ];
    marks.iter().any(|mark| context.mentions(mark))
}

/// The error's text after its code, past the punctuation and the operation between them.
fn message_after(text: &Squeezed, mut at: usize) -> String {
    let lower = &text.lower;
    if lower[at..].starts_with(")") {
        let part = &lower[at..lower.floor_char_boundary(at + 160)];
        at += part.find("operation").and_then(|o| Some(o + part[o..].find(':')?)).unwrap_or(0);
    }
    for skip in ["</code>", "(client)"] {
        if lower[at..].starts_with(skip) {
            at += skip.len();
        }
    }
    let marks = |c: char| "\"'`,;:)]}=>.{".contains(c);
    at += lower[at..].chars().take(4).take_while(|c| marks(*c)).count();
    for skip in [
        "<message>",
        "message\":\"",
        "\"message\":\"",
        "message:'",
        "awserrormessage:",
        "message=\"",
    ] {
        if lower[at..].starts_with(skip) {
            at += skip.len();
        }
    }
    hits::tail(text, at, MESSAGE)
}

fn cut(message: &str) -> String {
    let message = message.trim();
    message[..message.floor_char_boundary(MESSAGE)].to_owned()
}

impl Draft {
    /// Whether nothing that two printings tell differs.
    fn agrees(&self, other: &Draft, one_statement: bool) -> bool {
        fn same<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        let wording = |draft: &Draft| draft.wording.map(|wording| wording.text);
        let (a, b) = (&self.facts, &other.facts);
        same(&self.proven_code(), &other.proven_code())
            && same(&wording(self), &wording(other))
            && (self.family == other.family
                || one_statement && refined(self.family, other.family).is_some())
            && same(&a.request_id, &b.request_id)
            && same(&a.operation, &b.operation)
            && same(&a.service, &b.service)
            && same(&a.region, &b.region)
            && same(&a.resource, &b.resource)
            && same(&a.access_key_id, &b.access_key_id)
            && (one_statement || same(&a.stage, &b.stage) && same(&a.client, &b.client))
    }

    /// Adds what another printing of the same refusal tells.
    fn join(&mut self, other: Draft) {
        self.family = refined(self.family, other.family).unwrap_or(self.family);
        self.time = self.time.or(other.time);
        // A wording is a better message than what happens to follow a code.
        if self.message.is_empty() || self.wording.is_none() && other.wording.is_some() {
            self.message = other.message;
        }
        self.wording = self.wording.or(other.wording);
        self.code = self.code.take().or(other.code);
        let (a, b) = (&mut self.facts, other.facts);
        a.stage = a.stage.or(b.stage);
        a.client = a.client.or(b.client);
        a.status = a.status.or(b.status);
        a.service = a.service.take().or(b.service);
        a.operation = a.operation.take().or(b.operation);
        a.region = a.region.take().or(b.region);
        a.request_id = a.request_id.take().or(b.request_id);
        a.access_key_id = a.access_key_id.take().or(b.access_key_id);
        a.resource = a.resource.take().or(b.resource);
    }

    /// The code without EC2's prefix, or the one that the wording proves.
    fn proven_code(&self) -> Option<&str> {
        let code = self.code.as_deref().map(|code| code.strip_prefix("Client.").unwrap_or(code));
        code.or(self.wording.and_then(|wording| wording.code))
    }

    fn key(&self) -> Key {
        let facts = Facts { status: None, request_id: None, ..self.facts.clone() };
        (self.code.clone(), self.family, facts, self.no_request)
    }

    fn is_close_to(&self, later: &Draft) -> bool {
        match (self.time, later.time) {
            (Some(a), Some(b)) => (a - b).abs() <= SAME_TIME,
            _ => true,
        }
    }

    fn report(self) -> Report {
        let facts = self.facts;
        Report {
            line: self.line,
            time: self.time,
            code: self.code,
            family: self.family,
            message: self.message,
            stage: facts.stage.unwrap_or(Stage::Other),
            event_source: facts.service.as_ref().map(|service| format!("{service}.amazonaws.com")),
            service: facts.service,
            operation: facts.operation,
            region: facts.region,
            status: facts.status,
            request_id: facts.request_id,
            access_key_id: facts.access_key_id,
            resource: facts.resource,
            client: facts.client,
            ci: None,
            times_printed: self.times_printed,
            no_request: self.no_request,
        }
    }
}

/// The more exact of two families of which one refusal can show both.
fn refined(a: Family, b: Family) -> Option<Family> {
    match (a, b) {
        _ if a == b => Some(a),
        (Family::Signature, Family::Clock) | (Family::Clock, Family::Signature) => {
            Some(Family::Clock)
        }
        (Family::ExpiredToken, Family::IdentityToken)
        | (Family::IdentityToken, Family::ExpiredToken) => Some(Family::IdentityToken),
        _ => None,
    }
}

/// The refusals so far.
#[derive(Default)]
pub(super) struct Reports {
    drafts: Vec<Draft>,
    by_request_id: HashMap<String, usize>,
    by_key: HashMap<Key, usize>,
}

/// What tells refusals without request IDs apart, for those too far away to compare one by one.
type Key = (Option<String>, Family, Facts, bool);

impl Reports {
    /// Adds the refusals of a part of a log.
    ///
    /// The text is divided among the hits, so that none of it is read for more than two of them.
    pub(super) fn read(&mut self, text: &Squeezed) {
        let hits = hits::hits(text);
        let opens: Vec<usize> =
            text.lines.iter().filter(|line| line.opens).map(|line| line.start).collect();
        let mut next = 0;
        while next < hits.len() {
            let start = hits[next].range.start;
            let opened = opens.partition_point(|open| *open <= start);
            let begin = if opened == 0 { 0 } else { opens[opened - 1] };
            let end = opens.get(opened).copied().unwrap_or(text.text.len());
            let count = hits[next..].iter().take_while(|hit| hit.range.start < end).count();
            self.read_statement(text, begin..end, &hits[next..next + count]);
            next += count;
        }
    }

    fn read_statement(&mut self, text: &Squeezed, statement: Range<usize>, hits: &[Hit]) {
        let mut drafts: Vec<Draft> = Vec::new();
        for (index, hit) in hits.iter().enumerate() {
            let from = if index == 0 { statement.start } else { hits[index - 1].range.end };
            let to = hits.get(index + 1).map_or(statement.end, |next| next.range.start);
            let from =
                text.text.ceil_char_boundary(from.max(hit.range.start.saturating_sub(CONTEXT)));
            let to = text.text.floor_char_boundary(to.min(hit.range.end + CONTEXT));
            let context = Context {
                text,
                before: from.min(hit.range.start)..hit.range.start,
                hit: hit.range.clone(),
                code_end: hit.code.as_ref().map_or(hit.range.end, |code| code.end),
                after: hit.range.end..to.max(hit.range.end),
            };
            let Some(draft) = read_hit(&context, index, hits) else {
                continue;
            };
            match drafts.last_mut() {
                // A statement that goes on about the same refusal.
                Some(last)
                    if last.no_request == draft.no_request
                        && (draft.no_request || last.agrees(&draft, true)) =>
                {
                    // A retry loop prints lines that begin alike and are no statements otherwise.
                    let again =
                        last.line != draft.line && starts_alike(text, &hits[index - 1], hit);
                    last.times_printed += u32::from(again);
                    last.join(draft);
                }
                _ => drafts.push(draft),
            }
        }
        // The outermost stage and the client are those of the statement.
        if let Some(first) = drafts.first() {
            let (stage, client) = (first.facts.stage, first.facts.client);
            for draft in &mut drafts[1..] {
                draft.facts.stage = stage.or(draft.facts.stage);
                draft.facts.client = draft.facts.client.or(client);
            }
        }
        // Terraform says "no valid credential sources" about a refused AssumeRole, too.
        let refused = drafts.iter().any(|draft| !draft.no_request);
        for draft in drafts.into_iter().filter(|draft| !(refused && draft.no_request)) {
            self.add(draft);
        }
    }

    /// Adds one printing: to the refusal that it prints, or as a new one.
    fn add(&mut self, draft: Draft) {
        let id = draft.facts.request_id.clone();
        let key = draft.key();
        let known = id.as_ref().and_then(|id| self.by_request_id.get(id)).copied();
        let at = known.or_else(|| self.near(&draft)).or_else(|| {
            let at = *self.by_key.get(&key)?;
            (id.is_none() && self.drafts[at].is_close_to(&draft)).then_some(at)
        });
        let at = match at {
            Some(at) => {
                let times = &mut self.drafts[at].times_printed;
                *times = times.saturating_add(draft.times_printed);
                self.drafts[at].join(draft);
                at
            }
            None => {
                self.drafts.push(draft);
                self.drafts.len() - 1
            }
        };
        if let Some(id) = id {
            self.by_request_id.insert(id, at);
        } else {
            self.by_key.insert(key, at);
        }
    }

    /// The latest refusal nearby of which the draft can be another printing.
    fn near(&self, draft: &Draft) -> Option<usize> {
        let from = self.drafts.len().saturating_sub(NEIGHBOURS);
        (from..self.drafts.len()).rev().find(|at| {
            let earlier = &self.drafts[*at];
            earlier.no_request == draft.no_request
                && draft.line.abs_diff(earlier.line) <= NEAR
                && earlier.is_close_to(draft)
                && earlier.agrees(draft, false)
        })
    }

    /// All refusals, in the order of their first printings.
    pub(super) fn finish(self) -> Vec<Report> {
        self.drafts.into_iter().map(Draft::report).collect()
    }
}
