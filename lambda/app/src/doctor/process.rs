//! Runs the `credential_process` of the profile in use, as any client would.
//!
//! Must not show what it printed: that holds a secret.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::DateTime;
use serde_json::Value as Json;

use super::machine::{Machine, Process};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(50);

/// Runs it, where the profile in use has one.
pub fn run(machine: &Machine) -> Option<Process> {
    let (profile, _) = machine.profile_in_use();
    let command = machine.profile_setting(profile, "credential_process")?;
    let outcome = output(command, PATIENCE).and_then(|text| judge(&text));
    Some(Process { profile: profile.to_owned(), outcome })
}

fn output(command: &str, patience: Duration) -> Result<String, String> {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut child = Command::new(shell)
        .args([flag, command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|err| format!("cannot be started: {err}"))?;
    // Read beside waiting: a program whose pipe is full would never end.
    let mut pipe = child.stdout.take().ok_or("has no output")?;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(status)) => {
                return Err(match status.code() {
                    Some(127) => "fails with exit code 127: the command was not found".to_owned(),
                    Some(code) => format!("fails with exit code {code}"),
                    None => "was ended by a signal".to_owned(),
                });
            }
            Ok(None) if begun.elapsed() < patience => std::thread::sleep(STEP),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("did not end within {} s", patience.as_secs()));
            }
            Err(err) => return Err(format!("cannot be waited for: {err}")),
        }
    }
    reader.join().map_err(|_| "has output that cannot be read".to_owned())
}

/// Reads what the SDKs read
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>).
fn judge(text: &str) -> Result<(String, Option<DateTime<chrono::Utc>>), String> {
    let json: Json = serde_json::from_str(text.trim())
        .map_err(|_| "prints something that is not JSON".to_owned())?;
    if json["Version"] != 1 {
        return Err("prints JSON without \"Version\": 1".to_owned());
    }
    let id = json["AccessKeyId"].as_str().ok_or("prints no AccessKeyId")?;
    json["SecretAccessKey"].as_str().ok_or("prints no SecretAccessKey")?;
    let expires = match json["Expiration"].as_str() {
        None => None,
        Some(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Some(time.to_utc()),
            Err(_) => return Err("prints an Expiration that is no time".to_owned()),
        },
    };
    if id.starts_with("ASIA") && !json["SessionToken"].is_string() {
        return Err("prints a temporary key (ASIA) without its SessionToken".to_owned());
    }
    Ok((id.to_owned(), expires))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_without_the_output() {
        let good =
            r#"echo '{"Version":1,"AccessKeyId":"AKIADEPLOYCI1EXAMPLE","SecretAccessKey":"s"}'"#;
        let run = |command: &str| output(command, PATIENCE).and_then(|text| judge(&text));
        assert_eq!(run(good).unwrap().0, "AKIADEPLOYCI1EXAMPLE");
        assert_eq!(run("echo SECRET; exit 3").unwrap_err(), "fails with exit code 3");
        assert!(run("no-such-program-here").unwrap_err().contains("not found"));
        assert!(run("echo SECRET").unwrap_err().contains("not JSON"));
        assert!(output("sleep 9", STEP).unwrap_err().contains("did not end"));
        assert!(
            judge(r#"{"Version":1,"AccessKeyId":"ASIADEPLOYCI1EXAMPLE","SecretAccessKey":"s"}"#)
                .unwrap_err()
                .contains("SessionToken")
        );
    }
}
