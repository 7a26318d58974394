//! `failure-monitor scan`: trail files and client logs in, findings out.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use failure_monitor_core::failure::Origin;
use failure_monitor_core::finding::{Outcome, Read as Counts};
use failure_monitor_core::key_use::KeyUse;
use failure_monitor_core::render::{csv, json, markdown, terminal};
use failure_monitor_core::report;
use failure_monitor_core::scan::Scan;
use failure_monitor_core::settings::{Filter, Settings};
use terminal_size::{Width, terminal_size};

use crate::clock;
use crate::config::Environment;
use crate::intake::live::{self, Live, Span};
use crate::intake::{local_file, s3_listing};
use crate::scan_files;

/// How many objects are fetched and read at once. Each thread holds one, and its text.
const S3_THREADS: usize = 8;

/// The width of text where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 80;

/// Scan CloudTrail files and client logs for refused credentials.
///
/// PATHs are files or folders with CloudTrail records in any form in which AWS delivers them: log
/// files (gzip or not), `aws cloudtrail lookup-events` output, EventBridge events, CloudWatch Logs
/// payloads, JSON Lines. `-` is standard input. Digest and Insights folders are passed over.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  failure-monitor scan AWSLogs/                        every record below a folder
  failure-monitor scan --since 7d --format json .      the last week, for another program
  failure-monitor scan --since 24h --from-s3 s3://example-trail/AWSLogs/
  failure-monitor scan --live --regions eu-central-1,us-east-1
  terraform apply 2>&1 | failure-monitor scan --text - what a failed run says

Exit codes: 0 done; 1 findings, with --exit-code; 2 something could not be read.")]
pub(super) struct Arguments {
    /// Files and folders with CloudTrail records; `-` for standard input.
    #[arg(value_name = "PATH", required_unless_present_any = ["text", "from_s3", "live"])]
    paths: Vec<PathBuf>,
    /// The log of a client (Terraform, AWS CLI, an SDK); `-` for standard input. Repeatable.
    #[arg(long, value_name = "FILE")]
    text: Vec<PathBuf>,
    /// Read the log files below s3://BUCKET/PREFIX, with credentials as the AWS CLI finds them; of a
    /// trail's folders only the days that --since and --until need. Repeatable.
    #[arg(long, value_name = "URL")]
    from_s3: Vec<String>,
    /// Read the account's event history by LookupEvents, with your own credentials: the last 24 hours,
    /// or from --since to --until. Needs cloudtrail:LookupEvents. Ctrl-C tells what was found so far.
    #[arg(long)]
    live: bool,
    /// With --live, the regions to read: the configured one and that of IAM (us-east-1) unless told.
    #[arg(long, value_name = "REGIONS", value_delimiter = ',', requires = "live")]
    regions: Vec<String>,
    /// With --live, the profile to use.
    #[arg(long, value_name = "PROFILE", requires = "live")]
    profile: Option<String>,
    /// Show failures from this time on: RFC 3339, or so long ago (24h, 7d).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Show failures up to this time: RFC 3339, or so long ago.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Show only this access key ID. Repeatable.
    #[arg(long, value_name = "ID")]
    access_key_id: Vec<String>,
    /// Show only calls from this source: an IP address, a service's DNS name, a log. Repeatable.
    #[arg(long, value_name = "SOURCE")]
    source: Vec<String>,
    /// Show only this account. Repeatable.
    #[arg(long, value_name = "ACCOUNT")]
    account: Vec<String>,
    /// Show only calls to this region. Repeatable.
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// Show only this origin. Repeatable.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    origin: Vec<Origin>,
    /// How long before a key was turned off a use counts as depending on it.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    look_back: TimeDelta,
    /// Group by the service called, too.
    #[arg(long)]
    group_by_event_source: bool,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Print whole access key IDs in tables and Markdown.
    #[arg(long)]
    unmask: bool,
    /// Exit with 1 when there are findings.
    #[arg(long)]
    exit_code: bool,
    /// The most bytes that one file may inflate to.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    max_inflated: u64,
    /// How many threads read files; all cores by default.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for a person, as wide as the terminal.
    Table,
    /// One JSON document (docs/scan.schema.json).
    Json,
    /// One JSON object a line.
    Jsonl,
    /// One row per finding, safe for spreadsheets.
    Csv,
    /// For tickets and CI job summaries.
    Markdown,
}

pub(super) fn run(arguments: &Arguments, environment: Environment) -> anyhow::Result<u8> {
    let now = clock::now();
    let from_stdin = |paths: &[PathBuf]| paths.iter().filter(|path| is_stdin(path)).count();
    if from_stdin(&arguments.paths) + from_stdin(&arguments.text) > 1 {
        bail!("standard input can be read once: give `-` as one PATH or one --text only");
    }
    let settings = settings(arguments, now)?;
    let days = s3_listing::Days::needed(&settings);
    let mut scan = Scan::new(settings.clone(), now);
    // A thread that waits for S3 leaves its core to another one.
    let threads = if arguments.from_s3.is_empty() { 0 } else { S3_THREADS };
    rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads.map_or(threads, usize::from))
        .build_global()
        .context("cannot start threads")?;

    let mut listing = local_file::list(&arguments.paths, io::stdin().lock());
    if !arguments.from_s3.is_empty() {
        s3_listing::list(&arguments.from_s3, &days, &mut listing)?;
        listing.sort();
    }
    scan.count(&local_file::not_read(&listing));
    for warning in &listing.warnings {
        scan.warn(warning.file.clone(), warning.reason.clone());
    }
    for path in &arguments.text {
        read_text(path, &mut scan);
    }
    // After standard input: once Ctrl-C has been asked for, it no longer ends the program.
    let live = read_live(arguments, &settings, now)?;
    for (region, look) in live.looks {
        scan.add(&format!("live: {region}"), look);
    }
    for (region, problem) in live.problems {
        scan.warn(region, problem);
    }
    scan.add_mints(live.mints);
    let mut scan = scan_files::scan(&listing, scan, arguments.max_inflated);
    let interest = scan.interest();
    let of_interest = |one: &KeyUse| interest.contains(&one.caller.access_key_id);
    scan.add_uses(live.uses.into_iter().filter(of_interest).collect());
    let outcome = scan.finish();

    super::print(&rendered(&outcome, arguments, environment, now))?;
    if arguments.format != Format::Table {
        for warning in &outcome.warnings {
            let line = format!("{}: {}", warning.file, warning.reason);
            tracing::warn!("{}", terminal::escape(&line));
        }
    }
    Ok(if !outcome.warnings.is_empty() {
        super::TROUBLE
    } else if arguments.exit_code && !outcome.findings.is_empty() {
        1
    } else {
        0
    })
}

