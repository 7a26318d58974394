//! `failure-monitor canary`: what CloudTrail shows, measured.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Context;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use failure_monitor_core::summary::Window;

use crate::canary::monitor::Monitor;
use crate::canary::run::{self, Options, SESSION};
use crate::canary::{Outcome, plan};
use crate::{aws, clock, config};

/// Measure which refused calls CloudTrail shows in this account.
///
/// Makes a user without permissions and an access key for it, calls sts:GetCallerIdentity in each
/// Region with the key good, deactivated and deleted, with a wrong secret and with session tokens
/// missing and expired, and looks for each call by LookupEvents. Removes what it made, also on
/// Ctrl-C and on error.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  failure-monitor canary --dry-run                        what it would do, and needs
  failure-monitor canary --region us-east-1 --region eu-west-1
  failure-monitor canary --wait 20m --format json > canary.json

Exit codes: 0 done; 2 something failed, or could not be removed.")]
pub(super) struct Arguments {
    /// A Region to call; the Region in use where none is given. Repeatable.
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    region: Vec<String>,
    /// How long to look for the records.
    #[arg(long, value_name = "DURATION", default_value = "90m", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// Print the calls and the permissions that they need, and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The profile whose credentials make and remove the user.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Put the result into the monitor's table, for the coverage part of its summary.
    #[arg(long, value_name = "TABLE")]
    store: Option<String>,
    /// Ask the deployed monitor too what it knows of the key.
    #[arg(long)]
    monitor: bool,
    /// The deployed `summary` function to ask, name or ARN; implies --monitor.
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// What the name of the user begins with.
    #[arg(long, value_name = "NAME", default_value = "failure-monitor-canary")]
    name: String,
    /// Time between calls of one key with different secrets; STS wants more than 5 s.
    #[arg(long, hide = true, default_value = "6s", value_parser = humantime::parse_duration)]
    pause: Duration,
    /// Time that a change of the key is given to spread.
    #[arg(long, hide = true, default_value = "20s", value_parser = humantime::parse_duration)]
    propagation: Duration,
    /// Time between two looks.
    #[arg(long, hide = true, default_value = "1m", value_parser = humantime::parse_duration)]
    poll: Duration,
    /// How long the session lives whose end is waited for.
    #[arg(long, hide = true, default_value = "15m", value_parser = humantime::parse_duration)]
    session: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for a person, 80 columns wide.
    Table,
    /// One JSON document (docs/canary.schema.json).
    Json,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(arguments))
}

async fn measure(arguments: &Arguments) -> anyhow::Result<u8> {
    let user_name = format!("{}-{}", arguments.name, clock::now().format("%Y%m%dT%H%M%SZ"));
    // Time to look for the last call has to be left.
    let expires = arguments.wait > arguments.session + 2 * arguments.poll;
    let named = || arguments.monitor.then(config::summary_function);
    let function = arguments.function.clone().or_else(named);
    if arguments.dry_run {
        let here = "the Region in use".to_owned();
        let regions =
            if arguments.region.is_empty() { vec![here] } else { arguments.region.clone() };
        let wait = humantime::format_duration(arguments.wait).to_string();
        let (table, function) = (arguments.store.as_deref(), function.as_deref());
        let plan = plan(&regions, &user_name, &wait, table, function, expires);
        super::print(&plan)?;
        return Ok(0);
    }
    let config =
        aws::load(arguments.profile.as_deref(), arguments.region.first().map(String::as_str)).await;
    let mut regions = arguments.region.clone();
    if regions.is_empty() {
        let region = config.region().context("no Region is set: give --region")?;
        regions.push(region.as_ref().to_owned());
    }
    let mut seen = std::collections::BTreeSet::new();
    regions.retain(|region| seen.insert(region.clone()));
    let options = Options {
        regions,
        user_name,
        wait: arguments.wait,
        pause: arguments.pause,
        propagation: arguments.propagation,
        poll: arguments.poll,
        session: expires.then_some(if arguments.session.is_zero() {
            SESSION
        } else {
            arguments.session
        }),
    };
    if io::stderr().is_terminal() {
        let wait = humantime::format_duration(options.wait);
        let _ = writeln!(
            io::stderr(),
            "Making user {}; this may take up to {wait}. Ctrl-C stops and cleans up.",
            options.user_name
        );
    }
    let mut outcome = run::measure(&config, &options).await?;
    if let Some(function) = &function {
        outcome.monitor = Some(ask(&config, function, &outcome).await);
    }
    let json = outcome.json()?;
    super::print(&match arguments.format {
        Format::Table => outcome.text(),
        Format::Json => json.clone(),
    })?;
    if let Some(table) = &arguments.store {
        store(&config, table, &json).await?;
    }
    Ok(if succeeded(&outcome) { 0 } else { super::TROUBLE })
}

/// Asks the monitor for the key; not after an interruption, which is to end soon.
async fn ask(config: &aws_config::SdkConfig, function: &str, outcome: &Outcome) -> Monitor {
    let key = outcome.access_key_id.as_deref();
    let answer = match key.filter(|_| outcome.complete) {
        None => Err("it stopped before its end".to_owned()),
        Some(key) => {
            let to = clock::now() + TimeDelta::seconds(1);
            let window = Window::last(to - outcome.started, to);
            let answer = super::summary::of_key(config, function, window, key).await;
            answer.map_err(|err| format!("{err:#}"))
        }
    };
    Monitor::new(function, outcome, answer)
}

fn succeeded(outcome: &Outcome) -> bool {
    outcome.complete
        && outcome.left_behind.is_empty()
        && outcome.monitor.as_ref().is_none_or(|monitor| monitor.unread.is_empty())
        && outcome.looked_in.len() == outcome.regions.len()
}

async fn store(config: &aws_config::SdkConfig, table: &str, json: &str) -> anyhow::Result<()> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let item = HashMap::from([
        ("pk".to_owned(), text("coverage")),
        ("sk".to_owned(), text("canary")),
        ("json".to_owned(), text(json)),
    ]);
    let client = aws_sdk_dynamodb::Client::new(config);
    let put = client.put_item().table_name(table).set_item(Some(item)).send().await;
    put.map(drop).with_context(|| format!("the result was not put into table {table}"))
}
