//! `failure-monitor summary`: what is known of the recent past, from the deployed function, its
//! table, files, or a summary that was saved.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use aws_sdk_lambda::primitives::Blob;
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use failure_monitor_core::render::summary::{Options, csv, html, markdown, terminal};
use failure_monitor_core::scan::Scan;
use failure_monitor_core::settings::Settings;
use failure_monitor_core::summary::{Material, State, Summary, Window, build};
use serde_json::{Value, json};
use terminal_size::{Width, terminal_size};

use super::scan::{is_stdin, moment, read_text};
use crate::config::{self, Environment};
use crate::intake::local_file;
use crate::store::dynamodb::DynamoDb;
use crate::store::{self, Typed};
use crate::{aws, clock, scan_files};

/// The width of text where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 80;
/// How often `--watch` asks again; a sweep takes place every five minutes.
const AGAIN: Duration = Duration::from_secs(60);
/// How often an answer in parts is asked for anew because the account changed in between.
const TRIES: usize = 3;
/// The most bytes that one file may inflate to.
const MAX_INFLATED: u64 = 1 << 30;

/// Show what is known of the recent past: failures, incidents, causes, and what was read.
///
/// Asks the deployed function, by default `failure-monitor-summary` or the one that
/// FAILURE_MONITOR_FUNCTION names. With --table it reads the table itself, with --path files.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  failure-monitor summary                                   the last 24 hours
  failure-monitor summary --since 7d --format html --output report.html
  failure-monitor summary --access-key-id AKIAEXAMPLE       one key
  failure-monitor summary --path AWSLogs/ --since 90d       without anything deployed

Exit codes: 0 done; 1 something needs action, with --exit-code; 2 something could not be read.")]
pub(super) struct Arguments {
    /// How far back: 1h, 24h, 7d, 90d or another duration.
    #[arg(long, value_name = "DURATION", default_value = "24h", conflicts_with_all = ["from", "to"])]
    since: String,
    /// The beginning of the window: RFC 3339, or so long ago.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// The end of the window: RFC 3339, or so long ago; now where it is not said.
    #[arg(long, value_name = "TIME", requires = "from")]
    to: Option<String>,
    /// Show only this access key ID.
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write it to this file.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show it again every minute, until Ctrl-C.
    #[arg(long, conflicts_with_all = ["output", "from_json", "exit_code"])]
    watch: bool,
    /// The deployed function to ask: name or ARN.
    #[arg(long, value_name = "NAME", group = "place")]
    function: Option<String>,
    /// The table of a deployment, to be read without its function.
    #[arg(long, value_name = "NAME", group = "place")]
    table: Option<String>,
    /// Files and folders with CloudTrail records, as `scan` reads them. Repeatable.
    #[arg(long, value_name = "PATH", group = "place")]
    path: Vec<PathBuf>,
    /// Logs of clients, read beside --path. Repeatable.
    #[arg(long, value_name = "FILE", requires = "path")]
    text: Vec<PathBuf>,
    /// A summary that was saved with --format json; `-` for standard input.
    #[arg(long, value_name = "FILE", group = "place", conflicts_with_all = ["from", "to"])]
    from_json: Option<PathBuf>,
    /// Print whole access key IDs in tables, Markdown and HTML.
    #[arg(long)]
    unmask: bool,
    /// Exit with 1 when something needs action.
    #[arg(long)]
    exit_code: bool,
    /// The profile with the credentials to use.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The region of the deployment.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for a person, as wide as the terminal.
    Table,
    /// One JSON document (docs/summary.schema.json).
    Json,
    /// For tickets and chat.
    Markdown,
    /// One page that needs nothing else.
    Html,
    /// One row per group, safe for spreadsheets.
    Csv,
}

