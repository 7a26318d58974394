//! The shape of a summary, as programs get it: docs/summary.schema.json describes it.
//!
//! Access key IDs are whole here, and names are as strangers wrote them: masking and escaping are
//! for the media.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cause::{Confidence, Diagnosis};
use crate::group::Origins;
use crate::key_change::Change;
use crate::left_behind::{CallerUses, KeyChangeDetail, Resolved};
use crate::state::GroupId;

mod read;

pub use read::{Accounting, CoverageView, Cut};

/// Everything that is known about a window of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`super::SCHEMA`].
    pub schema: String,
    /// When it was made.
    pub generated: DateTime<Utc>,
    /// What it is about.
    pub window: WindowView,
    /// The only access key that it is about, where it was narrowed down to one.
    pub access_key_id: Option<String>,
    /// How things stand, in words.
    pub answer: Answer,
    /// How much of the window was read.
    pub reading: Reading,
    /// The numbers of the window.
    pub totals: Totals,
    /// Failures over time, a slot each, without gaps.
    pub timeline: Vec<Slot>,
    /// Failures by the most likely cause of their group, most failures first.
    pub causes: Vec<CauseCount>,
    /// Sources by access keys, those with most failures.
    pub matrix: Matrix,
    /// Incidents, what needs action first.
    pub incidents: Vec<IncidentView>,
    /// Groups, what needs action first.
    pub groups: Vec<GroupView>,
    /// Access keys, most failures first.
    pub access_keys: Vec<KeyCount>,
    /// Sources, most failures first.
    pub sources: Vec<SourceCount>,
    /// Key changes of the window, the latest first.
    pub key_changes: Vec<KeyChangeDetail>,
    /// Sessions of dead keys that still work, the longest first.
    pub live_sessions: Vec<LiveSession>,
    /// What each intake has read in each region.
    pub coverage: Vec<CoverageView>,
    /// How the numbers add up.
    pub accounting: Accounting,
    /// What the last self-test with a refused request showed.
    pub canary: Option<Value>,
    /// What could not be read for this summary, in sentences.
    pub problems: Vec<String>,
    /// What is missing here because an answer may be only so long.
    pub cut: Option<Cut>,
}

/// The window of a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowView {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// Its end, exclusive.
    pub to: DateTime<Utc>,
    /// The length of a slot of the timeline, in seconds.
    pub slot_seconds: i64,
    /// How it is called, such as `the last 24 hours`.
    pub name: Option<String>,
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// In one word.
    pub state: State,
    /// In one line without a full stop.
    pub headline: String,
    /// What to know before trusting it, in a sentence.
    pub caveat: String,
}

/// How things stand, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Somebody has to do something.
    NeedsAction,
    /// There were failures, and nothing is left to do.
    Handled,
    /// There are no failures in what was read.
    NoFailures,
    /// Nothing was read.
    NoData,
}

/// How much of the window was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// `complete`, `partial` or `nothing`.
    pub extent: Extent,
    /// The same in a sentence.
    pub sentence: String,
    /// Read completely up to this time, by everything that reads by itself.
    pub read_up_to: Option<DateTime<Utc>>,
    /// How much of the window is not read, in seconds, summed over regions.
    pub unread_seconds: i64,
}

/// How much of a window was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// All of it, but for what is too new.
    Complete,
    /// There are holes in it.
    Partial,
    /// Nothing of it.
    Nothing,
}

/// The numbers of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Failures by origin.
    pub failures: Origins,
    /// Access keys with failures.
    pub access_keys: u64,
    /// Sources with failures.
    pub sources: u64,
    /// Groups listed, those without failures in the window among them.
    pub groups: u64,
    /// Incidents that need action.
    pub need_action: u64,
    /// Incidents that nobody closed and that have no failures in the window.
    pub quiet: u64,
    /// Incidents that a rule says to ignore.
    pub ignored: u64,
    /// Incidents that are resolved.
    pub resolved: u64,
    /// Key changes.
    pub key_changes: u64,
    /// Sessions of dead keys that still work.
    pub live_sessions: u64,
}

/// The failures of one slot of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The beginning of the slot.
    pub at: DateTime<Utc>,
    /// Its failures.
    #[serde(flatten)]
    pub failures: Origins,
}

/// How a group or an incident stands; what comes first needs action first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Somebody has to do something.
    NeedsAction,
    /// Nobody closed it, and there are no failures of it in the window.
    Quiet,
    /// A rule says to ignore it.
    Ignored,
    /// A record proves that its callers work again.
    Resolved,
}

impl Standing {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Standing::NeedsAction => "needs action",
            Standing::Quiet => "quiet",
            Standing::Ignored => "ignored",
            Standing::Resolved => "resolved",
        }
    }
}

/// Failures with one likely cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseCount {
    /// The cause's ID; `None` for groups whose details are no longer kept.
    pub id: Option<String>,
    /// Its title.
    pub title: String,
    /// Failures in the window.
    pub failures: Origins,
    /// How many groups it is the most likely cause of.
    pub groups: u64,
}

