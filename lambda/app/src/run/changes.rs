//! Key changes: noted, and for a key that was turned off, who was left behind.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use failure_monitor_core::key_change::{Change, KeyChange, Mint};
use failure_monitor_core::key_use::KeyUse;
use failure_monitor_core::left_behind::{self, KeyChangeDetail, LeftBehind, Resolved};
use failure_monitor_core::state::{GroupId, KeyRecord, StoredFinding, Watch, keep_change_small};

use super::facts::Uses;
use super::{Counts, Invocation, Monitor};
use crate::notify::Notifier;
use crate::store::{Batch, Key, Refused, Store, Versioned, Write};

/// For how long a caller left behind is watched.
const WATCHED: TimeDelta = TimeDelta::days(7);
/// Uses may show so long after they were made; a little more than AWS says.
const LATE: TimeDelta = TimeDelta::minutes(20);

type Touched = BTreeMap<GroupId, StoredFinding>;

impl<S: Store, N: Notifier> Monitor<S, N> {
    /// Writes changes down; returns what is to be looked up for those that are new.
    pub(super) async fn note_changes(
        &self,
        changes: &[KeyChange],
        run: &Invocation,
    ) -> anyhow::Result<Vec<Versioned<Watch>>> {
        let mut watches = Vec::new();
        let mut seen = BTreeSet::new();
        for change in changes.iter().filter(|change| seen.insert(change.event_id.as_str())) {
            let account = change.account.as_deref();
            let user = change.user_name.as_deref();
            let expires = self.typed.expiry(run.now);
            let keys = [
                change.access_key_id.as_deref().map(|id| (id, Key::key_record(id, None, None))),
                user.map(|user| ("", Key::key_record("", account, Some(user)))),
            ];
            for (id, key) in keys.into_iter().flatten() {
                let note = |record: &mut KeyRecord| {
                    id.clone_into(&mut record.access_key_id);
                    record.take(change)
                };
                self.typed.update(&key, expires, note).await?;
            }
            let at = Key::change(change.time, &change.event_id);
            if !self.typed.store.get(std::slice::from_ref(&at)).await?.is_empty() {
                continue;
            }
            // The change is written with its watch: where it is there, so was the watch.
            let detail = KeyChangeDetail {
                change: change.clone(),
                left_behind: 0,
                resolved: 0,
                sessions: Vec::new(),
                service_uses: Vec::new(),
            };
            let mut writes = vec![Write::Put(self.typed.item(at, &detail, 0, expires)?)];
            let off = matches!(
                change.change,
                Change::Deactivated | Change::Deleted | Change::UserDeleted
            );
            let watch = self.watch(change, run);
            if off {
                let key = Key::watch(&change.event_id);
                writes.push(Write::Put(self.typed.item(key, &watch, 0, expires)?));
            }
            match self.typed.store.transact(&writes).await {
                Ok(()) if off => watches.push(Versioned { value: watch, version: 1 }),
                // Somebody else took it up in this moment.
                Ok(()) | Err(Refused::Unfit(_)) => {}
                Err(Refused::Unavailable(err)) => return Err(err),
            }
        }
        Ok(watches)
    }

    fn watch(&self, change: &KeyChange, run: &Invocation) -> Watch {
        let again = change.time + LATE;
        Watch {
            access_key_id: change.access_key_id.clone().unwrap_or_default(),
            account: change.account.clone(),
            user_name: change.user_name.clone(),
            change: change.clone(),
            unread_regions: self.settings.regions.clone(),
            again_at: (again > run.now).then_some(again),
            groups: Vec::new(),
            mints: Vec::new(),
            until: change.time.max(run.now) + WATCHED,
        }
    }

