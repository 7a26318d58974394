//! How what is kept stays small: the most frequent of each kind by name, the rest as "other".
//!
//! Counts stay whole: what loses its name is counted under [`OTHER`]. A finding has less than
//! [`FINDING_BYTES`] as JSON, whatever strangers write into agents, error texts and logs.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::cause::UseTally;
use crate::client::Client;
use crate::failure::Failure;
use crate::group::Group;
use crate::key_change::KeyChange;
use crate::left_behind::{CallerUses, KeyChangeDetail, LeftBehind};
use crate::state::digest;
use crate::tally::{Tallies, Tally};

/// The most bytes of a finding, as JSON: a transaction of the store may hold 33 of them and 4 MiB.
pub const FINDING_BYTES: usize = 120_000;

/// How many names of each kind are kept.
const NAMES: usize = 10;
/// How many callers of one prediction are kept.
const CALLERS: usize = 10;
/// How many callers of one session are kept.
const SESSION_CALLERS: usize = 5;
/// How many changes or sessions of one key are kept.
const LATEST: usize = 50;
/// How long a name may be, in bytes of JSON.
const NAME_BYTES: usize = 300;
/// How much of a user agent is kept where causes read it, in bytes of JSON.
const AGENT_BYTES: usize = 1024;
/// How long an event ID may be, in bytes; CloudTrail's have 36. Those made from the place of a
/// report in a log hold names of any length.
const ID_BYTES: usize = 80;
/// How many services or regions of one caller are kept.
const PLACES: usize = 20;
/// How many sessions of one key change are kept.
const SESSIONS: usize = 20;
/// The name of everything that is not kept by its own.
pub(super) const OTHER: &str = "other";

/// Cuts each part of a group down to the most frequent names.
pub(super) fn keep_small(group: &mut Group) {
    for tallies in [
        &mut group.codes,
        &mut group.messages,
        &mut group.event_sources,
        &mut group.event_names,
        &mut group.regions,
        &mut group.principals,
        &mut group.stages,
        &mut group.statuses,
    ] {
        names(tallies);
    }
    if group.clients.len() > NAMES + 1 {
        let mut rest: (Client, Tally) = group.clients.remove(OTHER).unwrap_or_default();
        while group.clients.len() > NAMES {
            let least =
                group.clients.iter().min_by_key(|(label, (_, tally))| (tally.count, *label));
            let Some(label) = least.map(|(label, _)| label.clone()) else { break };
            if let Some((_, tally)) = group.clients.remove(&label) {
                rest.1.merge(&tally);
            }
        }
        group.clients.insert(OTHER.to_owned(), rest);
    }
}

/// The failure with identifiers that are short, still different for different ones.
pub(super) fn short(failure: &Failure) -> Cow<'_, Failure> {
    let long = |id: &str| id.len() > ID_BYTES || json_bytes(id) > ID_BYTES;
    let request_id = failure.request_id.as_deref().filter(|id| long(id));
    if !long(&failure.event_id) && request_id.is_none() {
        return Cow::Borrowed(failure);
    }
    let mut short = failure.clone();
    for id in [Some(&mut short.event_id), short.request_id.as_mut()].into_iter().flatten() {
        if long(id) {
            let name = digest(&[Some(id)]);
            *id = format!("{}…{name}", cut(id, ID_BYTES - name.len() - '…'.len_utf8()));
        }
    }
    Cow::Owned(short)
}

/// How many bytes a text has in JSON, without its quotation marks.
fn json_bytes(text: &str) -> usize {
    text.chars().map(json_char).sum()
}

fn json_char(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        '\u{0}'..='\u{1f}' => 6,
        c => c.len_utf8(),
    }
}

/// The longest beginning of a text that has at most so many bytes in JSON.
fn cut(text: &str, most: usize) -> &str {
    let mut room = most;
    for (at, c) in text.char_indices() {
        match room.checked_sub(json_char(c)) {
            Some(left) => room = left,
            None => return &text[..at],
        }
    }
    text
}

