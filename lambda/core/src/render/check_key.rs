//! What a check of a key pair found, as text and as JSON. Nothing here can hold a part of the secret.

use std::fmt::Write as _;

use serde_json::json;

use super::{cut, duration, visible};
use crate::access_key;
use crate::check_key::KeyPair;
use crate::check_key::media::{ALL, Fate};
use chrono::TimeDelta;

/// The version of the machine output.
pub const SCHEMA: &str = "failure-monitor/check-key/1";

/// What STS says of the pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// It was not asked.
    NotAsked,
    /// It knows the pair.
    Yes {
        /// Who the pair is, an ARN.
        arn: String,
        /// How long it took from the first question on.
        after: TimeDelta,
        /// How many questions.
        calls: u32,
    },
    /// It refuses the pair.
    No {
        /// The error code of the last answer.
        code: String,
        /// How long it was asked.
        waited: TimeDelta,
        /// How many questions.
        calls: u32,
    },
    /// It could not be asked.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl Live {
    fn text(&self, masked: &str) -> String {
        let asked = |calls: u32, time: TimeDelta| match calls {
            1 => "at once".to_owned(),
            calls => format!("after {} and {calls} calls", duration(time)),
        };
        match self {
            Live::NotAsked => "Not asked of AWS (--offline).".to_owned(),
            Live::Yes { arn, after, calls } => {
                format!("Live: STS knows it as {}, {}.", shown(arn), asked(*calls, *after))
            }
            Live::No { code, waited, calls } => {
                let what = match code.as_str() {
                    "SignatureDoesNotMatch" => {
                        "the key ID is known, and this is not its secret".to_owned()
                    }
                    "InvalidClientTokenId" => format!(
                        "STS does not know {masked}: not yet, not any more, or not with this token; a \
                         new key takes seconds, in a few cases a minute"
                    ),
                    _ => "STS refuses it".to_owned(),
                };
                format!("Not live: {what} ({}, {}).", shown(code), asked(*calls, *waited))
            }
            Live::Unknown { reason } => format!("STS could not be asked: {}.", shown(reason)),
        }
    }
}

/// A few words of another's text.
fn shown(text: &str) -> String {
    visible(&cut(text, 200))
}

/// The check as text, 80 columns wide.
pub fn text(pair: &KeyPair, live: &Live, unmask: bool) -> String {
    let id = match unmask {
        true => pair.access_key_id.clone(),
        false => access_key::mask(&pair.access_key_id),
    };
    let id = shown(&id);
    let mut out = format!("{id} with a secret of {}\n{}\n", pair.describe(), live.text(&id));
    for problem in pair.problems() {
        let _ = writeln!(out, "Problem: {}.", shown(&problem));
    }
    let harmed: Vec<_> = ALL
        .iter()
        .filter_map(|medium| match medium.fate(pair.secret()) {
            Fate::Damaged(why) => Some((medium, why)),
            Fate::Survives => None,
        })
        .collect();
    let fine = ALL.iter().filter(|medium| !harmed.iter().any(|(harmed, _)| harmed.id == medium.id));
    let fine: Vec<&str> = fine.map(|medium| medium.name).collect();
    if !harmed.is_empty() {
        out.push_str("\nHarmed, if it is written as it is:\n");
        for (medium, why) in &harmed {
            let _ =
                writeln!(out, "  {:21}  {why}\n  {:21}  write it: {}", medium.name, "", medium.how);
        }
    }
    if !fine.is_empty() {
        out.push_str("\nSurvives as it is:\n");
        out.push_str(&textwrap::fill(
            &fine.join(" · "),
            textwrap::Options::new(80)
                .initial_indent("  ")
                .subsequent_indent("  ")
                .word_separator(textwrap::WordSeparator::AsciiSpace)
                .word_splitter(textwrap::WordSplitter::NoHyphenation),
        ));
        out.push('\n');
    }
    // Every line but the table's is prose of any length.
    out.lines()
        .map(|line| if line.len() > 80 { wrapped(line) } else { line.to_owned() + "\n" })
        .collect()
}

fn wrapped(line: &str) -> String {
    let options = textwrap::Options::new(80)
        .subsequent_indent("  ")
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(line, options) + "\n"
}

/// The check as one JSON document with a newline at its end. The key ID is whole.
pub fn json(pair: &KeyPair, live: &Live) -> String {
    let live = match live {
        Live::NotAsked => json!({ "state": "not-asked" }),
        Live::Yes { arn, after, calls } => json!({
            "state": "live", "arn": arn, "seconds": after.num_seconds(), "calls": calls,
        }),
        Live::No { code, waited, calls } => json!({
            "state": "refused", "code": code, "seconds": waited.num_seconds(), "calls": calls,
        }),
        Live::Unknown { reason } => json!({ "state": "unknown", "reason": reason }),
    };
    let media: Vec<_> = ALL
        .iter()
        .map(|medium| match medium.fate(pair.secret()) {
            Fate::Survives => json!({ "id": medium.id, "survives": true }),
            Fate::Damaged(why) => {
                json!({ "id": medium.id, "survives": false, "why": why, "how": medium.how })
            }
        })
        .collect();
    format!(
        "{:#}\n",
        json!({
            "schema": SCHEMA,
            "access_key_id": pair.access_key_id,
            "problems": pair.problems(),
            "live": live,
            "url_safe": pair.not_url_safe().is_empty(),
            "media": media,
        })
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check_key;

    const PAIR: &str = "AKIADEPLOYCI1EXAMPLE\nhQ7z+vB2/nX9kLmT4wRyD8sJfP3cG6aU1eZxKoiN\n";

    #[test]
    fn what_a_person_reads() {
        let pair = check_key::parse(PAIR).unwrap();
        let live = Live::No {
            code: "InvalidClientTokenId".to_owned(),
            waited: TimeDelta::seconds(30),
            calls: 6,
        };
        let text = text(&pair, &live, false);
        insta::assert_snapshot!(text);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn no_output_holds_a_piece_of_the_secret() {
        let pair = check_key::parse(PAIR).unwrap();
        let secret = PAIR.lines().nth(1).unwrap();
        let all = json(&pair, &Live::NotAsked) + &text(&pair, &Live::NotAsked, true);
        for at in 0..=secret.len() - 6 {
            assert!(!all.contains(&secret[at..at + 6]));
        }
    }
}
