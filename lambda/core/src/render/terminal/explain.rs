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
