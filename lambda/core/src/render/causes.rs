//! The list of causes as text, Markdown (docs/causes.md) and JSON. All of it is this project's own
//! text, so nothing needs escaping.

use std::fmt::Write as _;

use serde_json::json;

use super::step::step_and_command;
use crate::causes::ALL;

/// What every cause's [`not`](crate::cause::Cause::not) begins with.
const NOT: &str = "It does not mean";

/// The list as JSON, `failure-monitor/causes/1`.
pub fn json() -> String {
    let causes: Vec<_> = ALL
        .iter()
        .map(|cause| {
            json!({
                "id": cause.id,
                "title": cause.title,
                "explanation": cause.explanation,
                "not": cause.not,
                "next_steps": cause.next_steps,
                "false_positives": cause.false_positives,
                "reference": cause.reference,
            })
        })
        .collect();
    format!("{:#}\n", json!({ "schema": "failure-monitor/causes/1", "causes": causes }))
}

/// The list as Markdown.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Causes\n\n\
         What `failure-monitor` can tell apart, most specific first. A finding shows the three that\n\
         fit best, with the facts that speak for them and a confidence: *high* where a record\n\
         proves it, *medium* where several circumstances suggest it, *low* where it is possible.\n\
         What stands in braces is filled in there; what is in capitals is for the reader to fill in.\n\n\
         This file is the output of `failure-monitor causes --markdown`.\n",
    );
    for cause in ALL {
        let _ = write!(
            out,
            "\n## `{}`: {}\n\n{}\n\n{}\n\n**What to do**\n\n",
            cause.id,
            cause.title,
            cause.explanation,
            cause.not.replacen(NOT, &format!("**{NOT}**"), 1),
        );
        for (number, step) in (1..).zip(cause.next_steps) {
            let first = format!("{number}. ");
            let (what, command) = step_and_command(step);
            let _ = writeln!(out, "{first}{what}");
            if let Some(command) = command {
                let indent = " ".repeat(first.len());
                let _ = writeln!(out, "\n{indent}```sh\n{indent}{command}\n{indent}```\n");
            }
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        if !cause.false_positives.is_empty() {
            out.push_str("\n**What looks like it**\n\n");
            for one in cause.false_positives {
                let _ = writeln!(out, "- {one}");
            }
        }
        let _ = writeln!(out, "\n[Reference]({})", cause.reference);
    }
    out
}

/// The list as text: one line each.
pub fn text() -> String {
    let width = ALL.iter().map(|cause| cause.id.len()).max().unwrap_or(0);
    ALL.iter().map(|cause| format!("{:width$}  {}\n", cause.id, cause.title)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What fits the head of an alert and a column of a table.
    const TITLE_CHARS: usize = 60;

    #[test]
    fn the_texts_fit_the_places_that_they_are_shown_in() {
        for cause in ALL {
            assert!(cause.title.len() <= TITLE_CHARS, "{}", cause.title);
            assert!(cause.not.starts_with(&format!("{NOT} that ")), "{}", cause.id);
            for text in [cause.explanation, cause.not] {
                assert!(text.ends_with('.') && !text.contains("  "), "{}: {text}", cause.id);
            }
            for text in cause.next_steps.iter().chain(cause.false_positives) {
                assert!(!text.ends_with('.') || text.ends_with(" ."), "{}: {text}", cause.id);
                assert!(!text.contains("  "), "{}: {text}", cause.id);
            }
        }
    }

    #[test]
    fn the_document_is_what_the_table_prints() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/causes.md");
        let written = std::fs::read_to_string(path).unwrap();
        assert_eq!(
            written,
            markdown(),
            "write it anew: cargo run -- causes --markdown > docs/causes.md"
        );
    }
}