/// Failures of one access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCount {
    /// The key; `None` for failures without one.
    pub access_key_id: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// Its owner, where known.
    pub user_name: Option<String>,
    /// Failures in the window.
    pub failures: Origins,
    /// How many sources they came from.
    pub sources: u64,
}

/// Failures from one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCount {
    /// The source.
    pub source: String,
    /// Failures in the window.
    pub failures: Origins,
    /// How many access keys it used.
    pub access_keys: u64,
}

/// Sources by access keys. The last column and row may stand for all others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// The columns; `None` for failures without a key.
    pub access_key_ids: Vec<Option<String>>,
    /// The rows.
    pub sources: Vec<String>,
    /// Whether a last column stands for all other keys.
    pub other_access_keys: bool,
    /// Whether a last row stands for all other sources.
    pub other_sources: bool,
    /// Failures of all origins, a list per row.
    pub failures: Vec<Vec<u64>>,
}

/// A cause by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortCause {
    /// Its ID.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How sure it is.
    pub confidence: Confidence,
}

/// What one person would handle at once: one access key, or one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentView {
    /// Its ID, the same as in alerts.
    pub id: String,
    /// How it stands.
    pub standing: Standing,
    /// The account, where known.
    pub account: Option<String>,
    /// The key, for an incident of a key.
    pub access_key_id: Option<String>,
    /// The key's owner, where known.
    pub user_name: Option<String>,
    /// The source, for an incident of a source.
    pub source: Option<String>,
    /// When it was first seen.
    pub opened: DateTime<Utc>,
    /// When it was resolved.
    pub resolved: Option<DateTime<Utc>>,
    /// The latest failure that is known of.
    pub last_failure: Option<DateTime<Utc>>,
    /// Since when callers are expected to fail.
    pub expected_since: Option<DateTime<Utc>>,
    /// What turned the key off.
    pub change: Option<Change>,
    /// Who did.
    pub changed_by: Option<String>,
    /// Alerts that were due so far.
    pub alerts: u32,
    /// When the last one was; `None`: nothing was told of it.
    pub last_alert: Option<DateTime<Utc>>,
    /// Failures in the window.
    pub failures: Origins,
    /// How many groups it has.
    pub groups: u64,
    /// Where the calls came from, most failures first; at most ten.
    pub sources: Vec<String>,
    /// How many sources there are.
    pub source_count: u64,
    /// What the callers are; at most ten.
    pub clients: Vec<String>,
    /// Who the callers are to AWS; at most ten.
    pub principals: Vec<String>,
    /// What explains it, most likely first.
    pub causes: Vec<Diagnosis>,
    /// Why no alert is sent, where a rule says so.
    pub ignored: Option<String>,
    /// What could not be read when it was explained, in sentences.
    pub unread: Vec<String>,
}

/// The failures of one access key from one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Its ID.
    pub id: GroupId,
    /// How it stands.
    pub standing: Standing,
    /// The incident that it belongs to.
    pub incident: String,
    /// The account, where known.
    pub account: Option<String>,
    /// The key; `None` where none was sent or none is known.
    pub access_key_id: Option<String>,
    /// The key's owner, where known.
    pub user_name: Option<String>,
    /// Where the calls came from.
    pub source: String,
    /// The service called, where that is told apart.
    pub event_source: Option<String>,
    /// Failures in the window.
    pub failures: Origins,
    /// Failures in the window by slot of the timeline; slots without any are left out.
    pub timeline: Vec<Slot>,
    /// The first recorded or reported failure ever.
    pub first_seen: Option<DateTime<Utc>>,
    /// The last.
    pub last_seen: Option<DateTime<Utc>>,
    /// Since when the callers are expected to fail.
    pub expected_since: Option<DateTime<Utc>>,
    /// The proof that they work again.
    pub resolved: Option<Resolved>,
    /// What the callers are; at most five.
    pub clients: Vec<String>,
    /// Who the callers are to AWS; at most five.
    pub principals: Vec<String>,
    /// Regions called; at most five.
    pub regions: Vec<String>,
    /// Services called; at most five.
    pub event_sources: Vec<String>,
    /// Error codes; at most five.
    pub codes: Vec<String>,
    /// What explains it; `None` where its details are no longer kept.
    pub cause: Option<ShortCause>,
    /// Why no alert is sent, where a rule says so.
    pub ignored: Option<String>,
}

/// A session that outlives the key it was minted with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSession {
    /// The session's own access key ID.
    pub access_key_id: String,
    /// The dead key.
    pub parent_access_key_id: String,
    /// The dead key's owner.
    pub user_name: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// What ended the key.
    pub change: Change,
    /// When.
    pub changed: DateTime<Utc>,
    /// How the session was minted, such as `GetSessionToken`.
    pub minted_by: String,
    /// When it ends; `None`: no record says so.
    pub ends: Option<DateTime<Utc>>,
    /// Who used it.
    pub callers: Vec<CallerUses>,
}
