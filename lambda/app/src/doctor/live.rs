//! Group 5, live: what AWS answered.
//!
//! Must not ask anything: [`probe`](super::probe) did.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use failure_monitor_core::access_key::{self, KeyKind};
use failure_monitor_core::cause::Confidence::{High, Low, Medium};
use failure_monitor_core::causes::{must_be_enabled, partition, shell_quoted};
use failure_monitor_core::failure::{Family, classify};
use failure_monitor_core::render;

use super::chain;
use super::check::{Check, listed};
use super::machine::{Answer, KeyState, Live, Machine, Outcome, Trouble};

/// From this on a clock is worth a word.
const UNUSUAL: i64 = 30;
/// From this on some services refuse.
const REFUSED: i64 = 5 * 60;

pub(super) fn checks(machine: &Machine) -> Vec<Check> {
    let Some(live) = &machine.live else {
        return vec![Check::not_applicable("identity", "AWS was not asked (--offline)")];
    };
    let mut checks = Vec::new();
    if live.answers.is_empty() && live.chain.is_none() {
        checks.push(Check::not_applicable("identity", "there are no keys here to ask AWS about"));
    }
    checks.extend(live.answers.iter().map(|answer| identity(machine, live, answer)));
    checks.extend(live.chain.as_ref().map(|chain| resolved(machine, chain)));
    checks.extend([clock(live), region(machine, live), partitions(machine, live)]);
    checks.extend(token_version(live));
    checks.extend(live.keys.iter().map(|(id, state)| status(machine, live, id, state)));
    checks
}

fn identity(machine: &Machine, live: &Live, answer: &Answer) -> Check {
    const ID: &str = "identity";
    let id = access_key::mask(&answer.access_key_id);
    let names = listed(&answer.names);
    let who = format!("{names}: {id} in {}", answer.region);
    match &answer.outcome {
        Outcome::Accepted { arn, after: None, .. } => {
            Check::ok(ID, format!("{who}: AWS knows it as {arn}"))
        }
        Outcome::Accepted { arn, after: Some(code), .. } => Check::warning(
            ID,
            format!(
                "{who}: refused at first ({code}), then accepted as {arn}: a key that is new, or \
                     two clients that use it with different secrets"
            ),
        )
        .fix("Try again in a minute", "aws sts get-caller-identity")
        .points_to("key-not-propagated", Medium),
        Outcome::Unreachable(trouble, text) => unreachable(&who, *trouble, text),
        Outcome::Refused { code, message, status, tries, .. } => {
            let found = format!(
                "{who}: {code} (HTTP {status}), each of {tries} times, 5 s apart: {message}"
            );
            let check = Check::failed(ID, found);
            match classify(code, message, "GetCallerIdentity") {
                None => Check::warning(ID, check.found),
                Some(family) => refused(check, machine, live, answer, family),
            }
        }
    }
}

fn refused(check: Check, machine: &Machine, live: &Live, answer: &Answer, family: Family) -> Check {
    let wins = chain::winners(machine).iter().any(|winner| answer.names.contains(&winner.name));
    let sure = if wins { High } else { Medium };
    match family {
        Family::ExpiredToken => check
            .advice("Get a new session, and drop the copies of the old one")
            .fix("Of IAM Identity Center", "aws sso login")
            .fix("Of the environment", super::quick::UNSET_ALL)
            .points_to("session-token-expired", sure),
        Family::Signature => check
            .advice(
                "The key ID is known, so the key is alive: the secret is wrong or damaged, or what \
                     is signed is changed on its way",
            )
            .fix("Write both anew", "aws configure")
            .points_to("signature-mismatch", sure),
        Family::Clock => check
            .fix(
                "Compare the clock",
                "date -u; curl -sI https://sts.amazonaws.com | grep -i '^date'",
            )
            .points_to("clock-skew", sure),
        Family::RegionDisabled => check
            .advice("Activate STS for the Region in the IAM console, under Account settings")
            .points_to("region-not-enabled", sure),
        Family::MissingAuthentication | Family::MalformedAuthorization => {
            check.points_to("key-malformed", Medium)
        }
        Family::IdentityToken => check.points_to("oidc-token-rejected", sure),
        Family::UnknownCredentials => unknown(check, machine, live, answer, sure),
    }
}

