//! What has been read and what has not: per intake and region, times read up to, and holes.
//!
//! Must not know how it is read.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A span of time, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimeRange {
    /// The first moment.
    pub from: DateTime<Utc>,
    /// The last moment.
    pub to: DateTime<Utc>,
}

impl TimeRange {
    /// How long it is.
    pub fn length(&self) -> TimeDelta {
        self.to - self.from
    }
}

/// What one intake has read in one region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// `sweep`, `eventbridge`, `trail-file`, `client-log` or `report`.
    pub intake: String,
    /// The region; empty where an intake has none.
    pub region: String,
    /// Everything up to this time was read, but for the holes. `None`: the intake cannot know,
    /// because records are sent to it.
    pub read_up_to: Option<DateTime<Utc>>,
    /// Since when it reads.
    pub since: Option<DateTime<Utc>>,
    /// Time spans before `read_up_to` that are not read yet, by time.
    pub holes: Vec<TimeRange>,
    /// The time of the newest record read.
    pub last_record: Option<DateTime<Utc>>,
    /// When it last read anything, successfully.
    pub last_run: Option<DateTime<Utc>>,
    /// Records read, those that could not be read among them. Counted at least once: a retry
    /// counts its records again.
    pub seen: u64,
    /// Records that could not be read.
    pub skipped: u64,
    /// Why the last run did not read everything, in a sentence.
    pub problem: Option<String>,
}

impl Coverage {
    /// Takes a span to be read: from where it was read up to (or from `first`, in the first run)
    /// to `to`. What was read of the newest part is opened again, because records come late.
    pub fn open(&mut self, first: DateTime<Utc>, to: DateTime<Utc>, late: TimeDelta) {
        // What lies ahead cannot have been read: a clock that ran ahead said so.
        self.read_up_to = self.read_up_to.map(|up_to| up_to.min(to));
        self.holes.retain(|hole| hole.from <= to);
        self.holes.iter_mut().for_each(|hole| hole.to = hole.to.min(to));
        let from = match self.read_up_to {
            Some(up_to) => (up_to - late).max(self.since.unwrap_or(first)).min(to),
            None => first,
        };
        self.since = Some(self.since.map_or(from, |since| since.min(from)));
        if from <= to {
            self.holes.push(TimeRange { from, to });
            self.read_up_to = Some(to);
        }
        self.tidy();
    }

    /// Notes that a span was read.
    pub fn close(&mut self, read: TimeRange) {
        let second = TimeDelta::seconds(1);
        let mut left = Vec::with_capacity(self.holes.len() + 1);
        for hole in &self.holes {
            if read.to < hole.from || hole.to < read.from {
                left.push(*hole);
                continue;
            }
            // Records carry whole seconds.
            if hole.from < read.from {
                left.push(TimeRange { from: hole.from, to: read.from - second });
            }
            if read.to < hole.to {
                left.push(TimeRange { from: read.to + second, to: hole.to });
            }
        }
        self.holes = left;
        self.tidy();
    }

    /// Sorts the holes and joins those that touch.
    fn tidy(&mut self) {
        self.holes.sort();
        let mut joined: Vec<TimeRange> = Vec::with_capacity(self.holes.len());
        for hole in &self.holes {
            match joined.last_mut() {
                Some(last) if hole.from <= last.to + TimeDelta::seconds(1) => {
                    last.to = last.to.max(hole.to);
                }
                _ => joined.push(*hole),
            }
        }
        self.holes = joined;
    }

    /// How far behind reading is: the age of the oldest moment not read; zero for an intake that
    /// records are sent to.
    pub fn lag(&self, now: DateTime<Utc>) -> TimeDelta {
        let oldest = self.holes.first().map(|hole| hole.from).or(self.read_up_to);
        oldest.map_or(TimeDelta::zero(), |oldest| (now - oldest).max(TimeDelta::zero()))
    }

    /// How much time is not read, before `read_up_to`.
    pub fn unread(&self) -> TimeDelta {
        self.holes.iter().map(TimeRange::length).sum()
    }
}
