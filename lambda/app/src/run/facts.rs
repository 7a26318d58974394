//! What is asked of AWS about a key: its uses by LookupEvents, and what IAM says.
//!
//! Whatever could not be read is said in words, and stays to be read.

use std::sync::Arc;

use aws_sdk_cloudtrail::types::LookupAttributeKey;
use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::key_change::{self, Mint};
use failure_monitor_core::key_use::KeyUse;
use failure_monitor_core::state::{KeyRecord, StoredFinding, TimeRange, Watch};
use futures_util::future::join_all;
use tokio::time::{Duration, Instant};

use super::{Invocation, Member, Monitor};
use crate::account;
use crate::intake::lookup_events::{LookupEvents, Query};
use crate::notify::Notifier;
use crate::store::{Key, Store};

/// What is kept of the time of an invocation for everything that follows a look-up.
const RESERVE: Duration = Duration::from_secs(8);
/// How many sessions of one key are looked up.
const SESSIONS: usize = 5;
/// How many pages are read for a key that fails: enough to see where else it works.
const PAGES: usize = 2;

/// What was found of a key's uses.
#[derive(Debug, Default)]
pub(super) struct Uses {
    pub(super) uses: Vec<KeyUse>,
    pub(super) mints: Vec<Mint>,
    pub(super) facts: Vec<String>,
    pub(super) user_name: Option<String>,
    pub(super) unread: Vec<String>,
    pub(super) unread_regions: Vec<String>,
}

impl Uses {
    /// Notes in a key's record what was found of the key; what is known of its owner stays.
    fn note(
        &self,
        record: &mut KeyRecord,
        id: &str,
        account: Option<&String>,
        user: Option<&String>,
    ) {
        id.clone_into(&mut record.access_key_id);
        record.account = record.account.take().or_else(|| account.cloned());
        record.user_name = record.user_name.take().or_else(|| user.cloned());
        record.take_uses(self.uses.iter().filter(|one| one.caller.access_key_id == id));
        record.facts.clone_from(&self.facts);
        for mint in self.mints.iter().filter(|mint| mint.parent_access_key_id == id) {
            record.take_mint(mint);
        }
    }
}

/// Where to ask about an account.
enum Way<'a, S, N> {
    Own(&'a Monitor<S, N>),
    Member(Arc<Member>),
}

impl<S, N> Way<'_, S, N> {
    fn lookup(&self) -> &LookupEvents {
        match self {
            Way::Own(monitor) => &monitor.lookup,
            Way::Member(member) => &member.lookup,
        }
    }

    fn iam(&self) -> &aws_sdk_iam::Client {
        match self {
            Way::Own(monitor) => &monitor.iam,
            Way::Member(member) => &member.iam,
        }
    }
}

