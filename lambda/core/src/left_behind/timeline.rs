//! When a key was on, and where to find its uses.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::key_change::{Change, KeyChange};
use crate::key_use::{Caller, KeyUse};

/// When one key was turned off and on.
pub(super) struct Timeline<'a> {
    /// The changes that turned the key off while it was on.
    pub(super) offs: Vec<&'a KeyChange>,
    /// The moments at which it was turned on again.
    pub(super) ons: Vec<DateTime<Utc>>,
}

impl<'a> Timeline<'a> {
    /// `changes` must be sorted by time.
    pub(super) fn new(
        access_key_id: &str,
        changes: &'a [KeyChange],
        own: &[&KeyUse],
    ) -> Timeline<'a> {
        let mut timeline = Timeline { offs: Vec::new(), ons: Vec::new() };
        let mut on = true;
        for change in changes {
            let ours = match change.change {
                Change::UserDeleted => own.iter().any(|one| owned(one, change)),
                _ => change.access_key_id.as_deref() == Some(access_key_id),
            };
            match change.change {
                _ if !ours => {}
                Change::Deactivated | Change::Deleted | Change::UserDeleted => {
                    if on {
                        timeline.offs.push(change);
                    }
                    on = false;
                }
                Change::Reactivated => {
                    if !on {
                        timeline.ons.push(change.time);
                    }
                    on = true;
                }
                Change::Created | Change::Quarantined => {}
            }
        }
        timeline
    }

    /// Whether the key was on at a time; a change counts from its own second on.
    pub(super) fn is_on(&self, time: DateTime<Utc>) -> bool {
        let offs = self.offs.iter().filter(|off| off.time < time).count();
        let ons = self.ons.iter().filter(|on| **on <= time).count();
        offs <= ons
    }
}

/// Whether a use before the end of a user is one of that user.
pub(super) fn owned(key_use: &KeyUse, change: &KeyChange) -> bool {
    change.user_name.is_some()
        && key_use.caller.user_name == change.user_name
        && key_use.caller.account == change.account
        && key_use.time <= change.time
}

/// Uses by key, and by source and principal.
pub(super) struct Index<'a> {
    by_key: HashMap<&'a str, Vec<&'a KeyUse>>,
    by_place: HashMap<(&'a str, Option<&'a str>), Vec<&'a KeyUse>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(uses: &'a [KeyUse]) -> Index<'a> {
        let mut index = Index { by_key: HashMap::new(), by_place: HashMap::new() };
        for one in uses {
            let Caller { access_key_id, source, principal, .. } = one.caller.as_ref();
            index.by_key.entry(access_key_id).or_default().push(one);
            index.by_place.entry((source, principal.as_deref())).or_default().push(one);
        }
        index
    }

    pub(super) fn of_key(&self, access_key_id: &str) -> &[&'a KeyUse] {
        self.by_key.get(access_key_id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn at_place(&self, source: &'a str, principal: Option<&'a str>) -> &[&'a KeyUse] {
        self.by_place.get(&(source, principal)).map_or(&[], Vec::as_slice)
    }
}
