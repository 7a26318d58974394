//! Failures grouped by account, access key ID and source, and counted inside.
//!
//! Must not know causes or output. Counting does not depend on the order of failures.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::client::{self, Client};
use crate::failure::{Failure, Family, Origin};
use crate::tally::{Tallies, Tally};

/// What failures of one group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKey {
    /// The account, where it is known.
    pub account: Option<String>,
    /// The access key ID, where one was sent.
    pub access_key_id: Option<String>,
    /// Where the calls came from.
    pub source: String,
    /// The service called, for runs that group by it, too.
    pub event_source: Option<String>,
}

/// How many failures came to light how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origins {
    /// In CloudTrail records.
    pub recorded: u64,
    /// In clients' logs.
    pub reported: u64,
    /// Callers expected to fail.
    pub predicted: u64,
}

impl Origins {
    /// Adds the counts of others.
    pub fn add(&mut self, other: Origins) {
        self.recorded += other.recorded;
        self.reported += other.reported;
        self.predicted += other.predicted;
    }

    /// Counts one.
    pub fn count(&mut self, origin: Origin) {
        match origin {
            Origin::Recorded => self.recorded += 1,
            Origin::Reported => self.reported += 1,
            Origin::Predicted => self.predicted += 1,
        }
    }

    /// All together.
    pub fn total(self) -> u64 {
        self.recorded + self.reported + self.predicted
    }
}

/// The failures of one access key ID from one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What they have in common.
    pub key: GroupKey,
    /// Counts per origin.
    pub origins: Origins,
    /// All recorded and reported failures together.
    pub all: Tally,
    /// By error code.
    pub codes: Tallies,
    /// By family.
    pub families: BTreeMap<Family, Tally>,
    /// By error text.
    pub messages: Tallies,
    /// By service called.
    pub event_sources: Tallies,
    /// By operation.
    pub event_names: Tallies,
    /// By region called.
    pub regions: Tallies,
    /// By principal.
    pub principals: Tallies,
    /// By stage of a client's work; reports only.
    pub stages: Tallies,
    /// By HTTP status; reports only.
    pub statuses: Tallies,
    /// The request IDs of the earliest few.
    pub request_ids: Tally,
    /// By client label.
    pub clients: BTreeMap<String, (Client, Tally)>,
}

impl Group {
    /// A group without failures.
    pub fn new(key: GroupKey) -> Group {
        Group {
            key,
            origins: Origins::default(),
            all: Tally::default(),
            codes: Tallies::new(),
            families: BTreeMap::new(),
            messages: Tallies::new(),
            event_sources: Tallies::new(),
            event_names: Tallies::new(),
            regions: Tallies::new(),
            principals: Tallies::new(),
            stages: Tallies::new(),
            statuses: Tallies::new(),
            request_ids: Tally::default(),
            clients: BTreeMap::new(),
        }
    }

    /// Counts a failure; the caller has seen to it that each is counted once.
    pub fn add(&mut self, failure: &Failure) {
        match failure.origin {
            Origin::Recorded => self.origins.recorded += 1,
            Origin::Reported => self.origins.reported += 1,
            // Expected, not seen: only counted.
            Origin::Predicted => {
                self.origins.predicted += 1;
                return;
            }
        }
        let (time, id) = (failure.time, failure.event_id.as_str());
        self.all.add(time, id);
        self.families.entry(failure.family).or_default().add(time, id);
        let count = |tallies: &mut Tallies, name: Option<&str>| {
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                tallies.entry(name.to_owned()).or_default().add(time, id);
            }
        };
        count(&mut self.codes, Some(&failure.code));
        count(&mut self.messages, Some(&failure.message));
        count(&mut self.event_sources, failure.event_source.as_deref());
        count(&mut self.event_names, failure.event_name.as_deref());
        count(&mut self.regions, failure.region.as_deref());
        count(&mut self.principals, failure.principal.as_deref());
        count(&mut self.stages, failure.stage);
        let status = failure.status.map(|status| status.to_string());
        count(&mut self.statuses, status.as_deref());
        if let Some(request_id) = &failure.request_id {
            self.request_ids.add(time, request_id);
        }
        if !failure.user_agent.is_empty() {
            self.add_client(&failure.user_agent, time, id);
        }
    }

    fn add_client(&mut self, user_agent: &str, time: Option<DateTime<Utc>>, event_id: &str) {
        let client = client::parse(user_agent);
        let (kept, tally) = self
            .clients
            .entry(client.label())
            .or_insert_with(|| (client.clone(), Tally::default()));
        // Agents of one label may differ in detail; which one is kept must not depend on order.
        if client < *kept {
            *kept = client;
        }
        tally.add(time, event_id);
    }

    /// Whether any failure belongs to the family.
    pub fn has(&self, family: Family) -> bool {
        self.families.contains_key(&family)
    }
}
