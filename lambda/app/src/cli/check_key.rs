//! `failure-monitor check-key`: a new key pair on standard input, whether it is live and survives.
//!
//! The secret is read from standard input only, never from an argument or the environment, and
//! wiped at the end. Exit codes: 0 sound; 1 not live, not sound, or not URL-safe where that is
//! asked for; 2 no key pair, or STS could not be asked.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use anyhow::Context;
use aws_config::retry::RetryConfig;
use aws_sdk_sts::config::{Credentials, Region};
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use failure_monitor_core::check_key::{self, KeyPair};
use failure_monitor_core::failure;
use failure_monitor_core::render::check_key::{Live, json, text};
use failure_monitor_core::render::terminal;
use zeroize::Zeroizing;

use crate::aws;

/// The least time between two calls with one key ID: STS refuses a second one within 5 s if the
/// first had another secret, even where the second is right.
const BETWEEN: Duration = Duration::from_millis(5500);
/// More text than any key pair has.
const LONGEST: u64 = 64 << 10;

/// Check a new key pair before it is handed on: is it live, and where would it be harmed?
///
/// Reads from standard input: the access key ID and the secret on two lines, KEY=VALUE lines, or
/// the JSON of `aws iam create-access-key`. Asks sts:GetCallerIdentity, again every 5 s while a new
/// key is not known yet. Never prints or stores the secret.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  aws iam create-access-key --user-name ci | failure-monitor check-key
  failure-monitor check-key --url-safe --offline < new-key.env

Exit codes: 0 sound; 1 not live, not sound, or not URL-safe with --url-safe; 2 could not be checked.")]
pub(super) struct Arguments {
    /// Do not ask AWS.
    #[arg(long)]
    offline: bool,
    /// How long to wait for a new key to become known.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// Exit with 1 where the secret has + or /, for tools that put it into URLs unencoded.
    #[arg(long)]
    url_safe: bool,
    /// The Region whose STS is asked; by default the configured one, or us-east-1.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print the whole access key ID.
    #[arg(long)]
    unmask: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for a person.
    Text,
    /// One JSON document.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut input = Zeroizing::new(String::with_capacity(4096));
    io::stdin()
        .lock()
        .take(LONGEST)
        .read_to_string(&mut input)
        .context("cannot read standard input")?;
    let pair = check_key::parse(&input)?;
    drop(input);
    let live = if arguments.offline {
        Live::NotAsked
    } else {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?
            .block_on(ask(&pair, arguments))
    };
    super::print(&match arguments.format {
        Format::Text => text(&pair, &live, arguments.unmask),
        Format::Json => json(&pair, &live),
    })?;
    let special: String = pair.not_url_safe().iter().collect();
    let not_safe = arguments.url_safe && !special.is_empty();
    if not_safe {
        tracing::warn!("not URL-safe: the secret contains {special}; create another key");
    }
    let refused = matches!(live, Live::No { .. });
    Ok(match live {
        Live::Unknown { .. } => super::TROUBLE,
        _ => u8::from(not_safe || refused || !pair.problems().is_empty()),
    })
}

/// Asks STS until it knows the pair or the time is over.
async fn ask(pair: &KeyPair, arguments: &Arguments) -> Live {
    let config = aws::load(None, arguments.region.as_deref()).await;
    let region = config.region().cloned().unwrap_or(Region::from_static("us-east-1"));
    let token = pair.session_token().map(str::to_owned);
    let credentials =
        Credentials::new(&pair.access_key_id, pair.secret(), token, None, "check-key");
    let client = aws_sdk_sts::Client::from_conf(
        aws_sdk_sts::config::Builder::from(&config)
            .credentials_provider(credentials)
            .region(region)
            // A retry of the SDK would come too soon.
            .retry_config(RetryConfig::disabled())
            .build(),
    );
    let begin = Instant::now();
    let mut calls = 0;
    loop {
        calls += 1;
        let called = Instant::now();
        let answer = client.get_caller_identity().send().await;
        let passed = TimeDelta::from_std(begin.elapsed()).unwrap_or(TimeDelta::MAX);
        let refused = match answer {
            Ok(identity) => {
                let arn = identity.arn().unwrap_or("an unnamed identity").to_owned();
                return Live::Yes { arn, after: passed, calls };
            }
            Err(SdkError::ServiceError(err)) => {
                let code = err.err().code().unwrap_or("an error without a code").to_owned();
                if failure::family(&code).is_none() {
                    let reason = terminal::escape(err.err().message().unwrap_or(&code));
                    return Live::Unknown { reason };
                }
                Live::No { code, waited: passed, calls }
            }
            Err(err) => return Live::Unknown { reason: DisplayErrorContext(&err).to_string() },
        };
        // A known ID with a wrong secret heals only if somebody else used the ID a moment ago.
        let signature =
            matches!(&refused, Live::No { code, .. } if code == "SignatureDoesNotMatch");
        let next = called + BETWEEN;
        if next.duration_since(begin) > arguments.wait || (signature && calls > 1) {
            return refused;
        }
        tokio::time::sleep_until(next.into()).await;
    }
}
