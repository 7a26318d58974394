//! The recent-failure summary: everything that is known about a window of time, in one shape.
//!
//! Built from hour buckets and from what is remembered of groups, incidents, keys and coverage, so
//! that it costs nothing per failure. All numbers of the window come from buckets: the counters of
//! a group go back to its first failure. Must not know where any of it is kept, nor media.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::alert::Incident;
use crate::left_behind::KeyChangeDetail;
use crate::state::{Bucket, Coverage, StoredFinding};

mod build;
mod incidents;
mod page;
mod reading;
mod shape;
#[cfg(test)]
pub(crate) mod tests;

pub use build::build;
pub use page::{Continuation, WHOLE};
pub use reading::{ON_ITS_WAY, intake};
pub use shape::{
    Accounting, Answer, CauseCount, CoverageView, Cut, Extent, GroupView, IncidentView, KeyCount,
    LiveSession, Matrix, Reading, ShortCause, Slot, SourceCount, Standing, State, Summary, Totals,
    WindowView,
};

/// The version of the machine output.
pub const SCHEMA: &str = "failure-monitor/summary/1";

/// What failures are counted in.
const FIVE_MINUTES: TimeDelta = TimeDelta::minutes(5);
/// The longest window: what is kept goes back no further.
const LONGEST: TimeDelta = TimeDelta::days(400);

/// A stretch of time that is summarised.
///
/// Failures are counted in five minutes: those that begin in the window belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its beginning, a multiple of five minutes.
    pub from: DateTime<Utc>,
    /// Its end, exclusive.
    pub to: DateTime<Utc>,
}

impl Window {
    /// The time since then, up to now.
    pub fn last(duration: TimeDelta, now: DateTime<Utc>) -> Window {
        Window { from: five_minutes(now - duration), to: now }
    }

    /// A stretch with both ends given.
    ///
    /// # Errors
    ///
    /// Says in a sentence why this is no window.
    pub fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Window, String> {
        if from >= to {
            return Err(format!("the window ends ({to}) before it begins ({from})"));
        }
        if to - from > LONGEST {
            return Err(format!("a window may have {} days at most", LONGEST.num_days()));
        }
        Ok(Window { from: five_minutes(from), to })
    }

    /// So long ago up to now, as `90m`, `24h`, `7d` or `2w`.
    ///
    /// # Errors
    ///
    /// Says in a sentence why this is no duration.
    pub fn parse(text: &str, now: DateTime<Utc>) -> Result<Window, String> {
        let wrong = || format!("{text:?} is no duration: write it like 1h, 24h, 7d or 90d");
        let (digits, minutes) = match text.as_bytes().last() {
            Some(b'm') => (&text[..text.len() - 1], 1),
            Some(b'h') => (&text[..text.len() - 1], 60),
            Some(b'd') => (&text[..text.len() - 1], 24 * 60),
            Some(b'w') => (&text[..text.len() - 1], 7 * 24 * 60),
            _ => return Err(wrong()),
        };
        let count: u32 = digits.parse().map_err(|_| wrong())?;
        if count == 0 || digits.starts_with('+') {
            return Err(wrong());
        }
        Window::between(now - TimeDelta::minutes(i64::from(count) * minutes), now)
    }

    /// How long it is.
    pub fn length(&self) -> TimeDelta {
        self.to - self.from
    }

    /// How long a slot of its timeline is: five minutes, an hour or a day.
    pub fn slot(&self) -> TimeDelta {
        // A little more than six hours and eight days: `from` was rounded down.
        match self.length().num_minutes() {
            ..371 => FIVE_MINUTES,
            371..11_531 => TimeDelta::hours(1),
            _ => TimeDelta::days(1),
        }
    }

    /// The beginnings of the slots of its timeline, each a multiple of their length.
    pub fn slots(&self) -> Vec<DateTime<Utc>> {
        let slot = self.slot();
        let mut at = self.from.duration_trunc(slot).unwrap_or(self.from);
        let mut slots = Vec::new();
        while at < self.to {
            slots.push(at);
            at += slot;
        }
        slots
    }

    /// The place in [`Window::slots`] of a time; `None` outside.
    fn place(&self, time: DateTime<Utc>) -> Option<usize> {
        if time < self.from || time >= self.to {
            return None;
        }
        let first = self.from.duration_trunc(self.slot()).unwrap_or(self.from);
        usize::try_from((time - first).num_seconds() / self.slot().num_seconds()).ok()
    }

    /// How it is called: `the last 24 hours`, where it has a round length, and nothing otherwise.
    fn name(&self) -> Option<String> {
        // `from` was rounded down.
        let minutes = self.length().num_minutes();
        let near = |round: i64| (round..round + 5).contains(&minutes);
        let counted = |count: i64, unit: &str| match count {
            1 => format!("the last {unit}"),
            _ => format!("the last {count} {unit}s"),
        };
        (1..=400)
            .find(|days| *days > 1 && near(days * 24 * 60))
            .map(|days| counted(days, "day"))
            .or_else(|| (1..=72).find(|hours| near(hours * 60)).map(|hours| counted(hours, "hour")))
    }
}

fn five_minutes(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(FIVE_MINUTES).unwrap_or(time)
}

/// What a summary is made of.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// The hour buckets of the window; others are left out of account.
    pub buckets: Vec<Bucket>,
    /// What is known of the groups of those buckets and of the incidents.
    pub findings: Vec<StoredFinding>,
    /// Every incident that is kept.
    pub incidents: Vec<Incident>,
    /// Key changes of the window, and earlier ones whose sessions may still be live.
    pub key_changes: Vec<KeyChangeDetail>,
    /// What was read, and what was not.
    pub coverage: Vec<Coverage>,
    /// What the last self-test with a refused request showed.
    pub canary: Option<serde_json::Value>,
    /// What could not be read for this summary, in sentences.
    pub problems: Vec<String>,
}
