//! Group 4, profiles and files: what is written in `~/.aws`, and what is cached there.

use chrono::{DateTime, Utc};
use failure_monitor_core::access_key;
use failure_monitor_core::cause::Confidence::{Low, Medium};
use failure_monitor_core::causes::shell_quoted;
use failure_monitor_core::render;

use super::check::{Check, listed};
use super::ini::Ini;
use super::machine::{CacheKind, FileState, Machine, ProfileFile};

/// How many mistakes of a file are named.
const NAMED: usize = 4;

pub(super) fn checks(machine: &Machine) -> Vec<Check> {
    vec![
        file(machine, "credentials-file", &machine.credentials_file, true),
        file(machine, "config-file", &machine.config_file, false),
        permissions(machine),
        sources(machine),
        sso(machine),
        sessions(machine),
        process(machine),
    ]
}

fn file(machine: &Machine, id: &'static str, file: &ProfileFile, credentials: bool) -> Check {
    let name = &file.name;
    match &file.state {
        FileState::Absent if name.is_empty() => {
            return Check::not_applicable(id, "there is no home directory");
        }
        FileState::Absent => {
            return Check::not_applicable(id, format!("{name} is not there"));
        }
        FileState::Unreadable(why) => {
            return Check::failed(id, format!("{name} cannot be read: {why}"))
                .fix("See whose it is", format!("ls -l {}", quoted_path(&file.path)))
                .points_to("stale-credentials", Low);
        }
        FileState::Read => {}
    }
    let mut lines: Vec<(usize, String, bool)> = file
        .ini
        .problems
        .iter()
        .map(|problem| (problem.line, problem.words.clone(), problem.serious))
        .collect();
    lines.extend(sections(&file.ini, credentials));
    lines.sort();
    if lines.is_empty() {
        let count = file.ini.sections.len();
        let noun = if count == 1 { "section" } else { "sections" };
        return Check::ok(id, format!("{name} is well formed ({count} {noun})"));
    }
    let serious = lines.iter().any(|(_, _, serious)| *serious);
    let shown: Vec<String> =
        lines.iter().take(NAMED).map(|(line, words, _)| format!("line {line} {words}")).collect();
    let more = lines.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    let found = format!("{name}: {}{more}", shown.join("; "));
    let first = lines.first().map_or(1, |(line, _, _)| *line);
    let path = quoted_path(&file.path);
    let check = if serious { Check::failed(id, found) } else { Check::warning(id, found) };
    // The command shows names only, never the values beside them.
    let check = check.fix(
        "See the lines around it, without values",
        format!(
            "sed 's/=.*/= …/' {path} | cat -n | sed -n '{},{}p'",
            first.saturating_sub(2).max(1),
            first + 2
        ),
    );
    let in_use = machine.profile_in_use().0;
    let concerns = file.ini.sections.iter().any(|section| {
        let named = section.name.trim_start_matches("profile ");
        named == in_use
    });
    if serious {
        check.points_to("stale-credentials", if concerns { Medium } else { Low })
    } else {
        check
    }
}

/// `~` stays outside of quotation marks, so that the shell expands it.
fn quoted_path(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("~/{}", shell_quoted(rest)),
        None => shell_quoted(path),
    }
}

/// Sections whose names are of the other file, and settings that nothing reads.
fn sections(ini: &Ini, credentials: bool) -> Vec<(usize, String, bool)> {
    const OF_CONFIG: [&str; 4] = ["default", "plugins", "preview", "cli"];
    const NEAR: [(&str, &str); 8] = [
        ("access_key", "aws_access_key_id"),
        ("access_key_id", "aws_access_key_id"),
        ("aws_access_key", "aws_access_key_id"),
        ("aws_secret_key", "aws_secret_access_key"),
        ("secret_access_key", "aws_secret_access_key"),
        ("secret_key", "aws_secret_access_key"),
        ("session_token", "aws_session_token"),
        ("aws_secret_access_key_id", "aws_secret_access_key"),
    ];
    let mut found = Vec::new();
    for section in &ini.sections {
        let name = &section.name;
        let prefixed =
            ["profile ", "sso-session ", "services "].iter().any(|p| name.starts_with(p));
        if credentials && name.starts_with("profile ") {
            let bare = name.trim_start_matches("profile ");
            let words = format!("is [{name}], which in this file has to be [{bare}]");
            found.push((section.line, words, true));
        }
        if !credentials && !prefixed && !OF_CONFIG.contains(&name.as_str()) && !name.is_empty() {
            let words = format!("is [{name}], which in this file has to be [profile {name}]");
            found.push((section.line, words, true));
        }
        for setting in &section.settings {
            if let Some((_, meant)) = NEAR.iter().find(|(key, _)| *key == setting.key) {
                let words = format!("sets {}, which nothing reads; meant is {meant}", setting.key);
                found.push((setting.line, words, true));
            }
        }
    }
    found
}

