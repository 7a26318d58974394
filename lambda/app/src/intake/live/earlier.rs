//! Uses before the span: what depended on keys that were turned off in it, or were refused in it.
//!
//! Chooses from what the span showed whose uses to look up, and looks them up, region by region.
//! Must not judge. A flood of refused keys must not hold anybody up for hours, so these look-ups are
//! bounded, and what a bound left out is said.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudtrail::types::LookupAttributeKey;
use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::access_key;
use failure_monitor_core::key_change::{Change, Mint};
use failure_monitor_core::key_use::KeyUse;
use failure_monitor_core::look::FirstLook;
use failure_monitor_core::scan::Owner;
use failure_monitor_core::settings::Filter;
use failure_monitor_core::state::TimeRange;
use futures_util::future::join_all;
use indicatif::MultiProgress;
use tokio::time::Instant;

use super::super::lookup_events::{LookupEvents, Query};
use super::{Live, PATIENCE, at, spinner};

/// How many refused keys are looked up: those refused most often.
const REFUSED_KEYS: usize = 20;
/// How many pages, of 50 records at most, are read of a refused key in a region: the newest ones
/// tell until when it was good, and for whom.
const REFUSED_PAGES: usize = 20;
/// How many deleted users are looked up: those deleted last.
const USERS: usize = 100;
/// How many pages are read of a deleted user in a region.
const USER_PAGES: usize = 400;

/// What to look up before the span.
pub(super) struct Plan {
    asks: Vec<Ask>,
    before: DateTime<Utc>,
    /// What the bounds leave out.
    pub(super) left_out: Vec<String>,
}

/// One question to each region.
struct Ask {
    attribute: LookupAttributeKey,
    value: String,
    from: DateTime<Utc>,
    pages: usize,
    /// Whom it is about, for people.
    of: String,
}

impl Plan {
    /// From what the span, which begins at `before`, showed. Nothing before `oldest` is kept.
    pub(super) fn new(
        live: &Live,
        before: DateTime<Utc>,
        oldest: DateTime<Utc>,
        look_back: TimeDelta,
        filter: &Filter,
    ) -> Plan {
        let begin = |time: DateTime<Utc>| {
            // A look-back beyond the calendar reaches everything.
            let first = time.checked_sub_signed(look_back).unwrap_or(oldest).max(oldest);
            (first < before).then_some(first)
        };
        let mut keys: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
        let mut users: BTreeMap<&str, (DateTime<Utc>, DateTime<Utc>)> = BTreeMap::new();
        for change in live.looks.iter().flat_map(|(_, look)| &look.key_changes) {
            let Some(first) = begin(change.time) else { continue };
            match (change.change, &change.access_key_id, &change.user_name) {
                (Change::Deactivated | Change::Deleted, Some(id), _) => {
                    let from = keys.entry(id).or_insert(first);
                    *from = first.min(*from);
                }
                // By name, so that keys count of which the span shows nothing.
                (Change::UserDeleted, _, Some(name)) => {
                    let (from, last) = users.entry(name).or_insert((first, change.time));
                    (*from, *last) = (first.min(*from), change.time.max(*last));
                }
                _ => {}
            }
        }
        let mut refused: Vec<(&str, Refused)> = refused(live, filter)
            .into_iter()
            .filter(|(id, _)| !keys.contains_key(id))
            .filter(|(_, refused)| begin(refused.first).is_some())
            .collect();
        refused
            .sort_by(|(a_id, a), (b_id, b)| (b.count, b.last, a_id).cmp(&(a.count, a.last, b_id)));
        let mut users: Vec<(&str, _)> = users.into_iter().collect();
        users.sort_by(|(a_name, (_, a)), (b_name, (_, b))| (b, a_name).cmp(&(a, b_name)));

        let mut left_out = Vec::new();
        let mut bound = |count: usize, most: usize, which: &str| {
            if let Some(more) = count.checked_sub(most).filter(|more| *more > 0) {
                left_out.push(format!(
                    "uses before {} were looked up for the {most} {which} only: those of {more} \
                     more are left out",
                    at(before)
                ));
            }
        };
        bound(users.len(), USERS, "users deleted last");
        bound(refused.len(), REFUSED_KEYS, "keys refused most often");
        let of_key = |id: &str, from, pages, how: &str| Ask {
            attribute: LookupAttributeKey::AccessKeyId,
            value: id.to_owned(),
            from,
            pages,
            of: format!("{how} key {}", access_key::mask(id)),
        };
        let mut asks: Vec<Ask> =
            keys.iter().map(|(id, from)| of_key(id, *from, usize::MAX, "turned-off")).collect();
        asks.extend(users.iter().take(USERS).map(|(name, (from, _))| Ask {
            attribute: LookupAttributeKey::Username,
            value: (*name).to_owned(),
            from: *from,
            pages: USER_PAGES,
            of: format!("deleted user {name}"),
        }));
        asks.extend(refused.iter().take(REFUSED_KEYS).filter_map(|(id, refused)| {
            Some(of_key(id, begin(refused.first)?, REFUSED_PAGES, "refused"))
        }));
        Plan { asks, before, left_out }
    }