    /// Looks up who used a key before it was turned off, and counts them as expected to fail. What
    /// could not be read stays to be read.
    pub(super) async fn look_up(
        &self,
        mut kept: Versioned<Watch>,
        run: &Invocation,
        counts: &mut Counts,
        touched: &mut Touched,
    ) -> anyhow::Result<()> {
        let watch = &mut kept.value;
        let again = watch.again_at.is_some_and(|again| again <= run.now);
        let regions =
            if again { self.settings.regions.clone() } else { watch.unread_regions.clone() };
        let found = self.uses_before(watch, &regions, run).await;
        for problem in &found.unread {
            tracing::warn!("{problem}");
            counts.problems.push(problem.clone());
        }
        self.note_uses(watch, &found, run).await?;
        let (left_behind, detail) = self.aftermath(watch, &found, run).await?;
        let mut groups: Vec<GroupId> = Vec::new();
        if !left_behind.is_empty() {
            let keys: Vec<String> =
                left_behind.iter().map(|left| left.access_key_id.clone()).collect();
            let known = self.knowing(&[], &keys).await?;
            let batch = Batch { failures: Vec::new(), left_behind };
            let mut now_touched = Touched::new();
            self.count(&batch, &known, &found.unread, run, counts, &mut now_touched).await;
            if !counts.failed.is_empty() {
                anyhow::bail!("predicted failures could not be counted");
            }
            let open = now_touched.values().filter(|finding| is_open(finding));
            groups = open.map(StoredFinding::id).collect();
            touched.extend(now_touched);
        }
        if let Some(mut detail) = detail {
            let left_out = keep_change_small(&mut detail);
            if left_out > 0 {
                counts.problems.push(format!("{left_out} sessions of one key are not kept"));
            }
            let at = Key::change(detail.change.time, &detail.change.event_id);
            self.typed.update(&at, self.typed.expiry(run.now), merge(&detail)).await?;
        }
        watch.groups.extend(groups);
        watch.groups.sort();
        watch.groups.dedup();
        watch.unread_regions = found.unread_regions;
        if again {
            watch.again_at = None;
        }
        self.save_watch(&kept, run).await
    }

    /// Keeps a watch that has something left to do, and drops one that has not.
    async fn save_watch(&self, kept: &Versioned<Watch>, run: &Invocation) -> anyhow::Result<()> {
        let watch = &kept.value;
        let key = Key::watch(&watch.change.event_id);
        let busy = !watch.unread_regions.is_empty()
            || watch.again_at.is_some()
            || !watch.groups.is_empty();
        let write = if busy && run.now < watch.until {
            Write::Put(self.typed.item(key, watch, kept.version, self.typed.expiry(run.now))?)
        } else {
            Write::Delete { key }
        };
        match self.typed.store.transact(&[write]).await {
            // Somebody else is at it: what they wrote counts.
            Ok(()) | Err(Refused::Unfit(_)) => Ok(()),
            Err(Refused::Unavailable(err)) => Err(err),
        }
    }

    /// Who was left behind, and the change with what followed.
    async fn aftermath(
        &self,
        watch: &Watch,
        found: &Uses,
        run: &Invocation,
    ) -> anyhow::Result<(Vec<LeftBehind>, Option<KeyChangeDetail>)> {
        let mut keys =
            vec![Key::key_record("", watch.account.as_deref(), watch.user_name.as_deref())];
        if !watch.access_key_id.is_empty() {
            keys.push(Key::key_record(&watch.access_key_id, None, None));
        }
        let records = self.typed.key_records(&keys).await?;
        let mut changes: BTreeMap<String, KeyChange> = records
            .into_iter()
            .flat_map(|kept| kept.value.changes)
            .map(|change| (change.event_id.clone(), change))
            .collect();
        changes.insert(watch.change.event_id.clone(), watch.change.clone());
        let changes: Vec<KeyChange> = changes.into_values().collect();
        let look_back = self.settings.look_back;
        let after = left_behind::aftermath(&changes, &found.mints, &found.uses, look_back, run.now);
        let ours = |left: &LeftBehind| {
            watch.access_key_id.is_empty() || left.access_key_id == watch.access_key_id
        };
        let left = after.left_behind.into_iter().filter(ours).collect();
        let id = &watch.change.event_id;
        let detail = after.key_changes.into_iter().find(|one| one.change.event_id == *id);
        Ok((left, detail))
    }

    /// The watches whose keys or callers these records may concern: findings by watch.
    pub(super) async fn watched(
        &self,
    ) -> anyhow::Result<Vec<(Versioned<Watch>, Vec<StoredFinding>)>> {
        let mut watched = Vec::new();
        for kept in self.typed.watches().await? {
            let ids: BTreeSet<GroupId> = kept.value.groups.iter().cloned().collect();
            let findings = if ids.is_empty() { Vec::new() } else { self.findings(&ids).await? };
            watched.push((kept, findings));
        }
        Ok(watched)
    }