/// InvalidClientTokenId itself: which of its many causes.
fn unknown(
    check: Check,
    machine: &Machine,
    live: &Live,
    answer: &Answer,
    sure: failure_monitor_core::cause::Confidence,
) -> Check {
    let id = &answer.access_key_id;
    let token = chain::written_down(machine)
        .into_iter()
        .any(|(name, keys)| answer.names.contains(&name) && keys.token.is_some());
    let elsewhere = live.answers.iter().find(|other| {
        other.access_key_id == *id
            && other.region != answer.region
            && matches!(other.outcome, Outcome::Accepted { .. })
    });
    if let Some(other) = elsewhere {
        let enable =
            format!("aws account enable-region --region-name {}", shell_quoted(&answer.region));
        return check
            .advice(format!("The same key is accepted in {}", other.region))
            .fix("Enable the Region, if it is off", enable)
            .fix(
                "If it is on, take the session from a regional endpoint",
                format!(
                    "export AWS_STS_REGIONAL_ENDPOINTS=regional AWS_REGION={}",
                    shell_quoted(&answer.region)
                ),
            )
            .points_to("region-not-enabled", High);
    }
    let last_used =
        format!("aws iam get-access-key-last-used --access-key-id {}", id_in_shell(&answer.names));
    let state = live.keys.iter().find(|(known, _)| known == id).map(|(_, state)| state);
    match (state, access_key::kind(id), token) {
        // The check of IAM's answer points to the cause.
        (Some(KeyState::Inactive { .. } | KeyState::Absent { .. }), _, _) => check,
        (_, Some(KeyKind::Temporary), false) => check
            .fix("Take all three parts from one place at once", super::quick::export(machine))
            .points_to("session-token-missing", High),
        (_, Some(KeyKind::Temporary), true) => check
            .advice("The token is damaged or of another session, or the user behind it was deleted")
            .fix("Take all three parts from one place at once", super::quick::export(machine))
            .points_to("session-token-missing", Medium),
        (_, Some(KeyKind::LongTerm), true) => check
            .fix("A long-term key takes no token", "unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN")
            .points_to("session-token-missing", sure),
        _ => check
            .advice(
                "A long-term key without a token: it was deactivated or deleted, its ID is \
                     mistyped, or it is of another partition",
            )
            .fix("With credentials that work, ask IAM whose it is", last_used)
            .points_to("key-deactivated", Medium),
    }
}

fn unreachable(who: &str, trouble: Trouble, text: &str) -> Check {
    const ID: &str = "reach";
    let failed = |words: &str| Check::failed(ID, format!("{who}: no answer: {words} ({text})"));
    match trouble {
        Trouble::Dns => failed("the name of the endpoint is not known: a Region that does not exist, or no DNS")
            .fix("See the Region", "aws configure get region; env | grep -E 'AWS_(DEFAULT_)?REGION'"),
        Trouble::Proxy => failed("the proxy is not there or refuses")
            .fix("See which proxy is set", "env | grep -i _proxy= | sed 's#//.*@#//#'"),
        Trouble::Certificate => {
            failed("the certificate is not trusted: a proxy that opens TLS, or a wrong AWS_CA_BUNDLE")
                .fix(
                    "See who signed it",
                    "openssl s_client -connect sts.amazonaws.com:443 </dev/null | openssl x509 -noout -issuer",
                )
                .fix("Name the certificates of the proxy", "export AWS_CA_BUNDLE=FILE.pem")
        }
        Trouble::Connection => failed("nobody listens, or nothing came back in time")
            .fix("See whether anything comes back", "curl -sSI https://sts.amazonaws.com"),
        Trouble::NotAws => failed("something else than AWS answered, such as a login page of the network")
            .fix("See what answers", "curl -sS https://sts.amazonaws.com | head"),
    }
}

