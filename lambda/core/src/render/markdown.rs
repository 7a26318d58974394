//! An outcome as GitHub-flavoured Markdown, for the summary of a CI job or for a ticket: the same
//! as at the terminal.
//!
//! Knows what Markdown, and GitHub on top of it, take for more than text.

pub mod explain;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::masker::Masker;
use super::words::{self, Headline, Words};
use super::{number, short_span, short_time, visible};
use crate::finding::{Finding, Outcome};

/// How many warnings are shown.
const WARNINGS: usize = 20;

/// How to show an outcome.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether to show access key IDs whole.
    pub unmask: bool,
    /// The time of the run.
    pub now: DateTime<Utc>,
}

/// The outcome as Markdown that begins with a heading of the second level and ends with a newline.
pub fn render(outcome: &Outcome, options: &Options) -> String {
    let masker = Masker::new(outcome, options.unmask);
    let words = Words { masker: &masker, now: options.now, escape };
    let mut page = Page { out: String::new(), words, advised: HashMap::new() };
    page.head(outcome);
    page.table(&outcome.findings);
    for (index, finding) in outcome.findings.iter().enumerate() {
        page.finding(index + 1, finding);
    }
    page.key_changes(outcome);
    page.warnings(outcome);
    page.line(&format!("\n{}.", words::accounting(&outcome.read)));
    if masker.masks {
        page.line(
            "\nAccess key IDs are masked; run again with `--unmask` for commands that can be pasted.",
        );
    }
    page.out
}

/// What a stranger wrote, as text that is nothing but text at any place inside a line or a cell.
///
/// Mentions, references to issues and bare addresses become links after Markdown is done with the
/// text, whatever is escaped in it; a zero-width space keeps them apart.
pub fn escape(text: &str) -> String {
    const APART: &str = "&#8203;";
    let text = visible(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    // A mark that begins a list, a heading or an underline does so at the beginning only.
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if rest.starts_with(['-', '+', '=']) {
        out.push('\\');
    } else if digits > 0
        && rest[digits..]
            .strip_prefix(['.', ')'])
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    {
        out.push_str(&rest[..digits]);
        out.push('\\');
        rest = &rest[digits..];
    }
    for (at, c) in rest.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' => out.push_str("&#124;"),
            '$' => out.push_str("&#36;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '!' => out.extend(['\\', c]),
            '#' => {
                out.push_str("\\#");
                out.push_str(APART);
            }
            '@' => {
                out.push('@');
                out.push_str(APART);
            }
            ':' if rest[at..].starts_with("://") => {
                out.push(':');
                out.push_str(APART);
            }
            '.' if ends_in_www(&rest[..at]) => {
                out.push_str(APART);
                out.push('.');
            }
            c => out.push(c),
        }
    }
    out
}

fn ends_in_www(text: &str) -> bool {
    text.as_bytes().last_chunk::<3>().is_some_and(|end| end.eq_ignore_ascii_case(b"www"))
}

