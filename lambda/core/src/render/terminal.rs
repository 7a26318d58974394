//! An outcome for a person at a terminal: a headline, a table, a paragraph per finding, key
//! changes, warnings and the accounting, wrapped to a width.
//!
//! Knows ANSI colours and what a terminal must not be sent. Must not ask the terminal anything: its
//! width and whether it takes colour are options.

pub mod explain;
pub(in crate::render) mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::masker::Masker;
use super::words::{self, Headline, Words};
use super::{number, visible, wrap};
use crate::cause::Confidence;
use crate::finding::{Finding, Outcome};

/// Below this a line holds too little to be wrapped at.
const NARROWEST: usize = 40;
/// How many warnings are shown.
const WARNINGS: usize = 20;
/// The indent of what belongs to a finding.
const INDENT: &str = "   ";
/// The indent of a command, deep enough to be told from text and to be copied.
const COMMAND: &str = "          ";
/// The width of the labels before facts.
const LABEL: usize = 11;

/// How to show an outcome.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The columns of the terminal; fewer than 40 count as 40.
    pub width: usize,
    /// Whether to use ANSI colours.
    pub colour: bool,
    /// Whether to show access key IDs whole.
    pub unmask: bool,
    /// The time of the run.
    pub now: DateTime<Utc>,
}

/// The outcome as text that ends with a newline.
pub fn render(outcome: &Outcome, options: &Options) -> String {
    let masker = Masker::new(outcome, options.unmask);
    let mut page = Page {
        out: String::new(),
        width: options.width.max(NARROWEST),
        colour: options.colour,
        words: Words { masker: &masker, now: options.now, escape },
        advised: HashMap::new(),
    };
    page.head(outcome);
    page.table(outcome);
    for (index, finding) in outcome.findings.iter().enumerate() {
        page.finding(index + 1, finding);
    }
    page.key_changes(outcome);
    page.warnings(outcome);
    page.blank();
    page.wrapped("", "", &format!("{}.", words::accounting(&outcome.read)));
    if masker.masks {
        page.wrapped(
            "",
            "",
            "Access key IDs are masked; run again with --unmask for commands that can be pasted.",
        );
    }
    page.out
}

/// What a stranger wrote, harmless for a terminal.
pub fn escape(text: &str) -> String {
    visible(text)
}

/// The few looks that text may have.
#[derive(Debug, Clone, Copy)]
pub(in crate::render) enum Paint {
    Bold,
    Dim,
    Red,
    Yellow,
    Green,
    Cyan,
}

impl Paint {
    pub(in crate::render) fn code(self) -> &'static str {
        match self {
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Red => "31",
            Paint::Yellow => "33",
            Paint::Green => "32",
            Paint::Cyan => "36",
        }
    }
}

/// The output so far.
struct Page<'a> {
    out: String,
    width: usize,
    colour: bool,
    words: Words<'a>,
    /// The findings that already gave the same advice, by cause and next steps.
    advised: HashMap<(&'static str, Vec<String>), usize>,
}