fn resolved(machine: &Machine, chain: &Result<String, String>) -> Check {
    const ID: &str = "identity";
    let chains = chain::chains(machine);
    let name = chains.first().and_then(|chain| chain.sources.first());
    let name = name.map(|source| source.shown()).unwrap_or_default();
    match chain {
        Ok(arn) => Check::ok(ID, format!("{name}: AWS knows it as {arn}")),
        Err(text) => {
            let check = Check::failed(ID, format!("{name}: {text}"));
            let code = text.split(':').next().unwrap_or_default();
            let lower = text.to_ascii_lowercase();
            if name.starts_with("web identity") {
                check.points_to("oidc-token-rejected", Medium)
            } else if lower.contains("expired") || name.contains("IAM Identity Center") {
                let (profile, _) = machine.profile_in_use();
                check
                    .fix(
                        "Log in again",
                        format!("aws sso login --profile {}", shell_quoted(profile)),
                    )
                    .points_to("session-token-expired", Medium)
            } else if classify(code, text, "").is_some() {
                check.points_to("stale-credentials", Medium)
            } else {
                check
            }
        }
    }
}

fn clock(live: &Live) -> Check {
    const ID: &str = "clock";
    let Some(seconds) = live.clock else {
        return Check::not_applicable(ID, "AWS did not say what time it is");
    };
    let off = seconds.abs();
    let words = render::duration(TimeDelta::seconds(off));
    let way = if seconds > 0 { "behind" } else { "ahead of" };
    let found = format!("this clock is {words} {way} AWS");
    let fix = "sudo chronyc makestep";
    if off >= REFUSED {
        Check::failed(ID, format!("{found}; AWS refuses from 5 or 15 minutes on"))
            .fix("Set it right (Linux)", fix)
            .points_to("clock-skew", High)
    } else if off >= UNUSUAL {
        Check::warning(ID, found).fix("Set it right (Linux)", fix)
    } else {
        Check::ok(ID, format!("the clock agrees with AWS to {words}"))
    }
}

fn region(machine: &Machine, live: &Live) -> Check {
    const ID: &str = "region";
    let region = &live.region;
    let from = machine.region().map_or("by default".to_owned(), |(_, from)| from);
    let parts: Vec<&str> = region.split('-').collect();
    let numbered = parts.last().is_some_and(|last| last.parse::<u8>().is_ok());
    if parts.len() < 3 || !numbered || region.chars().any(|c| c.is_ascii_uppercase()) {
        let hint = match region.chars().last() {
            Some(last) if last.is_ascii_lowercase() && parts.len() >= 3 => {
                format!("; {} is a zone, its Region is {}", region, &region[..region.len() - 1])
            }
            _ => String::new(),
        };
        return Check::failed(ID, format!("{region} ({from}) is not the name of a Region{hint}"))
            .fix(
                "See those that there are",
                "aws account list-regions --query Regions[].RegionName",
            );
    }
    if !must_be_enabled(region) {
        return Check::ok(ID, format!("{region} ({from}) is on in each account of its partition"));
    }
    let here = live.answers.iter().filter(|answer| answer.region == *region);
    let accepted = here.clone().any(|answer| matches!(answer.outcome, Outcome::Accepted { .. }));
    if accepted && !live.overridden {
        return Check::ok(ID, format!("{region} ({from}) must be enabled, and is"));
    }
    Check::warning(ID, format!("{region} ({from}) is off until the account enables it"))
        .fix(
            "With credentials that work in us-east-1, see whether it is on",
            format!(
                "aws account get-region-opt-status --region us-east-1 --region-name {}",
                shell_quoted(region)
            ),
        )
        .points_to("region-not-enabled", Low)
}

fn partitions(machine: &Machine, live: &Live) -> Check {
    const ID: &str = "partition";
    let here = partition(&live.region);
    for answer in &live.answers {
        if let Outcome::Accepted { arn, .. } = &answer.outcome {
            let theirs = arn.split(':').nth(1).unwrap_or(here);
            if theirs != here {
                return Check::failed(
                    ID,
                    format!(
                        "{} is of partition {theirs}, and {} of {here}",
                        access_key::mask(&answer.access_key_id),
                        live.region
                    ),
                )
                .fix("See which Region is set, and where", "aws configure list")
                .points_to("wrong-partition", High);
            }
        }
    }
    // Profiles of several partitions are easily mixed.
    let others: BTreeSet<&str> = machine
        .profiles()
        .into_iter()
        .filter_map(|profile| machine.profile_setting(profile, "region"))
        .map(partition)
        .filter(|other| *other != here)
        .collect();
    let refused =
        live.answers.iter().any(|answer| matches!(answer.outcome, Outcome::Refused { .. }));
    if refused && !others.is_empty() {
        let others: Vec<&str> = others.into_iter().collect();
        return Check::warning(
            ID,
            format!(
                "{} is of partition {here}; profiles here are of {}, too, whose keys are not \
                     known there",
                live.region,
                listed(&others)
            ),
        )
        .fix("See which profile and Region are in use", "aws configure list")
        .points_to("wrong-partition", Low);
    }
    Check::ok(ID, format!("{} is of partition {here}", live.region))
}

