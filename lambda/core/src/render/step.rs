//! Next steps of a cause: what to do, and the command for it.
//!
//! Causes write a step as `what to do: command` or without a command; people want to copy the
//! command alone, so nothing comes after it.

/// The words that begin a command in a next step.
const COMMANDS: [&str; 40] = [
    "apt-get",
    "aws",
    "cat",
    "chronyc",
    "curl",
    "cut",
    "date",
    "dig",
    "docker",
    "echo",
    "env",
    "eval",
    "export",
    "failure-monitor",
    "find",
    "for",
    "gh",
    "git",
    "glab",
    "grep",
    "jq",
    "kubectl",
    "ls",
    "od",
    "printenv",
    "printf",
    "ps",
    "pulumi",
    "python3",
    "rm",
    "sed",
    "ssh",
    "sudo",
    "terraform",
    "timedatectl",
    "tofu",
    "tr",
    "unset",
    "w32tm",
    "wsl",
];

/// Parts a next step `what to do: command` into the two.
///
/// Names in a step are quoted for a shell, so what is inside quotation marks is never taken for the
/// beginning of a command.
pub(super) fn step_and_command(step: &str) -> (&str, Option<&str>) {
    let (mut quoted, mut before, mut escaped) = (false, ' ', false);
    for (at, c) in step.char_indices() {
        if quoted {
            quoted = c != '\'';
        } else if escaped {
            escaped = false;
        } else {
            match c {
                '\\' => escaped = true,
                // An apostrophe follows a letter; a quotation mark does not.
                '\'' if !before.is_alphanumeric() => quoted = true,
                ':' => {
                    if let Some(rest) = step[at + 1..].strip_prefix(' ')
                        && begins_command(rest)
                    {
                        return (&step[..=at], Some(rest));
                    }
                }
                _ => {}
            }
        }
        before = c;
    }
    if begins_command(step) { ("", Some(step)) } else { (step, None) }
}

fn begins_command(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or("");
    COMMANDS.contains(&word) || word.starts_with("AWS_") && word.contains('=')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::causes::ALL;
    use crate::render::cases;

    #[test]
    fn a_command_begins_outside_quotation_marks() {
        let cases = [
            (
                "See the keys: aws iam list-access-keys",
                ("See the keys:", Some("aws iam list-access-keys")),
            ),
            (
                "On the client's machine: env | grep AWS_",
                ("On the client's machine:", Some("env | grep AWS_")),
            ),
            ("Ask 'x: aws iam delete-user' nicely", ("Ask 'x: aws iam delete-user' nicely", None)),
            (r"Ask 'a'\'' : aws x' : aws y", (r"Ask 'a'\'' : aws x' :", Some("aws y"))),
            ("Read on: there is more", ("Read on: there is more", None)),
            ("unset AWS_PROFILE", ("", Some("unset AWS_PROFILE"))),
        ];
        for (step, expected) in cases {
            assert_eq!(step_and_command(step), expected);
        }
    }

    /// The steps of every cause, with those that it puts together for its cases.
    fn all_steps() -> BTreeSet<String> {
        let written = ALL.iter().flat_map(|cause| cause.next_steps).map(|step| (*step).to_owned());
        let outcomes = cases::outcomes();
        let findings = outcomes.iter().flat_map(|(_, outcome)| &outcome.findings);
        let built = findings
            .flat_map(|finding| &finding.causes)
            .flat_map(|diagnosis| diagnosis.next_steps.iter().cloned());
        written.chain(built).chain(explained()).collect()
    }

    /// The steps and questions that `explain` gives for its corpus.
    fn explained() -> Vec<String> {
        let corpus = include_str!("../explain/corpus.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(corpus).unwrap();
        let now = "2026-07-10T13:00:00Z".parse().unwrap();
        let mut steps = Vec::new();
        for case in &cases {
            let text = case["text"].as_str().unwrap();
            let found = crate::explain::explain(text, "terraform.log", now);
            for one in found.failures {
                steps.extend(one.next_steps.into_iter().chain(one.ask));
            }
            steps.extend(found.not_sent.into_iter().flat_map(|one| one.next_steps));
        }
        steps
    }

    /// A command without what is inside quotation marks.
    fn unquoted(command: &str) -> String {
        let parts = command.split(['\'', '"']).enumerate();
        parts
            .filter(|(index, _)| index % 2 == 0)
            .map(|(_, part)| part)
            .collect::<Vec<_>>()
            .join("_")
    }

    #[test]
    fn every_command_stands_alone_at_the_end_of_its_step() {
        for step in all_steps() {
            let (text, command) = step_and_command(&step);
            let words: Vec<&str> =
                text.split(|c: char| c.is_whitespace() || "`();,".contains(c)).collect();
            for word in ["aws", "terraform", "unset", "env", "export", "grep", "printf"] {
                let told_of = word == "printf" && text.contains("printf, not echo");
                assert!(told_of || !words.contains(&word), "{word} is not at the end: {step}");
            }
            let Some(command) = command else { continue };
            assert!(text.ends_with(':'), "{step}");
            assert!(!command.contains(['“', '”', '‘', '’', '…', '–', '—', '`', '\n']), "{step}");
            let whole = command.ends_with(" .") || !command.ends_with(['.', ',', ';', ':', ')']);
            assert!(whole, "{step}");
            let prose = [", ", ": ", " ("].iter().any(|mark| unquoted(command).contains(mark));
            assert!(!prose, "prose after the command: {step}");
            assert_eq!(command.matches('\'').count() % 2, 0, "{step}");
            assert_eq!(command.matches('"').count() % 2, 0, "{step}");
            for part in unquoted(command).replace("2>&1", "").split([';', '|', '&']).map(str::trim)
            {
                let known = part.is_empty() || begins_command(part);
                let of_loop = ["do ", "done", "break", "sleep ", "base64 ", "tail ", "wc "];
                let of_loop = of_loop.iter().any(|word| part.starts_with(word));
                assert!(known || of_loop, "{part:?} is not a command: {step}");
            }
        }
    }
}