pub(super) fn run(arguments: &Arguments, environment: Environment) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        if arguments.watch {
            return watch(arguments, environment).await;
        }
        let now = clock::now();
        let summary = summary(arguments, now).await?;
        let text = rendered(&summary, arguments, environment, now)?;
        match &arguments.output {
            Some(path) => {
                fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?
            }
            None => super::print(&text)?,
        }
        Ok(if !summary.problems.is_empty() {
            super::TROUBLE
        } else if arguments.exit_code && summary.answer.state == State::NeedsAction {
            1
        } else {
            0
        })
    })
}

/// Shows it again and again. What goes wrong in between is told and tried again, but not the first
/// time.
async fn watch(arguments: &Arguments, environment: Environment) -> anyhow::Result<u8> {
    let mut first = true;
    loop {
        let now = clock::now();
        let text = match summary(arguments, now).await {
            Ok(summary) => rendered(&summary, arguments, environment, now)?,
            Err(err) if first => return Err(err),
            Err(err) => {
                let err = failure_monitor_core::render::terminal::escape(&format!("{err:#}"));
                format!("{now}: not read: {err}\n")
            }
        };
        first = false;
        let clear = if io::stdout().is_terminal() { "\x1b[H\x1b[2J\x1b[3J" } else { "" };
        super::print(&format!("{clear}{text}"))?;
        let _ = io::stdout().flush();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(0),
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn summary(arguments: &Arguments, now: DateTime<Utc>) -> anyhow::Result<Summary> {
    if let Some(path) = &arguments.from_json {
        let text = match is_stdin(path) {
            true => io::read_to_string(io::stdin().lock()).map_err(Into::into),
            false => fs::read_to_string(path).map_err(anyhow::Error::from),
        };
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let summary: Summary = serde_json::from_str(&text)
            .with_context(|| format!("{} is no summary", path.display()))?;
        return Ok(only(summary, arguments));
    }
    let window = window(arguments, now)?;
    if !arguments.path.is_empty() {
        return Ok(only(build(window, of_files(arguments, now), now), arguments));
    }
    let config = aws::load(arguments.profile.as_deref(), arguments.region.as_deref()).await;
    if let Some(table) = &arguments.table {
        let client = aws_sdk_dynamodb::Client::new(&config);
        let typed = Typed {
            store: DynamoDb::new(&client, table),
            marks_for: TimeDelta::zero(),
            findings_for: TimeDelta::zero(),
        };
        let material = store::material(&typed, window)
            .await
            .with_context(|| format!("cannot read the table {table}"))?;
        return Ok(only(build(window, material, now), arguments));
    }
    let name = arguments.function.clone().unwrap_or_else(config::summary_function);
    let client = aws_sdk_lambda::Client::new(&config);
    let ask = async |question: Value| invoke(&client, &name, &question).await;
    in_parts(ask, window, arguments.access_key_id.as_deref()).await
}

/// What a deployed function knows of one key.
pub(super) async fn of_key(
    config: &aws_config::SdkConfig,
    name: &str,
    window: Window,
    access_key_id: &str,
) -> anyhow::Result<Summary> {
    let client = aws_sdk_lambda::Client::new(config);
    let ask = async |question: Value| invoke(&client, name, &question).await;
    in_parts(ask, window, Some(access_key_id)).await
}

fn only(summary: Summary, arguments: &Arguments) -> Summary {
    match &arguments.access_key_id {
        Some(id) if summary.access_key_id.as_ref() != Some(id) => summary.only(id),
        _ => summary,
    }
}

fn window(arguments: &Arguments, now: DateTime<Utc>) -> anyhow::Result<Window> {
    let window = match &arguments.from {
        None => Window::parse(&arguments.since, now + TimeDelta::seconds(1)),
        Some(from) => {
            let to = arguments.to.as_deref().map(|to| moment(to, now).context("--to"));
            let from = moment(from, now).context("--from")?;
            Window::between(from, to.transpose()?.unwrap_or(now + TimeDelta::seconds(1)))
        }
    };
    window.map_err(anyhow::Error::msg)
}

/// What files say, by the same scan as `failure-monitor scan`.
fn of_files(arguments: &Arguments, now: DateTime<Utc>) -> Material {
    let listing = local_file::list(&arguments.path, io::stdin().lock());
    let mut scan = Scan::new(Settings::default(), now);
    scan.count(&local_file::not_read(&listing));
    for warning in &listing.warnings {
        scan.warn(warning.file.clone(), warning.reason.clone());
    }
    for path in &arguments.text {
        read_text(path, &mut scan);
    }
    scan_files::scan(&listing, scan, MAX_INFLATED).material()
}

/// Asks for a summary, part by part where it is too long for one answer.
async fn in_parts(
    ask: impl AsyncFn(Value) -> anyhow::Result<Summary>,
    window: Window,
    access_key_id: Option<&str>,
) -> anyhow::Result<Summary> {
    let question = |mut question: Value| {
        question["task"] = "summary".into();
        question["format"] = "json".into();
        if let Some(id) = access_key_id {
            question["access_key_id"] = id.into();
        }
        question
    };
    for _ in 0..TRIES {
        let mut whole = ask(question(json!({ "from": window.from, "to": window.to }))).await?;
        loop {
            let Some(next) = whole.cut.as_ref().and_then(|cut| cut.next.clone()) else {
                return Ok(whole);
            };
            if !whole.append(ask(question(json!({ "next": next }))).await?) {
                break;
            }
        }
    }
    bail!("the account changes faster than its summary can be read: ask for a shorter time")
}

async fn invoke(
    client: &aws_sdk_lambda::Client,
    name: &str,
    question: &Value,
) -> anyhow::Result<Summary> {
    let payload = Blob::new(serde_json::to_vec(question)?);
    let answer = client.invoke().function_name(name).payload(payload).send().await;
    let answer = answer.map_err(|err| {
        let code = aws_sdk_lambda::error::ProvideErrorMetadata::code(&err).map(str::to_owned);
        let hint = match code.as_deref() {
            Some("ResourceNotFoundException") => {
                "; is it deployed in this region? --function, --region and --profile choose another"
            }
            Some("AccessDeniedException") => "; it needs lambda:InvokeFunction",
            _ => "",
        };
        let err = aws_sdk_lambda::error::DisplayErrorContext(err).to_string();
        anyhow::anyhow!("cannot ask the function {name}{hint}: {err}")
    })?;
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    answered(name, answer.function_error.as_deref(), &payload)
}

/// What a function's answer says.
fn answered(name: &str, error: Option<&str>, payload: &[u8]) -> anyhow::Result<Summary> {
    if let Some(kind) = error {
        let said: Value = serde_json::from_slice(payload).unwrap_or_default();
        let said = said["errorMessage"].as_str().unwrap_or("it did not say why");
        bail!("the function {name} failed ({kind}): {said}");
    }
    serde_json::from_slice(payload)
        .with_context(|| format!("the answer of {name} is no summary: is it another version?"))
}

fn rendered(
    summary: &Summary,
    arguments: &Arguments,
    environment: Environment,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    let on_terminal = io::stdout().is_terminal() && arguments.output.is_none();
    let width = match terminal_size() {
        Some((Width(width), _)) if on_terminal => usize::from(width),
        _ => DEFAULT_WIDTH,
    };
    let options = Options {
        width,
        colour: on_terminal && !environment.no_colour,
        unmask: arguments.unmask,
        // A saved summary is shown as of its own time.
        now: if arguments.from_json.is_some() { summary.generated } else { now },
    };
    Ok(match arguments.format {
        Format::Table => terminal::terminal(summary, &options),
        Format::Json => serde_json::to_string_pretty(summary)? + "\n",
        Format::Markdown => markdown::markdown(summary, &options),
        Format::Html => html::html(summary, &options),
        Format::Csv => csv::csv(summary),
    })
}

#[cfg(test)]
mod tests;
