//! A live account, read with a person's own credentials: the sweep of the monitor without a monitor.
//!
//! Reads every management record of a time span by LookupEvents, and for keys that were turned off
//! in it, their uses in the look-back before it. Must not judge records. What was not read is said.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_cloudtrail::types::LookupAttributeKey;
use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::key_change::{self, Change, Mint};
use failure_monitor_core::key_use::KeyUse;
use failure_monitor_core::look::FirstLook;
use failure_monitor_core::state::TimeRange;
use futures_util::future::join_all;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use super::lookup_events::{LookupEvents, Query};
use crate::aws;

/// Longer than anybody waits; a person stops it with Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long LookupEvents keeps records.
const KEPT: TimeDelta = TimeDelta::days(90);

/// What to read.
#[derive(Debug)]
pub struct Span<'a> {
    /// The profile, where not the usual one.
    pub profile: Option<&'a str>,
    /// The regions; none for the configured one and us-east-1.
    pub regions: &'a [String],
    /// From when on.
    pub from: DateTime<Utc>,
    /// Up to when.
    pub to: DateTime<Utc>,
    /// How far back from a key change its uses matter.
    pub look_back: TimeDelta,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Live {
    /// A first look for each region, with its name.
    pub looks: Vec<(String, FirstLook)>,
    /// All successful uses; those of interest are chosen when all changes are known.
    pub uses: Vec<KeyUse>,
    /// Sessions minted, among the uses looked up by key.
    pub mints: Vec<Mint>,
    /// What was not read, by region.
    pub problems: Vec<(String, String)>,
}

/// Reads an account.
///
/// # Errors
///
/// Where there are no credentials or no region; whatever fails later is a problem in the answer.
pub fn read(span: &Span<'_>) -> anyhow::Result<Live> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(read_regions(span))
}

async fn read_regions(span: &Span<'_>) -> anyhow::Result<Live> {
    let config = aws::load(span.profile, None).await;
    let config = match config.region() {
        Some(_) => config,
        None => aws::in_region(&config, "us-east-1"),
    };
    need_credentials(&config).await?;
    let regions = regions(&config, span.regions);
    let lookup = LookupEvents::new(&config, &regions);
    let (stop, stopped) = watch::channel(false);
    let bars = MultiProgress::with_draw_target(if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(5)
    } else {
        ProgressDrawTarget::hidden()
    });
    let mut live = Live::default();
    let from = span.from.max(span.to - KEPT);
    if from > span.from {
        let why = format!("CloudTrail keeps 90 days of event history: read from {from} on only");
        live.problems.push(("live".to_owned(), why));
    }
    let range = TimeRange { from, to: span.to };
    let reading = join_all(
        regions.iter().map(|region| read_region(&lookup, region, range, stopped.clone(), &bars)),
    );
    tokio::pin!(reading);
    let read = tokio::select! {
        read = &mut reading => read,
        // What was read until now is told; a request under way is the last one.
        _ = tokio::signal::ctrl_c() => {
            let _ = stop.send(true);
            reading.await
        }
    };
    for (region, look, uses, problem) in read {
        live.uses.extend(uses);
        live.problems.extend(problem.map(|problem| (format!("live: {region}"), problem)));
        live.looks.push((region, look));
    }
    earlier_uses(&lookup, &regions, from, span.look_back, &stopped, &mut live).await;
    Ok(live)
}

async fn need_credentials(config: &SdkConfig) -> anyhow::Result<()> {
    let advice = "no credentials: set AWS_PROFILE, run `aws sso login` or `aws configure`, or name \
                  a profile with --profile";
    let provider = config.credentials_provider().context(advice)?;
    provider.provide_credentials().await.map(drop).context(advice)
}

fn regions(config: &SdkConfig, asked: &[String]) -> Vec<String> {
    let mut regions = asked.to_vec();
    if regions.is_empty() {
        regions.extend(config.region().map(ToString::to_string));
        // IAM and global STS are recorded there.
        regions.push("us-east-1".to_owned());
    }
    regions.sort();
    regions.dedup();
    regions
}

type OfRegion = (String, FirstLook, Vec<KeyUse>, Option<String>);