/// The output so far.
struct Page<'a> {
    out: String,
    words: Words<'a>,
    /// The findings that already gave the same advice, by cause and next steps.
    advised: HashMap<(&'static str, Vec<String>), usize>,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end_matches(' '));
        self.out.push('\n');
    }

    fn head(&mut self, outcome: &Outcome) {
        let headline = match words::headline(outcome) {
            Headline::Nothing(text) => text.to_owned(),
            Headline::Found { need_action, resolved } => {
                need_action.into_iter().chain(resolved).collect::<Vec<_>>().join(", ")
            }
        };
        self.line(&format!("## {headline}"));
        self.line(&format!("\n{}", words::reading(outcome)));
        self.line(&format!("\n> {}", words::caveat(outcome)));
    }

    fn table(&mut self, findings: &[Finding]) {
        if findings.is_empty() {
            return;
        }
        self.line(
            "\n| # | Access key | Owner | Source | Client | Recorded | Reported | Predicted | Seen \
             | Likely cause |",
        );
        self.line("| ---: | --- | --- | --- | --- | ---: | ---: | ---: | --- | --- |");
        for (index, finding) in findings.iter().enumerate() {
            let cells = [
                (index + 1).to_string(),
                self.words.key(finding.access_key_id.as_deref()),
                finding.user_name.as_deref().map(|name| self.words.name(name)).unwrap_or_default(),
                self.words.name(&finding.source),
                self.words.names(finding.clients.iter().map(|client| &client.label)),
                number(finding.origins.recorded),
                number(finding.origins.reported),
                number(finding.origins.predicted),
                seen(finding, self.words.now),
                words::verdict(finding, self.words.now),
            ];
            self.line(&format!("| {} |", cells.join(" | ")));
        }
    }

    fn finding(&mut self, place: usize, finding: &Finding) {
        let state = if finding.resolved.is_some() { "resolved" } else { "needs action" };
        self.line(&format!("\n### {place}. {} · {state}\n", self.words.title(finding)));
        for (label, text) in self.words.known(finding) {
            self.line(&format!("- **{label}:** {text}"));
        }
        if finding.resolved.is_none() {
            for index in 0..finding.causes.len() {
                self.cause(place, index, finding);
            }
        }
    }

    fn cause(&mut self, place: usize, index: usize, finding: &Finding) {
        let diagnosis = &finding.causes[index];
        let advice = words::advice(finding, diagnosis);
        let (label, confidence) = words::cause_label(index, diagnosis);
        let confidence = confidence.map(|name| format!(" ({name} confidence)")).unwrap_or_default();
        self.line(&format!("\n#### {label}: {}{confidence}\n", diagnosis.title));
        for evidence in &diagnosis.evidence {
            self.line(&format!("- {}", self.words.sentence(&evidence.fact)));
            if let Some(events) = self.words.events(&evidence.event_ids) {
                self.line(&format!("  <br>{events}"));
            }
        }
        let key = (diagnosis.id, advice.steps.to_vec());
        if let Some(earlier) = self.advised.get(&key) {
            let text = format!("\nWhat to do: as for {earlier}.");
            self.line(&text);
            return;
        }
        self.advised.insert(key, place);
        self.line("\nWhat to do:\n");
        for (number, step) in advice.steps.iter().enumerate() {
            let (text, command) = self.words.step(step);
            let first = format!("{}. ", number + 1);
            self.line(&format!("{first}{text}"));
            if let Some(command) = command {
                let indent = " ".repeat(first.len());
                let fence = fence(&command);
                self.line(&format!("\n{indent}{fence}sh\n{indent}{command}\n{indent}{fence}\n"));
            }
        }
        if let Some(more) = advice.more {
            self.line(&format!("\n{more}"));
        }
        if !advice.whole {
            return;
        }
        self.line(&format!(
            "\n{} [Read more]({})",
            words::not_meant(diagnosis),
            diagnosis.reference
        ));
    }

    fn key_changes(&mut self, outcome: &Outcome) {
        if outcome.key_changes.is_empty() {
            return;
        }
        self.line("\n### Key changes\n");
        for detail in &outcome.key_changes {
            let (when, what) = self.words.key_change(detail);
            self.line(&format!("- **{when}** {what}"));
            if let Some(event) = self.words.events(std::slice::from_ref(&detail.change.event_id)) {
                self.line(&format!("  <br>{event}"));
            }
            for text in self.words.consequences(detail) {
                self.line(&format!("  - {text}"));
            }
        }
    }

    fn warnings(&mut self, outcome: &Outcome) {
        if outcome.warnings.is_empty() {
            return;
        }
        self.line("\n### Warnings\n");
        for warning in outcome.warnings.iter().take(WARNINGS) {
            let file = self.words.name(&warning.file);
            let text = format!("- {file}: {}", self.words.sentence(&warning.reason));
            self.line(&text);
        }
        let more = outcome.warnings.len().saturating_sub(WARNINGS);
        if more > 0 {
            self.line(&format!("- and {} more; JSON output has them all", number(more as u64)));
        }
    }
}

fn seen(finding: &Finding, now: DateTime<Utc>) -> String {
    let span = finding.first_seen.zip(finding.last_seen);
    let span = span.map(|(first, last)| short_span(first, last, now));
    let since = finding.predicted.as_ref();
    let since =
        since.map(|predicted| format!("expected since {}", short_time(predicted.since, now)));
    span.into_iter().chain(since).collect::<Vec<_>>().join("<br>")
}

/// A fence that the text inside cannot close.
pub(super) fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}