    /// Notes which callers left behind work again: they were seen with other credentials, or the
    /// key was made active again.
    pub(super) async fn note_works(
        &self,
        changes: &[KeyChange],
        mints: &[Mint],
        uses: &[KeyUse],
        run: &Invocation,
        counts: &mut Counts,
        touched: &mut Touched,
    ) -> anyhow::Result<()> {
        let on: Vec<&KeyChange> =
            changes.iter().filter(|change| change.change == Change::Reactivated).collect();
        if on.is_empty() && uses.is_empty() && mints.is_empty() {
            return Ok(());
        }
        for (mut kept, findings) in self.watched().await? {
            let places: BTreeSet<&str> =
                findings.iter().map(|finding| finding.group.key.source.as_str()).collect();
            let mut resolved = Vec::new();
            let minters: BTreeSet<&str> = uses
                .iter()
                .filter(|one| places.contains(one.caller.source.as_str()))
                .map(|one| one.caller.access_key_id.as_str())
                .collect();
            let known = kept.value.mints.len();
            for mint in mints {
                if minters.contains(mint.parent_access_key_id.as_str())
                    || minters.contains(mint.access_key_id.as_str())
                {
                    kept.value.take_mint(mint);
                }
            }
            for finding in findings.iter().filter(|finding| is_open(finding)) {
                let Some(left) = &finding.left_behind else { continue };
                let again = on.iter().find(|on| {
                    on.access_key_id.as_deref() == Some(&left.access_key_id)
                        && on.time >= left.since
                });
                let proof = match again {
                    Some(on) => Some(Resolved {
                        event_id: on.event_id.clone(),
                        time: on.time,
                        access_key_id: left.access_key_id.clone(),
                    }),
                    None => {
                        left.resolution(std::slice::from_ref(&left.change), &kept.value.mints, uses)
                    }
                };
                resolved.extend(
                    proof.map(|proof| LeftBehind { resolved: Some(proof), ..left.clone() }),
                );
            }
            if resolved.is_empty() {
                if kept.value.mints.len() > known {
                    self.save_watch(&kept, run).await?;
                }
                continue;
            }
            let keys: Vec<String> =
                resolved.iter().map(|left| left.access_key_id.clone()).collect();
            let known = self.knowing(&[], &keys).await?;
            let done = resolved.len() as u64;
            let batch = Batch { failures: Vec::new(), left_behind: resolved };
            let mut now_touched = Touched::new();
            self.count(&batch, &known, &[], run, counts, &mut now_touched).await;
            kept.value.groups.retain(|id| now_touched.get(id).is_none_or(is_open));
            touched.extend(now_touched);
            let at = Key::change(kept.value.change.time, &kept.value.change.event_id);
            let resolve = |detail: &mut KeyChangeDetail| {
                detail.resolved += done;
                detail.left_behind = detail.left_behind.saturating_sub(done);
                true
            };
            self.change_detail(&at, run, resolve).await?;
            self.save_watch(&kept, run).await?;
        }
        Ok(())
    }

    /// Changes what is kept of a key change, where it is kept.
    async fn change_detail(
        &self,
        at: &Key,
        run: &Invocation,
        mut change: impl FnMut(&mut KeyChangeDetail) -> bool,
    ) -> anyhow::Result<()> {
        let change = |kept: &mut Option<KeyChangeDetail>| kept.as_mut().is_some_and(&mut change);
        self.typed.update(at, self.typed.expiry(run.now), change).await.map(drop)
    }
}

/// Whether a finding still has callers that are expected to fail.
fn is_open(finding: &StoredFinding) -> bool {
    finding.left_behind.as_ref().is_some_and(|left| left.resolved.is_none())
}

/// Takes what a later look found; a look that saw less takes nothing away.
fn merge(found: &KeyChangeDetail) -> impl FnMut(&mut Option<KeyChangeDetail>) -> bool {
    move |kept| {
        let mut new = found.clone();
        if let Some(known) = kept.as_ref() {
            let (all, before) =
                (new.left_behind + new.resolved, known.left_behind + known.resolved);
            if all < before {
                (new.left_behind, new.resolved) = (known.left_behind, known.resolved);
            }
            for session in &known.sessions {
                if !new.sessions.iter().any(|other| other.access_key_id == session.access_key_id) {
                    new.sessions.push(session.clone());
                }
            }
            if new.service_uses.len() < known.service_uses.len() {
                new.service_uses.clone_from(&known.service_uses);
            }
        }
        if kept.as_ref() == Some(&new) {
            return false;
        }
        *kept = Some(new);
        true
    }
}
