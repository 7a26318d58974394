//! Incidents: decided on, told, and the messages sent.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use failure_monitor_core::alert::{self, Context, Due, Incident, IncidentKey, Status};
use failure_monitor_core::render::message;
use failure_monitor_core::state::{GroupId, StoredFinding};
use serde::{Deserialize, Serialize};

use super::{Counts, Invocation, Monitor};
use crate::notify::Notifier;
use crate::store::{Key, Outgoing, Refused, Store, Versioned, Write};

/// How often an incident is decided on anew where somebody else was faster.
const TRIES: usize = 8;
/// How many new incidents are looked up in one run before they are told.
const LOOKED_UP: usize = 5;

/// How many messages were decided on lately.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Pace {
    since: DateTime<Utc>,
    messages: u64,
}

/// An incident with everything that its message is made of.
struct Case {
    incident: Versioned<Incident>,
    due: Option<Due>,
    findings: Vec<StoredFinding>,
    /// Whether it is as it is kept.
    unchanged: bool,
}

impl<S: Store, N: Notifier> Monitor<S, N> {
    /// What messages say of this deployment.
    pub(super) fn context(&self, run: &Invocation) -> Context {
        Context {
            name: self.settings.name.clone(),
            region: run.region.clone(),
            dashboard_url: self.settings.dashboard_url.clone(),
            summary_function: format!("{}-summary", self.settings.name),
            unmask: self.settings.unmask,
        }
    }

    /// Decides on the incidents of findings that were touched, and sends what is due.
    pub(super) async fn settle(
        &self,
        touched: BTreeMap<GroupId, StoredFinding>,
        run: &Invocation,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        if touched.is_empty() {
            return Ok(());
        }
        let sources: BTreeSet<&str> =
            touched.values().map(|finding| finding.group.key.source.as_str()).collect();
        let sources: Vec<&str> = sources.into_iter().collect();
        let tried: BTreeMap<String, usize> = self
            .typed
            .sources(&sources)
            .await?
            .into_iter()
            .map(|kept| (kept.value.source, kept.value.keys.len()))
            .collect();
        let mut keys: BTreeMap<IncidentKey, Vec<StoredFinding>> = BTreeMap::new();
        for finding in touched.into_values() {
            let tried = tried.get(&finding.group.key.source).copied().unwrap_or(0);
            let key = IncidentKey::of(&finding, tried, &self.settings.policy);
            keys.entry(key).or_default().push(finding);
        }
        let ids: Vec<String> = keys.keys().map(IncidentKey::id).collect();
        let mut known: BTreeMap<String, Versioned<Incident>> = self
            .typed
            .incidents_of(&ids)
            .await?
            .into_iter()
            .map(|kept| (kept.value.key.id(), kept))
            .collect();
        let mut cases = Vec::new();
        for (key, findings) in keys {
            let known = known.remove(&key.id());
            cases.push(self.case(key, known, findings, run).await?);
        }
        self.look_closer(&mut cases, run).await?;
        self.tell(cases, run, counts).await
    }

    /// Looks at every open incident: what is due by the passing of time, or was held back.
    pub(super) async fn settle_all(
        &self,
        run: &Invocation,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        let mut cases = Vec::new();
        for kept in self.typed.incidents().await? {
            // Resolved, but the last message said that it goes on: the closing one was held back.
            let untold_end = kept.value.status == Status::Resolved && kept.value.told;
            if kept.value.status == Status::Open || untold_end {
                let key = kept.value.key.clone();
                cases.push(self.case(key, Some(kept), Vec::new(), run).await?);
            }
        }
        self.tell(cases, run, counts).await
    }

