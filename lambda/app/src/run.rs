//! What the monitor does with what was read: note key changes, count, explain, decide, send.
//!
//! # Order, and why
//!
//! 1. **Key changes** are noted, and what is to be looked up for them is written down as a watch.
//!    A crash later leaves the watch, which the next sweep takes up.
//! 2. **Failures** are counted: mark, finding and hour bucket in one transaction. A crash later
//!    brings the records back (the queue, or a range of the sweep that is still open); they are
//!    duplicates then, but the findings that they belong to are looked at all the same.
//! 3. **Incidents** are decided on. The new state of an incident and the message that is due are
//!    written in one transaction, so there is never one without the other.
//! 4. **Messages** are sent, each under a lease, and taken out of the outbox after SNS accepted
//!    them. A crash between the two sends a message again, with the same `alert_id`.
//! 5. Only then the queue is told that messages are done, or a range of the sweep is closed.
//!
//! Nothing is ever marked as done before it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_config::SdkConfig;
use chrono::{DateTime, Utc};
use failure_monitor_core::key_use::KeyUse;
use failure_monitor_core::look::FirstLook;
use failure_monitor_core::state::{GroupId, StoredFinding};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::config::function::Monitor as Settings;
use crate::intake::lookup_events::LookupEvents;
use crate::notify::{Notifier, sns::Sns};
use crate::store::{Batch, Store, Typed, note_sources};

mod alerts;
mod changes;
mod counts;
mod delivery;
mod facts;
pub mod handler;
mod knowing;
mod metrics;
mod sweep;
mod tasks;

pub use counts::Counts;

/// One invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The time, read once.
    pub now: DateTime<Utc>,
    /// When it must have ended.
    pub deadline: Instant,
    /// The function's own account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its partition, such as `aws`.
    pub partition: String,
}

/// Something that an intake has read.
#[derive(Debug, Default)]
pub struct Reading {
    /// What came to light.
    pub look: FirstLook,
    /// Successful uses that may show that a caller works again.
    pub uses: Vec<KeyUse>,
}

/// The monitor with everything it works on.
#[derive(Debug, Clone)]
pub struct Monitor<S, N = Sns> {
    settings: Settings,
    typed: Typed<S>,
    config: SdkConfig,
    iam: aws_sdk_iam::Client,
    s3: aws_sdk_s3::Client,
    notifier: N,
    lookup: Arc<LookupEvents>,
    /// Member accounts that were entered in this invocation, or why not.
    members: Arc<Mutex<Members>>,
}

/// Member accounts by ID.
type Members = HashMap<String, Result<Arc<Member>, String>>;

/// A member account, entered through its role.
#[derive(Debug)]
struct Member {
    iam: aws_sdk_iam::Client,
    lookup: LookupEvents,
}

impl<S: Store> Monitor<S> {
    /// A monitor; nothing is asked of AWS yet.
    pub fn new(settings: Settings, config: SdkConfig, store: S) -> Monitor<S> {
        Monitor {
            typed: Typed {
                store,
                marks_for: settings.marker_ttl,
                findings_for: settings.finding_ttl,
            },
            iam: aws_sdk_iam::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            notifier: Sns::new(&config, &settings.topic_arn),
            lookup: Arc::new(LookupEvents::new(&config, &settings.regions)),
            members: Arc::default(),
            settings,
            config,
        }
    }
}

#[cfg(test)]
impl<S: Store> Monitor<S> {
    fn with_notifier<N>(self, notifier: N) -> Monitor<S, N> {
        let Monitor { settings, typed, config, iam, s3, lookup, members, .. } = self;
        Monitor { settings, typed, config, iam, s3, notifier, lookup, members }
    }
}

impl<S: Store, N: Notifier> Monitor<S, N> {
    /// The same monitor with another view of its store, such as one with a deadline.
    #[must_use]
    pub fn with_store(self, view: impl FnOnce(S) -> S) -> Monitor<S, N> {
        let Typed { store, marks_for, findings_for } = self.typed;
        Monitor { typed: Typed { store: view(store), marks_for, findings_for }, ..self }
    }

    /// Takes in what was read.
    ///
    /// # Errors
    ///
    /// Where something could not be kept: whatever was read must be read again. What could not be
    /// counted is in `failed`, and is no error.
    pub async fn take(&self, readings: Vec<Reading>, run: &Invocation) -> anyhow::Result<Counts> {
        let mut counts = Counts::default();
        let mut failures = Vec::new();
        let mut changes = Vec::new();
        let mut mints = Vec::new();
        let mut uses = Vec::new();
        let mut owners = BTreeMap::new();
        for reading in readings {
            counts.read.merge(&reading.look.read);
            counts.note_problems(&reading.look.problems);
            failures.extend(reading.look.failures);
            failures.extend(reading.look.reports);
            changes.extend(reading.look.key_changes);
            mints.extend(reading.look.mints);
            uses.extend(reading.uses);
            owners.extend(reading.look.owners.into_iter().map(|(key, (_, user))| (key, user)));
        }
        let off = self.note_changes(&changes, run).await?;

        let sources = note_sources(&self.typed, &failures, run.now).await?;
        let known = self.knowing(&failures, &[]).await?.with_sources(sources).with_owners(owners);
        let batch = Batch { failures, left_behind: Vec::new() };
        let mut touched = BTreeMap::new();
        self.count(&batch, &known, &[], run, &mut counts, &mut touched).await;

        for watch in off {
            self.look_up(watch, run, &mut counts, &mut touched).await?;
        }
        self.note_works(&changes, &mints, &uses, run, &mut counts, &mut touched).await?;
        self.settle(touched, run, &mut counts).await?;
        Ok(counts)
    }

    /// Counts and explains, and notes which findings were touched.
    async fn count(
        &self,
        batch: &Batch,
        known: &knowing::Known,
        unread: &[String],
        run: &Invocation,
        counts: &mut Counts,
        touched: &mut BTreeMap<GroupId, StoredFinding>,
    ) {
        if batch.failures.is_empty() && batch.left_behind.is_empty() {
            return;
        }
        let explain = |finding: &mut StoredFinding| {
            if finding.left_behind.is_some() && !batch.left_behind.is_empty() {
                finding.unread = unread.to_vec();
            }
            known.explain(finding, &self.settings.policy, run.now);
        };
        let by_event_source = self.settings.group_by_event_source;
        let counted =
            crate::store::count(&self.typed, batch, by_event_source, run.now, &explain).await;
        counts.counted(batch, counted, touched);
    }

    /// The IDs of findings, read anew.
    async fn findings(&self, ids: &BTreeSet<GroupId>) -> anyhow::Result<Vec<StoredFinding>> {
        let ids: Vec<GroupId> = ids.iter().cloned().collect();
        Ok(self.typed.findings(&ids).await?.into_iter().map(|kept| kept.value).collect())
    }
}

#[cfg(test)]
mod tests;
