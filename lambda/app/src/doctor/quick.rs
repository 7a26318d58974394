//! Group 1, quick checks: which variables are set, and whether they fit each other.

use failure_monitor_core::access_key::{self, KeyKind};
use failure_monitor_core::cause::Confidence::{High, Low, Medium};
use failure_monitor_core::causes::shell_quoted;

use super::chain::{self, environment_keys, profile_keys};
use super::check::{Check, listed};
use super::machine::{FileState, Machine};
use super::value;

/// All three parts of credentials, as `unset` takes them.
pub(super) const UNSET_ALL: &str =
    "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SECURITY_TOKEN";

/// The command that takes all three parts from a profile; without one, the AWS CLI would hand back
/// what the environment has.
pub(super) fn export(machine: &Machine) -> String {
    let (profile, _) = machine.profile_in_use();
    let profile =
        if machine.has_profile(profile) { shell_quoted(profile) } else { "PROFILE".into() };
    format!("eval \"$(aws configure export-credentials --profile {profile} --format env)\"")
}

pub(super) fn checks(machine: &Machine) -> Vec<Check> {
    let mut checks = vec![set(machine), complete(machine)];
    checks.extend([token(machine), two_tokens(machine), other_session(machine)]);
    checks.extend([shadowing(machine), profile(machine), region(machine)]);
    checks.extend([certificates(machine), endpoints(machine)]);
    checks
}

fn set(machine: &Machine) -> Check {
    let variables = &machine.variables;
    let mut said = Vec::new();
    for (name, value) in variables.iter().filter(|(name, _)| name.starts_with("AWS_")) {
        said.push(match name {
            _ if value.is_empty() => format!("{name} empty"),
            "AWS_ACCESS_KEY_ID" => format!("{name} {}", access_key::mask(value)),
            "AWS_SECRET_ACCESS_KEY" | "AWS_SESSION_TOKEN" | "AWS_SECURITY_TOKEN" => {
                format!("{name} of {}", value::describe(value))
            }
            "AWS_PROFILE" | "AWS_DEFAULT_PROFILE" | "AWS_REGION" | "AWS_DEFAULT_REGION" => {
                format!("{name} {value}")
            }
            name => name.to_owned(),
        });
    }
    match said.as_slice() {
        [] => Check::not_applicable("variables-set", "no AWS_ variable is set"),
        said => Check::ok("variables-set", format!("set are {}", listed(said))),
    }
}

fn complete(machine: &Machine) -> Check {
    const ID: &str = "variables-complete";
    let variables = &machine.variables;
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    let empty: Vec<&str> =
        names.into_iter().filter(|name| variables.get(name) == Some("")).collect();
    let (id, secret) = (variables.has(names[0]), variables.has(names[1]));
    let token = variables.has(names[2]) || variables.has("AWS_SECURITY_TOKEN");
    let in_ci = super::ci::system(machine);
    let cause = if in_ci.is_some() { "ci-secret" } else { "stale-credentials" };
    let blame = |check: Check| {
        let check = check.points_to(cause, Medium);
        match in_ci {
            Some(ci) => check.advice(format!(
                "In {ci} an empty or missing variable mostly is a secret that this job does not \
                 get: a wrong name, a fork, a protected branch, another environment"
            )),
            None => check.fix("Take all three from one place at once", export(machine)),
        }
    };
    if id != secret {
        let (has, lacks) = if id { (names[0], names[1]) } else { (names[1], names[0]) };
        let found = format!(
            "{has} is set without {lacks}: the AWS CLI stops at half a pair, most SDKs pass over \
             it and take other credentials than meant"
        );
        let half = format!("unset {has}");
        return blame(Check::failed(ID, found).fix("Or drop the half that is there", half));
    }
    if !empty.is_empty() && (id || secret || token || empty.len() > 1) {
        let are = if empty.len() == 1 { "is" } else { "are" };
        let found = format!("{} {are} set and empty", listed(&empty));
        let check = Check::warning(ID, found)
            .fix("Empty variables are best not set at all", format!("unset {}", empty.join(" ")));
        // An empty token beside a long-term key is how many scripts mean "none".
        let harmless = empty == ["AWS_SESSION_TOKEN"];
        return if harmless { check } else { blame(check) };
    }
    if token && !id {
        return Check::warning(ID, "a session token is set without a key ID and a secret")
            .fix("Drop it", "unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN");
    }
    match (id, token) {
        (true, true) => Check::ok(ID, "key ID, secret and session token are set"),
        (true, false) => Check::ok(ID, "key ID and secret are set"),
        (false, _) => Check::not_applicable(ID, "no credentials in the environment"),
    }
}

