//! What a text shows of the credentials beside its refusals: the variables and settings that it
//! prints, as CI logs, `env` and configuration files do.
//!
//! Knows the names of settings. A setting in the text is a circumstance, never proof: nothing shows
//! that the refused client used it. So it adds evidence and raises a cause to medium at most.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::access_key::{self, KeyKind};
use crate::cause::{Confidence, Diagnosis, Evidence};

/// How many lines of a text are searched.
const LINES: usize = 100_000;
/// The names of the setting for an access key ID, upper case.
const IDS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "ACCESS_KEY"];
/// The names of the setting for a session token, upper case.
const TOKENS: [&str; 3] = ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "TOKEN"];

/// What the settings in a text say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Clues {
    /// The one access key ID that the text sets, and the line; `None` where it sets several.
    pub(super) id: Option<(String, usize)>,
    /// The line of a setting for the ID that has no value.
    empty: Option<usize>,
    /// Whether a session token is set, to whatever.
    token: bool,
}

impl Clues {
    /// Reads the settings of a text.
    pub(super) fn read(text: &str) -> Clues {
        let mut clues = Clues::default();
        let mut ids: BTreeSet<&str> = BTreeSet::new();
        for (index, line) in text.lines().take(LINES).enumerate() {
            let Some((name, value)) = setting(line) else { continue };
            if TOKENS.contains(&name.as_str()) {
                clues.token |= !value.is_empty();
            } else if value.is_empty() {
                clues.empty = clues.empty.or(Some(index + 1));
            // A CI system hides secrets, good or bad, behind stars.
            } else if !value.bytes().all(|byte| byte == b'*') && ids.insert(value) {
                clues.id = Some((value.to_owned(), index + 1));
            }
        }
        if ids.len() > 1 {
            clues.id = None;
        }
        clues
    }

    /// Adds what the settings say to the causes, which may change their order.
    pub(super) fn apply(&self, causes: &mut [Diagnosis], assumed: bool) {
        for cause in causes.iter_mut() {
            if assumed {
                // The ID is the text's, not the refusal's.
                cause.confidence = cause.confidence.min(Confidence::Medium);
            }
            if let Some((id, line)) = self.id.as_ref().filter(|_| assumed)
                && cause.evidence.iter().any(|one| one.fact.contains("access key"))
            {
                let mut fact = format!("Line {line} of the text sets the access key ID");
                if access_key::kind(id) == Some(KeyKind::Temporary) && !self.token {
                    fact += ", and no line sets a session token";
                }
                cause.evidence.push(Evidence::new(fact, Vec::new()));
            }
            if let Some(line) = self.empty
                && matches!(cause.id, "ci-secret" | "container-environment" | "key-malformed")
            {
                let fact =
                    format!("Line {line} of the text shows an access key ID without a value");
                cause.evidence.push(Evidence::new(fact, Vec::new()));
                cause.confidence = cause.confidence.max(Confidence::Medium);
            }
        }
        causes.sort_by_key(|cause| Reverse(cause.confidence));
    }
}

/// A line that is a setting of credentials: its name in upper case and its value.
fn setting(line: &str) -> Option<(String, &str)> {
    let at = memchr::memchr2(b'=', b':', line.as_bytes())?;
    // Times and prefixes of CI systems have colons, too: the last word before the mark counts.
    let mut from = 0;
    for (at, _) in line.match_indices(['=', ':']).take_while(|(other, _)| *other >= at).take(8) {
        let name = line[from..at].trim_end().trim_end_matches('"');
        let name = name.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
        let name = name.to_ascii_uppercase();
        if IDS.contains(&name.as_str()) || TOKENS.contains(&name.as_str()) {
            let rest = line[at + 1..].trim_start();
            return value(rest).map(|value| (name, value));
        }
        from = at + 1;
    }
    None
}

/// The value of a setting, without its quotation marks; `None` where it is prose or code.
fn value(rest: &str) -> Option<&str> {
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote {
        Some(quote) => rest[1..].split(quote).next(),
        None => {
            let rest = rest.trim_end_matches([',', ';']).trim_end();
            let variable = rest.starts_with("${");
            (variable || !rest.contains(char::is_whitespace)).then_some(rest)
        }
    }
    // An expression of a configuration is no value.
    .filter(|value| !["var.", "data.", "local.", "module."].iter().any(|e| value.starts_with(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_settings_however_they_are_printed() {
        for line in [
            "AWS_ACCESS_KEY_ID=AKIADEPLOYCI1EXAMPLE",
            "export AWS_ACCESS_KEY_ID='AKIADEPLOYCI1EXAMPLE'",
            "2026-01-02T03:04:05.678Z   AWS_ACCESS_KEY_ID: AKIADEPLOYCI1EXAMPLE",
            "aws_access_key_id = AKIADEPLOYCI1EXAMPLE",
            "  access_key = \"AKIADEPLOYCI1EXAMPLE\"",
            "    \"AWS_ACCESS_KEY_ID\": \"AKIADEPLOYCI1EXAMPLE\",",
        ] {
            let clues = Clues::read(line);
            assert_eq!(clues.id, Some(("AKIADEPLOYCI1EXAMPLE".to_owned(), 1)), "{line}");
        }
        for line in [
            "AWS_ACCESS_KEY_ID: ***",
            "access_key = var.access_key",
            "did you set the AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY environment variables?",
            "AWS_ACCESS_KEY_ID: not set in this job",
            "AKIADEPLOYCI1EXAMPLE",
            "MY_AWS_ACCESS_KEY_ID=AKIADEPLOYCI1EXAMPLE",
        ] {
            assert_eq!(Clues::read(line).id, None, "{line}");
        }
        assert_eq!(Clues::read("a\n  AWS_ACCESS_KEY_ID:\n").empty, Some(2));
        assert!(Clues::read("AWS_SESSION_TOKEN: ***").token);
        let two = "AWS_ACCESS_KEY_ID=AKIADEPLOYCI1EXAMPLE\naccess_key = \"AKIADEPLOYCI2EXAMPLE\"\n";
        assert_eq!(Clues::read(two).id, None);
    }
}
