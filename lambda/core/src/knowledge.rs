//! What all records together say of each access key, for the causes.
//!
//! Must not judge: it only brings together changes, uses, owners and minted sessions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::cause::{KeyKnowledge, UseTally};
use crate::key_change::{KeyChange, Mint};
use crate::key_use::KeyUse;
use crate::scan::Owner;
use crate::tally::Tally;

/// Everything that is known about keys, by key and by owner.
pub(crate) struct Knowledge<'a> {
    owners: HashMap<&'a str, Owner>,
    changes_of_key: HashMap<&'a str, Vec<&'a KeyChange>>,
    changes_of_user: HashMap<Owner, Vec<&'a KeyChange>>,
    uses_of_key: HashMap<&'a str, Vec<&'a KeyUse>>,
    uses_of_user: HashMap<Owner, Vec<&'a KeyUse>>,
    minted: HashMap<&'a str, &'a Mint>,
}

impl<'a> Knowledge<'a> {
    pub(crate) fn new(
        changes: &'a [KeyChange],
        mints: &'a [Mint],
        uses: &'a [KeyUse],
        seen_owners: &'a BTreeSet<(String, Owner)>,
    ) -> Knowledge<'a> {
        let mut knowledge = Knowledge {
            owners: HashMap::new(),
            changes_of_key: HashMap::new(),
            changes_of_user: HashMap::new(),
            uses_of_key: HashMap::new(),
            uses_of_user: HashMap::new(),
            minted: mints.iter().map(|mint| (mint.access_key_id.as_str(), mint)).collect(),
        };
        for change in changes {
            let owner = change.user_name.clone().map(|name| (change.account.clone(), name));
            if let Some(id) = &change.access_key_id {
                knowledge.changes_of_key.entry(id).or_default().push(change);
                owner.into_iter().for_each(|owner| knowledge.own(id, owner));
            } else if let Some(owner) = owner {
                knowledge.changes_of_user.entry(owner).or_default().push(change);
            }
        }
        for (id, owner) in seen_owners {
            knowledge.own(id, owner.clone());
        }
        for one in uses {
            let caller = &one.caller;
            knowledge.uses_of_key.entry(&caller.access_key_id).or_default().push(one);
            if let Some(name) = &caller.user_name {
                let owner = (caller.account.clone(), name.clone());
                knowledge.uses_of_user.entry(owner).or_default().push(one);
            }
        }
        knowledge
    }

    /// Notes the owner of a key; of several, which only damaged records give, the least.
    fn own(&mut self, access_key_id: &'a str, owner: Owner) {
        let known = self.owners.entry(access_key_id).or_insert_with(|| owner.clone());
        if owner < *known {
            *known = owner;
        }
    }

    /// What the records say of one key.
    pub(crate) fn of(&self, access_key_id: &str) -> KeyKnowledge {
        let owner = self.owners.get(access_key_id);
        let of_key = self.changes_of_key.get(access_key_id);
        let of_user = owner.and_then(|owner| self.changes_of_user.get(owner));
        let mut changes: Vec<KeyChange> =
            of_key.into_iter().chain(of_user).flatten().map(|change| (*change).clone()).collect();
        changes
            .sort_by(|a, b| (a.time, a.change, &a.event_id).cmp(&(b.time, b.change, &b.event_id)));
        let own = self.uses_of_key.get(access_key_id).into_iter().flatten().copied();
        let of_owner = owner.and_then(|owner| self.uses_of_user.get(owner));
        let others = of_owner.into_iter().flatten().copied();
        KeyKnowledge {
            changes,
            uses: tallies(own),
            other_keys: tallies(others.filter(|one| one.caller.access_key_id != access_key_id)),
            minted: self.minted.get(access_key_id).map(|mint| (*mint).clone()),
            user_name: owner.map(|(_, name)| name.clone()),
        }
    }
}

/// Uses by caller, service and region.
pub(crate) fn tallies<'a>(uses: impl Iterator<Item = &'a KeyUse>) -> Vec<UseTally> {
    let mut by_caller = BTreeMap::new();
    for key_use in uses {
        let key = (&key_use.caller, &key_use.event_source, &key_use.region);
        let tally: &mut Tally = by_caller.entry(key).or_default();
        tally.add(Some(key_use.time), &key_use.event_id);
    }
    by_caller
        .into_iter()
        .map(|((caller, event_source, region), tally)| UseTally {
            caller: caller.as_ref().clone(),
            event_source: event_source.to_string(),
            region: region.to_string(),
            tally,
        })
        .collect()
}
