//! A summary as GitHub-flavoured Markdown, for tickets and chat.

use super::{MASKED, Options, Phrases, accounting, masker, origins, short, titled, window};
use crate::render::markdown::{escape, fence};
use crate::render::{duration, number};
use crate::summary::{IncidentView, Standing, Summary, intake};

/// How many incidents are told in full.
const TOLD: usize = 20;
/// How many rows a table has.
const ROWS: usize = 100;

/// The summary as Markdown that begins with a heading of the second level and ends with a newline.
pub fn markdown(summary: &Summary, options: &Options) -> String {
    let masker = masker(summary, options.unmask);
    let phrases = Phrases::new(&masker, options.now, escape);
    let mut page = Page { out: String::new(), phrases };
    page.head(summary);
    page.incidents(summary);
    page.numbers(summary);
    page.key_changes(summary);
    page.coverage(summary);
    page.line(&format!("\n{}.", accounting(summary)));
    if let Some(cut) = &summary.cut {
        page.line(&format!("\n{}", escape(&cut.sentence)));
    }
    if masker.masks {
        page.line(&format!("\n{MASKED}"));
    }
    page.out
}

struct Page<'a> {
    out: String,
    phrases: Phrases<'a>,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end_matches(' '));
        self.out.push('\n');
    }

    fn head(&mut self, summary: &Summary) {
        self.line(&format!("## {}", escape(&summary.answer.headline)));
        let only = summary
            .access_key_id
            .as_deref()
            .map(|id| format!(", only access key {}", self.phrases.words.key(Some(id))));
        self.line(&format!("\nIn {}{}.", escape(&window(summary)), only.unwrap_or_default()));
        self.line(&format!("Failures: {}.", origins(summary.totals.failures)));
        self.line(&escape(&summary.reading.sentence));
        self.line(&format!("\n> {}", escape(&summary.answer.caveat)));
    }

    fn incidents(&mut self, summary: &Summary) {
        if summary.incidents.is_empty() {
            return;
        }
        let now = self.phrases.words.now;
        self.line(
            "\n| # | Incident | Owner | From | Failures | Last | Last alert | Standing | Likely cause |",
        );
        self.line("| ---: | --- | --- | --- | --- | --- | --- | --- | --- |");
        for (at, incident) in summary.incidents.iter().take(ROWS).enumerate() {
            let cells = [
                (at + 1).to_string(),
                self.phrases.subject(incident),
                self.phrases.owner(incident.user_name.as_deref()),
                self.phrases.sources(incident, 3),
                origins(incident.failures),
                short(incident.last_failure.max(incident.expected_since), now),
                short(incident.last_alert, now),
                incident.standing.words().to_owned(),
                incident.causes.first().map(|cause| escape(&titled(cause))).unwrap_or_default(),
            ];
            self.line(&format!("| {} |", cells.join(" | ")));
        }
        self.and_more(summary.incidents.len(), ROWS);
        let act = |incident: &&IncidentView| incident.standing == Standing::NeedsAction;
        for (at, incident) in summary.incidents.iter().filter(act).take(TOLD).enumerate() {
            self.incident(at, incident);
        }
    }

    fn incident(&mut self, at: usize, incident: &IncidentView) {
        self.line(&format!("\n### {}. {}\n", at + 1, self.phrases.subject(incident)));
        if let Some(text) = self.phrases.expected(incident) {
            self.line(&format!("- {text}"));
        }
        self.line(&format!("- Failures: {}", origins(incident.failures)));
        self.line(&format!("- {}", self.phrases.told(incident)));
        let Some(cause) = incident.causes.first() else { return };
        self.line(&format!("\n**{}**\n", escape(&titled(cause))));
        for evidence in &cause.evidence {
            self.line(&format!("- {}", self.phrases.words.sentence(&evidence.fact)));
        }
        self.line("\nWhat to do:\n");
        for (number, step) in cause.next_steps.iter().enumerate() {
            let (text, command) = self.phrases.words.step(step);
            let first = format!("{}. ", number + 1);
            self.line(&format!("{first}{text}"));
            if let Some(command) = command {
                let (indent, fence) = (" ".repeat(first.len()), fence(&command));
                self.line(&format!("\n{indent}{fence}sh\n{indent}{command}\n{indent}{fence}\n"));
            }
        }
    }

    fn numbers(&mut self, summary: &Summary) {
        if summary.causes.is_empty() {
            return;
        }
        self.line("\n### Causes\n");
        self.line("| Cause | Recorded | Reported | Predicted |\n| --- | ---: | ---: | ---: |");
        for cause in &summary.causes {
            self.line(&format!(
                "| {} | {} | {} | {} |",
                escape(&cause.title),
                number(cause.failures.recorded),
                number(cause.failures.reported),
                number(cause.failures.predicted)
            ));
        }
    }

    fn key_changes(&mut self, summary: &Summary) {
        if !summary.key_changes.is_empty() {
            self.line("\n### Key changes\n");
            for detail in summary.key_changes.iter().take(ROWS) {
                let (when, what) = self.phrases.words.key_change(detail);
                let counts = match (detail.left_behind, detail.resolved) {
                    (0, 0) => String::new(),
                    (left, resolved) => format!(
                        ": {} left behind, {} working again",
                        number(left),
                        number(resolved)
                    ),
                };
                self.line(&format!("- **{when}** {what}{counts}"));
            }
            self.and_more(summary.key_changes.len(), ROWS);
        }
        if !summary.live_sessions.is_empty() {
            self.line("\n### Live sessions of dead keys\n");
            for session in summary.live_sessions.iter().take(ROWS) {
                let text = self.phrases.session(session);
                self.line(&format!("- {text}"));
            }
            self.and_more(summary.live_sessions.len(), ROWS);
        }
    }

    fn coverage(&mut self, summary: &Summary) {
        if !summary.coverage.is_empty() {
            let now = self.phrases.words.now;
            self.line("\n### What was read\n");
            self.line("| Intake | Region | Read up to | Unread in window | Records | Unreadable | State |");
            self.line("| --- | --- | --- | --- | ---: | ---: | --- |");
            for coverage in &summary.coverage {
                let cells = [
                    self.phrases.words.name(intake(&coverage.intake)),
                    self.phrases.words.name(&coverage.region),
                    short(coverage.read_up_to, now),
                    duration(chrono::TimeDelta::seconds(coverage.unread_seconds)),
                    number(coverage.seen),
                    number(coverage.skipped),
                    self.phrases.state(coverage),
                ];
                self.line(&format!("| {} |", cells.join(" | ")));
            }
        }
        if !summary.problems.is_empty() {
            self.line("\n### Not everything could be read for this summary\n");
            for problem in summary.problems.iter().take(ROWS) {
                let text = self.phrases.words.sentence(problem);
                self.line(&format!("- {text}"));
            }
        }
    }

    fn and_more(&mut self, length: usize, shown: usize) {
        let more = length.saturating_sub(shown);
        if more > 0 {
            self.line(&format!("\nand {} more; JSON and CSV have them all", number(more as u64)));
        }
    }
}
