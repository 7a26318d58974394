//! The report for a person at a terminal, for Markdown and for programs.
//!
//! Knows the media's escaping, from the core. Must not ask the terminal: width and colour are options.

use failure_monitor_core::render::{markdown, terminal};
use serde_json::json;
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};

use super::Report;
use super::check::{Check, Group, Status};
use super::machine::Machine;

/// How to show a report on a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The columns; fewer than 40 count as 40.
    pub width: usize,
    /// Whether to use ANSI colours.
    pub colour: bool,
}

/// The width of the word before what was found.
const LABEL: usize = 10;
const NARROWEST: usize = 40;

/// How often each status occurs, worst first.
fn counts(report: &Report) -> Vec<(Status, usize)> {
    [Status::Failed, Status::Warning, Status::Ok, Status::NotApplicable]
        .into_iter()
        .map(|status| {
            (status, report.checks.iter().filter(|(_, check)| check.status == status).count())
        })
        .collect()
}

fn counted(report: &Report) -> String {
    let said = counts(report).into_iter().filter(|(_, count)| *count > 0).map(|(status, count)| {
        match status {
            Status::Warning if count > 1 => format!("{count} warnings"),
            status => format!("{count} {}", status.name()),
        }
    });
    said.collect::<Vec<_>>().join(", ")
}

fn of_groups(report: &Report) -> Vec<(Group, Vec<&Check>)> {
    let mut groups: Vec<(Group, Vec<&Check>)> = Vec::new();
    for (group, check) in &report.checks {
        match groups.last_mut() {
            Some((last, checks)) if last == group => checks.push(check),
            _ => groups.push((*group, vec![check])),
        }
    }
    groups
}

/// The report as text that ends with a newline.
pub fn text(report: &Report, machine: &Machine, options: &Options) -> String {
    let mut page =
        Page { out: String::new(), width: options.width.max(NARROWEST), colour: options.colour };
    let (profile, from) = machine.profile_in_use();
    page.wrap("", "", &format!("{} · profile {profile} ({from})", machine.directory.display()));
    page.wrap("", "", &counted(report));
    for (group, checks) in of_groups(report) {
        page.out.push('\n');
        let title = page.paint("1", group.title());
        page.raw(&title);
        for check in checks {
            page.check(check);
        }
    }
    let verdict = &report.verdict;
    page.out.push('\n');
    let head = match &verdict.cause {
        Some(cause) => format!(
            "Verdict: {} ({}, {} confidence)",
            verdict.says,
            cause.id,
            cause.confidence.name()
        ),
        None => format!("Verdict: {}", verdict.says),
    };
    page.wrap("", "  ", &head);
    for fact in &verdict.because {
        page.wrap("  - ", "    ", fact);
    }
    if let Some(command) = &verdict.first_command {
        page.wrap("  ", "  ", "Run first:");
        page.command("      ", command);
    }
    page.out
}

struct Page {
    out: String,
    width: usize,
    colour: bool,
}

impl Page {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn raw(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn wrap(&mut self, first: &str, rest: &str, text: &str) {
        let text = terminal::escape(text);
        let options = textwrap::Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit)
            .break_words(true);
        for line in textwrap::wrap(&text, options) {
            self.raw(&line);
        }
    }

    /// A command stays on one line, so that it can be copied.
    fn command(&mut self, indent: &str, command: &str) {
        let line = format!("{indent}{}", self.paint("36", &terminal::escape(command)));
        self.raw(&line);
    }

    fn check(&mut self, check: &Check) {
        let (label, code) = match check.status {
            Status::Ok => ("ok", "32"),
            Status::Warning => ("warning", "33"),
            Status::Failed => ("FAILED", "31"),
            Status::NotApplicable => ("n/a", "2"),
        };
        let first = format!("  {label:LABEL$}");
        let indent = " ".repeat(first.len());
        let start = self.out.len();
        self.wrap(&first, &indent, &check.found);
        if self.colour {
            let painted = self.paint(code, label);
            self.out.replace_range(start + 2..start + 2 + label.len(), &painted);
        }
        for fix in &check.fixes {
            let colon = if fix.command.is_some() || fix.snippet.is_some() { ":" } else { "" };
            self.wrap(
                &format!("{indent}→ "),
                &format!("{indent}  "),
                &format!("{}{colon}", fix.text),
            );
            for line in fix.command.iter().chain(&fix.snippet).flat_map(|text| text.lines()) {
                self.command(&format!("{indent}      "), line);
            }
        }
    }
}

/// The report as GitHub-flavoured Markdown.
pub fn markdown(report: &Report, machine: &Machine) -> String {
    let mut out = String::from("## AWS credentials on this machine\n\n");
    let verdict = &report.verdict;
    let says = markdown::escape(&verdict.says);
    match &verdict.cause {
        Some(cause) => {
            out +=
                &format!("**{says}** (`{}`, {} confidence)\n\n", cause.id, cause.confidence.name());
        }
        None => out += &format!("**{says}**\n\n"),
    }
    for fact in &verdict.because {
        out += &format!("- {}\n", markdown::escape(fact));
    }
    if let Some(command) = &verdict.first_command {
        out += &format!("\nRun first:\n\n{}", fenced("", "sh", command));
    }
    let (profile, from) = machine.profile_in_use();
    let place = format!("{} · profile {profile} ({from})", machine.directory.display());
    out += &format!("\n{}: {}\n", markdown::escape(&place), counted(report));
    for (group, checks) in of_groups(report) {
        out += &format!("\n### {}\n\n", group.title());
        for check in checks {
            out += &format!("- **{}** {}\n", check.status.name(), markdown::escape(&check.found));
            for fix in &check.fixes {
                let text = markdown::escape(&fix.text);
                match (&fix.command, &fix.snippet) {
                    (Some(command), _) => {
                        out += &format!("  - {text}:\n\n{}\n", fenced("    ", "sh", command))
                    }
                    (_, Some(lines)) => {
                        out += &format!("  - {text}:\n\n{}\n", fenced("    ", "yaml", lines))
                    }
                    _ => out += &format!("  - {text}\n"),
                }
            }
        }
    }
    out
}

/// A block of code that nothing in it can end.
fn fenced(indent: &str, language: &str, text: &str) -> String {
    let lines: String = text
        .lines()
        .map(|line| format!("{indent}{}\n", terminal::escape(line).replace("```", "'''")))
        .collect();
    format!("{indent}```{language}\n{lines}{indent}```\n")
}

/// The report as one JSON document (docs/doctor.schema.json).
pub fn json(report: &Report, machine: &Machine) -> String {
    let (profile, from) = machine.profile_in_use();
    let counts = counts(report);
    let count = |status: Status| {
        counts.iter().find(|(known, _)| *known == status).map_or(0, |(_, count)| *count)
    };
    let checks: Vec<_> = report
        .checks
        .iter()
        .map(|(group, check)| {
            json!({
                "group": group,
                "id": check.id,
                "status": check.status,
                "found": check.found,
                "fixes": check.fixes,
                "cause": check.cause,
            })
        })
        .collect();
    let document = json!({
        "schema": "failure-monitor/doctor/1",
        "time": machine.now,
        "directory": machine.directory.display().to_string(),
        "profile": { "name": profile, "from": from },
        "counts": {
            "ok": count(Status::Ok),
            "warning": count(Status::Warning),
            "failed": count(Status::Failed),
            "not_applicable": count(Status::NotApplicable),
        },
        "checks": checks,
        "verdict": report.verdict,
    });
    format!("{document:#}\n")
}