    /// An incident with all of its findings, decided on.
    async fn case(
        &self,
        key: IncidentKey,
        known: Option<Versioned<Incident>>,
        mut findings: Vec<StoredFinding>,
        run: &Invocation,
    ) -> anyhow::Result<Case> {
        let (known, version) = known.map_or((None, 0), |kept| (Some(kept.value), kept.version));
        let here: BTreeSet<GroupId> = findings.iter().map(StoredFinding::id).collect();
        let others: BTreeSet<GroupId> = known
            .iter()
            .flat_map(|incident| &incident.groups)
            .filter(|id| !here.contains(*id))
            .cloned()
            .collect();
        if !others.is_empty() {
            findings.extend(self.findings(&others).await?);
        }
        findings.sort_by_key(StoredFinding::id);
        let policy = &self.settings.policy;
        let before = known.clone();
        let (incident, due) = alert::consider(known, &key, &findings, policy, run.now);
        let unchanged = before.as_ref() == Some(&incident);
        Ok(Case { incident: Versioned { value: incident, version }, due, findings, unchanged })
    }

    /// Looks up what the keys of a few new incidents did before, and explains those anew.
    async fn look_closer(&self, cases: &mut [Case], run: &Invocation) -> anyhow::Result<()> {
        let new = |case: &&mut Case| {
            case.due == Some(Due::New)
                && case.findings.iter().all(|finding| finding.left_behind.is_none())
        };
        for case in cases.iter_mut().filter(new).take(LOOKED_UP) {
            let Some(first) = case.findings.first() else { continue };
            let Some(unread) = self.enrich(first, run).await? else { continue };
            let Some(id) = first.group.key.access_key_id.clone() else { continue };
            let known = self.knowing(&[], &[id]).await?;
            let sources: Vec<&str> =
                case.findings.iter().map(|finding| finding.group.key.source.as_str()).collect();
            let records = self.typed.sources(&sources).await?;
            let known = known.with_sources(
                records.into_iter().map(|kept| (kept.value.source.clone(), kept.value)).collect(),
            );
            for finding in &mut case.findings {
                let key = Key::finding(&finding.id());
                let explain = |kept: &mut Option<StoredFinding>| {
                    let Some(finding) = kept.take().map(StoredFinding::restored) else {
                        return false;
                    };
                    let mut explained = finding.clone();
                    explained.unread.clone_from(&unread);
                    known.explain(&mut explained, &self.settings.policy, run.now);
                    let changed = explained != finding;
                    *kept = Some(explained);
                    changed
                };
                if let Some(new) =
                    self.typed.update(&key, self.typed.expiry(run.now), explain).await?
                {
                    *finding = new;
                }
            }
        }
        Ok(())
    }

    /// Writes incidents with the messages that are due, and sends them. Too many at once become one
    /// digest; those that are too many lately wait for the next delivery.
    async fn tell(
        &self,
        cases: Vec<Case>,
        run: &Invocation,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        let (due, quiet): (Vec<Case>, Vec<Case>) =
            cases.into_iter().partition(|case| case.due.is_some());
        let mut outgoing = Vec::new();
        for case in quiet {
            // Somebody else may have changed it so that a message is due after all.
            outgoing.extend(self.write(case, run, |case| self.message(case, run)).await?);
        }
        if due.is_empty() {
            return self.deliver_own(outgoing, run, counts).await;
        }
        let most = self.settings.policy.digest_over as u64;
        let wanted = if due.len() as u64 > most { 1 } else { due.len() as u64 };
        if !self.room_for(wanted, run).await? {
            tracing::warn!(
                held = due.len(),
                "too many alerts lately: they wait for the next delivery"
            );
            for case in due {
                self.write(case, run, |_| None).await?;
            }
        } else if wanted < due.len() as u64 {
            outgoing.extend(self.digest(due, run, counts).await?);
        } else {
            for case in due {
                outgoing.extend(self.write(case, run, |case| self.message(case, run)).await?);
            }
        }
        self.deliver_own(outgoing, run, counts).await
    }

    /// Whether so many messages more fit into the window.
    async fn room_for(&self, messages: u64, run: &Invocation) -> anyhow::Result<bool> {
        let most = self.settings.policy.digest_over as u64;
        let window = self.settings.policy.window;
        let mut fits = false;
        let take = |pace: &mut Pace| {
            if pace.since > run.now || run.now - pace.since >= window {
                *pace = Pace { since: run.now, messages: 0 };
            }
            fits = pace.messages + messages <= most;
            if fits {
                pace.messages += messages;
            }
            fits
        };
        self.typed.update(&Key::pace(), self.typed.expiry(run.now), take).await?;
        Ok(fits)
    }

