//! What was sent as the access key ID cannot be one: a variable, a placeholder, a pasting mistake.

use crate::access_key::{self, Malformed};
use crate::cause::{Cause, Confidence, Evidence, Match, Situation};
use crate::failure::Family;
use crate::tally::Tally;

pub(super) const CAUSE: Cause = Cause {
    id: "key-malformed",
    title: "The access key ID is not one that AWS issues",
    explanation: "AWS issues access key IDs of 20 capital letters and digits that begin with AKIA \
                  or ASIA. What was sent is something else: a variable that was never filled in, a \
                  placeholder, an example, or a real key damaged in copying.",
    not: "It does not mean that a key was deleted or lacks permissions, and a new key in the same \
          place fails in the same way.",
    next_steps: &[
        "On the failing machine, see what is sent and where it comes from: aws configure list",
        "Look for characters that do not belong in it: printf %s \"$AWS_ACCESS_KEY_ID\" | od -c",
        "A sound key ID prints 1: printf %s \"$AWS_ACCESS_KEY_ID\" | grep -cE \
         '^(AKIA|ASIA)[A-Z0-9]{16}$'",
    ],
    false_positives: &["Tests that send a made-up key on purpose"],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids",
    check,
};

/// Prefixes of unique IDs that people take for access key IDs (same page).
const OTHER_IDS: [(&str, &str); 4] =
    [("AIDA", "user"), ("AROA", "role"), ("AGPA", "user group"), ("AIPA", "instance profile")];

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let header = group.families.get(&Family::MalformedAuthorization);
    let Some(id) = group.key.access_key_id.as_deref() else {
        return unreadable_header(situation, header?);
    };
    let refused = situation.unknown().or(header)?;
    // A success disproves the grammar.
    let problem = access_key::malformed(id).filter(|_| situation.key.uses.is_empty())?;
    let other = OTHER_IDS.iter().find(|(prefix, _)| id.starts_with(prefix));
    let fact = match (problem, other) {
        (Malformed::Prefix, Some((prefix, of))) => {
            format!("The access key ID begins with {prefix}, as the unique ID of a {of} does")
        }
        (Malformed::Length, _) => {
            format!("The access key ID has {} characters; AWS issues 20", id.chars().count())
        }
        _ => format!("The access key ID {}", problem.describe()),
    };
    // The API would take any length from 16 to 128: only the practice speaks against those.
    let possible = problem == Malformed::Length && (16..=128).contains(&id.len());
    Some(Match {
        confidence: if possible { Confidence::Medium } else { Confidence::High },
        evidence: vec![Evidence::new(fact, refused.event_ids())],
        next_steps: steps(problem),
    })
}

fn steps(problem: Malformed) -> Vec<String> {
    let steps: &[&str] = match problem {
        Malformed::Uninterpolated => &[
            "Have the variable filled in where it is written: a shell expands nothing in single \
             quotes, and `docker --env-file` and Kubernetes manifests expand nothing at all",
            "In CI, see whether this job may have the variable: a fork, an unprotected branch or a \
             reusable workflow often may not",
        ],
        Malformed::Placeholder | Malformed::DocumentationExample => &[
            "If the call was meant for an emulator (LocalStack, MinIO), name its endpoint, or the \
             call goes to AWS: export AWS_ENDPOINT_URL=http://localhost:4566",
            "In Terraform, name it under `endpoints` in the provider",
            "If the call was meant for AWS, put a real key in the place of this one",
        ],
        Malformed::Whitespace => &[
            "Store the value again without the blank or line break at its end: printf, not echo, \
             when it is piped into a secret store",
        ],
        Malformed::Quoted => &[
            "Remove the quotation marks: `docker --env-file`, ~/.aws/credentials and most secret \
             stores take them as part of the value",
        ],
        Malformed::Alphabet => &[
            "Copy the key ID again: capital letters and digits only; a `/` or `+` in it suggests \
             that the secret stands in its place",
        ],
        Malformed::Length => &["Copy the key ID again, whole: characters are missing or too many"],
        Malformed::Prefix => {
            &["Put an access key ID (AKIA or ASIA) there, not that of a user or a role: \
             aws iam list-access-keys"]
        }
    };
    steps.iter().map(|step| (*step).to_owned()).collect()
}

/// `IncompleteSignature` without a key: AWS prints the header, where the key ID should stand.
fn unreadable_header(situation: &Situation<'_>, header: &Tally) -> Option<Match> {
    let said = |what: fn(&str) -> bool| {
        situation.group.messages.iter().find(|(text, _)| what(text)).map(|(_, tally)| tally)
    };
    let blank = said(|text| text.contains("Credential=/"));
    let broken = said(|text| {
        text.contains("aws4_request' not a valid key=value pair") && !text.starts_with("'AWS4-")
    });
    let (confidence, fact, shown, problem) = match (blank, broken) {
        (Some(shown), _) => {
            (Confidence::High, "The access key ID that was sent is empty", shown, None)
        }
        (None, Some(shown)) => (
            Confidence::High,
            "The Authorization header breaks off inside the credential: the access key ID contains \
             white space",
            shown,
            Some(Malformed::Whitespace),
        ),
        (None, None) => (
            Confidence::Low,
            "AWS could not read the Authorization header, and no access key ID is known",
            header,
            None,
        ),
    };
    Some(Match {
        confidence,
        evidence: vec![Evidence::new(fact, shown.event_ids())],
        next_steps: problem.map(steps).unwrap_or_default(),
    })
}
