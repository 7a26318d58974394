//! The sweep: LookupEvents over all regions, what is cheap and urgent first.
//!
//! What could not be read in this run stays open, is said, and is read by the next. A span is closed
//! only after everything found in it was kept.

use std::collections::{BTreeSet, HashSet};

use aws_sdk_cloudtrail::types::LookupAttributeKey;
use chrono::{DateTime, Utc};
use failure_monitor_core::key_use::KeyUse;
use failure_monitor_core::look::FirstLook;
use failure_monitor_core::state::{Coverage, TimeRange};
use futures_util::future::join_all;
use tokio::time::{Duration, Instant};

use super::{Counts, Invocation, Monitor, Reading};
use crate::aws;
use crate::intake::lookup_events::{Pages, Query};
use crate::notify::Notifier;
use crate::store::{Key, Refused, Store, Versioned};

/// What is kept of the time for writing and sending after the last page.
const RESERVE: Duration = Duration::from_secs(10);
/// How many pages are read before what they showed is kept: two hundred records.
const PAGES: usize = 4;
/// The calls that change keys, asked for by name before everything else.
const KEY_CHANGES: [&str; 4] =
    ["UpdateAccessKey", "DeleteAccessKey", "CreateAccessKey", "DeleteUser"];
/// The name of this intake in the coverage.
pub(super) const SWEEP: &str = "sweep";
/// The name under which the search for key changes keeps its place.
const CHANGES: &str = "key-changes";

/// Callers and owners whose uses may show that they work again.
#[derive(Debug, Default)]
struct Wanted {
    places: HashSet<(String, Option<String>)>,
}

impl Wanted {
    fn wants(&self, one: &KeyUse) -> bool {
        let caller = &one.caller;
        self.places.contains(&(caller.source.clone(), caller.principal.clone()))
    }
}

impl<S: Store, N: Notifier> Monitor<S, N> {
    /// Reads what is new and what is still open, in every region.
    pub(super) async fn sweep(&self, run: &Invocation) -> anyhow::Result<Counts> {
        let left = run.deadline.saturating_duration_since(Instant::now());
        let deadline = run.deadline - RESERVE.min(left / 2);
        let mut counts = self.sweep_key_changes(run, deadline).await?;
        counts.merge(self.look_up_again(run, deadline).await?);
        let wanted = self.wanted().await?;
        let regions = self.lookup.regions();
        let swept = regions.map(|region| self.sweep_region(region, &wanted, run, deadline));
        let mut trouble = None;
        for swept in join_all(swept).await {
            match swept {
                Ok(more) => counts.merge(more),
                // One region in trouble must not keep the others' numbers from being told.
                Err(err) => {
                    tracing::error!("sweep: {err:#}");
                    counts.problems.push(format!("{err:#}"));
                    trouble = Some(err);
                }
            }
        }
        self.note_lag(run, &mut counts).await?;
        match trouble {
            Some(err) if counts.read.seen == 0 => Err(err),
            _ => Ok(counts),
        }
    }

    /// How far behind the sweep is, and how much it has not read.
    pub(super) async fn note_lag(
        &self,
        run: &Invocation,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        let (mut lag, mut holes) = (0, 0);
        for kept in self.typed.coverage().await? {
            let coverage = kept.value;
            if coverage.intake == SWEEP && self.settings.regions.contains(&coverage.region) {
                lag = lag.max(coverage.lag(run.now).num_seconds());
                holes += coverage.unread().num_seconds();
            }
        }
        counts.lag = Some(lag);
        counts.holes = Some(holes);
        Ok(())
    }

    /// The callers left behind that a sweep looks out for.
    async fn wanted(&self) -> anyhow::Result<Wanted> {
        let mut wanted = Wanted::default();
        for (_, findings) in self.watched().await? {
            let left = findings.into_iter().filter_map(|finding| finding.left_behind);
            for left in left.filter(|left| left.resolved.is_none()) {
                for caller in left.callers {
                    wanted.places.insert((left.source.clone(), caller.principal));
                }
            }
        }
        Ok(wanted)
    }

    /// Takes up look-ups that are open, or that are to be made again because records come late.
    async fn look_up_again(&self, run: &Invocation, deadline: Instant) -> anyhow::Result<Counts> {
        let mut counts = Counts::default();
        let mut touched = Default::default();
        let run = Invocation { deadline, ..run.clone() };
        for kept in self.typed.watches().await? {
            let due = !kept.value.unread_regions.is_empty()
                || kept.value.again_at.is_some_and(|again| again <= run.now)
                || kept.value.until <= run.now;
            if due && Instant::now() < deadline {
                self.look_up(kept, &run, &mut counts, &mut touched).await?;
            }
        }
        self.settle(touched, &run, &mut counts).await?;
        Ok(counts)
    }