fn token_version(live: &Live) -> Option<Check> {
    const ID: &str = "token-version";
    let version = live.token_version?;
    let region = &live.region;
    Some(if version >= 2 {
        Check::ok(ID, format!("the global STS endpoint gives version 2 tokens, valid in {region}"))
    } else {
        Check::warning(
            ID,
            format!("the global STS endpoint gives version 1 tokens, which are not valid in {region}"),
        )
        .fix(
            "Have it give version 2 tokens",
            "aws iam set-security-token-service-preferences --global-endpoint-token-version v2Token",
        )
        .points_to("region-not-enabled", Medium)
    })
}

/// The key ID as a shell finds it, so that a command can be pasted and shows none.
fn id_in_shell(names: &[String]) -> String {
    let profile = names.iter().find_map(|name| name.strip_prefix("profile "));
    if names.iter().any(|name| name == "environment variables") {
        "\"$AWS_ACCESS_KEY_ID\"".to_owned()
    } else if let Some(profile) = profile {
        let profile = shell_quoted(profile);
        format!("\"$(aws configure get aws_access_key_id --profile {profile})\"")
    } else {
        "KEY_ID".to_owned()
    }
}

fn status(machine: &Machine, live: &Live, id: &str, state: &KeyState) -> Check {
    const ID: &str = "key-status";
    let shown = access_key::mask(id);
    let answer = live.answers.iter().find(|answer| answer.access_key_id == id);
    // The same is true of a key that nobody uses here, and then explains no failure.
    let used = |answer: &Answer| {
        chain::winners(machine).iter().any(|winner| answer.names.contains(&winner.name))
    };
    let sure = if answer.is_some_and(used) { High } else { Medium };
    let quoted = answer.map_or_else(|| "KEY_ID".to_owned(), |answer| id_in_shell(&answer.names));
    match state {
        KeyState::Active => {
            Check::ok(ID, format!("IAM says that {shown} is active: its secret is wrong here"))
        }
        KeyState::Inactive { user } => Check::failed(
            ID,
            format!("IAM says that {shown} of user {user} is inactive"),
        )
        .fix(
            "If that was a mistake, and only then",
            format!(
                "aws iam update-access-key --access-key-id {quoted} --status Active --user-name {}",
                shell_quoted(user)
            ),
        )
        .points_to("key-deactivated", sure),
        KeyState::Absent { user } => {
            let of = user.as_ref().map(|user| format!(" of user {user}")).unwrap_or_default();
            Check::failed(ID, format!("IAM knows no key {shown}{of}: it was deleted"))
                .fix("Find the copies of it", format!("grep -rlFe {quoted} ~/.aws ."))
                .points_to("key-deleted", sure)
        }
        KeyState::NotPermitted => Check::not_applicable(
            ID,
            format!("IAM may not be asked about {shown} with what is here"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;
    use crate::doctor::examine;
    use crate::doctor::machine::Metadata;
    use crate::doctor::verdict::Verdict;

    fn machine(variables: &[(&str, &str)], live: Live) -> Machine {
        let all = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Machine { variables: all.collect(), live: Some(live), ..Machine::default() }
    }

    fn environment(live: Live) -> Machine {
        let secret = "abcdefghijABCDEFGHIJ0123456789/+abcdEFGH";
        machine(
            &[("AWS_ACCESS_KEY_ID", "AKIADEPLOYCI1EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", secret)],
            live,
        )
    }

    fn answer(region: &str, outcome: Outcome) -> Answer {
        Answer {
            names: vec!["environment variables".to_owned()],
            access_key_id: "AKIADEPLOYCI1EXAMPLE".to_owned(),
            region: region.to_owned(),
            outcome,
        }
    }

    fn refusal(code: &str, message: &str) -> Outcome {
        Outcome::Refused {
            code: code.to_owned(),
            message: message.to_owned(),
            status: 403,
            tries: 2,
            request_id: None,
        }
    }

    fn conclusion(live: Live) -> (Option<&'static str>, Verdict) {
        let verdict = examine(&environment(live)).verdict;
        (verdict.cause.as_ref().map(|cause| cause.id), verdict)
    }

    #[test]
    fn what_iam_says_outweighs_what_sts_leaves_open() {
        let invalid = "The security token included in the request is invalid.";
        let live = |state: Option<KeyState>| Live {
            region: "us-east-1".to_owned(),
            answers: vec![answer("us-east-1", refusal("InvalidClientTokenId", invalid))],
            keys: state
                .into_iter()
                .map(|state| ("AKIADEPLOYCI1EXAMPLE".to_owned(), state))
                .collect(),
            ..Live::default()
        };
        let (cause, verdict) = conclusion(live(None));
        assert_eq!(cause, Some("key-deactivated"));
        assert_eq!(verdict.cause.unwrap().confidence, Medium, "it may be deleted or mistyped, too");
        let absent = KeyState::Absent { user: Some("ci".to_owned()) };
        let (cause, verdict) = conclusion(live(Some(absent)));
        assert_eq!((cause, verdict.cause.unwrap().confidence), (Some("key-deleted"), High));
        let inactive = KeyState::Inactive { user: "it's".to_owned() };
        let (cause, verdict) = conclusion(live(Some(inactive)));
        assert_eq!(cause, Some("key-deactivated"));
        let command = verdict.first_command.unwrap();
        assert!(command.ends_with(r"--user-name 'it'\''s'"), "{command}");
        assert!(command.contains("\"$AWS_ACCESS_KEY_ID\""), "{command}");
    }

    #[test]
    fn a_refusal_that_is_no_refusal_of_credentials_blames_nothing() {
        let live = Live {
            region: "us-east-1".to_owned(),
            answers: vec![answer("us-east-1", refusal("AccessDenied", "explicit deny"))],
            ..Live::default()
        };
        let machine = environment(live);
        let checks = checks(&machine);
        assert_eq!((checks[0].status, checks[0].cause), (Status::Warning, None));
    }

    #[test]
    fn tokens_of_the_first_version_are_no_good_where_regions_must_be_enabled() {
        let live = |version| Live {
            region: "af-south-1".to_owned(),
            token_version: Some(version),
            ..Live::default()
        };
        assert_eq!(token_version(&live(1)).unwrap().status, Status::Warning);
        assert_eq!(token_version(&live(2)).unwrap().status, Status::Ok);
        assert!(token_version(&Live::default()).is_none());
    }

    #[test]
    fn instance_metadata_that_is_silent_is_the_hop_limit() {
        let of = |metadata| {
            let live = Live { region: "us-east-1".to_owned(), metadata, ..Live::default() };
            let report = examine(&machine(&[], live));
            let found =
                report.checks.into_iter().find(|(_, check)| check.id == "instance-metadata");
            found.unwrap().1
        };
        let silent = of(Some(Metadata::Silent));
        assert_eq!(silent.status, Status::Failed);
        assert!(silent.fixes[0].command.as_deref().unwrap().ends_with("hop-limit 2"));
        assert_eq!(of(Some(Metadata::NoRole)).status, Status::Warning);
        assert_eq!(of(Some(Metadata::Role("r".to_owned()))).status, Status::Ok);
        assert_eq!(of(Some(Metadata::Absent)).status, Status::NotApplicable);
    }

    #[test]
    fn every_trouble_of_the_network_has_a_command() {
        use Trouble::{Certificate, Connection, Dns, NotAws, Proxy};
        for trouble in [Dns, Proxy, Certificate, Connection, NotAws] {
            let check = unreachable("x", trouble, "why");
            assert_eq!((check.status, check.cause), (Status::Failed, None));
            assert!(check.fixes.iter().any(|fix| fix.command.is_some()), "{trouble:?}");
        }
    }
}
