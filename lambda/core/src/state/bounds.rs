//! How what is kept stays small: the most frequent of each kind by name, the rest as "other".
//!
//! Counts stay whole: what loses its name is counted under [`OTHER`].

use crate::cause::UseTally;
use crate::client::Client;
use crate::group::Group;
use crate::left_behind::LeftBehind;
use crate::tally::{Tallies, Tally};

/// How many names of each kind are kept.
const NAMES: usize = 10;
/// How many callers of one prediction are kept.
const CALLERS: usize = 10;
/// How many changes or sessions of one key are kept.
const LATEST: usize = 50;
/// How long a name may be, in bytes.
const NAME_BYTES: usize = 300;
/// How much of a user agent is kept.
const AGENT_BYTES: usize = 1024;
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

fn names(tallies: &mut Tallies) {
    let long: Vec<String> =
        tallies.keys().filter(|name| name.len() > NAME_BYTES).cloned().collect();
    for name in long {
        if let Some(tally) = tallies.remove(&name) {
            let cut = name.floor_char_boundary(NAME_BYTES - '…'.len_utf8());
            tallies.entry(format!("{}…", &name[..cut])).or_default().merge(&tally);
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
    left.callers.sort_by(|a, b| {
        b.uses.cmp(&a.uses).then_with(|| (&a.client, &a.principal).cmp(&(&b.client, &b.principal)))
    });
    left.callers.truncate(CALLERS);
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
        agent.truncate(agent.floor_char_boundary(AGENT_BYTES));
    }
}

/// Keeps the newest of a list that is sorted by time.
pub(super) fn newest<T>(list: &mut Vec<T>) {
    let over = list.len().saturating_sub(LATEST);
    list.drain(..over);
}
