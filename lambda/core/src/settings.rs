//! What a run is asked to do: the look-back, the grouping and the filters.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::failure::Origin;

/// Settings of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How far back from a key change a use makes its caller one that is left behind.
    pub look_back: TimeDelta,
    /// Whether failures are grouped by the service called, too.
    pub group_by_event_source: bool,
    /// What is shown; everything is read and counted all the same.
    pub filter: Filter,
}

impl Default for Settings {
    /// A look-back of 24 hours, the standard grouping, everything shown.
    fn default() -> Self {
        Settings {
            look_back: TimeDelta::hours(24),
            group_by_event_source: false,
            filter: Filter::default(),
        }
    }
}

/// What is shown. An empty set of names shows all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// From this time on, inclusive.
    pub since: Option<DateTime<Utc>>,
    /// Up to this time, inclusive.
    pub until: Option<DateTime<Utc>>,
    /// These access key IDs.
    pub access_key_ids: BTreeSet<String>,
    /// These sources.
    pub sources: BTreeSet<String>,
    /// These accounts.
    pub accounts: BTreeSet<String>,
    /// These regions.
    pub regions: BTreeSet<String>,
    /// These origins.
    pub origins: BTreeSet<Origin>,
}

impl Filter {
    /// Whether a time is shown; what has no time is shown.
    pub fn shows_time(&self, time: Option<DateTime<Utc>>) -> bool {
        time.is_none_or(|time| {
            self.since.is_none_or(|since| since <= time)
                && self.until.is_none_or(|until| time <= until)
        })
    }

    /// Whether an origin is shown.
    pub fn shows_origin(&self, origin: Origin) -> bool {
        self.origins.is_empty() || self.origins.contains(&origin)
    }

    /// Whether an access key ID is shown.
    pub fn shows_key(&self, access_key_id: Option<&str>) -> bool {
        shows(&self.access_key_ids, access_key_id)
    }

    /// Whether a source is shown.
    pub fn shows_source(&self, source: &str) -> bool {
        shows(&self.sources, Some(source))
    }

    /// Whether an account is shown.
    pub fn shows_account(&self, account: Option<&str>) -> bool {
        shows(&self.accounts, account)
    }

    /// Whether any of the regions is shown.
    pub fn shows_region<'a>(&self, mut regions: impl Iterator<Item = &'a str>) -> bool {
        self.regions.is_empty() || regions.any(|region| self.regions.contains(region))
    }
}

fn shows(wanted: &BTreeSet<String>, name: Option<&str>) -> bool {
    wanted.is_empty() || name.is_some_and(|name| wanted.contains(name))
}
