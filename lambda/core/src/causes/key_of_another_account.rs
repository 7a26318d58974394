//! The access key belongs to an account other than the one whose trail shows the refusal.

use crate::access_key;
use crate::cause::{Cause, Confidence, Evidence, Match, Situation};

pub(super) const CAUSE: Cause = Cause {
    id: "key-of-another-account",
    title: "The access key belongs to another account",
    explanation: "Newer access key IDs carry the account that owns them. This one names an account \
                  other than the one in which the call was refused, so what happened to the key \
                  stands in that account's trail, and often a profile or a CI secret of another \
                  environment is in use.",
    not: "It does not mean that the key is dead or in the wrong place: keys are used across \
          accounts every day. The ID proves who owns the key, not why it was refused.",
    next_steps: &[
        "Ask AWS for the owner, too: aws sts get-access-key-info --access-key-id {access_key_id}",
        "Where the calls come from ({source}), see which profile is in use: \
         aws configure list; echo \"$AWS_PROFILE\"",
        "Read that account's trail as well: what happened to the key is only there",
    ],
    false_positives: &["Cross-account access, where the key of another account is meant"],
    reference: "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let key = &situation.group.key;
    let owner = access_key::account(key.access_key_id.as_deref()?)?;
    let account = key.account.as_deref().filter(|account| *account != owner)?;
    let refused = situation.unknown()?;
    let mut evidence = vec![Evidence::new(
        format!(
            "The access key ID carries account {owner}, and the refusal is in account {account}"
        ),
        refused.event_ids(),
    )];
    let used = situation.key.uses.first();
    if let Some(used) = used {
        evidence.push(Evidence::new(
            "The same key was used successfully, too: AWS knows it",
            used.tally.event_ids(),
        ));
    }
    Some(Match {
        confidence: if used.is_some() { Confidence::Low } else { Confidence::Medium },
        evidence,
        next_steps: Vec::new(),
    })
}
