//! An explanation for a person at a terminal.

use std::collections::HashMap;

use super::{COMMAND, INDENT, NARROWEST, Options, Page, Paint};
use crate::explain::{Explanation, NotSent, Section};
use crate::render::masker::Masker;
use crate::render::words::{Words, explain as words};

/// The explanation as text that ends with a newline.
pub fn render(explanation: &Explanation, options: &Options) -> String {
    let ids = explanation.failures.iter().filter_map(|failure| failure.access_key_id.as_ref());
    let masker = Masker::of_ids(ids, options.unmask);
    let mut page = Page {
        out: String::new(),
        width: options.width.max(NARROWEST),
        colour: options.colour,
        words: Words { masker: &masker, now: options.now, escape: super::escape },
        advised: HashMap::new(),
    };
    let (found, headline) = page.words.explanation(explanation);
    let headline = page.paint(if found { Paint::Red } else { Paint::Bold }, &headline);
    page.wrapped("", "", &headline);
    page.wrapped("", "", &words::basis(explanation));
    for (index, section) in explanation.sections.iter().enumerate() {
        page.refusal(index + 1, explanation, section);
    }
    for (index, one) in explanation.not_sent.iter().enumerate() {
        page.not_sent(explanation.sections.len() + index + 1, one);
    }
    if masker.masks {
        page.blank();
        page.wrapped(
            "",
            "",
            "Access key IDs are masked; run again with --unmask for commands that can be pasted.",
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
        self.head_of(place, &title);
        for (label, text) in self.words.refusal_facts(explanation, section) {
            self.fact(label, &text);
        }
        self.blank();
        self.wrapped(INDENT, INDENT, &format!("{} {}", first.meaning, first.not));
        self.blank();
        self.wrapped(INDENT, INDENT, first.place);
        self.steps(place, "Look at, in this order", &first.next_steps);
        for index in 0..section.finding.causes.len() {
            self.cause(place, index, &section.finding);
        }
        self.steps(place, "Ask whoever administers the account", &first.ask);
    }

    fn not_sent(&mut self, place: usize, one: &NotSent) {
        let title = self.words.not_sent_title(one);
        self.head_of(place, &title);
        for (label, text) in self.words.not_sent_facts(one) {
            self.fact(label, &text);
        }
        self.blank();
        self.wrapped(INDENT, INDENT, &format!("{} {}", one.meaning, one.not));
        self.steps(place, "Look at, in this order", &one.next_steps);
    }

    fn head_of(&mut self, place: usize, title: &str) {
        self.blank();
        let title = self.paint(Paint::Bold, &format!("{place}. {title}"));
        self.wrapped("", INDENT, &title);
    }

    /// A numbered list of steps; told once, and referred to afterwards.
    fn steps(&mut self, place: usize, title: &'static str, steps: &[String]) {
        if steps.is_empty() {
            return;
        }
        self.blank();
        let key = (title, steps.to_vec());
        if let Some(earlier) = self.advised.get(&key) {
            let text = format!("{title}: as for {earlier}.");
            self.wrapped(INDENT, INDENT, &text);
            return;
        }
        self.advised.insert(key, place);
        self.wrapped(INDENT, INDENT, &format!("{title}:"));
        for (number, step) in steps.iter().enumerate() {
            let (text, command) = self.words.step(step);
            let first = format!("   {}. ", number + 1);
            self.wrapped(&first, &" ".repeat(first.len()), &text);
            if let Some(command) = command {
                self.line(&format!("{COMMAND}{}", self.paint(Paint::Cyan, &command)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::explain;

    const BACKEND: &str = "2026-01-02T03:04:05Z Error: error configuring S3 Backend: error validating \
        provider credentials: error calling sts:GetCallerIdentity: InvalidClientTokenId: The security \
        token included in the request is invalid.\n2026-01-02T03:04:05Z \tstatus code: 403, request \
        id: 1a2b3c4d-0001-4aaa-8bbb-0123456789ab\n";

    fn rendered(text: &str, colour: bool) -> String {
        let now = "2026-07-10T13:00:00Z".parse().unwrap();
        let options = Options { width: 80, colour, unmask: false, now };
        render(&explain(text, "terraform.log", now), &options)
    }

    #[test]
    fn a_refusal_of_the_backend() {
        insta::assert_snapshot!(rendered(BACKEND, false));
    }

    #[test]
    fn a_client_without_credentials() {
        insta::assert_snapshot!(rendered(
            "Unable to locate credentials. You can configure credentials by running \"aws configure\".\n",
            false
        ));
    }

    #[test]
    fn nothing_is_said_as_such() {
        insta::assert_snapshot!(rendered("Apply complete!\n", false), @r"
        No refused credentials in terraform.log
        1 line read. A refusal that the client did not print, or in words that are not
        known here, stays unseen.
        ");
    }

    #[test]
    fn only_commands_are_wider_than_the_terminal_and_nothing_hostile_gets_through() {
        let corpus = include_str!("../../explain/corpus.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(corpus).unwrap();
        for case in &cases {
            let text = case["text"].as_str().unwrap();
            for line in rendered(text, false).lines().filter(|line| !line.starts_with("    ")) {
                let link = line.trim_start().starts_with("https://");
                assert!(link || line.chars().count() <= 80, "{line}");
            }
        }
        let hostile = "aws_x\u{202e}: An error occurred (ExpiredToken) when calling the ListQueues \
                       operation: \u{9b}31m The security token \u{202e}evil\n";
        assert!(!rendered(hostile, false).contains(['\u{202e}', '\u{9b}', '\u{1b}']));
        assert!(rendered(hostile, true).contains("\u{1b}["));
    }
}
