//! Counting with a few witnesses: how often, when first and last, and which records show it.
//!
//! The result does not depend on the order in which things are counted or tallies are merged.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How many event IDs a tally keeps: enough to look at, few enough to read.
pub(crate) const WITNESSES: usize = 5;

/// How often something was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many times.
    pub count: u64,
    /// The first time, where any had one.
    pub first: Option<DateTime<Utc>>,
    /// The last time, where any had one.
    pub last: Option<DateTime<Utc>>,
    /// The earliest few, by time and then by ID.
    witnesses: Vec<(Option<DateTime<Utc>>, String)>,
}

impl Tally {
    /// Counts one.
    pub fn add(&mut self, time: Option<DateTime<Utc>>, event_id: &str) {
        self.count += 1;
        self.first = [self.first, time].into_iter().flatten().min();
        self.last = [self.last, time].into_iter().flatten().max();
        let place = self.witnesses.partition_point(|(t, id)| (*t, id.as_str()) < (time, event_id));
        if place < WITNESSES {
            self.witnesses.insert(place, (time, event_id.to_owned()));
            self.witnesses.truncate(WITNESSES);
        }
    }

    /// Counts all that another tally counted.
    pub fn merge(&mut self, other: &Tally) {
        self.count += other.count;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
        self.witnesses.extend(other.witnesses.iter().cloned());
        self.witnesses.sort();
        self.witnesses.truncate(WITNESSES);
    }

    /// The event IDs of the earliest few.
    pub fn event_ids(&self) -> Vec<String> {
        self.witnesses.iter().map(|(_, id)| id.clone()).collect()
    }
}

/// Tallies by name.
pub type Tallies = BTreeMap<String, Tally>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_earliest_witnesses_whatever_the_order() {
        let time = |second: i64| DateTime::from_timestamp(second, 0);
        let mut forward = Tally::default();
        let mut backward = Tally::default();
        for n in 0..9 {
            forward.add(time(n), &format!("e{n}"));
            backward.add(time(8 - n), &format!("e{}", 8 - n));
        }
        assert_eq!(forward, backward);
        assert_eq!(forward.event_ids(), ["e0", "e1", "e2", "e3", "e4"]);
        assert_eq!((forward.count, forward.first, forward.last), (9, time(0), time(8)));

        let mut merged = Tally::default();
        merged.merge(&backward);
        merged.merge(&Tally::default());
        assert_eq!(merged, forward);
    }
}