async fn read_region(
    lookup: &LookupEvents,
    region: &str,
    range: TimeRange,
    stopped: watch::Receiver<bool>,
    bars: &MultiProgress,
) -> OfRegion {
    let bar = bars.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(region.to_owned());
    let mut look = FirstLook::default();
    let mut uses = Vec::new();
    let mut reached = range.to;
    let mut requests = 0_u64;
    let query = Query { attribute: None, range };
    let Some(mut pages) = lookup.pages(region, query, Instant::now() + PATIENCE) else {
        return (region.to_owned(), look, uses, None);
    };
    let mut problem = None;
    loop {
        if *stopped.borrow() {
            problem = Some(format!("stopped: not read before {}", at(reached)));
            break;
        }
        let Some(page) = pages.next().await else { break };
        requests += 1;
        for record in page.records {
            match record {
                Ok(record) => {
                    reached = record.time().map_or(reached, |time| reached.min(time));
                    look.take(&record);
                    uses.extend(KeyUse::of(&record));
                }
                Err(reason) => look.skip(reason),
            }
        }
        bar.set_message(format!(
            "{} records back to {}, {}",
            look.read.seen,
            at(reached),
            left(requests, range, reached)
        ));
        bar.tick();
    }
    bar.finish_and_clear();
    let problem = problem
        .or_else(|| pages.problem().map(|why| format!("{why}; not read before {}", at(reached))));
    (region.to_owned(), look, uses, problem)
}

/// How many requests are left, were the records before as dense as those read: two a second.
fn left(requests: u64, range: TimeRange, reached: DateTime<Utc>) -> String {
    let (whole, done) = (range.length().num_seconds(), (range.to - reached).num_seconds());
    if done < whole / 200 {
        return "too early to say how much is left".to_owned();
    }
    let left = requests.saturating_mul((whole - done).max(0) as u64) / done.max(1) as u64;
    let seconds = Duration::from_secs(left.div_ceil(2));
    format!("about {left} requests left, {}", humantime::format_duration(seconds))
}

fn at(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The uses, before the span, of keys that were turned off in it.
async fn earlier_uses(
    lookup: &LookupEvents,
    regions: &[String],
    from: DateTime<Utc>,
    look_back: TimeDelta,
    stopped: &watch::Receiver<bool>,
    live: &mut Live,
) {
    let off = |change: &&key_change::KeyChange| {
        matches!(change.change, Change::Deactivated | Change::Deleted)
    };
    let changes: Vec<(String, DateTime<Utc>)> = live
        .looks
        .iter()
        .flat_map(|(_, look)| look.key_changes.iter().filter(off))
        .filter_map(|change| Some((change.access_key_id.clone()?, change.time)))
        .collect();
    for (access_key_id, time) in changes {
        let first = time.checked_sub_signed(look_back).unwrap_or(from);
        if first >= from {
            continue;
        }
        for region in regions {
            let attribute = Some((LookupAttributeKey::AccessKeyId, access_key_id.clone()));
            let query = Query { attribute, range: TimeRange { from: first, to: from } };
            let Some(mut pages) = lookup.pages(region, query, Instant::now() + PATIENCE) else {
                continue;
            };
            while !*stopped.borrow()
                && let Some(page) = pages.next().await
            {
                for record in page.records.iter().flatten() {
                    live.uses.extend(KeyUse::of(record));
                    live.mints.extend(key_change::mint(record));
                }
            }
            if let Some(problem) = pages.problem() {
                let why = format!("earlier uses of a key that was turned off: {problem}");
                live.problems.push((format!("live: {region}"), why));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_follows_the_time_that_is_covered() {
        let to: DateTime<Utc> = "2026-01-02T00:00:00Z".parse().unwrap();
        let range = TimeRange { from: to - TimeDelta::hours(24), to };
        assert_eq!(left(10, range, to), "too early to say how much is left");
        assert_eq!(left(10, range, to - TimeDelta::hours(6)), "about 30 requests left, 15s");
        assert_eq!(left(40, range, range.from), "about 0 requests left, 0s");
    }
}
