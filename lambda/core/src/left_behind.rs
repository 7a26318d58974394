//! Predicted failures: who still depended on an access key when it was turned off.
//!
//! From the moment a key is deactivated or deleted, each call signed with it is refused and
//! CloudTrail does not show it. What CloudTrail does show is the change and the uses before it.
//! Nothing here is an observed failure: a caller is *expected to fail since* a time.
//!
//! Sessions outlive the key that minted them
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_disable-perms.html>):
//! their callers are expected to fail when the session ends, and the session is live until then.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::access_key::{self, KeyKind};
use crate::failure::{Failure, Family, Origin};
use crate::key_change::{Change, KeyChange, Mint};
use crate::key_use::{self, KeyUse};
use crate::state::digest;
use crate::tally::Tally;

mod callers;
mod timeline;

pub use callers::CallerUses;
use callers::callers;
use timeline::{Index, Timeline, owned};

/// For how long after a change both states may be seen; a success in this time proves nothing.
pub const PROPAGATION: TimeDelta = TimeDelta::seconds(60);

/// A source that used a key in the look-back before it was turned off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBehind {
    /// The account of the key's owner.
    pub account: Option<String>,
    /// The key that was turned off.
    pub access_key_id: String,
    /// Where its uses came from.
    pub source: String,
    /// From when on its calls are expected to fail.
    pub since: DateTime<Utc>,
    /// The change that turned the key off.
    pub change: KeyChange,
    /// Its successful uses in the look-back.
    pub uses: Tally,
    /// Those uses by client and principal.
    pub callers: Vec<CallerUses>,
    /// The proof that this source works again, if there is one.
    pub resolved: Option<Resolved>,
}

/// A success that proves that a source has working credentials again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The record that shows it.
    pub event_id: String,
    /// When.
    pub time: DateTime<Utc>,
    /// The key it was signed with: another one, or the same after it was turned on again.
    pub access_key_id: String,
}

/// A key change with what followed from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChangeDetail {
    /// The change.
    #[serde(flatten)]
    pub change: KeyChange,
    /// How many sources are expected to fail since, without proof of the contrary.
    pub left_behind: u64,
    /// How many sources have been seen working since.
    pub resolved: u64,
    /// The sessions minted with the key that outlive it.
    pub sessions: Vec<Session>,
    /// Uses by AWS services on the caller's behalf.
    pub service_uses: Vec<CallerUses>,
}

/// A session that outlives the key it was minted with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The session's own access key ID.
    pub access_key_id: String,
    /// How it was minted.
    pub minted: Mint,
    /// When its callers are expected to fail: at its expiry, or when its user was deleted.
    pub ends: Option<DateTime<Utc>>,
    /// Whether it is still good at the time of the run.
    pub live: bool,
    /// Who used it.
    pub callers: Vec<CallerUses>,
}

/// What followed from the key changes of a run.
#[derive(Debug, Clone, Default)]
pub struct Aftermath {
    /// Sources that depended on a key that was turned off, resolved ones among them.
    pub left_behind: Vec<LeftBehind>,
    /// Every change, by time.
    pub key_changes: Vec<KeyChangeDetail>,
}

