//! The kinds of work that the monitor is called for.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::alert;
use failure_monitor_core::explain;
use failure_monitor_core::look::FirstLook;
use failure_monitor_core::render::message;
use failure_monitor_core::render::summary::{Options, digest};
use failure_monitor_core::report;
use failure_monitor_core::state::Coverage;
use failure_monitor_core::summary::{self, Window};
use serde_json::{Value, json};

use super::{Counts, Invocation, Monitor, Reading};
use crate::intake::local_file::Reader;
use crate::intake::message::{Held, held};
use crate::intake::{client_log, s3_log_file};
use crate::notify::Notifier;
use crate::store::{Key, Store, material};

/// The end of a window is exclusive, and what happens in this second belongs to it.
const WITH_NOW: TimeDelta = TimeDelta::seconds(1);
/// Texts up to this many bytes are read whole: a small function must hold one beside everything
/// else.
const LARGEST_WHOLE: u64 = 64 << 20;

/// A message of a batch, taken apart.
struct Taken {
    id: String,
    /// The event IDs of its failures: where one cannot be counted, the message comes back.
    failures: Vec<String>,
    /// It must come back in any case.
    failed: bool,
}

impl<S: Store, N: Notifier> Monitor<S, N> {
    /// Takes a batch of the queue; returns the counts and the IDs of messages that must come back.
    pub(super) async fn batch(
        &self,
        messages: &[Value],
        run: &Invocation,
    ) -> anyhow::Result<(Counts, Vec<String>)> {
        let mut readings = Vec::new();
        let mut taken = Vec::new();
        let mut coverage: BTreeMap<(&'static str, String), Coverage> = BTreeMap::new();
        let mut counts = Counts::default();
        for message in messages {
            let id = message["messageId"].as_str().unwrap_or_default().to_owned();
            let body = message["body"].as_str().unwrap_or_default();
            let mut one = Taken { id, failures: Vec::new(), failed: false };
            match held(body) {
                Ok(Held::Nothing) => tracing::info!("a test message or notice, ignored"),
                Ok(Held::Records(records)) => {
                    let mut look = FirstLook::default();
                    for record in records {
                        match record {
                            Ok(record) if record.event_id.is_none() || record.time().is_none() => {
                                look.skip(
                                    "a record without a valid eventID or eventTime".to_owned(),
                                );
                            }
                            Ok(record) => {
                                let region = record.aws_region.as_deref().unwrap_or("").to_owned();
                                let of = coverage.entry(("eventbridge", region)).or_default();
                                of.last_record = of.last_record.max(record.time());
                                of.seen += 1;
                                look.take(&record);
                            }
                            Err(reason) => {
                                look.skip(reason);
                                one.failed = true;
                            }
                        }
                    }
                    one.failed |= look.read.skipped > 0;
                    readings.push(one.reading(look));
                }
                Ok(Held::Objects(objects)) => {
                    for object in objects {
                        match s3_log_file::fetch(&self.s3, &object).await {
                            Ok(input) => {
                                let mut reader =
                                    Reader::with_largest(self.settings.max_inflated, LARGEST_WHOLE);
                                let look = reader.first_look(&input);
                                let region = region_of(&object.key);
                                let of = coverage.entry(("trail-file", region)).or_default();
                                of.last_record = of.last_record.max(newest(&look));
                                of.seen += look.read.seen;
                                of.skipped += look.read.skipped;
                                for reason in look.problems.keys() {
                                    tracing::warn!(file = input.name.as_str(), "{reason}");
                                }
                                readings.push(one.reading(look));
                            }
                            Err(s3_log_file::NotRead::PassedOver) => counts.read.passed_over += 1,
                            Err(s3_log_file::NotRead::Gone(why)) => {
                                let mut look = FirstLook::default();
                                look.skip(why);
                                readings.push(one.reading(look));
                            }
                            Err(s3_log_file::NotRead::Trouble(why)) => {
                                tracing::error!("{why}");
                                counts.problems.push(why);
                                one.failed = true;
                            }
                        }
                    }
                }
                Err(why) => {
                    tracing::error!("a message cannot be read and goes back: {why}");
                    let mut look = FirstLook::default();
                    look.skip(why);
                    readings.push(one.reading(look));
                    one.failed = true;
                }
            }
            taken.push(one);
        }
        counts.merge(self.take(readings, run).await?);
        self.note_coverage(coverage, run).await;
        let back = taken
            .into_iter()
            .filter(|one| one.failed || one.failures.iter().any(|id| counts.failed.contains(id)))
            .map(|one| one.id)
            .collect();
        Ok((counts, back))
    }

    /// Takes lines of a client's log.
    pub(super) async fn client_log(&self, data: &str, run: &Invocation) -> anyhow::Result<Counts> {
        let look = client_log::look(data)?;
        let mut of = Coverage { seen: look.read.seen + look.read.lines, ..Coverage::default() };
        of.last_record = newest(&look);
        let counts = self.take(vec![Reading { look, uses: Vec::new() }], run).await?;
        self.note_coverage(BTreeMap::from([(("client-log", String::new()), of)]), run).await;
        all_counted(counts)
    }

    /// Takes what a client printed.
    pub(super) async fn report(
        &self,
        text: &str,
        source: &str,
        run: &Invocation,
    ) -> anyhow::Result<Counts> {
        let mut look = FirstLook::default();
        look.read.lines = text.lines().count() as u64;
        look.reports = report::to_failures(&report::parse(text), source);
        let of = Coverage { seen: look.read.lines, ..Coverage::default() };
        let counts = self.take(vec![Reading { look, uses: Vec::new() }], run).await?;
        self.note_coverage(BTreeMap::from([(("report", String::new()), of)]), run).await;
        all_counted(counts)
    }

    /// Says what refusals in a text mean, and counts nothing.
    pub(super) fn explain(text: &str, run: &Invocation) -> anyhow::Result<Value> {
        let explained = explain::explain(text, "text", run.now);
        serde_json::to_value(explained).context("cannot write the explanation down")
    }

    /// Sends what is due: what is in the outbox, follow-ups, what was held back.
    pub(super) async fn deliver(
        &self,
        run: &Invocation,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        counts.pending = 0;
        self.deliver_pending(run, counts).await?;
        self.settle_all(run, counts).await
    }

    /// Sends a sample the way that alerts go.
    pub(super) async fn test_alert(&self, run: &Invocation) -> anyhow::Result<(Counts, Value)> {
        let mut counts = Counts::default();
        // To the millisecond: two samples within a second are two messages.
        let now = i64::try_from(crate::clock::millis()).ok();
        let now = now.and_then(DateTime::from_timestamp_millis).unwrap_or(run.now);
        let alert = alert::sample(&self.context(run), now);
        let published = message::publish(&alert, self.settings.unmask);
        self.send_now(&published, run, &mut counts).await?;
        if counts.sent == 0 {
            anyhow::bail!("{}", counts.problems.join("; "));
        }
        let answer = json!({
            "task": "test-alert",
            "alert_id": published.alert_id,
            "topic": self.settings.topic_arn,
            "note": "SNS accepted it. A subscriber by email gets it only after confirming the subscription.",
        });
        Ok((counts, answer))
    }

    /// Sends the summary of a window through the topic.
    pub(super) async fn digest_task(
        &self,
        payload: &Value,
        run: &Invocation,
    ) -> anyhow::Result<(Counts, Value)> {
        let since = payload["since"].as_str().unwrap_or("24h");
        let window = Window::parse(since, run.now + WITH_NOW).map_err(anyhow::Error::msg)?;
        let summary = summary::build(window, material(&self.typed, window).await?, run.now);
        let options =
            Options { width: 80, colour: false, unmask: self.settings.unmask, now: run.now };
        let digest = digest::digest(&summary, &options);
        let published = message::summary(&summary, &digest, run.now);
        let mut counts = Counts::default();
        self.send_now(&published, run, &mut counts).await?;
        counts.digests = 1;
        let answer = json!({
            "task": "digest",
            "alert_id": published.alert_id,
            "alerts": { "sent": counts.sent, "pending": counts.pending },
        });
        Ok((counts, answer))
    }

    /// Notes what intakes were sent. It is told, not counted on: a failure here is no error.
    async fn note_coverage(
        &self,
        coverage: BTreeMap<(&'static str, String), Coverage>,
        run: &Invocation,
    ) {
        for ((intake, region), new) in coverage {
            let note = |kept: &mut Coverage| {
                intake.clone_into(&mut kept.intake);
                kept.region.clone_from(&region);
                kept.since = kept.since.or(Some(run.now));
                kept.last_record = kept.last_record.max(new.last_record);
                kept.last_run = Some(run.now);
                kept.seen += new.seen;
                kept.skipped += new.skipped;
                true
            };
            let key = Key::coverage(intake, &region);
            if let Err(err) = self.typed.update(&key, None, note).await {
                tracing::warn!(intake, "coverage not noted: {err:#}");
            }
        }
    }
}

impl Taken {
    fn reading(&mut self, look: FirstLook) -> Reading {
        let failures = look.failures.iter().chain(&look.reports);
        self.failures.extend(failures.map(|failure| failure.event_id.clone()));
        Reading { look, uses: Vec::new() }
    }
}

/// An intake that cannot hand back a part of what it was sent fails as a whole.
fn all_counted(counts: Counts) -> anyhow::Result<Counts> {
    match counts.failed.len() {
        0 => Ok(counts),
        failed => anyhow::bail!("{failed} failures not counted: {}", counts.problems.join("; ")),
    }
}

fn newest(look: &FirstLook) -> Option<DateTime<Utc>> {
    let failures = look.failures.iter().chain(&look.reports).filter_map(|failure| failure.time);
    failures.chain(look.key_changes.iter().map(|change| change.time)).max()
}

/// The region in a trail file's key: `…/CloudTrail/REGION/YYYY/MM/DD/…`.
fn region_of(key: &str) -> String {
    let mut parts = key.split('/').skip_while(|part| *part != "CloudTrail");
    parts.nth(1).unwrap_or_default().to_owned()
}