fn permissions(machine: &Machine) -> Check {
    const ID: &str = "file-permissions";
    let file = &machine.credentials_file;
    match file.mode {
        Some(mode) if file.state == FileState::Read && mode & 0o077 != 0 => Check::warning(
            ID,
            format!("{} can be read by others on this machine (mode {mode:o})", file.name),
        )
        .fix("Keep it to yourself", format!("chmod 600 {}", quoted_path(&file.path))),
        Some(_) if file.state == FileState::Read => {
            Check::ok(ID, format!("{} is yours alone", file.name))
        }
        _ => Check::not_applicable(ID, "no file of credentials, or a system without mode bits"),
    }
}

/// Follows `source_profile` from each profile.
fn sources(machine: &Machine) -> Check {
    const ID: &str = "source-profiles";
    let mut any = false;
    for profile in machine.profiles() {
        let mut path = vec![profile];
        while let Some(next) =
            path.last().and_then(|at| machine.profile_setting(at, "source_profile"))
        {
            any = true;
            let last = path.last().copied().unwrap_or_default();
            if next == last {
                // A profile with keys of its own may name itself.
                if machine.profile_setting(next, "aws_access_key_id").is_some() {
                    break;
                }
                return broken(
                    ID,
                    format!("profile {next} is its own source_profile, without keys"),
                );
            }
            if let Some(start) = path.iter().position(|name| *name == next) {
                let mut circle: Vec<&str> = path[start..].to_vec();
                circle.push(next);
                return broken(
                    ID,
                    format!("source_profile goes in a circle: {}", circle.join(" → ")),
                );
            }
            if !machine.has_profile(next) {
                return broken(
                    ID,
                    format!("profile {last} has source_profile {next}, which is in neither file"),
                );
            }
            path.push(next);
        }
        if machine.profile_setting(profile, "role_arn").is_some()
            && ["source_profile", "credential_source", "web_identity_token_file"]
                .iter()
                .all(|key| machine.profile_setting(profile, key).is_none())
        {
            return broken(
                ID,
                format!("profile {profile} has a role_arn and nothing to assume it with"),
            );
        }
    }
    if any {
        Check::ok(ID, "each source_profile leads to a profile that exists")
    } else {
        Check::not_applicable(ID, "no profile has a source_profile")
    }
}

fn broken(id: &'static str, found: String) -> Check {
    Check::failed(id, found)
        .advice("Let source_profile name a profile that has credentials of its own")
        .points_to("stale-credentials", Low)
}

/// How long ago, or until when.
fn told(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if at <= now {
        format!("ended {} ago, at {}", render::duration(now - at), render::time(at))
    } else {
        format!("ends in {}, at {}", render::duration(at - now), render::time(at))
    }
}

