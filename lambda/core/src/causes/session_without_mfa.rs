//! A session of an IAM user without MFA, or of a federated user, calls IAM: the key is good.

use crate::access_key::{self, KeyKind};
use crate::cause::{Cause, Confidence, Evidence, Match, Situation, UseTally, at};
use crate::tally::Tally;

pub(super) const CAUSE: Cause = Cause {
    id: "session-without-mfa",
    title: "IAM refuses a session without MFA",
    explanation: "A session of GetSessionToken without an MFA code, one of GetFederationToken, and \
                  the managed temporary credentials of Cloud9 may call every service but IAM. IAM \
                  answers InvalidClientTokenId, though the credentials are good elsewhere.",
    not: "It does not mean that the key is invalid, and neither a new key nor more permissions \
          change anything.",
    next_steps: &[
        "See that the credentials are good: aws sts get-caller-identity",
        "Get a session with MFA: aws sts get-session-token --serial-number \
         arn:aws:iam::{account}:mfa/DEVICE --token-code CODE",
        "Or assume a role for the calls to IAM: aws sts assume-role --role-arn \
         arn:aws:iam::{account}:role/ROLE --role-session-name iam",
        "In Cloud9, turn off AWS managed temporary credentials (Preferences, AWS Settings) and \
         give the instance a profile",
    ],
    false_positives: &["A session token that is missing only in the tool that calls IAM"],
    reference: "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html",
    check,
};

/// What sessions may call at STS: a refusal of these is not about MFA.
const ALLOWED: [&str; 2] = ["AssumeRole", "GetCallerIdentity"];
const IAM: &str = "iam.amazonaws.com";
const STS: &str = "sts.amazonaws.com";

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let refused = situation.unknown()?;
    let restricted = group.event_sources.contains_key(IAM)
        && group.event_sources.keys().all(|service| service == IAM || service == STS)
        && !group.event_names.keys().any(|name| ALLOWED.contains(&name.as_str()));
    if !restricted {
        return None;
    }
    let Some(id) = group.key.access_key_id.as_deref() else {
        return unknown_key(situation, refused);
    };
    if access_key::kind(id) != Some(KeyKind::Temporary) {
        return None;
    }
    let key = situation.key;
    let mint = key.minted.as_ref();
    let of_role = |principal: &str| principal.contains(":assumed-role/");
    let principals = || {
        let used = key.uses.iter().filter_map(|uses| uses.caller.principal.as_deref());
        group.principals.keys().map(String::as_str).chain(used)
    };
    // Role sessions may call IAM, and so may this session if it ever has.
    if mint.is_some_and(|mint| mint.event_name == "AssumeRole")
        || principals().any(of_role)
        || key.uses.iter().any(|uses| uses.event_source == IAM)
        || mint
            .and_then(|mint| mint.expires)
            .is_some_and(|end| refused.last.is_some_and(|last| end <= last))
    {
        return None;
    }
    let of_user =
        principals().find(|name| name.contains(":user/") || name.contains(":federated-user/"));
    let mut evidence = vec![Evidence::new(
        format!(
            "Only calls to {} were refused, and the access key is a temporary one",
            if group.event_sources.contains_key(STS) { "IAM and STS" } else { "IAM" },
        ),
        refused.event_ids(),
    )];
    if let Some(mint) = mint {
        evidence.push(Evidence::new(
            format!("{} minted the session at {}", mint.event_name, at(mint.time)),
            vec![mint.event_id.clone()],
        ));
    } else if let Some(user) = of_user {
        evidence.push(Evidence::new(
            format!("The session belongs to {user}, not to a role"),
            group.principals.get(user).map_or(Vec::new(), |tally| tally.event_ids()),
        ));
    }
    let users = mint.is_some() || of_user.is_some();
    let good = |uses: &&UseTally| {
        uses.tally.last.zip(refused.first).is_some_and(|(used, first)| used >= first)
    };
    let here = |uses: &&UseTally| uses.caller.source == group.key.source;
    let elsewhere =
        key.uses.iter().filter(good).find(here).or(key.uses.iter().find(good)).or(key.uses.first());
    if let Some(uses) = elsewhere {
        evidence.push(Evidence::new(
            format!(
                "The same key worked for {} with {} in {}",
                uses.caller.source, uses.event_source, uses.region
            ),
            uses.tally.event_ids(),
        ));
    }
    let confidence = match elsewhere {
        // From another source it might be that only this one lacks the token.
        Some(uses) if users && good(&uses) && here(&uses) => Confidence::High,
        None if !users => Confidence::Low,
        _ => Confidence::Medium,
    };
    Some(Match { confidence, evidence, next_steps: Vec::new() })
}

/// A client's log seldom names the key: that only IAM refused it is what speaks for this.
fn unknown_key(situation: &Situation<'_>, refused: &Tally) -> Option<Match> {
    let origins = situation.group.origins;
    if origins.reported == 0 || origins.recorded > 0 {
        return None;
    }
    let fact = "Only calls to IAM were refused, which does not take a session without MFA that \
                other services take";
    Some(Match {
        confidence: Confidence::Low,
        evidence: vec![Evidence::new(fact, refused.event_ids())],
        next_steps: Vec::new(),
    })
}
