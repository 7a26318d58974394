//! The outbox: messages that were decided on, sent under a lease, and taken out after SNS accepted
//! them.
//!
//! Must not know what they say or why they are due.

use anyhow::Context as _;
use chrono::TimeDelta;
use failure_monitor_core::render::message::Published;

use super::{Counts, Invocation, Monitor};
use crate::notify::Notifier;
use crate::store::{Key, Outgoing, Refused, Store, Versioned, Write};

/// For how long a message is left to whoever is sending it.
const LEASE: TimeDelta = TimeDelta::seconds(30);

impl<S: Store, N: Notifier> Monitor<S, N> {
    /// A message that this run is to send.
    pub(super) fn outgoing(&self, published: &Published, run: &Invocation) -> Outgoing {
        Outgoing {
            alert_id: published.alert_id.clone(),
            subject: published.subject.clone(),
            body: published.body.clone(),
            decided: run.now,
            leased_until: run.now + LEASE,
        }
    }

    /// Sends messages that are leased to this run.
    pub(super) async fn deliver_own(
        &self,
        outgoing: Vec<Versioned<Outgoing>>,
        run: &Invocation,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        for kept in outgoing {
            let Outgoing { alert_id, subject, body, .. } = &kept.value;
            match self.notifier.publish(subject, body).await {
                Ok(()) => {
                    counts.sent += 1;
                    tracing::info!(alert_id = alert_id.as_str(), "alert sent");
                    let sent = Write::Delete { key: Key::outgoing(alert_id) };
                    self.typed
                        .store
                        .transact(&[sent])
                        .await
                        .context("cannot mark an alert as sent")?;
                }
                Err(err) => {
                    counts.pending += 1;
                    tracing::error!(alert_id = alert_id.as_str(), "alert not sent: {err:#}");
                    counts
                        .problems
                        .push(format!("an alert was not sent and stays pending: {err:#}"));
                    // Nobody is sending it now.
                    let free = Versioned {
                        value: Outgoing { leased_until: run.now, ..kept.value.clone() },
                        version: kept.version,
                    };
                    let key = Key::outgoing(alert_id);
                    if let Err(err) = self.typed.put(key, &free, self.typed.expiry(run.now)).await {
                        tracing::warn!("the lease of an alert runs on: {err:#}");
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends what is still in the outbox and is not being sent by anybody.
    pub(super) async fn deliver_pending(
        &self,
        run: &Invocation,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        for mut kept in self.typed.outbox().await? {
            // A lease that ends later than any could was given by a clock that ran ahead.
            let leased = kept.value.leased_until;
            if leased > run.now && leased <= run.now + LEASE {
                counts.pending += 1;
                continue;
            }
            kept.value.leased_until = run.now + LEASE;
            let key = Key::outgoing(&kept.value.alert_id);
            match self.typed.put(key, &kept, self.typed.expiry(run.now)).await {
                Ok(()) => {
                    kept.version += 1;
                    self.deliver_own(vec![kept], run, counts).await?;
                }
                Err(Refused::Unfit(_)) => counts.pending += 1,
                Err(Refused::Unavailable(err)) => return Err(err),
            }
        }
        Ok(())
    }

    /// Sends a message that belongs to no incident, through the outbox like every other.
    pub(super) async fn send_now(
        &self,
        published: &Published,
        run: &Invocation,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        let outgoing = self.outgoing(published, run);
        let key = Key::outgoing(&outgoing.alert_id);
        let kept = Versioned { value: outgoing, version: 0 };
        match self.typed.put(key, &kept, self.typed.expiry(run.now)).await {
            Ok(()) => {}
            Err(Refused::Unfit(_)) => return Ok(()),
            Err(Refused::Unavailable(err)) => return Err(err),
        }
        self.deliver_own(vec![Versioned { version: 1, ..kept }], run, counts).await
    }
}
