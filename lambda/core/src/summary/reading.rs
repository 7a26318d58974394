//! How much of a window was read, and what can be said of it: no data is not "no failures".

use chrono::{DateTime, TimeDelta, Utc};

use super::Window;
use super::shape::{Answer, CoverageView, Extent, Reading, State, Summary};
use crate::render::{counted, duration, number};
use crate::state::{Coverage, TimeRange};

/// What is newer than this may still be on its way: CloudTrail takes 5 to 15 minutes, at times
/// longer (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html>).
pub const ON_ITS_WAY: TimeDelta = TimeDelta::minutes(30);
/// How many regions or intakes are named in a sentence.
const NAMED: usize = 4;

/// What was read of the window, as a whole and by intake.
pub(super) fn coverage(
    window: Window,
    coverage: &[Coverage],
    now: DateTime<Utc>,
) -> (Reading, Vec<CoverageView>) {
    let mut views: Vec<CoverageView> =
        coverage.iter().map(|coverage| view(window, coverage, now)).collect();
    views.sort_by(|a, b| {
        (a.read_up_to.is_none(), &a.intake, &a.region).cmp(&(
            b.read_up_to.is_none(),
            &b.intake,
            &b.region,
        ))
    });
    let due = window.to.min(now - ON_ITS_WAY).max(window.from);
    let length = window.length().num_seconds();
    let sweeps: Vec<&Coverage> =
        coverage.iter().filter(|coverage| coverage.read_up_to.is_some()).collect();
    let touched = |coverage: &&Coverage| unread(window, coverage, window.to) < length;
    let reading: Vec<&Coverage> = sweeps.iter().filter(|c| touched(c)).copied().collect();
    let sent: Vec<&Coverage> = coverage
        .iter()
        .filter(|coverage| coverage.read_up_to.is_none())
        .filter(|coverage| coverage.last_run.max(coverage.last_record) >= Some(window.from))
        .filter(|coverage| coverage.seen > coverage.skipped)
        .collect();
    let behind: Vec<&Coverage> =
        sweeps.iter().filter(|coverage| unread(window, coverage, due) > 0).copied().collect();
    let open = behind.iter().map(|coverage| unread(window, coverage, due)).sum::<i64>();
    let up_to = sweeps.iter().filter_map(|coverage| complete_to(coverage)).min();

    let extent = match (reading.is_empty(), sent.is_empty(), behind.is_empty()) {
        (true, true, _) => Extent::Nothing,
        (false, _, true) => Extent::Complete,
        _ => Extent::Partial,
    };
    let mut sentence = match extent {
        Extent::Nothing => "Nothing was read in this window".to_owned(),
        Extent::Complete => {
            let to = up_to.unwrap_or(window.to).min(window.to);
            format!("Read without a gap up to {} in {}", time(to), regions(&sweeps))
        }
        Extent::Partial if behind.is_empty() => String::new(),
        Extent::Partial => {
            let together = if behind.len() > 1 { " together" } else { "" };
            let open = duration(TimeDelta::seconds(open));
            format!("Not all was read: {open} are missing in {}{together}", regions(&behind))
        }
    };
    if !sent.is_empty() {
        let mut intakes: Vec<&str> = sent.iter().map(|coverage| intake(&coverage.intake)).collect();
        intakes.sort_unstable();
        intakes.dedup();
        let newest = sent.iter().filter_map(|coverage| coverage.last_record).max();
        let newest = match newest {
            Some(at) => format!(", the newest one of {}", time(at)),
            None => ", of what times is not known".to_owned(),
        };
        let also = format!("records came by {}{newest}", list(&intakes));
        sentence = if sentence.is_empty() {
            also.replacen("records", "Records", 1)
        } else {
            format!("{sentence}; {also}")
        };
    }
    sentence.push('.');
    let reading = Reading {
        extent,
        sentence,
        read_up_to: up_to,
        unread_seconds: views.iter().map(|view| view.unread_seconds).sum(),
    };
    (reading, views)
}

fn view(window: Window, coverage: &Coverage, now: DateTime<Utc>) -> CoverageView {
    CoverageView {
        intake: coverage.intake.clone(),
        region: coverage.region.clone(),
        since: coverage.since,
        read_up_to: coverage.read_up_to,
        lag_seconds: coverage.lag(now).num_seconds(),
        holes: coverage.holes.clone(),
        unread_seconds: match coverage.read_up_to {
            Some(_) => unread(window, coverage, window.to.min(now)),
            None => 0,
        },
        last_record: coverage.last_record,
        last_run: coverage.last_run,
        seen: coverage.seen,
        skipped: coverage.skipped,
        problem: coverage.problem.clone(),
    }
}