fn sso(machine: &Machine) -> Check {
    const ID: &str = "sso-session";
    let (profile, _) = machine.profile_in_use();
    let session = machine.profile_setting(profile, "sso_session");
    let start = machine.profile_setting(profile, "sso_start_url").or_else(|| {
        machine.config_file.ini.get(&format!("sso-session {}", session?), "sso_start_url")
    });
    let login = format!("aws sso login --profile {}", shell_quoted(profile));
    if let (Some(session), None) = (session, start) {
        return Check::failed(
            ID,
            format!("profile {profile} has sso_session {session}, and there is no [sso-session {session}]"),
        )
        .fix("Set it up anew", "aws configure sso-session");
    }
    let of_profile = |url: &Option<String>| {
        let bare = |url: &str| url.trim_end_matches(['/', '#']).to_owned();
        match (start, url) {
            (Some(start), Some(url)) => bare(start) == bare(url),
            _ => true,
        }
    };
    let tokens = machine.caches.iter().filter(|cache| cache.kind == CacheKind::Sso);
    let newest =
        tokens.filter(|cache| of_profile(&cache.start_url)).max_by_key(|cache| cache.expires);
    match (start, newest) {
        (None, None) => Check::not_applicable(ID, "no IAM Identity Center (SSO) here"),
        (None, Some(_)) => {
            Check::not_applicable(ID, format!("profile {profile} does not use IAM Identity Center"))
        }
        (Some(_), None) => Check::failed(
            ID,
            format!("profile {profile} uses IAM Identity Center, and nobody has logged in"),
        )
        .fix("Log in", login)
        .points_to("session-token-expired", Medium),
        (Some(_), Some(cache)) => match cache.expires {
            Some(at) if at <= machine.now && !cache.renewable => Check::failed(
                ID,
                format!("the login of profile {profile} {}", told(at, machine.now)),
            )
            .fix("Log in again", login)
            .points_to("session-token-expired", Medium),
            Some(at) if at <= machine.now => Check::warning(
                ID,
                format!(
                    "the login of profile {profile} {}; it can be renewed, by clients that know \
                     sso_session",
                    told(at, machine.now)
                ),
            )
            .fix("Log in again", login),
            Some(at) => {
                Check::ok(ID, format!("the login of profile {profile} {}", told(at, machine.now)))
            }
            None => Check::warning(ID, format!("~/.aws/sso/cache/{} says no end", cache.file))
                .fix("Log in again", login),
        },
    }
}

fn sessions(machine: &Machine) -> Check {
    const ID: &str = "cached-sessions";
    let all: Vec<_> = machine.caches.iter().filter(|cache| cache.kind == CacheKind::Cli).collect();
    if all.is_empty() {
        return Check::not_applicable(ID, "the AWS CLI has cached no session");
    }
    let ended = all.iter().filter(|cache| cache.expires.is_some_and(|at| at <= machine.now));
    // A session that has ended and is also in the environment is the stale copy itself.
    let environment = machine.variables.filled("AWS_ACCESS_KEY_ID");
    for cache in ended.clone() {
        if let (Some(id), Some(at)) = (&cache.access_key_id, cache.expires)
            && environment == Some(id.as_str())
        {
            return Check::failed(
                ID,
                format!(
                    "the environment holds {}, a session that {}",
                    access_key::mask(id),
                    told(at, machine.now)
                ),
            )
            .fix("Drop it", super::quick::UNSET_ALL)
            .points_to("session-token-expired", failure_monitor_core::cause::Confidence::High);
        }
    }
    let count = ended.count();
    Check::ok(ID, format!("sessions cached by the AWS CLI: {}, of which ended: {count}", all.len()))
}

fn process(machine: &Machine) -> Check {
    const ID: &str = "credential-process";
    let named: Vec<&str> = machine
        .profiles()
        .into_iter()
        .filter(|profile| machine.profile_setting(profile, "credential_process").is_some())
        .collect();
    let Some(process) = &machine.process else {
        return match named.as_slice() {
            [] => Check::not_applicable(ID, "no profile has a credential_process"),
            names => Check::not_applicable(
                ID,
                format!("not run: credential_process of {}", listed(names)),
            ),
        };
    };
    let profile = &process.profile;
    match &process.outcome {
        Err(why) => Check::failed(ID, format!("credential_process of profile {profile} {why}"))
            .fix(
                "Run it through the AWS CLI, which shows what it prints to its error output",
                format!(
                    "aws configure export-credentials --profile {} > /dev/null",
                    shell_quoted(profile)
                ),
            )
            .points_to("stale-credentials", Medium),
        Ok((id, Some(at))) if *at <= machine.now => Check::failed(
            ID,
            format!(
                "credential_process of profile {profile} gives {}, a session that {}",
                access_key::mask(id),
                told(*at, machine.now)
            ),
        )
        .advice("Have the program fetch new credentials: it keeps a stale copy")
        .points_to("session-token-expired", Medium),
        Ok((id, _)) => Check::ok(
            ID,
            format!("credential_process of profile {profile} gives {}", access_key::mask(id)),
        ),
    }
}
