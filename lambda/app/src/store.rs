//! What is remembered between runs, and the promises of the place where it is kept.
//!
//! A store keeps [`Item`]s under two-part keys and changes several of them at once or not at all.
//! Everything else is built on that: `counting` counts each failure once, `typed` reads and writes
//! what the core remembers. Must not know failures, causes or alerts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use failure_monitor_core::failure::Origin;

mod counting;
pub mod dynamodb;
mod keys;
pub mod limits;
pub mod memory;
mod summary;
mod typed;

pub use counting::{Batch, Counted, Explain, count, note_sources};
pub use keys::Key;
pub use summary::{buckets, groups, material};
pub use typed::{Outgoing, Typed, Versioned};

/// Something that is kept: text that only its owner understands, with a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub key: Key,
    /// How often it was written; 0 for one that was not written yet. A write names the version it
    /// replaces.
    pub version: u64,
    /// What is kept, as JSON.
    pub json: String,
    /// When it may go.
    pub expires: Option<DateTime<Utc>>,
}

/// A counter that many may raise at once: a five-minute slot of an hour bucket, and an origin.
pub type Counter = (u8, Origin);

/// One change of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Marks an event ID as counted; refused where it is marked already.
    Claim {
        /// Where the mark is.
        key: Key,
        /// When it may go.
        expires: DateTime<Utc>,
    },
    /// Replaces an item; refused where its version is not the one that is kept.
    Put(Item),
    /// Raises counters, and writes what they belong to where they are new.
    Raise {
        /// Where the counters are.
        key: Key,
        /// What they belong to, as JSON.
        json: String,
        /// By how much.
        by: BTreeMap<Counter, u64>,
        /// When they may go.
        expires: DateTime<Utc>,
    },
    /// Takes an item away, whatever its version; nothing happens where there is none.
    Delete {
        /// Where it is.
        key: Key,
    },
}

/// Counters and what they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Where they are.
    pub key: Key,
    /// What they belong to, as JSON.
    pub json: String,
    /// The counts.
    pub counts: BTreeMap<Counter, u64>,
}

/// Why a transaction changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// These changes, by place, were refused: marks that are there already, versions that are not
    /// those kept. Read again and decide anew.
    #[error("{} of the changes do not fit what is kept", .0.len())]
    Unfit(Vec<usize>),
    /// The store did not answer, or not in time, after retries.
    #[error(transparent)]
    Unavailable(#[from] anyhow::Error),
}

/// A place where things are kept.
#[allow(async_fn_in_trait, reason = "used by generic code of this crate, on one thread")]
pub trait Store {
    /// The most changes that one transaction takes.
    const MOST_WRITES: usize = 100;

    /// The items under these keys, those that exist, in any order.
    async fn get(&self, keys: &[Key]) -> anyhow::Result<Vec<Item>>;

    /// The items of a partition whose sort keys lie between two, inclusive, in that order.
    async fn list(&self, partition: &str, from: &str, to: &str) -> anyhow::Result<Vec<Item>>;

    /// The counters of a partition whose sort keys lie between two, inclusive, in that order.
    async fn counters(&self, partition: &str, from: &str, to: &str) -> anyhow::Result<Vec<Raised>>;

    /// Makes all changes, or none. At most [`Store::MOST_WRITES`], each of another item.
    async fn transact(&self, writes: &[Write]) -> Result<(), Refused>;
}

#[cfg(test)]
pub(crate) mod tests;
