//! The parts of a summary's shape that tell what it rests on: coverage, accounting, and what was cut.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::state::TimeRange;

/// What one intake has read in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageView {
    /// `sweep`, `eventbridge`, `trail-file`, `client-log` or `report`.
    pub intake: String,
    /// The region; empty where the intake has none.
    pub region: String,
    /// Since when it reads.
    pub since: Option<DateTime<Utc>>,
    /// Everything up to this time was read, but for the holes; `None` where records are sent.
    pub read_up_to: Option<DateTime<Utc>>,
    /// The age of the oldest moment that is not read, in seconds.
    pub lag_seconds: i64,
    /// What is not read, before `read_up_to`.
    pub holes: Vec<TimeRange>,
    /// How much of the window is not read, in seconds.
    pub unread_seconds: i64,
    /// The newest record read.
    pub last_record: Option<DateTime<Utc>>,
    /// When it last read anything.
    pub last_run: Option<DateTime<Utc>>,
    /// Records read since it began; a retry counts its records again.
    pub seen: u64,
    /// Records that could not be read.
    pub skipped: u64,
    /// Why the last run did not read everything.
    pub problem: Option<String>,
}

/// How the numbers add up: the buckets' sum is that of the groups and that of the timeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// Hour buckets with failures of the window.
    pub buckets: u64,
    /// Failures in them that are in the window.
    pub failures: u64,
    /// Failures of groups whose details are kept.
    pub explained: u64,
    /// Failures of groups whose details are no longer kept.
    pub without_details: u64,
    /// Records read by all intakes since they began.
    pub seen: u64,
    /// Records that they could not read.
    pub skipped: u64,
}

/// What is missing in a part of a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// In a sentence, for people.
    pub sentence: String,
    /// The first entry of all lists together that is here, from 0.
    pub first: u64,
    /// The first that is not here any more.
    pub end: u64,
    /// How many there are.
    pub of: u64,
    /// What to ask for to get the next part; `None`: this is the last.
    pub next: Option<String>,
}