/// What a live account shows; nothing without `--live`.
fn read_live(
    arguments: &Arguments,
    settings: &Settings,
    now: DateTime<Utc>,
) -> anyhow::Result<Live> {
    if !arguments.live {
        return Ok(Live::default());
    }
    let to = settings.filter.until.unwrap_or(now).min(now);
    let from = settings.filter.since.unwrap_or(to - TimeDelta::hours(24));
    live::read(&Span {
        profile: arguments.profile.as_deref(),
        regions: &arguments.regions,
        from,
        to,
        now,
        look_back: settings.look_back,
        filter: &settings.filter,
    })
    .context("--live")
}

fn rendered(
    outcome: &Outcome,
    arguments: &Arguments,
    environment: Environment,
    now: DateTime<Utc>,
) -> String {
    match arguments.format {
        Format::Table => {
            let on_terminal = io::stdout().is_terminal();
            let width = match terminal_size() {
                Some((Width(width), _)) if on_terminal => usize::from(width),
                _ => DEFAULT_WIDTH,
            };
            let options = terminal::Options {
                width,
                colour: on_terminal && !environment.no_colour,
                unmask: arguments.unmask,
                now,
            };
            terminal::render(outcome, &options)
        }
        Format::Json => json::json(outcome),
        Format::Jsonl => json::jsonl(outcome),
        Format::Csv => csv::render(outcome),
        Format::Markdown => {
            markdown::render(outcome, &markdown::Options { unmask: arguments.unmask, now })
        }
    }
}

fn settings(arguments: &Arguments, now: DateTime<Utc>) -> anyhow::Result<Settings> {
    let time = |name: &str, text: &Option<String>| {
        text.as_deref().map(|text| moment(text, now).context(name.to_owned())).transpose()
    };
    let since = time("--since", &arguments.since)?;
    let until = time("--until", &arguments.until)?;
    if let (Some(since), Some(until)) = (since, until)
        && since > until
    {
        bail!("--since ({since}) is later than --until ({until}): nothing can be between them");
    }
    Ok(Settings {
        look_back: arguments.look_back,
        group_by_event_source: arguments.group_by_event_source,
        filter: Filter {
            since,
            until,
            access_key_ids: arguments.access_key_id.iter().cloned().collect(),
            sources: arguments.source.iter().cloned().collect(),
            accounts: arguments.account.iter().cloned().collect(),
            regions: arguments.region.iter().cloned().collect(),
            origins: arguments.origin.iter().copied().collect(),
        },
    })
}

/// A time as written on the command line.
pub(super) fn moment(text: &str, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let ago = duration(text).map_err(|_| {
        anyhow::anyhow!(
            "{text:?} is neither a time (2026-01-02T03:04:05Z) nor a duration (90m, 24h, 7d)"
        )
    })?;
    now.checked_sub_signed(ago).context("this is before the calendar begins")
}

/// A duration as written on the command line.
pub(super) fn duration(text: &str) -> Result<TimeDelta, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|err| format!("{err}; write it like 90m, 24h or 7d"))?;
    TimeDelta::from_std(duration).map_err(|_| "this is too long".to_owned())
}

fn origin(text: &str) -> Result<Origin, String> {
    Origin::ALL
        .into_iter()
        .find(|origin| origin.name() == text)
        .ok_or_else(|| format!("write one of {}", Origin::ALL.map(Origin::name).join(", ")))
}

pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads a client's log into the scan.
pub(super) fn read_text(path: &Path, scan: &mut Scan) {
    let name = if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        fs::read(path).map(|read| bytes = read)
    };
    if let Err(err) = read {
        scan.count(&Counts { seen: 1, skipped: 1, ..Counts::default() });
        return scan.warn(name, format!("not read: {err}"));
    }
    let text = String::from_utf8_lossy(&bytes);
    scan.count(&Counts {
        files: 1,
        bytes: bytes.len() as u64,
        lines: text.lines().count() as u64,
        ..Counts::default()
    });
    let reports = report::parse(&text);
    for failure in report::to_failures(&reports, &name) {
        scan.add_failure(&failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_so_long_ago() {
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let at = |text| moment(text, now).map(|time| time.to_rfc3339());
        assert_eq!(at("2026-01-01T00:00:00+01:00").unwrap(), "2025-12-31T23:00:00+00:00");
        assert_eq!(at("24h").unwrap(), "2026-01-01T03:04:05+00:00");
        assert_eq!(at("7d").unwrap(), "2025-12-26T03:04:05+00:00");
        assert!(at("yesterday").unwrap_err().to_string().contains("24h"));
        assert!(at("999999999999d").is_err());
        assert!(at("100000000d").is_err());
    }
}