/// Up to when nothing is missing.
fn complete_to(coverage: &Coverage) -> Option<DateTime<Utc>> {
    coverage.holes.first().map(|hole| hole.from).or(coverage.read_up_to)
}

/// How many seconds of the window, up to a time, an intake has not read.
fn unread(window: Window, coverage: &Coverage, due: DateTime<Utc>) -> i64 {
    let whole = TimeRange { from: window.from, to: due };
    let Some(up_to) = coverage.read_up_to else { return overlap(whole, whole) };
    let since = coverage.since.unwrap_or(up_to);
    let before = TimeRange { from: window.from, to: since };
    let after = TimeRange { from: up_to.max(since), to: due };
    let holes = coverage.holes.iter().copied();
    let open = holes.chain([before, after]).map(|range| overlap(whole, range)).sum::<i64>();
    open.min(overlap(whole, whole))
}

fn overlap(a: TimeRange, b: TimeRange) -> i64 {
    (a.to.min(b.to) - a.from.max(b.from)).num_seconds().max(0)
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// An intake as people call it.
pub fn intake(name: &str) -> &str {
    match name {
        "sweep" => "LookupEvents",
        "eventbridge" => "EventBridge",
        "trail-file" => "trail files",
        "client-log" => "client logs",
        "report" => "reports",
        other => other,
    }
}

fn regions(coverage: &[&Coverage]) -> String {
    let mut regions: Vec<&str> = coverage
        .iter()
        .map(|coverage| match coverage.region.as_str() {
            "" => coverage.intake.as_str(),
            region => region,
        })
        .collect();
    regions.sort_unstable();
    regions.dedup();
    list(&regions)
}

fn list(names: &[&str]) -> String {
    let (named, more) = names.split_at(names.len().min(NAMED));
    let named = named.join(", ");
    match more.len() {
        0 => named,
        more => format!("{named} and {} more", number(more as u64)),
    }
}

/// The answer before anything is counted.
pub(super) fn undecided() -> Answer {
    Answer { state: State::NoData, headline: String::new(), caveat: String::new() }
}

/// How things stand.
pub(super) fn answer(summary: &Summary) -> Answer {
    let totals = &summary.totals;
    let failures = totals.failures.total();
    let nothing = summary.reading.extent == Extent::Nothing;
    let kept = totals.need_action + totals.ignored + totals.resolved + totals.quiet;
    let state = if totals.need_action > 0 {
        State::NeedsAction
    } else if failures == 0 && nothing {
        State::NoData
    } else if failures == 0 && kept == totals.quiet {
        State::NoFailures
    } else {
        State::Handled
    };
    let incidents = |count: u64| counted(count, "incident", "incidents");
    let mut rest: Vec<String> = [
        (totals.resolved, "resolved"),
        (totals.ignored, "ignored"),
        (totals.quiet, "quiet since before this window"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{} {what}", number(count)))
    .collect();
    let of_key = if summary.access_key_id.is_some() { " of this access key" } else { "" };
    let headline = match state {
        State::NeedsAction => {
            let verb = if totals.need_action == 1 { "needs" } else { "need" };
            format!("{} {verb} action", incidents(totals.need_action))
        }
        State::Handled => "Nothing needs action".to_owned(),
        State::NoFailures => format!("No failures{of_key} in what was read"),
        State::NoData => "No data: nothing was read in this window".to_owned(),
    };
    rest.insert(0, headline);
    let caveat = match (state, summary.reading.extent) {
        (State::NoData, _) => "This says nothing about failures: there is no data to judge by.",
        (_, Extent::Nothing) => {
            "Nothing was read in this window; what stands here was known before."
        }
        (_, Extent::Partial) => {
            "Perhaps not all of this window was read, and CloudTrail does not record most refused \
             requests: there may be more than this shows."
        }
        (State::NoFailures, _) => {
            "CloudTrail does not record most refused requests, so there may have been failures."
        }
        _ => "CloudTrail does not record most refused requests: there may be more than this shows.",
    };
    Answer { state, headline: rest.join(", "), caveat: caveat.to_owned() }
}