fn token(machine: &Machine) -> Check {
    const ID: &str = "token-fits-key";
    let keys = environment_keys(machine);
    let Some(id) = keys.id.filter(|_| keys.secret.is_some()) else {
        return Check::not_applicable(ID, "no credentials in the environment");
    };
    let shown = access_key::mask(&id);
    // What does not win still breaks as soon as it does.
    let wins = chain::winners(machine).iter().any(|source| source.name == "environment variables");
    let sure = if wins { High } else { Medium };
    match (access_key::kind(&id), keys.token.is_some()) {
        (Some(KeyKind::Temporary), false) => Check::failed(
            ID,
            format!(
                "{shown} is a temporary key (ASIA), and AWS_SESSION_TOKEN is not set: AWS answers \
                 InvalidClientTokenId to each call"
            ),
        )
        .fix("Take all three parts from one place at once", export(machine))
        .fix("Or drop the half session", UNSET_ALL)
        .points_to("session-token-missing", sure),
        (Some(KeyKind::LongTerm), true) => Check::failed(
            ID,
            format!(
                "{shown} is a long-term key (AKIA), and a session token is set beside it: a token \
                 left over from a session, with which AWS refuses the good key"
            ),
        )
        .fix("Drop the token", "unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN")
        .points_to("session-token-missing", sure),
        (Some(KeyKind::Temporary), true) => {
            Check::ok(ID, format!("{shown} is a temporary key, and a session token is set"))
        }
        (Some(KeyKind::LongTerm), false) => {
            Check::ok(ID, format!("{shown} is a long-term key, and no session token is set"))
        }
        _ => Check::not_applicable(ID, "the key ID is of no known kind (see Format)"),
    }
}

fn two_tokens(machine: &Machine) -> Check {
    const ID: &str = "one-token";
    let variables = &machine.variables;
    match (variables.filled("AWS_SESSION_TOKEN"), variables.filled("AWS_SECURITY_TOKEN")) {
        (Some(new), Some(old)) if new != old => Check::failed(
            ID,
            "AWS_SESSION_TOKEN and the older AWS_SECURITY_TOKEN hold different tokens: clients \
             differ in which they take",
        )
        .fix("Drop the older one", "unset AWS_SECURITY_TOKEN")
        .points_to("session-token-missing", Medium),
        (None, Some(_)) => Check::warning(
            ID,
            "the token is in AWS_SECURITY_TOKEN only, a name that newer SDKs do not read",
        )
        .fix(
            "Give it the name that all read",
            "export AWS_SESSION_TOKEN=\"$AWS_SECURITY_TOKEN\"; unset AWS_SECURITY_TOKEN",
        )
        .points_to("session-token-missing", Low),
        (None, None) => Check::not_applicable(ID, "no session token in the environment"),
        _ => Check::ok(ID, "one session token"),
    }
}