    /// Whether there is nothing to look up.
    pub(super) fn is_empty(&self) -> bool {
        self.asks.is_empty()
    }

    /// Looks it up in all regions at once; what was found is kept in `found`, so that it outlives an
    /// interruption.
    pub(super) async fn look_up(
        &self,
        lookup: &LookupEvents,
        found: &mut [Earlier],
        bars: &MultiProgress,
    ) {
        join_all(found.iter_mut().map(|one| one.read(lookup, self, bars))).await;
    }
}

/// How a key was refused in the span.
struct Refused {
    count: u64,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

/// The keys that were refused in the span, without a success before that would tell of them.
fn refused<'a>(live: &'a Live, filter: &Filter) -> BTreeMap<&'a str, Refused> {
    let mut refused: BTreeMap<&str, Refused> = BTreeMap::new();
    for failure in live.looks.iter().flat_map(|(_, look)| &look.failures) {
        let id = failure.access_key_id.as_deref();
        let shown = filter.shows_key(id)
            && filter.shows_source(&failure.source)
            && filter.shows_account(failure.account.as_deref());
        // Others, AWS never issued.
        let id = id.filter(|id| shown && access_key::kind(id).is_some());
        let Some((id, time)) = id.zip(failure.time) else { continue };
        let one = refused.entry(id).or_insert(Refused { count: 0, first: time, last: time });
        one.count += 1;
        (one.first, one.last) = (one.first.min(time), one.last.max(time));
    }
    for one in &live.uses {
        let id = one.caller.access_key_id.as_str();
        if refused.get(id).is_some_and(|refused| one.time < refused.first) {
            refused.remove(id);
        }
    }
    refused
}

/// What a region shows of the time before the span, as far as it was read.
#[derive(Default)]
pub(super) struct Earlier {
    region: String,
    uses: Vec<KeyUse>,
    mints: Vec<Mint>,
    owners: BTreeSet<(String, Owner)>,
    /// Why something was not read, and whose uses.
    problems: BTreeMap<String, Vec<String>>,
}

impl Earlier {
    pub(super) fn new(region: &str) -> Earlier {
        Earlier { region: region.to_owned(), ..Earlier::default() }
    }

    /// Adds it to what the span showed.
    pub(super) fn add_to(self, live: &mut Live) {
        live.uses.extend(self.uses);
        live.mints.extend(self.mints);
        if let Some((_, look)) = live.looks.iter_mut().find(|(name, _)| *name == self.region) {
            look.owners.extend(self.owners);
        }
        for (why, of) in self.problems {
            let of = match of.as_slice() {
                [one] => one.clone(),
                [one, more @ ..] => format!("{one} and {} more", more.len()),
                [] => continue,
            };
            live.problems
                .push((format!("live: {}", self.region), format!("earlier uses of {of}: {why}")));
        }
    }

    async fn read(&mut self, lookup: &LookupEvents, plan: &Plan, bars: &MultiProgress) {
        let bar = spinner(bars, &self.region);
        let all = plan.asks.len();
        for (nth, ask) in plan.asks.iter().enumerate() {
            let attribute = Some((ask.attribute.clone(), ask.value.clone()));
            let range = TimeRange { from: ask.from, to: plan.before };
            let query = Query { attribute, range };
            let Some(mut pages) = lookup.pages(&self.region, query, Instant::now() + PATIENCE)
            else {
                return;
            };
            let mut reached = plan.before;
            let mut left = ask.pages;
            loop {
                bar.set_message(format!(
                    "earlier uses of {}, {} of {all}; back to {}, {} found",
                    failure_monitor_core::render::terminal::escape(&ask.of),
                    nth + 1,
                    at(reached),
                    self.uses.len()
                ));
                bar.tick();
                if left == 0 && pages.has_more() {
                    let why = format!("read back to {} only, older ones are left out", at(reached));
                    self.problems.entry(why).or_default().push(ask.of.clone());
                    break;
                }
                left = left.saturating_sub(1);
                let Some(page) = pages.next().await else { break };
                let mut look = FirstLook::default();
                for record in page.records.iter().flatten() {
                    reached = reached.min(record.time().unwrap_or(reached));
                    look.take(record);
                    self.uses.extend(KeyUse::of(record));
                }
                self.mints.extend(look.mints);
                self.owners.extend(look.owners);
            }
            if let Some(problem) = pages.problem() {
                self.problems.entry(problem.to_owned()).or_default().push(ask.of.clone());
            }
        }
        bar.finish_and_clear();
    }
}
