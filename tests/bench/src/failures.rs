//! Refused credentials: the records that a scan must find.
//!
//! Knows the codes, their texts, and who fails. Must not know what only resembles a failure.

use crate::callers::{ACCOUNTS, AGENTS, Caller, User};
use crate::calls;
use crate::json::Json;
use crate::object;
use crate::random::Random;
use crate::record::{Draft, Place};

const INVALID: &str = "The security token included in the request is invalid";
const EXPIRED: &str = "The security token included in the request is expired";
const CREDENTIALS: &str = "AWS was not able to validate the provided access credentials";
const SIGNATURE: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
const UNKNOWN_KEY: &str = "The AWS Access Key Id you provided does not exist in our records.";

/// Code, text, service, operation, and how many of 100 failures are of this kind.
const KINDS: [(&str, &str, &str, &str, u64); 21] = [
    ("InvalidClientTokenId", INVALID, "sts", "GetCallerIdentity", 22),
    ("InvalidClientTokenId", INVALID, "iam", "ListUsers", 8),
    (
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
        "sns",
        "Publish",
        6,
    ),
    (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        "dynamodb",
        "DescribeTable",
        12,
    ),
    (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        "kms",
        "Decrypt",
        4,
    ),
    ("ExpiredToken", "The provided token has expired.", "s3", "ListBuckets", 8),
    ("ExpiredToken", EXPIRED, "sts", "GetCallerIdentity", 6),
    ("ExpiredTokenException", EXPIRED, "secretsmanager", "GetSecretValue", 6),
    ("SignatureDoesNotMatch", SIGNATURE, "sts", "GetCallerIdentity", 5),
    (
        "SignatureDoesNotMatch",
        "Signature expired: 20260105T000000Z is now earlier than 20260105T001512Z (20260105T003012Z - 15 min.)",
        "sts",
        "AssumeRole",
        2,
    ),
    ("InvalidSignatureException", SIGNATURE, "ssm", "GetParameter", 3),
    ("InvalidAccessKeyId", UNKNOWN_KEY, "s3", "ListBuckets", 3),
    (
        "InvalidToken",
        "The provided token is malformed or otherwise invalid.",
        "s3",
        "GetBucketLocation",
        1,
    ),
    ("Client.AuthFailure", CREDENTIALS, "ec2", "DescribeInstances", 5),
    ("AuthFailure", CREDENTIALS, "ec2", "DescribeVpcs", 1),
    ("Client.RequestExpired", "Request has expired.", "ec2", "DescribeInstances", 1),
    (
        "IncompleteSignature",
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        "sts",
        "GetCallerIdentity",
        1,
    ),
    (
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
        "ssm",
        "GetParameter",
        1,
    ),
    (
        "RegionDisabledException",
        "STS is not activated in this region for account. Your account administrator can activate STS in this region using the IAM Console.",
        "sts",
        "AssumeRole",
        1,
    ),
    (
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com",
        "sts",
        "AssumeRoleWithWebIdentity",
        2,
    ),
    (
        "ExpiredTokenException",
        "Token expired: current date/time must be before the expiration date/time",
        "sts",
        "AssumeRoleWithWebIdentity",
        2,
    ),
];

/// What the scan must say of a failure.
pub struct Failure {
    pub account: String,
    pub access_key_id: Option<String>,
    pub source: String,
    pub code: &'static str,
    pub time: String,
}

/// Callers that fail again and again, each from one address.
pub struct Failing(Vec<Caller>);

impl Failing {
    pub fn new(random: &mut Random) -> Failing {
        let caller = |at: usize| {
            let user = User::new(random, ACCOUNTS[at % ACCOUNTS.len()], "old", 1);
            let (source, agent) = &user.places[0];
            user.caller(&user.keys[0], source, agent)
        };
        Failing((0..60).map(caller).collect())
    }

    fn pick(&self, random: &mut Random, account: &str) -> Caller {
        let caller = random.pick_skewed(&self.0);
        // Most calls stay in their account; a few keys belong to another one.
        if caller.account() != Some(account) && random.percent(95) {
            let own: Vec<_> = self.0.iter().filter(|c| c.account() == Some(account)).collect();
            return (*random.pick_skewed(&own)).clone();
        }
        caller.clone()
    }
}

/// One refused request and what must be said of it.
pub fn failure(random: &mut Random, place: Place, failing: &Failing) -> (Draft, Failure) {
    let mut at = random.below(100);
    let mut kind = &KINDS[0];
    for candidate in &KINDS {
        kind = candidate;
        match at.checked_sub(candidate.4) {
            Some(rest) => at = rest,
            None => break,
        }
    }
    if kind.2 == "iam" && place.region != "us-east-1" {
        kind = &KINDS[0];
    }
    let &(code, message, service, event_name, _) = kind;
    let caller = match event_name {
        "AssumeRoleWithWebIdentity" => workload(random),
        _ if random.percent(75) => failing.pick(random, place.account),
        _ => stranger(random),
    };
    let failure = Failure {
        account: caller.account().unwrap_or(place.account).to_owned(),
        access_key_id: caller.access_key_id.clone(),
        source: caller.source.clone().into_owned(),
        code,
        time: crate::calendar::rfc3339(place.time),
    };
    let mut draft = calls::call(random, place, caller);
    draft.service = service;
    draft.event_name = event_name.into();
    draft.read_only = true;
    draft.resources = None;
    draft.additional = None;
    let keep_request = random.percent(20);
    draft.refuse(code, message, keep_request);
    if random.percent(5) {
        // Some services put the call's own error into the response.
        draft.error = None;
        draft.response = object! { "errorCode": code, "errorMessage": message };
    }
    (draft, failure)
}

/// Somebody whose key belongs to no user that AWS names.
fn stranger(random: &mut Random) -> Caller {
    let prefix = random.pick(&["AKIA", "ASIA"]);
    let key = random.access_key_id(prefix);
    caller(
        random,
        Some(key.clone()),
        object! {
            "type": "Unknown", "principalId": "", "accountId": "", "accessKeyId": key, "userName": "",
        },
    )
}

/// A workload that shows an identity token and has no key at all.
fn workload(random: &mut Random) -> Caller {
    let subject = format!("repo:example/app-{}:ref:refs/heads/main", random.below(20));
    caller(
        random,
        None,
        object! {
            "type": "WebIdentityUser",
            "principalId": format!("token.actions.githubusercontent.com:sts.amazonaws.com:{subject}"),
            "userName": subject,
            "identityProvider": "token.actions.githubusercontent.com",
        },
    )
}

fn caller(random: &mut Random, access_key_id: Option<String>, identity: Json) -> Caller {
    Caller {
        identity,
        access_key_id,
        source: random.address().into(),
        user_agent: (random.pick(&AGENTS)).into(),
        console: false,
        is_service: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_add_up() {
        assert_eq!(KINDS.iter().map(|kind| kind.4).sum::<u64>(), 100);
    }
}
