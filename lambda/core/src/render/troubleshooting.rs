//! The guide from a message to its fix (docs/troubleshooting.md), printed from the tables that
//! `explain` and `scan` judge by. All of it is this project's own text, so nothing needs escaping.

use std::fmt::Write as _;

use super::step::step_and_command;
use crate::causes;
use crate::explain::meaning::{self, Meaning, NOT_SENT};
use crate::explain::place;
use crate::report::Stage;

/// Something that is often said and not true.
struct Folklore {
    /// What is said.
    said: &'static str,
    /// What is true.
    truth: &'static str,
    /// Who says so: what the page is, and its address. `None` where nobody has published anything.
    source: Option<(&'static str, &'static str)>,
}

const IAM: &str = "IAM user guide";
const STS: &str = "STS API reference";

const FOLKLORE: &[Folklore] = &[
    Folklore {
        said: "`+` or `/` in the secret causes InvalidClientTokenId; make keys until one comes without.",
        truth: "AWS looks up the key ID before it checks the signature, so a harmed secret gives \
                SignatureDoesNotMatch or InvalidSignatureException. `+` and `/` are legal in a \
                secret; shells, URLs and file formats harm them. In a session token the same harm \
                does give InvalidClientTokenId. `failure-monitor check-key` says where a secret is \
                harmed.",
        source: Some((
            IAM,
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html",
        )),
    },
    Folklore {
        said: "40 % of these errors are special characters, 25 % a missing session token, 20 % \
               conflicting variables.",
        truth: "Commonly reported, but no data behind these shares has been published. This project \
                does not use them: it ranks causes by evidence.",
        source: None,
    },
    Folklore {
        said: "CloudTrail shows who sent the invalid key.",
        truth: "For IAM and STS it logs authenticated requests, and beside them only \
                AssumeRoleWithSAML and AssumeRoleWithWebIdentity; for S3 it delivers no logs of \
                requests that fail authentication. Search it for what the key did before, and for \
                what was done to the key.",
        source: Some((
            IAM,
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html",
        )),
    },
    Folklore {
        said: "The user lacks a permission; attach a policy.",
        truth: "Nobody's permissions were looked at: that answer would be AccessDenied, and \
                GetCallerIdentity, which Terraform calls first, needs no permission at all.",
        source: Some((
            STS,
            "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html",
        )),
    },
    Folklore {
        said: "A wrong clock causes it.",
        truth: "A wrong clock gives SignatureDoesNotMatch (\"Signature expired\"), RequestExpired, \
                RequestTimeTooSkewed or, from EC2, AuthFailure; never InvalidClientTokenId.",
        source: Some((
            IAM,
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html",
        )),
    },
    Folklore {
        said: "Rotate the key, whatever it is.",
        truth: "A session of GetSessionToken without MFA, or of GetFederationToken, is refused by \
                IAM and good everywhere else; a Region that is not enabled and a partition that is \
                not the key's refuse a new key like the old one. A key that was rotated for nothing \
                leaves its other users behind, with this very error.",
        source: Some((
            STS,
            "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html",
        )),
    },
    Folklore {
        said: "If `aws sts get-caller-identity` works, the credentials are good everywhere.",
        truth: "Version 1 tokens of the global STS endpoint are valid only in Regions that are on by \
                default, IAM refuses some sessions, and another program on the same machine may take \
                other credentials.",
        source: Some((
            IAM,
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html",
        )),
    },
    Folklore {
        said: "One 403 proves a key dead.",
        truth: "IAM is eventually consistent: a new key is refused for seconds, in a few cases a \
                minute. And of two GetCallerIdentity calls within 5 s with one key ID and different \
                secrets, the second is refused even if it is right (observed, not documented).",
        source: Some((IAM, "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html")),
    },
    Folklore {
        said: "Deactivating the key ends everything that was done with it.",
        truth: "Sessions that it minted live until they expire, up to 36 hours. Only deleting the \
                user, or denying it, ends them.",
        source: Some((
            IAM,
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_disable-perms.html",
        )),
    },
    Folklore {
        said: "The S3 backend uses the provider's credentials.",
        truth: "It has its own settings, never reads the provider block, and keeps what init was \
                given in `.terraform/terraform.tfstate`.",
        source: Some((
            "Terraform documentation",
            "https://developer.hashicorp.com/terraform/language/backend/s3",
        )),
    },
    Folklore {
        said: "Set AWS_PROFILE to use another profile.",
        truth: "Environment variables with keys come before it: unset AWS_ACCESS_KEY_ID, \
                AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN first. A token left over beside a \
                long-term key gives this error by itself.",
        source: Some((
            "AWS SDKs and Tools reference",
            "https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html",
        )),
    },
    Folklore {
        said: "MissingAuthenticationToken means that AWS_SESSION_TOKEN is missing.",
        truth: "It means that the request carries no signature at all. A missing session token gives \
                InvalidClientTokenId or its like.",
        source: Some((
            STS,
            "https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html",
        )),
    },
];

