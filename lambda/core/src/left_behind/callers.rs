//! The uses of a key by caller: client and principal at one source.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::client::{self, Client};
use crate::key_use::KeyUse;
use crate::tally::Tally;

/// The uses of one client of one principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerUses {
    /// Where from.
    pub source: String,
    /// The client's label.
    pub client: String,
    /// What the user agent says.
    #[serde(skip_serializing, default)]
    pub parsed: Client,
    /// Who the caller is to AWS.
    pub principal: Option<String>,
    /// How many successful calls.
    pub uses: u64,
    /// The first of them.
    pub first_use: Option<DateTime<Utc>>,
    /// The last of them.
    pub last_use: Option<DateTime<Utc>>,
    /// The services called.
    pub event_sources: BTreeSet<String>,
    /// The regions called.
    pub regions: BTreeSet<String>,
    /// A few records that show the uses.
    pub event_ids: Vec<String>,
}

/// Counts uses by caller.
pub(super) fn callers<'a>(uses: impl Iterator<Item = &'a KeyUse>) -> Vec<CallerUses> {
    let mut by_caller: BTreeMap<(String, String, Option<String>), (CallerUses, Tally)> =
        BTreeMap::new();
    for key_use in uses {
        let caller = &key_use.caller;
        let parsed = client::parse(&caller.user_agent);
        let key = (caller.source.clone(), parsed.label(), caller.principal.clone());
        let (entry, tally) =
            by_caller.entry(key).or_insert_with_key(|(source, label, principal)| {
                let entry = CallerUses {
                    source: source.clone(),
                    client: label.clone(),
                    parsed,
                    principal: principal.clone(),
                    uses: 0,
                    first_use: None,
                    last_use: None,
                    event_sources: BTreeSet::new(),
                    regions: BTreeSet::new(),
                    event_ids: Vec::new(),
                };
                (entry, Tally::default())
            });
        tally.add(Some(key_use.time), &key_use.event_id);
        entry.event_sources.insert(key_use.event_source.to_string());
        entry.regions.insert(key_use.region.to_string());
    }
    by_caller
        .into_values()
        .map(|(mut entry, tally)| {
            entry.uses = tally.count;
            entry.first_use = tally.first;
            entry.last_use = tally.last;
            entry.event_ids = tally.event_ids();
            entry
        })
        .collect()
}