/// Compares the token in the environment with those of sessions that are known from elsewhere.
fn other_session(machine: &Machine) -> Check {
    const ID: &str = "token-of-this-session";
    let keys = environment_keys(machine);
    let (Some(id), Some(token)) = (keys.id, keys.token) else {
        return Check::not_applicable(ID, "no key ID with a session token in the environment");
    };
    let cached = machine.caches.iter().filter_map(|cache| {
        let name = format!("~/.aws/cli/cache/{}", cache.file);
        Some((name, cache.access_key_id.clone()?, cache.session_token.clone()?))
    });
    let in_profiles = machine.profiles().into_iter().filter_map(|profile| {
        let keys = profile_keys(machine, profile);
        Some((format!("profile {profile}"), keys.id?, keys.token?))
    });
    let fix = |check: Check| {
        check
            .fix("Take all three from one place at once", export(machine))
            .fix("Or drop the mixed session", UNSET_ALL)
            .points_to("session-token-missing", High)
    };
    for (place, other_id, other_token) in cached.chain(in_profiles) {
        if other_id != id && other_token == token {
            return fix(Check::failed(
                ID,
                format!(
                    "the session token belongs to {} ({place}), not to {}: two sessions are mixed",
                    access_key::mask(&other_id),
                    access_key::mask(&id)
                ),
            ));
        }
        if other_id == id && other_token != token {
            return fix(Check::failed(
                ID,
                format!(
                    "{place} has {} with another session token than the environment: one of the \
                     two is damaged",
                    access_key::mask(&id)
                ),
            ));
        }
    }
    Check::ok(ID, "no other session on this machine has this token or this key ID")
}

fn shadowing(machine: &Machine) -> Check {
    const ID: &str = "environment-over-profile";
    let keys = environment_keys(machine);
    let (profile, from) = machine.profile_in_use();
    let chosen = from == "AWS_PROFILE" || from == "AWS_DEFAULT_PROFILE";
    if !keys.complete() {
        return Check::not_applicable(ID, "no credentials in the environment");
    }
    if from == "--profile" {
        return Check::ok(
            ID,
            format!(
                "profile {profile} is asked for by --profile, which counts more than the variables; \
                 AWS_PROFILE and Terraform's default do not"
            ),
        );
    }
    if !machine.has_profile(profile) {
        return Check::ok(ID, "the variables shadow no profile");
    }
    let env_id = keys.id.as_deref().map(access_key::mask).unwrap_or_default();
    let other = profile_keys(machine, profile).id;
    if other == keys.id && other.is_some() {
        return Check::ok(ID, format!("the variables hold the same key as profile {profile}"));
    }
    let found = format!(
        "the variables ({env_id}) win over profile {profile}{}",
        if chosen { format!(", which {from} asks for") } else { String::new() }
    );
    let check =
        Check::warning(ID, found).fix("If the profile is meant, drop the variables", UNSET_ALL);
    check.points_to("stale-credentials", if chosen { Medium } else { Low })
}

fn profile(machine: &Machine) -> Check {
    const ID: &str = "profile-exists";
    let variables = &machine.variables;
    let (first, second) =
        (variables.filled("AWS_PROFILE"), variables.filled("AWS_DEFAULT_PROFILE"));
    let (profile, from) = machine.profile_in_use();
    if from == "by default" {
        return Check::not_applicable(ID, "no profile is asked for");
    }
    if !machine.has_profile(profile) {
        let near = machine.profiles().into_iter().find(|name| {
            name.eq_ignore_ascii_case(profile.trim()) || name.trim() == profile.trim()
        });
        let check = Check::failed(
            ID,
            format!("{from} asks for profile {profile}, which is in neither file"),
        );
        let check = match near {
            Some(near) if from == "--profile" => check.advice(format!("Did you mean {near}?")),
            Some(near) => check.fix(
                "The nearest name that exists",
                format!("export {from}={}", shell_quoted(near)),
            ),
            None => check.fix("See the profiles that there are", "aws configure list-profiles"),
        };
        return check.points_to("stale-credentials", Low);
    }
    if let (Some(first), Some(second)) = (first, second)
        && first != second
        && from != "--profile"
    {
        return Check::warning(
            ID,
            format!(
                "AWS_PROFILE is {first} and AWS_DEFAULT_PROFILE is {second}: the AWS CLI takes the \
                 second, the SDKs the first"
            ),
        )
        .fix("Keep one", "unset AWS_DEFAULT_PROFILE")
        .points_to("stale-credentials", Low);
    }
    Check::ok(ID, format!("profile {profile} ({from}) exists"))
}

