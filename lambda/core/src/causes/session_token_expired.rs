//! The session behind temporary credentials has ended.

use crate::access_key::{self, KeyKind};
use crate::cause::{Cause, Confidence, Evidence, Match, Situation, at, refusals};
use crate::client::CredentialSource;
use crate::failure::Family;

pub(super) const CAUSE: Cause = Cause {
    id: "session-token-expired",
    title: "The session has expired",
    explanation: "Temporary credentials end at a fixed time and cannot be extended. The caller \
                  still uses those of a session that is over: it was exported by hand, cached, or \
                  runs longer than the session lasts.",
    not: "It does not mean that the user, the role or a permission is gone, and rotating the \
          long-term key does not help. An identity token of an OIDC provider that has expired is \
          another matter (oidc-token-rejected).",
    next_steps: &[
        "Drop what was exported: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN",
        "Sign in again, then see whose credentials are in use: aws sts get-caller-identity",
        "Let the SDK renew by itself: name a profile (role_arn, sso_session, credential_process) \
         instead of copying keys",
        "For runs longer than an hour, raise the role's maximum session duration: aws iam \
         update-role --role-name ROLE --max-session-duration 14400",
    ],
    false_positives: &["A laptop that woke from sleep and tries once before it renews"],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_use-resources.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let kind = group.key.access_key_id.as_deref().and_then(access_key::kind);
    let mut next_steps = Vec::new();
    let mint = situation.key.minted.as_ref();
    let ended = mint.and_then(|mint| Some((mint, mint.expires?))).map(|(mint, expires)| {
        let fact = format!(
            "{} minted the session at {}, and it ended at {}",
            mint.event_name,
            at(mint.time),
            at(expires)
        );
        (Evidence::new(fact, vec![mint.event_id.clone()]), expires)
    });
    let (confidence, mut evidence) = if let Some(expired) =
        group.families.get(&Family::ExpiredToken)
    {
        let mut evidence =
            vec![Evidence::new("AWS itself says that the token has expired", expired.event_ids())];
        evidence.extend(
            ended
                .filter(|(_, expires)| expired.first.is_some_and(|first| *expires <= first))
                .map(|(fact, _)| fact),
        );
        (Confidence::High, evidence)
    } else {
        let refused = situation.unknown()?;
        let (fact, expires) = ended.filter(|_| kind == Some(KeyKind::Temporary))?;
        let all = refused.first.is_some_and(|first| expires <= first);
        if !all && refused.last.is_none_or(|last| last < expires) {
            return None;
        }
        let confidence = if all { Confidence::High } else { Confidence::Medium };
        (confidence, vec![fact, refusals(refused)])
    };
    if kind == Some(KeyKind::LongTerm) {
        evidence.push(Evidence::new(
            "The access key is a long-term one, which never expires: the token was left over from \
             an earlier session",
            group.all.event_ids(),
        ));
        next_steps.push(
            "Drop the token and keep the key: unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN"
                .to_owned(),
        );
        next_steps.push(
            "If the token is in ~/.aws/credentials, delete aws_session_token from the profile"
                .to_owned(),
        );
    }
    next_steps.extend(renewal(situation).map(str::to_owned));
    Some(Match { confidence, evidence, next_steps })
}

/// How to get new credentials, by what the client or the minting record says of the old ones.
fn renewal(situation: &Situation<'_>) -> Option<&'static str> {
    let sources =
        situation.group.clients.values().filter_map(|(client, _)| client.credential_source);
    let by_client = sources.filter_map(|source| match source {
        CredentialSource::Sso => Some("Sign in again: aws sso login"),
        CredentialSource::Login => Some("Sign in again: aws login"),
        CredentialSource::Container | CredentialSource::InstanceMetadata => Some(
            "The container or instance has fresh credentials: restart the process that keeps the \
             old ones, and update its SDK",
        ),
        CredentialSource::Process => {
            Some("Run the credential process by hand, and see that its answer has an Expiration")
        }
        _ => None,
    });
    let by_mint = || match situation.key.minted.as_ref()?.event_name.as_str() {
        "GetSessionToken" => Some(
            "Get a new session: aws sts get-session-token --serial-number MFA_ARN --token-code \
             CODE",
        ),
        "AssumeRole" => Some(
            "Assume the role again: aws sts assume-role --role-arn ROLE_ARN --role-session-name \
             NAME",
        ),
        _ => None,
    };
    by_client.min().or_else(by_mint)
}
