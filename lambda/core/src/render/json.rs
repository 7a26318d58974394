//! An outcome as JSON for programs: the whole of it, or one line per object.
//!
//! Knows what may stand raw in a JSON string and still harm a terminal. Key IDs are whole here.

use serde::Serialize;

use super::deceives;
use crate::explain::Explanation;
use crate::finding::{Finding, Outcome, Read, Warning};
use crate::left_behind::KeyChangeDetail;

/// One line of JSON Lines.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Read {
        schema: &'static str,
        #[serde(flatten)]
        read: &'a Read,
    },
    Finding(&'a Finding),
    KeyChange(&'a KeyChangeDetail),
    Warning(&'a Warning),
}

/// The outcome as one JSON object over many lines, with a newline at its end.
#[expect(clippy::expect_used, reason = "the keys are strings and nothing in it can fail")]
pub fn json(outcome: &Outcome) -> String {
    let text = serde_json::to_string_pretty(outcome).expect("an outcome is serialisable");
    escape(&text) + "\n"
}

/// An explanation as one JSON object over many lines, with a newline at its end.
#[expect(clippy::expect_used, reason = "the keys are strings and nothing in it can fail")]
pub fn explanation(explanation: &Explanation) -> String {
    let text = serde_json::to_string_pretty(explanation).expect("it is serialisable");
    escape(&text) + "\n"
}

/// The outcome as JSON Lines: what was read, then findings, key changes and warnings, each with
/// its `type`.
#[expect(clippy::expect_used, reason = "the keys are strings and nothing in it can fail")]
pub fn jsonl(outcome: &Outcome) -> String {
    let read = Line::Read { schema: outcome.schema, read: &outcome.read };
    let lines = std::iter::once(read)
        .chain(outcome.findings.iter().map(Line::Finding))
        .chain(outcome.key_changes.iter().map(Line::KeyChange))
        .chain(outcome.warnings.iter().map(Line::Warning));
    let mut out = String::new();
    for line in lines {
        let text = serde_json::to_string(&line).expect("a line is serialisable");
        out.push_str(&escape(&text));
        out.push('\n');
    }
    out
}

/// The same JSON in which no string holds a deceiving character raw.
///
/// The serialiser has escaped what JSON forbids; what is left of such characters stands in strings
/// only, except for the newlines between the lines.
pub(super) fn escape(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if c != '\n' && deceives(c) {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::Value;

    use super::*;
    use crate::render::fixture;

    #[test]
    fn deceiving_characters_are_escaped_and_the_value_stays_the_same() {
        let text = "\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{2028}\u{e0041}\"\\é🔑\n";
        let json = escape(&serde_json::to_string(text).unwrap());
        assert_snapshot!(json, @r#""\u001b[31m\u007f\u009b\u202e\u2028\udb40\udc41\"\\é🔑\n""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn the_whole_is_one_object() {
        for outcome in fixture::all() {
            let text = json(&outcome);
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["schema"], "failure-monitor/scan/1");
            assert_eq!(value, serde_json::to_value(&outcome).unwrap());
            assert!(!text.chars().any(|c| c != '\n' && deceives(c)));
        }
    }

    #[test]
    fn each_line_is_an_object_with_its_type() {
        let text = jsonl(&fixture::story());
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let types: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
        assert_eq!(
            types.join(" "),
            "read finding finding finding finding key_change key_change warning"
        );
        assert_snapshot!(text.lines().next().unwrap(), @r#"{"type":"read","schema":"failure-monitor/scan/1","files":14,"bytes":20038293,"lines":0,"seen":13223,"failures":3,"key_changes":2,"other":13217,"skipped":1,"duplicates":0,"filtered":0,"passed_over":0}"#);
    }
}