    /// Asks for key changes by name, where IAM's records arrive.
    async fn sweep_key_changes(
        &self,
        run: &Invocation,
        deadline: Instant,
    ) -> anyhow::Result<Counts> {
        let region = aws::iam_region(&run.region);
        let mut counts = Counts::default();
        // Where IAM's region is not swept, key changes come by the queue only.
        if !self.settings.regions.iter().any(|swept| swept == region) {
            return Ok(counts);
        }
        let mut kept = self.typed.coverage_of(CHANGES, region).await?;
        let first = self.first(run);
        kept.value.open(first, run.now, self.settings.late);
        for hole in kept.value.holes.clone() {
            let mut look = FirstLook::default();
            let mut whole = true;
            for name in KEY_CHANGES {
                let attribute = Some((LookupAttributeKey::EventName, name.to_owned()));
                let query = Query { attribute, range: hole };
                let Some(mut pages) = self.lookup.pages(region, query, deadline) else { continue };
                while let Some(page) = pages.next().await {
                    page.records.into_iter().flatten().for_each(|record| look.take(&record));
                }
                if let Some(problem) = pages.problem() {
                    kept.value.problem = Some(problem.to_owned());
                    whole = false;
                }
            }
            // The same records are read, and accounted for, by the sweep of their region.
            look.read = Default::default();
            counts.merge(self.take(vec![Reading { look, uses: Vec::new() }], run).await?);
            if whole {
                kept.value.problem = None;
                kept.value.close(hole);
            }
        }
        self.save_coverage(kept).await?;
        Ok(counts)
    }

    fn first(&self, run: &Invocation) -> DateTime<Utc> {
        let back = run.now.checked_sub_signed(self.settings.initial_look_back);
        back.unwrap_or(run.now)
    }

    /// Reads all management records of a region's open spans, the newest span first.
    async fn sweep_region(
        &self,
        region: &str,
        wanted: &Wanted,
        run: &Invocation,
        deadline: Instant,
    ) -> anyhow::Result<Counts> {
        let mut counts = Counts::default();
        let mut kept = self.typed.coverage_of(SWEEP, region).await?;
        kept.value.open(self.first(run), run.now, self.settings.late);
        // What is open is written down first, so that a crash leaves the span open.
        kept = self.save_coverage(kept).await?;
        let mut holes = kept.value.holes.clone();
        holes.reverse();
        for hole in holes {
            let query = Query { attribute: None, range: hole };
            let Some(mut pages) = self.lookup.pages(region, query, deadline) else { break };
            loop {
                let (reading, spans, more) = read_some(&mut pages, wanted).await;
                let newest = newest(&reading);
                let (seen, skipped) = (reading.look.read.seen, reading.look.read.skipped);
                let taken = self.take(vec![reading], run).await?;
                let whole = taken.failed.is_empty();
                counts.merge(taken);
                if !whole {
                    anyhow::bail!("{region}: not everything that was read could be kept");
                }
                kept.value.last_record = kept.value.last_record.max(newest);
                kept.value.last_run = Some(run.now);
                kept.value.seen += seen;
                kept.value.skipped += skipped;
                spans.into_iter().for_each(|span| kept.value.close(span));
                kept.value.problem = pages.problem().map(str::to_owned);
                kept = self.save_coverage(kept).await?;
                if !more {
                    break;
                }
            }
            if let Some(problem) = pages.problem() {
                tracing::warn!(region, "sweep: {problem}");
                counts.problems.push(format!("{region}: {problem}"));
                break;
            }
        }
        Ok(counts)
    }

    /// Writes coverage down; where another sweep did so at the same time, what both have read.
    async fn save_coverage(
        &self,
        kept: Versioned<Coverage>,
    ) -> anyhow::Result<Versioned<Coverage>> {
        let key = Key::coverage(&kept.value.intake, &kept.value.region);
        match self.typed.put(key, &kept, None).await {
            Ok(()) => Ok(Versioned { version: kept.version + 1, value: kept.value }),
            // Theirs stays: at worst a span is read twice, and its failures are counted once.
            Err(Refused::Unfit(_)) => {
                self.typed.coverage_of(&kept.value.intake, &kept.value.region).await
            }
            Err(Refused::Unavailable(err)) => Err(err),
        }
    }
}

/// A few pages: what they show, the spans that are read with them, and whether there are more.
async fn read_some(pages: &mut Pages<'_>, wanted: &Wanted) -> (Reading, Vec<TimeRange>, bool) {
    let mut reading = Reading::default();
    let mut spans = Vec::new();
    for _ in 0..PAGES {
        let Some(page) = pages.next().await else { return (reading, spans, false) };
        spans.extend(page.read);
        for record in page.records {
            match record {
                Ok(record) => {
                    reading.look.take(&record);
                    reading.uses.extend(KeyUse::of(&record).filter(|one| wanted.wants(one)));
                }
                Err(reason) => reading.look.skip(reason),
            }
        }
    }
    (reading, spans, true)
}

fn newest(reading: &Reading) -> Option<DateTime<Utc>> {
    let failures = reading.look.failures.iter().filter_map(|failure| failure.time);
    let changes = reading.look.key_changes.iter().map(|change| change.time);
    let uses = reading.uses.iter().map(|one| one.time);
    let seen: BTreeSet<DateTime<Utc>> = failures.chain(changes).chain(uses).collect();
    seen.last().copied()
}
