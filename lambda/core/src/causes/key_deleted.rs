//! The access key was deleted, by itself or with its user, and somebody still uses it.

use crate::cause::{Cause, Confidence, Match, Situation};
use crate::causes::shell_quoted;
use crate::key_change::Change;

pub(super) const CAUSE: Cause = Cause {
    id: "key-deleted",
    title: "The access key was deleted",
    explanation: "Somebody deleted the access key, by itself or together with its user. Each call \
                  signed with it is refused from then on, or from an earlier deactivation on, and \
                  a deleted key cannot be brought back. Sessions minted with the key stay alive \
                  until they expire, unless the user was deleted.",
    not: "It does not mean that the secret is wrong or that permissions are missing, and waiting \
          or trying again does not help.",
    next_steps: &[
        "Where the calls come from, find the copies of the key: aws configure list; \
         grep -rlFe {access_key_id} ~/.aws .",
        "Give the callers a role instead of a key where they run on AWS or in CI with OIDC",
    ],
    false_positives: &["A clean-up that deleted the user and its callers together"],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let off = situation.key_off()?;
    let deletion = off.deleted?;
    let user = deletion.user_name.as_deref().map(shell_quoted);
    let next_steps = match user {
        Some(user) if deletion.change == Change::UserDeleted => vec![format!(
            "See whether the user was created again, or the callers need another one: \
             aws iam get-user --user-name {user}"
        )],
        Some(user) => vec![
            format!("See which keys the user has now: aws iam list-access-keys --user-name {user}"),
            format!("Give the callers a new key: aws iam create-access-key --user-name {user}"),
        ],
        None => Vec::new(),
    };
    Some(Match {
        confidence: if off.covers { Confidence::High } else { Confidence::Medium },
        evidence: off.evidence(situation),
        next_steps,
    })
}
