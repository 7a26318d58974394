//! A temporary key was sent without its session token, or with a damaged one.

use crate::access_key::{self, KeyKind};
use crate::cause::{Cause, Confidence, Evidence, Match, Situation, UseTally, at};
use crate::client;
use crate::tally::Tally;

pub(super) const CAUSE: Cause = Cause {
    id: "session-token-missing",
    title: "The session token is missing or damaged",
    explanation: "Temporary credentials have three parts: access key ID (ASIA…), secret and \
                  session token. Without the token, or with a token that was cut, wrapped or mixed \
                  with another session's, AWS does not recognise the key at all.",
    not: "It does not mean that the key was deleted or that it needs rotating. Special characters \
          in the secret are not to blame either: those give SignatureDoesNotMatch.",
    next_steps: &[
        "See whether all three parts are there, without printing them: \
         env | grep -o '^AWS_[A-Z_]*'; aws configure list",
        "Take all three from one place at once: eval \"$(aws configure export-credentials \
         --format env)\"",
        "Pass the token into a container, too: \
         docker run -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY -e AWS_SESSION_TOKEN IMAGE",
        "In Terraform, set `token` beside `access_key` and `secret_key`",
        "Drop an old token that does not belong to the key: unset AWS_SESSION_TOKEN \
         AWS_SECURITY_TOKEN",
    ],
    false_positives: &[
        "A session without MFA that calls IAM",
        "A session of the global STS endpoint in a Region that must be enabled first",
    ],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_use-resources.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let refused = situation.unknown()?;
    let Some(id) = group.key.access_key_id.as_deref() else {
        return unknown_key(situation, refused);
    };
    if access_key::kind(id) != Some(KeyKind::Temporary) {
        return None;
    }
    let minted = situation.key.minted.as_ref();
    let expires = minted.and_then(|mint| mint.expires);
    if refused.last.zip(expires).is_some_and(|(last, expires)| expires <= last) {
        return None;
    }
    let mut evidence = vec![Evidence::new(
        "The access key ID begins with ASIA: AWS knows such a key only together with its session \
         token",
        refused.event_ids(),
    )];
    if let Some(damaged) = group.codes.get("InvalidToken") {
        evidence.push(Evidence::new(
            "S3 answered InvalidToken: a token was sent, and it is malformed or not valid here",
            damaged.event_ids(),
        ));
    }
    if let Some(mint) = minted {
        let until =
            expires.map_or(String::new(), |expires| format!(", good until {}", at(expires)));
        evidence.push(Evidence::new(
            format!("{} minted the session at {}{until}", mint.event_name, at(mint.time)),
            vec![mint.event_id.clone()],
        ));
    }
    let good: Vec<&UseTally> = situation.key.uses.iter().collect();
    for uses in &good {
        evidence.push(Evidence::new(
            format!(
                "The session worked for {} with {} in {}",
                uses.caller.source, uses.event_source, uses.region
            ),
            uses.tally.event_ids(),
        ));
    }
    evidence.truncate(4);
    let same_client = good.iter().any(|uses| {
        uses.caller.source == group.key.source
            && group.clients.contains_key(&client::parse(&uses.caller.user_agent).label())
    });
    let confidence = if same_client {
        // This very client has the token: something else is refused.
        Confidence::Low
    } else if was_live(situation, &good) {
        Confidence::High
    } else {
        Confidence::Medium
    };
    Some(Match { confidence, evidence, next_steps: Vec::new() })
}

/// Whether the services and regions that refused the session took it before and after.
fn was_live(situation: &Situation<'_>, good: &[&UseTally]) -> bool {
    let group = situation.group;
    let Some((first, last)) =
        situation.unknown().and_then(|refused| refused.first.zip(refused.last))
    else {
        return false;
    };
    let mut here = good.iter().filter(|uses| {
        group.event_sources.contains_key(&uses.event_source)
            && group.regions.contains_key(&uses.region)
    });
    here.clone().any(|uses| uses.tally.first.is_some_and(|used| used <= first))
        && here.any(|uses| uses.tally.last.is_some_and(|used| used >= last))
}

/// A client's log seldom names the key; this is what most such refusals turn out to be.
fn unknown_key(situation: &Situation<'_>, refused: &Tally) -> Option<Match> {
    let group = situation.group;
    if group.origins.reported == 0 || group.origins.recorded > 0 {
        return None;
    }
    let fact = "The log shows credentials that AWS does not recognise, and no access key ID: a \
                temporary key without its session token gets the same answer";
    Some(Match {
        confidence: Confidence::Low,
        evidence: vec![Evidence::new(fact, refused.event_ids())],
        next_steps: Vec::new(),
    })
}
