//! An explanation as GitHub-flavoured Markdown, for the summary of a CI job or for a ticket.

use std::collections::HashMap;

use super::{Options, Page, escape, fence};
use crate::explain::{Explanation, NotSent, Section};
use crate::render::masker::Masker;
use crate::render::words::{Words, explain as words};

/// The explanation as Markdown that begins with a heading of the second level and ends with a
/// newline.
pub fn render(explanation: &Explanation, options: &Options) -> String {
    let ids = explanation.failures.iter().filter_map(|failure| failure.access_key_id.as_ref());
    let masker = Masker::of_ids(ids, options.unmask);
    let words = Words { masker: &masker, now: options.now, escape };
    let mut page = Page { out: String::new(), words, advised: HashMap::new() };
    let (_, headline) = page.words.explanation(explanation);
    page.line(&format!("## {headline}"));
    page.line(&format!("\n{}", words::basis(explanation)));
    for (index, section) in explanation.sections.iter().enumerate() {
        page.refusal(index + 1, explanation, section);
    }
    for (index, one) in explanation.not_sent.iter().enumerate() {
        page.not_sent(explanation.sections.len() + index + 1, one);
    }
    if masker.masks {
        page.line(
            "\nAccess key IDs are masked; run again with `--unmask` for commands that can be pasted.",
        );
    }
    page.out
}

impl Page<'_> {
    fn refusal(&mut self, place: usize, explanation: &Explanation, section: &Section) {
        let Some(first) = section.failures.first().and_then(|at| explanation.failures.get(*at))
        else {
            return;
        };
        let title = self.words.refusal_title(explanation, section);
        self.line(&format!("\n### {place}. {title}\n"));
        for (label, text) in self.words.refusal_facts(explanation, section) {
            self.line(&format!("- **{label}:** {text}"));
        }
        self.line(&format!("\n{} {}", plain(first.meaning), plain(first.not)));
        self.line(&format!("\n{}", plain(first.place)));
        self.steps(place, "Look at, in this order", &first.next_steps);
        for index in 0..section.finding.causes.len() {
            self.cause(place, index, &section.finding);
        }
        self.steps(place, "Ask whoever administers the account", &first.ask);
    }

    fn not_sent(&mut self, place: usize, one: &NotSent) {
        let title = self.words.not_sent_title(one);
        self.line(&format!("\n### {place}. {title}\n"));
        for (label, text) in self.words.not_sent_facts(one) {
            self.line(&format!("- **{label}:** {text}"));
        }
        self.line(&format!("\n{} {}", plain(one.meaning), plain(one.not)));
        self.steps(place, "Look at, in this order", &one.next_steps);
    }

    /// A numbered list of steps; told once, and referred to afterwards.
    fn steps(&mut self, place: usize, title: &'static str, steps: &[String]) {
        if steps.is_empty() {
            return;
        }
        let key = (title, steps.to_vec());
        if let Some(earlier) = self.advised.get(&key) {
            let text = format!("\n**{title}:** as for {earlier}.");
            self.line(&text);
            return;
        }
        self.advised.insert(key, place);
        self.line(&format!("\n#### {title}\n"));
        for (number, step) in steps.iter().enumerate() {
            let (text, command) = self.words.step(step);
            let first = format!("{}. ", number + 1);
            self.line(&format!("{first}{text}"));
            if let Some(command) = command {
                let indent = " ".repeat(first.len());
                let fence = fence(&command);
                self.line(&format!("\n{indent}{fence}sh\n{indent}{command}\n{indent}{fence}\n"));
            }
        }
    }
}

/// This project's own text: only what it may hold of Markdown's marks is escaped.
fn plain(text: &str) -> String {
    text.replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::explain;

    #[test]
    fn a_refusal_in_a_ci_job() {
        let now = "2026-07-10T13:00:00Z".parse().unwrap();
        let text = "##[group]Run aws s3 ls\n2026-01-02T03:04:05Z An error occurred \
                    (InvalidAccessKeyId) when calling the ListBuckets operation: The AWS Access Key Id \
                    you provided does not exist in our records. <script> @everyone\n\
                    ##[error]Process completed with exit code 254.\n";
        let found = explain(text, "job | <b>1</b>", now);
        insta::assert_snapshot!(render(&found, &Options { unmask: false, now }));
    }
}
