//! Whatever deliveries, faults and retries come in whatever order: counted = distinct failures.

use std::collections::BTreeSet;

use failure_monitor_core::failure::Failure;
use proptest::prelude::*;

use super::counting::{batch, deliver, distinct, failure, kept, typed};
use super::faulty::{Fault, Faulty};
use crate::store::memory::Memory;

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![Just(Fault::Down), Just(Fault::LosesTheAnswer), Just(Fault::Crash)]
}

/// Deliveries of a few failures of a few groups, duplicates among them.
fn deliveries() -> impl Strategy<Value = Vec<Vec<Failure>>> {
    let one = (0..3_u32, 0..40_u32).prop_map(|(group, number)| failure(group, number));
    prop::collection::vec(prop::collection::vec(one, 1..25), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn counted_are_the_distinct_failures(
        left in deliveries(),
        right in deliveries(),
        faults in prop::collection::btree_map(1..60_u64, fault(), 0..12),
    ) {
        let lost = faults.values().any(|fault| *fault == Fault::LosesTheAnswer);
        let typed = typed(Faulty::new(Memory::default(), faults));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let one = |deliveries: Vec<Vec<Failure>>| {
            let typed = &typed;
            async move {
                let mut counted = Vec::new();
                for failures in deliveries {
                    counted.extend(deliver(typed, &batch(failures)).await);
                }
                counted
            }
        };
        // Two functions at work at the same time on the same groups.
        let (a, b) = runtime.block_on(async { tokio::join!(one(left.clone()), one(right.clone())) });
        let all: Vec<Failure> = left.into_iter().chain(right).flatten().collect();
        let expected = distinct(&all);
        prop_assert_eq!(runtime.block_on(kept(&typed.store.inner, &all)), expected);
        let told: Vec<&String> = a.iter().chain(&b).collect();
        let ids: BTreeSet<&&String> = told.iter().collect();
        prop_assert_eq!(ids.len(), told.len(), "told as counted twice");
        let all: BTreeSet<&String> = all.iter().map(|failure| &failure.event_id).collect();
        if !lost {
            prop_assert_eq!(told.len(), all.len());
        }
    }
}
