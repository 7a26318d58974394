//! The access key was deactivated, and somebody still uses it.

use crate::cause::{Cause, Confidence, Match, Situation};
use crate::causes::shell_quoted;
use crate::key_change::Change;

pub(super) const CAUSE: Cause = Cause {
    id: "key-deactivated",
    title: "The access key was deactivated",
    explanation: "Somebody set the access key to Inactive. Each call signed with it is refused \
                  from then on, as if the key did not exist. Sessions minted with the key stay \
                  alive until they expire, and cannot be renewed.",
    not: "It does not mean that the secret or a permission is wrong: the same secret works again \
          once the key is active. Nor does it end what was minted with the key, so after a leak a \
          deactivated key is not the end.",
    next_steps: &[
        "See the state of the user's keys: aws iam list-access-keys --user-name {user}",
        "See when and for what the key was used last: aws iam get-access-key-last-used \
         --access-key-id {access_key_id}",
        "Where the calls come from, find the copies of the key: aws configure list; \
         grep -rlFe {access_key_id} ~/.aws .",
        "Give the callers a role or a new key, and delete the old one when none is left",
    ],
    false_positives: &["A rotation in which the last callers have already moved to the new key"],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-keys-admin-managed.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let off = situation.key_off()?;
    // A key that was deleted afterwards cannot come back: that is `key-deleted`.
    if off.since.change != Change::Deactivated || off.deleted.is_some() {
        return None;
    }
    let quarantined =
        situation.key.changes.iter().any(|change| change.change == Change::Quarantined);
    let names = (situation.group.key.access_key_id.as_deref(), off.since.user_name.as_deref());
    let next_steps = match names {
        _ if off.until.is_some() && off.again.is_none() => Vec::new(),
        _ if quarantined => vec![
            "Do not activate the key again: its user is under an AWS quarantine policy, so the key \
             has probably leaked"
                .to_owned(),
        ],
        (Some(id), user) => vec![format!(
            "If it was a mistake, and only then, activate it again: aws iam update-access-key \
             --access-key-id {} --status Active{}",
            shell_quoted(id),
            user.map_or(String::new(), |user| format!(" --user-name {}", shell_quoted(user))),
        )],
        (None, _) => Vec::new(),
    };
    Some(Match {
        confidence: if off.covers { Confidence::High } else { Confidence::Medium },
        evidence: off.evidence(situation),
        next_steps,
    })
}
