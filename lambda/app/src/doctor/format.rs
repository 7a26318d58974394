//! Group 2, format: key IDs, secrets and tokens as such, wherever they are written down.

use failure_monitor_core::access_key::{self, KeyKind, Malformed};
use failure_monitor_core::cause::Confidence::{self, High, Low, Medium};
use failure_monitor_core::causes::shell_quoted;

use super::chain::{self, Keys};
use super::check::Check;
use super::machine::Machine;
use super::value;

pub(super) fn checks(machine: &Machine) -> Vec<Check> {
    let all = chain::written_down(machine);
    if all.is_empty() {
        return vec![Check::not_applicable("key-format", "no keys are written down here")];
    }
    let winners = chain::winners(machine);
    let mut checks = Vec::new();
    for (name, keys) in &all {
        let wins = winners.iter().any(|winner| winner.name == *name);
        let sure = if wins { High } else { Medium };
        checks.push(id(name, keys, sure));
        checks.push(secret(name, keys, sure));
        if keys.token.is_some()
            || keys.id.as_deref().and_then(access_key::kind) == Some(KeyKind::Temporary)
        {
            checks.push(token(machine, name, keys, sure));
        }
    }
    checks
}

/// Commands that write a value anew where it is from.
fn rewrite(name: &str, setting: &str) -> (String, String) {
    match name.strip_prefix("profile ") {
        Some(profile) => (
            "Write it anew (it is asked for, so that the shell does not touch it)".to_owned(),
            format!("aws configure --profile {}", shell_quoted(profile)),
        ),
        None if name == "environment variables" => (
            "Read it anew without the shell touching it (paste, then Enter)".to_owned(),
            format!("IFS= read -rs {setting} && export {setting}"),
        ),
        None => (
            "Find the line".to_owned(),
            "grep -nE 'access_key|secret_key|token' *.tf *.tfvars *.tfbackend".to_owned(),
        ),
    }
}

fn id(name: &str, keys: &Keys, sure: Confidence) -> Check {
    const ID: &str = "access-key-id";
    let Some(id) = keys.id.as_deref() else {
        return Check::failed(ID, format!("{name}: there is no access key ID"));
    };
    let Some(problem) = access_key::malformed(id) else {
        let kind = match access_key::kind(id) {
            Some(KeyKind::Temporary) => "a temporary key",
            Some(KeyKind::Bearer) => "a bearer token of STS, which signs nothing",
            Some(KeyKind::ContextSpecific) => "a context-specific credential",
            _ => "a long-term key",
        };
        let account = match access_key::account(id) {
            Some(account) => format!(" of account {account}"),
            None => String::new(),
        };
        return Check::ok(ID, format!("{name}: {} is {kind}{account}", access_key::mask(id)));
    };
    let shown = match problem {
        // What stands in the place of an ID may be a secret.
        Malformed::Alphabet | Malformed::Length | Malformed::Prefix if id.len() > 24 => {
            format!("a value of {}", value::describe(id))
        }
        _ => access_key::mask(id.trim()),
    };
    let swapped = value::secret(id).is_none();
    let words =
        if swapped { "looks like a secret: the two were swapped" } else { problem.describe() };
    let (text, command) = rewrite(name, "AWS_ACCESS_KEY_ID");
    Check::failed(ID, format!("{name}: the access key ID ({shown}) {words}"))
        .fix(text, command)
        .points_to("key-malformed", sure)
}

fn secret(name: &str, keys: &Keys, sure: Confidence) -> Check {
    const ID: &str = "secret-access-key";
    let Some(secret) = keys.secret.as_deref() else {
        return Check::failed(ID, format!("{name}: there is no secret access key"));
    };
    let described = value::describe(secret);
    if let Some(flaw) = value::secret(secret) {
        let (text, command) = rewrite(name, "AWS_SECRET_ACCESS_KEY");
        return Check::failed(ID, format!("{name}: the secret {} ({described})", flaw.words))
            .fix(text, command)
            .points_to("signature-mismatch", sure);
    }
    let marks = secret.contains(['/', '+']);
    let note = if marks {
        "; / and + are legal in it. Where quoting or URL encoding breaks them, AWS answers \
         SignatureDoesNotMatch, not InvalidClientTokenId"
    } else {
        ""
    };
    Check::ok(ID, format!("{name}: the secret has {described}{note}"))
}

fn token(machine: &Machine, name: &str, keys: &Keys, sure: Confidence) -> Check {
    const ID: &str = "session-token";
    let Some(token) = keys.token.as_deref() else {
        let check =
            Check::failed(ID, format!("{name}: a temporary key (ASIA) without its session token"));
        return match name.strip_prefix("profile ") {
            Some(profile) => check.fix(
                "Write the token beside the key",
                format!(
                    "aws configure set aws_session_token TOKEN --profile {}",
                    shell_quoted(profile)
                ),
            ),
            None if name == "environment variables" => check
                .fix("Take all three parts from one place at once", super::quick::export(machine)),
            None => check.advice("Set `token` beside `access_key` and `secret_key`"),
        }
        .points_to("session-token-missing", sure);
    };
    let described = value::describe(token);
    let long_term = keys.id.as_deref().and_then(access_key::kind) == Some(KeyKind::LongTerm);
    if long_term && name != "environment variables" {
        let check = Check::failed(
            ID,
            format!(
                "{name}: a session token beside a long-term key (AKIA): left over from a session"
            ),
        );
        return match name.strip_prefix("profile ") {
            Some(profile) => check.fix(
                "Empty it",
                format!(
                    "aws configure set aws_session_token '' --profile {}",
                    shell_quoted(profile)
                ),
            ),
            None => check.advice("Take the token out"),
        }
        .points_to("session-token-missing", sure);
    }
    match value::token(token) {
        Some(flaw) if flaw.certain => {
            let (text, command) = rewrite(name, "AWS_SESSION_TOKEN");
            Check::failed(ID, format!("{name}: the session token {} ({described})", flaw.words))
                .fix(text, command)
                .points_to("session-token-missing", sure)
        }
        Some(flaw) => {
            Check::warning(ID, format!("{name}: the session token {} ({described})", flaw.words))
                .points_to("session-token-missing", Low)
        }
        None => Check::ok(
            ID,
            format!(
                "{name}: the session token has {described}; unlike in a secret, a / or + damaged \
                     in it gives InvalidClientTokenId"
            ),
        ),
    }
}