/// The guide as Markdown.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Troubleshooting: from the message to the fix\n\n\
         For InvalidClientTokenId (\"The security token included in the request is invalid\") and\n\
         its relatives. `failure-monitor explain` does what is written here by itself: it reads the\n\
         output of the failed run and picks what applies.\n\n\
         This file is the output of `failure-monitor causes --troubleshooting`.\n\n\
         1. [What does the message mean?](#1-what-does-the-message-mean)\n\
         2. [Where did it happen?](#2-where-did-it-happen)\n\
         3. [What can be the cause?](#3-what-can-be-the-cause)\n\
         4. [What is often said, and wrong](#4-what-is-often-said-and-wrong)\n\n\
         ## 1. What does the message mean?\n",
    );
    for meaning in meaning::ALL {
        one_meaning(&mut out, &meaning.codes.join(", "), meaning);
    }
    one_meaning(
        &mut out,
        "No valid credential sources found, Unable to locate credentials",
        &NOT_SENT,
    );
    out.push_str("\n## 2. Where did it happen?\n");
    for stage in [Stage::Provider, Stage::Backend, Stage::Refresh, Stage::Resource] {
        let Some(place) = place::of_terraform(stage, "terraform", None) else { continue };
        let title = place::title(stage, None);
        let _ = write!(out, "\n### {title}\n\n{}\n\n", place.what);
        steps(&mut out, &place.next_steps);
    }
    for (names, place) in place::of_clients() {
        let _ = write!(out, "\n### {}\n\n{}\n\n", names.join(", "), place.what);
        steps(&mut out, &place.next_steps);
    }
    out.push_str(
        "\n## 3. What can be the cause?\n\n\
         Most specific first; each with evidence, steps and look-alikes in [causes.md](causes.md).\n\n\
         | cause | what it does not mean | first step |\n| --- | --- | --- |\n",
    );
    for cause in causes::ALL {
        let (what, command) = step_and_command(cause.next_steps.first().copied().unwrap_or(""));
        let command = command.map(|command| format!(" `{}`", command.replace('|', "\\|")));
        let _ = writeln!(
            out,
            "| [{}](causes.md#{}) | {} | {}{} |",
            cause.title,
            anchor(cause.id, cause.title),
            cell(cause.not),
            cell(what),
            command.unwrap_or_default(),
        );
    }
    out.push_str("\n## 4. What is often said, and wrong\n");
    for one in FOLKLORE {
        let source = match one.source {
            Some((name, page)) => format!("[{name}]({page})"),
            None => "no source is known".to_owned(),
        };
        let _ = write!(out, "\n**\u{201c}{}\u{201d}** {} ({source})\n", one.said, one.truth);
    }
    out
}

fn one_meaning(out: &mut String, title: &str, meaning: &Meaning) {
    let _ = write!(
        out,
        "\n### {title}\n\n{} {} ([reference]({}))\n",
        meaning.means, meaning.not, meaning.reference
    );
}

fn steps(out: &mut String, steps: &[String]) {
    for (number, step) in (1..).zip(steps) {
        let first = format!("{number}. ");
        let (what, command) = step_and_command(step);
        let _ = writeln!(out, "{first}{what}");
        if let Some(command) = command {
            let indent = " ".repeat(first.len());
            let _ = writeln!(out, "\n{indent}```sh\n{indent}{command}\n{indent}```\n");
        }
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The anchor that GitHub makes of the heading "`id`: title".
fn anchor(id: &str, title: &str) -> String {
    let heading = format!("{id}: {title}").to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_what_the_tables_print() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/troubleshooting.md");
        let written = std::fs::read_to_string(path).unwrap();
        assert_eq!(
            written,
            markdown(),
            "write it anew: cargo run -- causes --troubleshooting > docs/troubleshooting.md"
        );
    }

    #[test]
    fn every_correction_is_whole_and_has_a_source_or_says_that_there_is_none() {
        for one in FOLKLORE {
            assert!(one.said.ends_with('.') && one.truth.ends_with('.'), "{}", one.said);
            assert!(one.source.is_none_or(|(_, page)| page.starts_with("https://")));
        }
        assert_eq!(FOLKLORE.iter().filter(|one| one.source.is_none()).count(), 1);
    }

    #[test]
    fn links_into_the_causes_are_to_headings_that_are_there() {
        let causes = crate::render::causes::markdown();
        for cause in causes::ALL {
            let heading = format!("## `{}`: {}\n", cause.id, cause.title);
            assert!(causes.contains(&heading), "{}", cause.id);
        }
        assert_eq!(anchor("a-b", "It's (c), d"), "a-b-its-c-d");
    }
}