    /// The message that is due for an incident, which counts as told from then on.
    fn message(&self, case: &mut Case, run: &Invocation) -> Option<Outgoing> {
        let due = case.due?;
        let incident = &mut case.incident.value;
        let alert = alert::alert(incident, due, &case.findings, &self.context(run), run.now);
        let published = message::publish(&alert, self.settings.unmask);
        incident.told(due, &published.alert_id, &case.findings, run.now);
        case.unchanged = false;
        Some(self.outgoing(&published, run))
    }

    /// One alert for many.
    async fn digest(
        &self,
        cases: Vec<Case>,
        run: &Invocation,
        counts: &mut Counts,
    ) -> anyhow::Result<Option<Versioned<Outgoing>>> {
        let parts: Vec<(Incident, Due, Vec<StoredFinding>)> = cases
            .iter()
            .filter_map(|case| {
                Some((case.incident.value.clone(), case.due?, case.findings.clone()))
            })
            .collect();
        let alert = alert::digest_alert(&parts, &self.context(run), run.now);
        let published = message::publish(&alert, self.settings.unmask);
        let outgoing = self.outgoing(&published, run);
        // The message first: an incident that is told without one would be lost in a crash, and one
        // that is not told yet is only told again.
        let item = self.typed.item(
            Key::outgoing(&outgoing.alert_id),
            &outgoing,
            0,
            self.typed.expiry(run.now),
        )?;
        match self.typed.store.transact(&[Write::Put(item)]).await {
            Ok(()) => {}
            // The same digest was decided on before: whoever did that sends it.
            Err(Refused::Unfit(_)) => return Ok(None),
            Err(Refused::Unavailable(err)) => return Err(err),
        }
        for case in cases {
            let told = |case: &mut Case| {
                if let Some(due) = case.due {
                    let incident = &mut case.incident.value;
                    incident.told(due, &published.alert_id, &case.findings, run.now);
                    case.unchanged = false;
                }
                None
            };
            self.write(case, run, told).await?;
        }
        counts.digests += 1;
        Ok(Some(Versioned { value: outgoing, version: 1 }))
    }

    /// Changes an incident and writes it with its message, if there is one. Where somebody else was
    /// faster, it is decided on anew, with the groups that they brought.
    async fn write(
        &self,
        mut case: Case,
        run: &Invocation,
        change: impl Fn(&mut Case) -> Option<Outgoing>,
    ) -> anyhow::Result<Option<Versioned<Outgoing>>> {
        for _ in 0..TRIES {
            let (key, findings) = (case.incident.value.key.clone(), case.findings.clone());
            let outgoing = change(&mut case);
            if case.unchanged {
                return Ok(None);
            }
            if self.try_write(&case, outgoing.as_ref(), run).await? {
                return Ok(outgoing.map(|value| Versioned { value, version: 1 }));
            }
            let known = self.typed.incidents_of(&[key.id()]).await?.into_iter().next();
            case = self.case(key, known, findings, run).await?;
        }
        anyhow::bail!("an incident is being changed by too many at once")
    }

    async fn try_write(
        &self,
        case: &Case,
        outgoing: Option<&Outgoing>,
        run: &Invocation,
    ) -> anyhow::Result<bool> {
        let expires = self.typed.expiry(run.now);
        let incident = &case.incident;
        let key = Key::incident(&incident.value.key.id());
        let mut writes =
            vec![Write::Put(self.typed.item(key, &incident.value, incident.version, expires)?)];
        if let Some(outgoing) = outgoing {
            let key = Key::outgoing(&outgoing.alert_id);
            writes.push(Write::Put(self.typed.item(key, outgoing, 0, expires)?));
        }
        match self.typed.store.transact(&writes).await {
            Ok(()) => Ok(true),
            Err(Refused::Unfit(_)) => Ok(false),
            Err(Refused::Unavailable(err)) => Err(err),
        }
    }
}