impl<S: Store, N: Notifier> Monitor<S, N> {
    /// The way into an account; an account that nobody knows is the function's own.
    async fn way(&self, account: Option<&str>, run: &Invocation) -> Result<Way<'_, S, N>, String> {
        let Some(account) = account.filter(|account| *account != run.account) else {
            return Ok(Way::Own(self));
        };
        let Some(role) = &self.settings.member_role else {
            return Err(format!(
                "account {account} could not be asked: no role for member accounts is set"
            ));
        };
        let mut members = self.members.lock().await;
        if let Some(known) = members.get(account) {
            return known.clone().map(Way::Member);
        }
        let entered = account::in_member(&self.config, &run.partition, account, role).await;
        let member = entered
            .map(|config| {
                Arc::new(Member {
                    iam: aws_sdk_iam::Client::new(&config),
                    lookup: LookupEvents::new(&config, &self.settings.regions),
                })
            })
            .map_err(|err| format!("account {account} could not be asked: {err}"));
        members.insert(account.to_owned(), member.clone());
        member.map(Way::Member)
    }

    /// Forgets what was learned of accounts: roles and keys change between invocations.
    pub(super) async fn forget(&self) {
        self.members.lock().await.clear();
    }

    /// The uses of a key that was turned off, of its sessions and of its owner since.
    pub(super) async fn uses_before(
        &self,
        watch: &Watch,
        regions: &[String],
        run: &Invocation,
    ) -> Uses {
        let mut found = Uses::default();
        let way = match self.way(watch.account.as_deref(), run).await {
            Ok(way) => way,
            Err(why) => {
                found.unread.push(why);
                // Nothing will change by itself: it is told with the alert, and not tried again.
                return found;
            }
        };
        let deadline =
            run.deadline - RESERVE.min(run.deadline.saturating_duration_since(Instant::now()));
        let from = watch
            .change
            .time
            .checked_sub_signed(self.settings.look_back)
            .unwrap_or(DateTime::<Utc>::MIN_UTC);
        let range = TimeRange { from, to: run.now.max(watch.change.time) };
        let mut queries = Vec::new();
        if !watch.access_key_id.is_empty() {
            queries.push((LookupAttributeKey::AccessKeyId, watch.access_key_id.clone(), range));
        }
        if let Some(user) = &watch.user_name {
            // Since the change: whether the owner was seen with other credentials. Of a user who was
            // deleted, also before: nothing else says which keys there were.
            let from = if watch.access_key_id.is_empty() { from } else { watch.change.time };
            let range = TimeRange { from, ..range };
            queries.push((LookupAttributeKey::Username, user.clone(), range));
        }
        self.read_uses(way.lookup(), &queries, regions, usize::MAX, deadline, &mut found).await;

        let sessions: Vec<_> = found
            .mints
            .iter()
            .filter(|mint| mint.parent_access_key_id == watch.access_key_id)
            .filter(|mint| mint.expires.is_none_or(|ends| ends > watch.change.time))
            .take(SESSIONS)
            .map(|mint| (LookupAttributeKey::AccessKeyId, mint.access_key_id.clone(), range))
            .collect();
        if !sessions.is_empty() {
            self.read_uses(way.lookup(), &sessions, regions, usize::MAX, deadline, &mut found)
                .await;
        }
        if !watch.access_key_id.is_empty() {
            let user = watch.user_name.as_deref();
            let facts = account::key_facts(way.iam(), &watch.access_key_id, user).await;
            found.facts = facts.facts;
            found.user_name = facts.user_name;
            found.unread.extend(facts.unread);
        }
        found
    }

    /// Runs queries in regions, all regions at once.
    async fn read_uses(
        &self,
        lookup: &LookupEvents,
        queries: &[(LookupAttributeKey, String, TimeRange)],
        regions: &[String],
        pages: usize,
        deadline: Instant,
        found: &mut Uses,
    ) {
        let of_region = |region: &String| {
            let region = region.clone();
            async move {
                let mut records = Vec::new();
                let mut problem = None;
                for (key, value, range) in queries {
                    let attribute = Some((key.clone(), value.clone()));
                    let query = Query { attribute, range: *range };
                    let Some(mut reader) = lookup.pages(&region, query, deadline) else { continue };
                    let mut left = pages;
                    while left > 0
                        && let Some(page) = reader.next().await
                    {
                        left -= 1;
                        records.extend(page.records.into_iter().flatten());
                    }
                    problem = problem.or_else(|| reader.problem().map(str::to_owned));
                }
                (region, records, problem)
            }
        };
        for (region, records, problem) in join_all(regions.iter().map(of_region)).await {
            for record in &records {
                found.uses.extend(KeyUse::of(record));
                found.mints.extend(key_change::mint(record));
            }
            if let Some(problem) = problem {
                found
                    .unread
                    .push(format!("the key's uses in {region} were not all read: {problem}"));
                if !found.unread_regions.contains(&region) {
                    found.unread_regions.push(region);
                }
            }
        }
        found.uses.sort_by(|a, b| (a.time, &a.event_id).cmp(&(b.time, &b.event_id)));
        found.uses.dedup_by(|a, b| a.event_id == b.event_id);
        found.mints.sort_by(|a, b| (a.time, &a.event_id).cmp(&(b.time, &b.event_id)));
        found.mints.dedup_by(|a, b| a.event_id == b.event_id);
    }

    /// Keeps what was found of a key, of its sessions and of its owner.
    pub(super) async fn note_uses(
        &self,
        watch: &Watch,
        found: &Uses,
        run: &Invocation,
    ) -> anyhow::Result<()> {
        let expires = self.typed.expiry(run.now);
        let user = watch.user_name.clone().or_else(|| found.user_name.clone());
        if !watch.access_key_id.is_empty() {
            let id = watch.access_key_id.as_str();
            let note = |record: &mut KeyRecord| {
                found.note(record, id, watch.account.as_ref(), user.as_ref());
                if found.unread.is_empty() {
                    record.looked_up = Some(run.now);
                }
                true
            };
            self.typed.update(&Key::key_record(id, None, None), expires, note).await?;
        }
        if let Some(user) = user {
            let key = Key::key_record("", watch.account.as_deref(), Some(&user));
            let of_user = |one: &&KeyUse| one.caller.user_name.as_deref() == Some(user.as_str());
            let note = |record: &mut KeyRecord| {
                record.account.clone_from(&watch.account);
                record.user_name = Some(user.clone());
                record.take_uses(found.uses.iter().filter(of_user));
                record.looked_up = Some(run.now);
                true
            };
            self.typed.update(&key, expires, note).await?;
        }
        Ok(())
    }

    /// Looks up what a key that fails did before, so that its causes can be told apart. Returns
    /// what could not be read; `None` where it was looked up a short time ago.
    pub(super) async fn enrich(
        &self,
        finding: &StoredFinding,
        run: &Invocation,
    ) -> anyhow::Result<Option<Vec<String>>> {
        let Some(id) = finding.group.key.access_key_id.clone() else { return Ok(None) };
        let key = Key::key_record(&id, None, None);
        let known = self.typed.key_records(std::slice::from_ref(&key)).await?;
        let known = known.into_iter().next().map(|kept| kept.value).unwrap_or_default();
        let fresh = |at: DateTime<Utc>| run.now - at < TimeDelta::hours(1) && at <= run.now;
        if known.looked_up.is_some_and(fresh) {
            return Ok(None);
        }
        let account = finding.group.key.account.clone();
        let mut found = Uses::default();
        match self.way(account.as_deref(), run).await {
            Err(why) => found.unread.push(why),
            Ok(way) => {
                let half = run.deadline.saturating_duration_since(Instant::now()) / 2;
                let deadline = Instant::now() + half;
                let first = finding.group.all.first.unwrap_or(run.now).min(run.now);
                let from = first.checked_sub_signed(self.settings.look_back).unwrap_or(first);
                let range = TimeRange { from, to: run.now };
                let query = [(LookupAttributeKey::AccessKeyId, id.clone(), range)];
                let regions = &self.settings.regions;
                self.read_uses(way.lookup(), &query, regions, PAGES, deadline, &mut found).await;
                let user = known.user_name.as_deref();
                let facts = account::key_facts(way.iam(), &id, user).await;
                found.facts = facts.facts;
                found.user_name = facts.user_name;
                found.unread.extend(facts.unread);
            }
        }
        let note = |record: &mut KeyRecord| {
            found.note(record, &id, account.as_ref(), found.user_name.as_ref());
            record.looked_up = Some(run.now);
            true
        };
        self.typed.update(&key, self.typed.expiry(run.now), note).await?;
        Ok(Some(found.unread))
    }
}
