//! Deliveries, crashes and retries in any order: everything is counted once, everything that is due
//! is sent, and nothing is sent twice without a fault in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use failure_monitor_core::failure::Failure;
use failure_monitor_core::look::FirstLook;
use failure_monitor_core::state::{GroupId, group_key};
use proptest::prelude::*;

use super::{at_four, monitor, of_source};
use crate::notify::Notifier;
use crate::run::{Counts, Invocation, Monitor, Reading};
use crate::store::memory::Memory;
use crate::store::tests::faulty::{Fault, Faulty};

const SOURCES: usize = 4;

/// A topic that fails at some messages, before or after it took them.
#[derive(Debug, Clone, Default)]
struct Topic {
    sent: Arc<Mutex<Vec<serde_json::Value>>>,
    faults: Arc<Mutex<BTreeMap<usize, bool>>>,
    calls: Arc<Mutex<usize>>,
    hit: Arc<Mutex<usize>>,
}

impl Notifier for Topic {
    async fn publish(&self, _: &str, body: &str) -> anyhow::Result<()> {
        tokio::task::yield_now().await;
        let call = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        let fault = self.faults.lock().unwrap().remove(&call);
        *self.hit.lock().unwrap() += usize::from(fault.is_some());
        if fault != Some(false) {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            let machine = body["sqs"].as_str().unwrap();
            self.sent.lock().unwrap().push(serde_json::from_str(machine).unwrap());
        }
        anyhow::ensure!(fault.is_none(), "SNS is down");
        Ok(())
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// A batch, of failures by number; two batches at once.
    Take(Vec<usize>, Vec<usize>),
    Deliver,
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let batch = || prop::collection::vec(0..SOURCES * 3, 0..8);
    prop_oneof![
        4 => (batch(), batch()).prop_map(|(one, other)| Step::Take(one, other)),
        1 => Just(Step::Deliver),
        1 => (1_i64..10).prop_map(Step::Pass),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![Just(Fault::Down), Just(Fault::LosesTheAnswer), Just(Fault::Crash)]
}

type Tested = Monitor<Faulty<Memory>, Topic>;

/// Takes a batch; what could not be taken comes back.
async fn take(monitor: &Tested, batch: &[Failure], run: &Invocation) -> bool {
    let look = FirstLook { failures: batch.to_vec(), ..FirstLook::default() };
    let taken = monitor.take(vec![Reading { look, uses: Vec::new() }], run).await;
    taken.is_ok_and(|counts| counts.failed.is_empty())
}

async fn play(
    steps: Vec<Step>,
    faults: BTreeMap<u64, Fault>,
    topic_faults: BTreeMap<usize, bool>,
) -> Result<(), TestCaseError> {
    let topic = Topic { faults: Arc::new(Mutex::new(topic_faults)), ..Topic::default() };
    let monitor = monitor(Faulty::new(Memory::default(), faults), topic.clone());
    let mut run = at_four();
    let all: Vec<Failure> = (0..SOURCES).flat_map(|source| of_source(source, &run)).collect();
    let mut queue: Vec<Vec<Failure>> = Vec::new();
    let mut delivered = BTreeSet::new();
    for step in steps {
        match step {
            Step::Take(one, other) => {
                let batch = |numbers: &[usize]| -> Vec<Failure> {
                    numbers.iter().map(|number| all[*number].clone()).collect()
                };
                let (one, other) = (batch(&one), batch(&other));
                delivered.extend(one.iter().chain(&other).map(|f| f.event_id.clone()));
                let taken = tokio::join!(take(&monitor, &one, &run), take(&monitor, &other, &run));
                queue.extend((!taken.0).then_some(one));
                queue.extend((!taken.1).then_some(other));
            }
            Step::Deliver => drop(monitor.deliver(&run, &mut Counts::default()).await),
            Step::Pass(minutes) => run.now += TimeDelta::minutes(minutes),
        }
        monitor.typed.store.restart();
    }
    // The queue delivers until all is taken; faults come to an end.
    for _ in 0..200 {
        monitor.typed.store.restart();
        let mut back = Vec::new();
        for batch in std::mem::take(&mut queue) {
            if !take(&monitor, &batch, &run).await {
                back.push(batch);
            }
            monitor.typed.store.restart();
        }
        queue = back;
        run.now += TimeDelta::minutes(20);
        let delivered = monitor.deliver(&run, &mut Counts::default()).await.is_ok();
        monitor.typed.store.restart();
        if queue.is_empty() && delivered && monitor.typed.outbox().await.is_ok_and(|o| o.is_empty())
        {
            break;
        }
    }
    prop_assert!(queue.is_empty());

    let ids: BTreeSet<GroupId> =
        all.iter().map(|failure| GroupId::of(&group_key(failure, true))).collect();
    let ids: Vec<GroupId> = ids.into_iter().collect();
    let findings = loop {
        match monitor.typed.findings(&ids).await {
            Ok(findings) => break findings,
            Err(_) => monitor.typed.store.restart(),
        }
    };
    let counted: u64 = findings.iter().map(|kept| kept.value.group.origins.recorded).sum();
    prop_assert_eq!(counted as usize, delivered.len());

    let sent = topic.sent.lock().unwrap().clone();
    let told: BTreeSet<&str> = sent
        .iter()
        .flat_map(|alert| alert["incidents"].as_array().unwrap())
        .filter_map(|incident| incident["source"].as_str())
        .collect();
    let mut by_source: BTreeMap<&String, u64> = BTreeMap::new();
    for kept in &findings {
        let group = &kept.value.group;
        *by_source.entry(&group.key.source).or_default() += group.origins.recorded;
    }
    for (source, count) in by_source {
        prop_assert!(count < 3 || told.contains(source.as_str()), "{} was not told", source);
    }
    let distinct: BTreeSet<&str> =
        sent.iter().filter_map(|alert| alert["alert_id"].as_str()).collect();
    let hit = monitor.typed.store.hit() as usize + *topic.hit.lock().unwrap();
    prop_assert!(sent.len() - distinct.len() <= hit, "sent twice without a fault");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_fails_nothing_is_lost_and_nothing_counted_twice(
        steps in prop::collection::vec(step(), 1..12),
        faults in prop::collection::btree_map(1_u64..150, fault(), 0..8),
        topic_faults in prop::collection::btree_map(1_usize..6, any::<bool>(), 0..3),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Box::pin(play(steps, faults, topic_faults)))?;
    }
}
