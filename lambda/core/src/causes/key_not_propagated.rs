//! The access key is so new that not all of AWS knows it yet; it heals by itself.

use chrono::TimeDelta;

use crate::cause::{Cause, Confidence, Evidence, Match, Situation, at, refusals};
use crate::key_change::Change;
use crate::left_behind::PROPAGATION;

pub(super) const CAUSE: Cause = Cause {
    id: "key-not-propagated",
    title: "The access key was too new",
    explanation: "IAM is eventually consistent: a key that was just created or activated again is \
                  refused for a while, mostly 5 to 15 seconds, in a few cases up to a minute. Then \
                  it works without anybody doing anything.",
    not: "It does not mean that the new key is wrong: do not create another one, the next would be \
          too new as well.",
    next_steps: &[
        "Try again now: aws sts get-caller-identity",
        "Where a script creates the key and uses it, let it try again for a minute: \
         for i in 1 2 3 4 5 6; do aws sts get-caller-identity && break; sleep 10; done",
        "In Terraform, put a time_sleep of 15 to 30 s between aws_iam_access_key and what uses it",
    ],
    false_positives: &["A new key that was copied wrongly: its refusals do not end after a minute"],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency",
    check,
};

/// What propagation usually takes; [`PROPAGATION`] is the longest that is believed.
const USUAL: TimeDelta = TimeDelta::seconds(15);

fn check(situation: &Situation<'_>) -> Option<Match> {
    let refused = situation.unknown()?;
    let (first, last) = (refused.first?, refused.last?);
    if situation.key_off().is_some() {
        return None;
    }
    let on = situation.key.changes.iter().rfind(|change| {
        matches!(change.change, Change::Created | Change::Reactivated)
            && change.time <= first
            && last <= change.time + PROPAGATION
    })?;
    let mut evidence = vec![
        Evidence::new(
            format!(
                "{} {} the key at {}, {} s before the first refusal",
                on.changed_by.as_deref().unwrap_or("somebody"),
                if on.change == Change::Created { "created" } else { "activated" },
                at(on.time),
                (first - on.time).num_seconds(),
            ),
            vec![on.event_id.clone()],
        ),
        refusals(refused),
    ];
    let healed = situation
        .key
        .uses
        .iter()
        .filter(|uses| uses.tally.last.is_some_and(|used| used > last))
        .max_by_key(|uses| uses.tally.last);
    if let Some((healed, Some(used))) = healed.map(|healed| (healed, healed.tally.last)) {
        evidence.push(Evidence::new(
            format!("The key worked afterwards, last with {} at {}", healed.event_source, at(used)),
            healed.tally.event_ids(),
        ));
    }
    let confidence = match healed {
        Some(_) => Confidence::High,
        None if last <= on.time + USUAL => Confidence::Medium,
        None => Confidence::Low,
    };
    Some(Match { confidence, evidence, next_steps: Vec::new() })
}