impl Page<'_> {
    fn blank(&mut self) {
        self.out.push('\n');
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn wrapped(&mut self, first: &str, rest: &str, text: &str) {
        for line in wrap(text, self.width, first, rest) {
            self.line(&line);
        }
    }

    /// Wrapped text in one look, its indent left plain.
    fn painted(&mut self, paint: Paint, indent: &str, text: &str) {
        for line in wrap(text, self.width - indent.len(), "", "") {
            self.line(&format!("{indent}{}", self.paint(paint, line.trim_end())));
        }
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{}m{text}\u{1b}[0m", paint.code())
        } else {
            text.to_owned()
        }
    }

    fn section(&mut self, title: &str) {
        self.blank();
        self.line(&self.paint(Paint::Bold, title));
    }

    fn head(&mut self, outcome: &Outcome) {
        let headline = match words::headline(outcome) {
            Headline::Nothing(text) => self.paint(Paint::Bold, text),
            Headline::Found { need_action, resolved } => {
                let open = need_action.map(|text| self.paint(Paint::Red, &text));
                let resolved = resolved.map(|text| self.paint(Paint::Green, &text));
                open.into_iter().chain(resolved).collect::<Vec<_>>().join(", ")
            }
        };
        self.wrapped("", "", &headline);
        self.wrapped("", "", &words::reading(outcome));
        self.wrapped("", "", words::caveat(outcome));
    }

    fn table(&mut self, outcome: &Outcome) {
        let Some(table) = table::table(&outcome.findings, &self.words, self.width) else { return };
        self.blank();
        for line in table.lines() {
            // Only the first line of a row has its number in the first column.
            let number = line.strip_prefix(' ').and_then(|line| line.split(' ').next());
            let place = number.and_then(|number| number.parse::<usize>().ok());
            let finding = place.and_then(|place| outcome.findings.get(place.checked_sub(1)?));
            match (finding, number) {
                (Some(finding), Some(number)) => {
                    let painted = self.paint(state(finding).0, number);
                    self.line(&line.replacen(number, &painted, 1));
                }
                _ => self.line(line),
            }
        }
    }

    fn finding(&mut self, place: usize, finding: &Finding) {
        let (paint, state) = state(finding);
        let title = format!("{place}. {}", self.words.title(finding));
        let title = format!("{} · {}", self.paint(Paint::Bold, &title), self.paint(paint, state));
        self.blank();
        self.wrapped("", INDENT, &title);
        for (label, text) in self.words.known(finding) {
            self.fact(label, &text);
        }
        if finding.resolved.is_none() {
            for index in 0..finding.causes.len() {
                self.cause(place, index, finding);
            }
        }
    }

    fn fact(&mut self, label: &str, text: &str) {
        let label = format!("{label:LABEL$}");
        let first = format!("{INDENT}{}", self.paint(Paint::Dim, &label));
        let rest = " ".repeat(INDENT.len() + label.len());
        self.wrapped(&first, &rest, text);
    }

    fn cause(&mut self, place: usize, index: usize, finding: &Finding) {
        let diagnosis = &finding.causes[index];
        let advice = words::advice(finding, diagnosis);
        let (label, confidence) = words::cause_label(index, diagnosis);
        let confidence = match confidence {
            Some(name) if diagnosis.confidence == Confidence::Medium => {
                format!(" ({} confidence)", self.paint(Paint::Yellow, name))
            }
            Some(name) => format!(" ({name} confidence)"),
            None => String::new(),
        };
        self.blank();
        let title = format!("{label}: {}{confidence}", self.paint(Paint::Bold, diagnosis.title));
        self.wrapped(INDENT, "     ", &title);
        for evidence in &diagnosis.evidence {
            self.wrapped("   - ", "     ", &self.words.sentence(&evidence.fact));
            if let Some(events) = self.words.events(&evidence.event_ids) {
                self.painted(Paint::Dim, "     ", &events);
            }
        }
        let key = (diagnosis.id, advice.steps.to_vec());
        if let Some(earlier) = self.advised.get(&key) {
            let text = format!("What to do: as for {earlier}.");
            self.wrapped(INDENT, INDENT, &text);
            return;
        }
        self.advised.insert(key, place);
        self.wrapped(INDENT, INDENT, "What to do:");
        for (number, step) in advice.steps.iter().enumerate() {
            let (text, command) = self.words.step(step);
            let first = format!("   {}. ", number + 1);
            self.wrapped(&first, &" ".repeat(first.len()), &text);
            if let Some(command) = command {
                self.line(&format!("{COMMAND}{}", self.paint(Paint::Cyan, &command)));
            }
        }
        if let Some(more) = advice.more {
            self.wrapped(INDENT, INDENT, &more);
        }
        if !advice.whole {
            return;
        }
        self.wrapped(INDENT, INDENT, &words::not_meant(diagnosis));
        self.line(&format!("{INDENT}{}", self.paint(Paint::Dim, diagnosis.reference)));
    }

    fn key_changes(&mut self, outcome: &Outcome) {
        if outcome.key_changes.is_empty() {
            return;
        }
        self.section("Key changes");
        for detail in &outcome.key_changes {
            let (when, what) = self.words.key_change(detail);
            self.wrapped("  ", "    ", &format!("{when}  {what}"));
            for text in self.words.consequences(detail) {
                self.wrapped("    - ", "      ", &text);
            }
            if let Some(event) = self.words.events(std::slice::from_ref(&detail.change.event_id)) {
                self.painted(Paint::Dim, "    ", &event);
            }
        }
    }

    fn warnings(&mut self, outcome: &Outcome) {
        if outcome.warnings.is_empty() {
            return;
        }
        self.section("Warnings");
        for warning in outcome.warnings.iter().take(WARNINGS) {
            let file = self.words.name(&warning.file);
            let text = format!("{file}: {}", self.words.sentence(&warning.reason));
            self.wrapped("  ", "    ", &text);
        }
        let more = outcome.warnings.len().saturating_sub(WARNINGS);
        if more > 0 {
            let text = format!("and {} more; JSON output has them all", number(more as u64));
            self.wrapped("  ", "    ", &text);
        }
    }
}

/// How a finding stands, and the look that goes with it.
fn state(finding: &Finding) -> (Paint, &'static str) {
    match finding.resolved {
        Some(_) => (Paint::Green, "resolved"),
        None => (Paint::Red, "needs action"),
    }
}