/// A name, cut where it is too long.
fn shown(name: &str) -> Option<String> {
    let long = json_bytes(name) > NAME_BYTES;
    long.then(|| format!("{}…", cut(name, NAME_BYTES - '…'.len_utf8())))
}

fn shorten(name: &mut String) {
    if let Some(short) = shown(name) {
        *name = short;
    }
}

fn names(tallies: &mut Tallies) {
    let long: Vec<(String, String)> =
        tallies.keys().filter_map(|name| Some((name.clone(), shown(name)?))).collect();
    for (name, short) in long {
        if let Some(tally) = tallies.remove(&name) {
            tallies.entry(short).or_default().merge(&tally);
        }
    }
    if tallies.len() <= NAMES + usize::from(tallies.contains_key(OTHER)) {
        return;
    }
    let mut rest = tallies.remove(OTHER).unwrap_or_default();
    while tallies.len() > NAMES {
        let least = tallies.iter().min_by_key(|(name, tally)| (tally.count, *name));
        let Some(name) = least.map(|(name, _)| name.clone()) else { break };
        if let Some(tally) = tallies.remove(&name) {
            rest.merge(&tally);
        }
    }
    tallies.insert(OTHER.to_owned(), rest);
}

/// Keeps the callers with the most uses.
pub(super) fn callers(left: &mut LeftBehind) {
    most_used(&mut left.callers, CALLERS);
    change(&mut left.change);
}

fn most_used(callers: &mut Vec<CallerUses>, most: usize) {
    callers.sort_by(|a, b| {
        b.uses.cmp(&a.uses).then_with(|| (&a.client, &a.principal).cmp(&(&b.client, &b.principal)))
    });
    callers.truncate(most);
    for caller in callers {
        caller.principal.iter_mut().for_each(shorten);
        places(&mut caller.event_sources);
        places(&mut caller.regions);
    }
}

fn places(places: &mut BTreeSet<String>) {
    if places.len() > PLACES {
        let kept = std::mem::take(places).into_iter().take(PLACES);
        *places = kept.chain([OTHER.to_owned()]).collect();
    }
}

/// Cuts what people can write into a change.
pub(super) fn change(change: &mut KeyChange) {
    shorten(&mut change.user_agent);
    change.changed_by.iter_mut().for_each(shorten);
}

/// Cuts what followed from a key change down to what can be kept in one item: the sessions that
/// last longest, and everywhere the callers with the most uses. Tells how many sessions went.
pub fn keep_change_small(detail: &mut KeyChangeDetail) -> usize {
    change(&mut detail.change);
    most_used(&mut detail.service_uses, CALLERS);
    let all = detail.sessions.len();
    // A session without a known end counts as one that lasts.
    detail.sessions.sort_by(|a, b| {
        let lasts = |ends: Option<_>| (ends.is_some(), std::cmp::Reverse(ends));
        (lasts(a.ends), &a.access_key_id).cmp(&(lasts(b.ends), &b.access_key_id))
    });
    detail.sessions.truncate(SESSIONS);
    detail.sessions.sort_by(|a, b| a.access_key_id.cmp(&b.access_key_id));
    for session in &mut detail.sessions {
        most_used(&mut session.callers, SESSION_CALLERS);
    }
    all - detail.sessions.len()
}

/// Keeps the uses that were made most often.
pub(super) fn uses(uses: &mut Vec<UseTally>) {
    uses.sort_by(|a, b| {
        let order = |one: &UseTally| (one.event_source.clone(), one.region.clone());
        b.tally
            .count
            .cmp(&a.tally.count)
            .then_with(|| a.caller.cmp(&b.caller))
            .then_with(|| order(a).cmp(&order(b)))
    });
    uses.truncate(LATEST);
    for one in uses {
        let agent = &mut one.caller.user_agent;
        agent.truncate(cut(agent, AGENT_BYTES).len());
    }
}

/// Keeps the newest of a list that is sorted by time.
pub(super) fn newest<T>(list: &mut Vec<T>) {
    let over = list.len().saturating_sub(LATEST);
    list.drain(..over);
}