/// Works out who was left behind.
///
/// `changes`, `mints` and `uses` may come in any order but without duplicates; `uses` hold those of
/// the changed keys, of the sessions minted with them and of their owners' other credentials.
pub fn aftermath(
    changes: &[KeyChange],
    mints: &[Mint],
    uses: &[KeyUse],
    look_back: TimeDelta,
    now: DateTime<Utc>,
) -> Aftermath {
    let mut changes = changes.to_vec();
    changes.sort_by(|a, b| (a.time, a.change, &a.event_id).cmp(&(b.time, b.change, &b.event_id)));
    let index = Index::new(uses);
    let mut left_behind = Vec::new();
    let mut details: Vec<KeyChangeDetail> = changes.iter().map(detail).collect();
    for access_key_id in keys_turned_off(&changes, uses) {
        let own = index.of_key(&access_key_id);
        let timeline = Timeline::new(&access_key_id, &changes, own);
        for (nth, off) in timeline.offs.iter().enumerate() {
            let Some(detail) = details.iter_mut().find(|d| d.change.event_id == off.event_id)
            else {
                continue;
            };
            let services = own.iter().copied().filter(|u| {
                key_use::is_service(&u.caller.source) && in_look_back(u, off, look_back)
            });
            detail.service_uses.extend(callers(services));
            // Each session is told once: with the first change that it outlived.
            let before = nth.checked_sub(1).map(|previous| timeline.offs[previous].time);
            for mint in mints.iter().filter(|mint| mint.parent_access_key_id == access_key_id) {
                let fresh = mint.time <= off.time && before.is_none_or(|before| mint.time > before);
                let ends = session_end(mint, &changes, detail.change.user_name.as_deref());
                // A deleted user's sessions end with the user, and are told for that reason.
                let with_user = off.change == Change::UserDeleted && ends == Some(off.time);
                if fresh && (with_user || ends.is_none_or(|ends| ends > off.time)) {
                    detail.sessions.push(Session {
                        access_key_id: mint.access_key_id.clone(),
                        minted: mint.clone(),
                        ends,
                        live: ends.is_none_or(|ends| ends > now),
                        callers: callers(index.of_key(&mint.access_key_id).iter().copied()),
                    });
                }
            }
            detail.sessions.sort_by(|a, b| a.access_key_id.cmp(&b.access_key_id));
        }
        left_behind.extend(sources_left_behind(
            &access_key_id,
            &timeline,
            own,
            &Proofs { index: &index, mints },
            look_back,
        ));
    }
    for one in &left_behind {
        if let Some(detail) =
            details.iter_mut().find(|detail| detail.change.event_id == one.change.event_id)
        {
            match one.resolved {
                Some(_) => detail.resolved += 1,
                None => detail.left_behind += 1,
            }
        }
    }
    Aftermath { left_behind, key_changes: details }
}

impl LeftBehind {
    /// The prediction as failures to be counted: one for each caller, with an ID that is the same
    /// whenever the same callers are found.
    pub fn failures(&self) -> Vec<Failure> {
        let failure = |caller: &CallerUses| Failure {
            origin: Origin::Predicted,
            event_id: format!(
                "predicted:{}",
                digest(&[
                    Some(&self.change.event_id),
                    Some(&self.access_key_id),
                    Some(&self.source),
                    Some(&caller.client),
                    caller.principal.as_deref(),
                ])
            ),
            time: Some(self.since),
            account: self.account.clone(),
            access_key_id: Some(self.access_key_id.clone()),
            source: self.source.clone(),
            code: "InvalidClientTokenId".to_owned(),
            family: Family::UnknownCredentials,
            message: String::new(),
            event_source: None,
            event_name: None,
            region: None,
            principal: caller.principal.clone(),
            user_agent: String::new(),
            request_id: None,
            status: None,
            stage: None,
        };
        self.callers.iter().map(failure).collect()
    }

    /// The proof, among uses seen since, that this source works again. `changes` and `mints` are
    /// those of the key and of its owner.
    pub fn resolution(
        &self,
        changes: &[KeyChange],
        mints: &[Mint],
        uses: &[KeyUse],
    ) -> Option<Resolved> {
        let mut changes = changes.to_vec();
        changes
            .sort_by(|a, b| (a.time, a.change, &a.event_id).cmp(&(b.time, b.change, &b.event_id)));
        let index = Index::new(uses);
        let timeline =
            Timeline::new(&self.access_key_id, &changes, index.of_key(&self.access_key_id));
        let principals: BTreeSet<Option<&str>> =
            self.callers.iter().map(|caller| caller.principal.as_deref()).collect();
        proof(&index, &self.source, principals, |one| {
            proves(one, &self.access_key_id, &self.change, &timeline, mints)
        })
    }
}

/// The earliest use of a source and one of its principals that proves something.
fn proof<'a>(
    index: &Index<'a>,
    source: &'a str,
    principals: impl IntoIterator<Item = Option<&'a str>>,
    proves: impl Fn(&KeyUse) -> bool,
) -> Option<Resolved> {
    principals
        .into_iter()
        .flat_map(|principal| index.at_place(source, principal))
        .filter(|one| proves(one))
        .min_by(|a, b| (a.time, &a.event_id).cmp(&(b.time, &b.event_id)))
        .map(|one| Resolved {
            event_id: one.event_id.clone(),
            time: one.time,
            access_key_id: one.caller.access_key_id.clone(),
        })
}

fn detail(change: &KeyChange) -> KeyChangeDetail {
    KeyChangeDetail {
        change: change.clone(),
        left_behind: 0,
        resolved: 0,
        sessions: Vec::new(),
        service_uses: Vec::new(),
    }
}

