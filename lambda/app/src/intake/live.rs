//! Reads every management record of a time span by LookupEvents, and, for keys that were turned
//! off or refused in it and users who were deleted in it, their uses in the look-back before it.
//! Must not judge records. What was not read is said.

use std::future;
use std::io::IsTerminal as _;

use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::key_change::Mint;
use failure_monitor_core::key_use::KeyUse;
use failure_monitor_core::look::FirstLook;
use failure_monitor_core::settings::Filter;
use failure_monitor_core::state::TimeRange;
use futures_util::future::join_all;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Duration, Instant};

use super::lookup_events::{LookupEvents, Query};
use crate::aws;

mod earlier;

use earlier::{Earlier, Plan};

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
    /// The present, from which the 90 days of history count.
    pub now: DateTime<Utc>,
    /// How far back from a key change its uses matter.
    pub look_back: TimeDelta,
    /// Of which refused keys the uses before are wanted.
    pub filter: &'a Filter,
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
/// Where there are no credentials, or nothing of the span is kept; whatever fails later is a problem in the answer.
pub fn read(span: &Span<'_>) -> anyhow::Result<Live> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(read_regions(span))
}

async fn read_regions(span: &Span<'_>) -> anyhow::Result<Live> {
    let oldest = span.now - KEPT;
    let from = span.from.max(oldest);
    if from > span.to {
        bail!(
            "CloudTrail keeps 90 days of event history, and nothing up to {} is in it: read the \
             trail's files",
            at(span.to)
        );
    }
    let config = aws::load(span.profile, None).await;
    let config = match config.region() {
        Some(_) => config,
        None => aws::in_region(&config, "us-east-1"),
    };
    need_credentials(&config).await?;
    let regions = regions(&config, span.regions);
    let lookup = LookupEvents::new(&config, &regions);
    let bars = MultiProgress::with_draw_target(if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(5)
    } else {
        ProgressDrawTarget::hidden()
    });
    let mut live = Live::default();
    if from > span.from {
        let why = format!("CloudTrail keeps 90 days of event history: read from {from} on only");
        live.problems.push(("live".to_owned(), why));
    }
    let range = TimeRange { from, to: span.to };
    let mut reading: Vec<OfRegion> =
        regions.iter().map(|name| OfRegion::new(name, span.to)).collect();
    let interrupt = interrupted();
    tokio::pin!(interrupt);
    // What was read is kept outside of what is dropped: throttling or a dead network hold nobody up.
    let stopped = tokio::select! {
        _ = join_all(reading.iter_mut().map(|one| one.read(&lookup, range, &bars))) => false,
        () = &mut interrupt => true,
    };
    for one in reading {
        let name = format!("live: {}", one.name);
        live.problems.extend(one.unread().map(|why| (name, why)));
        live.uses.extend(one.uses);
        live.looks.push((one.name, one.look));
    }
    let plan = Plan::new(&live, from, oldest, span.look_back, span.filter);
    let mut earlier: Vec<Earlier> = regions.iter().map(|name| Earlier::new(name)).collect();
    let stopped = !plan.is_empty()
        && (stopped
            || tokio::select! {
                () = plan.look_up(&lookup, &mut earlier, &bars) => false,
                () = &mut interrupt => true,
            });
    earlier.into_iter().for_each(|one| one.add_to(&mut live));
    live.problems.extend(plan.left_out.into_iter().map(|why| ("live".to_owned(), why)));
    if stopped {
        let why = format!(
            "stopped: not all uses before {} of keys turned off or refused were read",
            at(from)
        );
        live.problems.push(("live".to_owned(), why));
    }
    Ok(live)
}

/// Ends at Ctrl-C; never, where that cannot be heard.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        future::pending().await
    }
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
        let global = aws::iam_region(regions.first().map_or("", String::as_str));
        regions.push(global.to_owned());
    }
    regions.sort();
    regions.dedup();
    regions
}

/// The reading of a region, as far as it has come.
struct OfRegion {
    name: String,
    look: FirstLook,
    uses: Vec<KeyUse>,
    reached: DateTime<Utc>,
    ended: bool,
    problem: Option<String>,
}

impl OfRegion {
    fn new(name: &str, to: DateTime<Utc>) -> OfRegion {
        OfRegion {
            name: name.to_owned(),
            look: FirstLook::default(),
            uses: Vec::new(),
            reached: to,
            ended: false,
            problem: None,
        }
    }

    /// What was not read, and why.
    fn unread(&self) -> Option<String> {
        let why = self.problem.as_deref().or((!self.ended).then_some("stopped"))?;
        Some(format!("{why}; not read before {}", at(self.reached)))
    }

    async fn read(&mut self, lookup: &LookupEvents, range: TimeRange, bars: &MultiProgress) {
        let bar = spinner(bars, &self.name);
        let mut requests = 0_u64;
        let query = Query { attribute: None, range };
        let Some(mut pages) = lookup.pages(&self.name, query, Instant::now() + PATIENCE) else {
            return;
        };
        while let Some(page) = pages.next().await {
            requests += 1;
            for record in page.records {
                match record {
                    Ok(record) => {
                        let time = record.time().unwrap_or(self.reached);
                        self.reached = self.reached.min(time);
                        self.look.take(&record);
                        self.uses.extend(KeyUse::of(&record));
                    }
                    Err(reason) => self.look.skip(reason),
                }
            }
            bar.set_message(format!(
                "{} records back to {}, {}",
                self.look.read.seen,
                at(self.reached),
                left(requests, range, self.reached)
            ));
            bar.tick();
        }
        bar.finish_and_clear();
        self.problem = pages.problem().map(str::to_owned);
        self.ended = true;
    }
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

/// What shows how far the reading of a region has come.
fn spinner(bars: &MultiProgress, region: &str) -> ProgressBar {
    let bar = bars.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(region.to_owned());
    bar
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
