//! Nothing that is known explains the failures: said as such, never guessed.

use crate::cause::{Cause, Confidence, Evidence, Match, Situation, UseTally, at};

pub(super) const CAUSE: Cause = Cause {
    id: "unexplained",
    title: "No known cause fits",
    explanation: "The records and reports that were read neither show what happened to the key nor \
                  fit any of the known patterns.",
    not: "It does not mean that nothing is wrong: what would explain it may lie before the records \
          that were read, in another account or on the failing machine. Nor is rotating the key an \
          answer to a failure that nobody understands: the cause would come along.",
    next_steps: &[
        "Read trail files that go further back: the key may have been changed before the first of them",
        "Where the client runs, see which credentials are in use: aws configure list; aws sts get-caller-identity",
        "Ask which account the key is of: aws sts get-access-key-info --access-key-id {access_key_id}",
        "Ask IAM whose it is and when it was last good: aws iam get-access-key-last-used --access-key-id {access_key_id}",
        "See whether it is active: aws iam list-access-keys --user-name {user}",
    ],
    false_positives: &[],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let codes = group.codes.iter().filter(|(code, _)| !code.is_empty());
    let codes: Vec<String> =
        codes.map(|(code, tally)| format!("{code} ({})", tally.count)).collect();
    let mut evidence = Vec::new();
    if group.all.count > 0 {
        let fact = match codes.as_slice() {
            [] => "The failures carry no error code".to_owned(),
            [code] => format!("The error was {code}"),
            codes => format!("The errors were {}", codes.join(", ")),
        };
        evidence.push(Evidence::new(fact, group.all.event_ids()));
    }
    if let Some(left) = situation.left_behind {
        evidence.push(Evidence::new(
            format!(
                "No failure was seen: {} is expected to fail since {}",
                left.source,
                left.since.format("%Y-%m-%d %H:%M:%S UTC")
            ),
            vec![left.change.event_id.clone()],
        ));
    }
    if group.key.access_key_id.is_none() {
        evidence.push(Evidence::new("The access key ID is not known", Vec::new()));
    } else if situation.key.changes.is_empty() && situation.key.uses.is_empty() {
        let fact = "The records that were read show neither a change nor a success of the key";
        evidence.push(Evidence::new(fact, Vec::new()));
    } else if situation.key.changes.is_empty() {
        let fact = "The records that were read show no change of the key";
        evidence.push(Evidence::new(fact, Vec::new()));
    }
    evidence.extend(in_use_until(situation));
    Some(Match { confidence: Confidence::Low, evidence, next_steps: Vec::new() })
}

/// The last success before the first refusal: what happened to the key happened after it.
fn in_use_until(situation: &Situation<'_>) -> Option<Evidence> {
    let first = situation.group.all.first?;
    let before = |uses: &&UseTally| uses.tally.last.is_some_and(|last| last < first);
    let last = situation.key.uses.iter().filter(before).max_by_key(|uses| uses.tally.last)?;
    let fact =
        format!("The key was in use until {}, from {}", at(last.tally.last?), last.caller.source);
    Some(Evidence::new(fact, last.tally.event_ids()))
}