/// The keys that some change turned off: named by it, or owned by a user who was deleted.
fn keys_turned_off(changes: &[KeyChange], uses: &[KeyUse]) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for change in changes {
        match change.change {
            Change::Deactivated | Change::Deleted => keys.extend(change.access_key_id.clone()),
            Change::UserDeleted => keys.extend(
                uses.iter()
                    .filter(|u| owned(u, change) && is_long_term(&u.caller.access_key_id))
                    .map(|u| u.caller.access_key_id.clone()),
            ),
            Change::Created | Change::Reactivated | Change::Quarantined => {}
        }
    }
    keys
}

fn is_long_term(access_key_id: &str) -> bool {
    access_key::kind(access_key_id) == Some(KeyKind::LongTerm)
}

fn in_look_back(key_use: &KeyUse, off: &KeyChange, look_back: TimeDelta) -> bool {
    // A look-back beyond the calendar reaches everything.
    let from = off.time.checked_sub_signed(look_back).unwrap_or(DateTime::<Utc>::MIN_UTC);
    (from..=off.time).contains(&key_use.time)
}

/// Everything that can prove that a caller has working credentials.
struct Proofs<'a> {
    index: &'a Index<'a>,
    mints: &'a [Mint],
}

fn sources_left_behind(
    access_key_id: &str,
    timeline: &Timeline<'_>,
    own: &[&KeyUse],
    proofs: &Proofs<'_>,
    look_back: TimeDelta,
) -> Vec<LeftBehind> {
    let mut by_source: BTreeMap<(&Option<String>, &str), Vec<&KeyUse>> = BTreeMap::new();
    for key_use in own.iter().copied().filter(|u| !key_use::is_service(&u.caller.source)) {
        let key = (&key_use.caller.account, key_use.caller.source.as_str());
        by_source.entry(key).or_default().push(key_use);
    }
    let mut found = Vec::new();
    for ((account, source), uses) in by_source {
        let dependent = |off: &KeyChange| uses.iter().any(|u| in_look_back(u, off, look_back));
        let applicable: Vec<&KeyChange> =
            timeline.offs.iter().copied().filter(|off| dependent(off)).collect();
        // A source that was seen on the key after it came back depends on it anew.
        let last_good = uses.iter().filter(|u| timeline.is_on(u.time)).map(|u| u.time).max();
        let off = applicable
            .iter()
            .find(|off| last_good.is_none_or(|last| off.time >= last))
            .or(applicable.last());
        let Some(off) = off else { continue };
        let counted: Vec<&KeyUse> = uses
            .iter()
            .copied()
            .filter(|u| applicable.iter().any(|off| in_look_back(u, off, look_back)))
            .collect();
        let mut tally = Tally::default();
        for key_use in &counted {
            tally.add(Some(key_use.time), &key_use.event_id);
        }
        let principals: BTreeSet<&Option<String>> =
            counted.iter().map(|u| &u.caller.principal).collect();
        let principals = principals.into_iter().map(Option::as_deref);
        let resolved = proof(proofs.index, source, principals, |one| {
            proves(one, access_key_id, off, timeline, proofs.mints)
        });
        found.push(LeftBehind {
            account: account.clone(),
            access_key_id: access_key_id.to_owned(),
            source: source.to_owned(),
            since: off.time,
            change: (*off).clone(),
            uses: tally,
            callers: callers(counted.into_iter()),
            resolved,
        });
    }
    found
}

/// Whether a success shows credentials that work and do not come from the dead key.
fn proves(
    key_use: &KeyUse,
    access_key_id: &str,
    off: &KeyChange,
    timeline: &Timeline<'_>,
    mints: &[Mint],
) -> bool {
    if key_use.time <= off.time + PROPAGATION {
        return false;
    }
    let used = key_use.caller.access_key_id.as_str();
    if used == access_key_id {
        return timeline.ons.iter().any(|on| *on > off.time && *on <= key_use.time)
            && timeline.is_on(key_use.time);
    }
    is_long_term(used)
        || mints.iter().any(|mint| {
            mint.access_key_id == used
                && mint.parent_access_key_id != access_key_id
                && is_long_term(&mint.parent_access_key_id)
        })
}

/// When a session's callers are expected to fail; `None` where nothing says so.
fn session_end(
    mint: &Mint,
    changes: &[KeyChange],
    user_name: Option<&str>,
) -> Option<DateTime<Utc>> {
    let deleted = changes
        .iter()
        .filter(|change| change.change == Change::UserDeleted && change.time >= mint.time)
        .filter(|change| user_name.is_some() && change.user_name.as_deref() == user_name)
        // A role session does not belong to the user who assumed the role.
        .filter(|_| mint.event_name != "AssumeRole")
        .map(|change| change.time)
        .min();
    [mint.expires, deleted].into_iter().flatten().min()
}