fn region(machine: &Machine) -> Check {
    const ID: &str = "region-set";
    let variables = &machine.variables;
    if let (Some(first), Some(second)) =
        (variables.filled("AWS_REGION"), variables.filled("AWS_DEFAULT_REGION"))
        && first != second
    {
        return Check::warning(
            ID,
            format!(
                "AWS_REGION is {first} and AWS_DEFAULT_REGION is {second}: clients differ in \
                     which they take"
            ),
        )
        .fix("Keep one", "unset AWS_DEFAULT_REGION");
    }
    match machine.region() {
        Some((region, from)) => Check::ok(ID, format!("Region {region} ({from})")),
        None => Check::not_applicable(ID, "no Region is set in the environment or the profile"),
    }
}

fn certificates(machine: &Machine) -> Check {
    const ID: &str = "ca-bundle";
    for (variable, path, state) in &machine.certificates {
        let why = match state {
            FileState::Read => continue,
            FileState::Absent => "which is not there".to_owned(),
            FileState::Unreadable(why) => format!("which is of no use: {why}"),
        };
        return Check::failed(ID, format!("{variable} names {path}, {why}: no call gets through"))
            .fix("Drop it, or name a PEM file", format!("unset {variable}"));
    }
    let names: Vec<&str> = machine.certificates.iter().map(|(name, _, _)| name.as_str()).collect();
    match names.as_slice() {
        [] => Check::not_applicable(ID, "no certificates of its own are set"),
        names => Check::ok(ID, format!("{} can be read", listed(names))),
    }
}

fn endpoints(machine: &Machine) -> Check {
    const ID: &str = "endpoint-overrides";
    let variables = &machine.variables;
    let (profile, _) = machine.profile_in_use();
    let mut found: Vec<(String, &str)> = variables
        .iter()
        .filter(|(name, value)| name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if let Some(url) = machine.profile_setting(profile, "endpoint_url") {
        found.push((format!("endpoint_url of profile {profile}"), url));
    }
    let off = variables
        .filled("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let keys = environment_keys(machine);
    let dummy = keys.id.as_deref().is_some_and(|id| {
        use access_key::Malformed::{DocumentationExample, Placeholder};
        matches!(access_key::malformed(id), Some(Placeholder | DocumentationExample))
    });
    if found.is_empty() || off {
        if dummy {
            return Check::failed(
                ID,
                "the key is a dummy as emulators take it, and no endpoint is set: the calls go to \
                 the real AWS",
            )
            .fix("Name the emulator's endpoint", "export AWS_ENDPOINT_URL=http://localhost:4566")
            .points_to("key-malformed", High);
        }
        return Check::not_applicable(ID, "no endpoint is overridden");
    }
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let aws = |url: &str| url.contains(".amazonaws.com") || url.contains(".api.aws");
    let elsewhere: Vec<String> = found
        .iter()
        .filter(|(_, url)| !aws(url))
        .map(|(name, url)| format!("{name} {}", without_password(url)))
        .collect();
    if elsewhere.is_empty() || dummy {
        return Check::ok(ID, format!("overridden: {}", listed(&names)));
    }
    let variable: Vec<&str> = names.into_iter().filter(|name| name.starts_with("AWS_")).collect();
    let check = Check::warning(
        ID,
        format!(
            "calls go to another place than AWS, which knows keys of its own: {}",
            listed(&elsewhere)
        ),
    );
    if variable.is_empty() {
        check.advice("If AWS itself is meant, take endpoint_url out of the profile")
    } else {
        check.fix("If AWS itself is meant, drop it", format!("unset {}", variable.join(" ")))
    }
}

/// A URL without what stands before an `@`.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.find('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}{}", &url[..scheme + 3], &url[at + 1..])
        }
        _ => url.to_owned(),
    }
}
