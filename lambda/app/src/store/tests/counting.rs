//! Each failure is counted once: in its finding and in its hour, whatever goes wrong.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::failure::{Failure, Family, Origin};
use failure_monitor_core::group::{GroupKey, Origins};
use failure_monitor_core::key_change::{Change, KeyChange};
use failure_monitor_core::left_behind::{CallerUses, LeftBehind};
use failure_monitor_core::state::{GroupId, StoredFinding, group_key};

use super::faulty::{Fault, Faulty};
use super::on_each_store;
use crate::store::{
    Batch, Counted, Key, Store, Typed, Versioned, buckets, count, groups, note_sources,
};

on_each_store!(
    duplicates_are_counted_once,
    the_order_does_not_matter,
    more_than_a_transaction_holds,
    two_at_once_count_each_failure_once,
    many_at_once_on_one_group,
    predictions_are_counted_by_caller,
    a_second_prediction_of_the_same_source_replaces_the_first,
    any_call_may_fail,
    any_answer_may_be_lost,
    it_may_crash_at_any_call,
    sources_keep_the_keys_they_were_refused_with,
);

pub(super) fn now() -> DateTime<Utc> {
    "2026-01-02T04:00:00Z".parse().unwrap()
}

/// A failure of one of some groups, in one of a few hours; the same for the same number.
pub(super) fn failure(group: u32, number: u32) -> Failure {
    Failure {
        origin: if number % 7 == 3 { Origin::Reported } else { Origin::Recorded },
        event_id: format!("event-{group}-{number}"),
        time: (number % 11 != 5).then(|| now() - TimeDelta::minutes(i64::from(number % 150))),
        account: Some("111122223333".to_owned()),
        access_key_id: Some(format!("AKIADEPLOYC{}EXAMPLE", char::from(b'A' + (group % 26) as u8))),
        source: format!("203.0.113.{}", group / 26),
        code: "InvalidClientTokenId".to_owned(),
        family: Family::UnknownCredentials,
        message: "The security token included in the request is invalid.".to_owned(),
        event_source: Some("sts.amazonaws.com".to_owned()),
        event_name: Some("GetCallerIdentity".to_owned()),
        region: Some("us-east-1".to_owned()),
        principal: None,
        user_agent: "aws-cli/2.22.23 md/command#sts.get-caller-identity".to_owned(),
        request_id: None,
        status: None,
        stage: None,
    }
}

pub(super) fn typed<S>(store: S) -> Typed<S> {
    Typed { store, marks_for: TimeDelta::days(14), findings_for: TimeDelta::days(90) }
}

pub(super) fn batch(failures: impl IntoIterator<Item = Failure>) -> Batch {
    Batch { failures: failures.into_iter().collect(), left_behind: Vec::new() }
}

pub(super) async fn run<S: Store>(typed: &Typed<S>, batch: &Batch) -> Counted {
    count(typed, batch, false, now(), &|_| {}).await
}

/// What the store says was counted: by group, in findings and in hours.
pub(super) async fn kept<S: Store>(store: &S, all: &[Failure]) -> BTreeMap<GroupKey, Origins> {
    let ids: BTreeSet<GroupId> =
        all.iter().map(|failure| GroupId::of(&group_key(failure, false))).collect();
    let keys: Vec<Key> = ids.iter().map(Key::finding).collect();
    let items = store.get(&keys).await.unwrap();
    let findings: BTreeMap<GroupKey, Origins> = items
        .iter()
        .map(|item| serde_json::from_str::<StoredFinding>(&item.json).unwrap())
        .map(|finding| (finding.group.key, finding.group.origins))
        .collect();
    let mut hours: BTreeMap<GroupKey, Origins> = BTreeMap::new();
    for day in ["2026-01-01", "2026-01-02"] {
        for raised in store.counters(&format!("bucket#{day}"), "", "~").await.unwrap() {
            let group: GroupKey = serde_json::from_str(&raised.json).unwrap();
            if !ids.contains(&GroupId::of(&group)) {
                continue;
            }
            let sum = hours.entry(group).or_default();
            for ((_, origin), by) in raised.counts {
                match origin {
                    Origin::Recorded => sum.recorded += by,
                    Origin::Reported => sum.reported += by,
                    Origin::Predicted => sum.predicted += by,
                }
            }
        }
    }
    assert_eq!(findings, hours, "findings and hours tell different counts");
    findings
}

/// What should have been counted.
pub(super) fn distinct(all: &[Failure]) -> BTreeMap<GroupKey, Origins> {
    let mut seen = BTreeSet::new();
    let mut counts: BTreeMap<GroupKey, Origins> = BTreeMap::new();
    for failure in all.iter().filter(|failure| seen.insert(failure.event_id.clone())) {
        let counts = counts.entry(group_key(failure, false)).or_default();
        match failure.origin {
            Origin::Recorded => counts.recorded += 1,
            Origin::Reported => counts.reported += 1,
            Origin::Predicted => counts.predicted += 1,
        }
    }
    counts
}

fn total(counts: &BTreeMap<GroupKey, Origins>) -> u64 {
    counts.values().map(|origins| origins.total()).sum()
}

fn told(counted: &Counted) -> (usize, u64, usize) {
    (counted.counted.len(), counted.duplicates, counted.failed.len())
}

async fn duplicates_are_counted_once(store: impl Store) {
    let typed = typed(store);
    let all: Vec<Failure> = (0..10).chain(0..5).map(|n| failure(n % 2, n)).collect();
    assert_eq!(told(&run(&typed, &batch(all.clone())).await), (10, 5, 0));
    // The same again, with two more that are new.
    let more = [failure(0, 2), failure(0, 3), failure(0, 100), failure(0, 2)];
    let again = run(&typed, &batch(more.clone())).await;
    assert_eq!(told(&again), (2, 2, 0));
    let everything: Vec<Failure> = all.into_iter().chain(more).collect();
    assert_eq!(kept(&typed.store, &everything).await, distinct(&everything));
    // Nothing new: the findings are told all the same, and nothing is written.
    let nothing = run(&typed, &batch(everything.clone())).await;
    assert_eq!((nothing.counted.len(), nothing.failed.len(), nothing.writes), (0, 0, 0));
    assert_eq!(nothing.duplicates, everything.len() as u64);
    assert_eq!(nothing.findings.len(), 2);
    let told: u64 = nothing.findings.values().map(|found| found.group.origins.total()).sum();
    assert_eq!(told, total(&distinct(&everything)));
}

async fn the_order_does_not_matter(store: impl Store) {
    let typed = typed(store);
    let all: Vec<Failure> = (0..60).map(|n| failure(n % 3, n)).collect();
    let mut backwards = all.clone();
    backwards.reverse();
    for part in backwards.chunks(7) {
        run(&typed, &batch(part.to_vec())).await;
    }
    let whole = self::typed(crate::store::memory::Memory::default());
    let forwards = run(&whole, &batch(all.clone())).await;
    assert_eq!(kept(&typed.store, &all).await, distinct(&all));
    let again = run(&typed, &batch(all)).await;
    assert_eq!(again.findings, forwards.findings);
}

async fn more_than_a_transaction_holds(store: impl Store) {
    let typed = typed(store);
    // One group of many failures among many groups of one.
    let many = (0..230).map(|n| failure(0, n)).chain((1..80).map(|group| failure(group, 0)));
    let all: Vec<Failure> = many.collect();
    let counted = run(&typed, &batch(all.clone())).await;
    assert_eq!(told(&counted), (all.len(), 0, 0), "{:?}", counted.error);
    assert_eq!(counted.findings.len(), 80);
    assert_eq!(kept(&typed.store, &all).await, distinct(&all));
}

async fn two_at_once_count_each_failure_once(store: impl Store) {
    let typed = typed(Faulty::new(store, []));
    let left: Vec<Failure> = (0..40).map(|n| failure(n % 2, n)).collect();
    let right: Vec<Failure> = (20..60).map(|n| failure(n % 2, n)).collect();
    let (left_batch, right_batch) = (batch(left.clone()), batch(right.clone()));
    let (one, other) = tokio::join!(run(&typed, &left_batch), run(&typed, &right_batch));
    assert!(one.error.is_none() && other.error.is_none(), "{one:?} {other:?}");
    assert!(one.counted.is_disjoint(&other.counted));
    assert_eq!(one.counted.len() + other.counted.len(), 60);
    assert_eq!(one.duplicates + other.duplicates, 20);
    let all: Vec<Failure> = left.into_iter().chain(right).collect();
    assert_eq!(kept(&typed.store.inner, &all).await, distinct(&all));
}

async fn many_at_once_on_one_group(store: impl Store) {
    let typed = typed(Faulty::new(store, []));
    let batches: Vec<Batch> =
        (0..24).map(|at| batch((0..6).map(|n| failure(0, at * 4 + n)))).collect();
    let eight = async |batches: &[Batch]| {
        let [a, b, c, d, e, f, g, h] = batches else { panic!("not eight") };
        // Many at once are too large for the stack of a test.
        let at = |batch| Box::pin(run(&typed, batch));
        let all = tokio::join!(at(a), at(b), at(c), at(d), at(e), at(f), at(g), at(h));
        [all.0, all.1, all.2, all.3, all.4, all.5, all.6, all.7]
    };
    let (a, b, c) =
        tokio::join!(eight(&batches[..8]), eight(&batches[8..16]), eight(&batches[16..]));
    let counted: Vec<Counted> = a.into_iter().chain(b).chain(c).collect();
    for counted in &counted {
        assert!(counted.error.is_none(), "{:?}", counted.error);
    }
    let ids: Vec<&String> = counted.iter().flat_map(|counted| &counted.counted).collect();
    assert_eq!(ids.len(), 98);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 98);
    let all: Vec<Failure> = batches.into_iter().flat_map(|batch| batch.failures).collect();
    assert_eq!(kept(&typed.store.inner, &all).await, distinct(&all));
}

fn left_behind(change: &str, since: DateTime<Utc>, clients: &[&str]) -> LeftBehind {
    let caller = |client: &&str| CallerUses {
        source: "203.0.113.10".to_owned(),
        client: (*client).to_owned(),
        parsed: failure_monitor_core::client::parse(client),
        principal: None,
        uses: 3,
        first_use: Some(since - TimeDelta::hours(2)),
        last_use: Some(since - TimeDelta::hours(1)),
        event_sources: BTreeSet::from(["sts.amazonaws.com".to_owned()]),
        regions: BTreeSet::from(["us-east-1".to_owned()]),
        event_ids: vec!["use-1".to_owned()],
    };
    LeftBehind {
        account: Some("111122223333".to_owned()),
        access_key_id: "AKIADEPLOYCIZEXAMPLE".to_owned(),
        source: "203.0.113.10".to_owned(),
        since,
        change: KeyChange {
            event_id: change.to_owned(),
            time: since,
            change: Change::Deactivated,
            access_key_id: Some("AKIADEPLOYCIZEXAMPLE".to_owned()),
            account: Some("111122223333".to_owned()),
            user_name: Some("deploy-ci".to_owned()),
            changed_by: None,
            source: "198.51.100.1".to_owned(),
            user_agent: String::new(),
        },
        uses: Default::default(),
        callers: clients.iter().map(caller).collect(),
        resolved: None,
    }
}

async fn predictions_are_counted_by_caller(store: impl Store) {
    let typed = typed(store);
    let since = now() - TimeDelta::hours(1);
    let predict =
        |left: LeftBehind| Batch { failures: vec![failure(0, 1)], left_behind: vec![left] };
    let first = predict(left_behind("off-1", since, &["aws-cli/2.22.23", "Boto3/1.35.0"]));
    assert_eq!(told(&run(&typed, &first).await), (3, 0, 0));
    // The same prediction again, with one caller more.
    let clients = ["aws-cli/2.22.23", "Boto3/1.35.0", "Terraform/1.9"];
    let again = run(&typed, &predict(left_behind("off-1", since, &clients))).await;
    assert_eq!(told(&again), (1, 3, 0));
    let all: Vec<Failure> = [failure(0, 1)]
        .into_iter()
        .chain(left_behind("off-1", since, &clients).failures())
        .collect();
    assert_eq!(kept(&typed.store, &all).await, distinct(&all));
    let finding = again.findings.values().find(|found| found.left_behind.is_some()).unwrap();
    assert_eq!(finding.group.origins, Origins { recorded: 0, reported: 0, predicted: 3 });
    assert_eq!(finding.left_behind.as_ref().unwrap().callers.len(), 3);
    // What was written can be read, and has the clients whole.
    let read = typed.findings(&[finding.id()]).await.unwrap();
    assert_eq!(read, [Versioned { value: finding.clone(), version: 2 }]);
}

/// Off, on and off again: one batch may hold a prediction for each.
async fn a_second_prediction_of_the_same_source_replaces_the_first(store: impl Store) {
    let typed = typed(store);
    let old = left_behind("off-1", now() - TimeDelta::hours(3), &["aws-cli/2.22.23"]);
    let new = left_behind("off-2", now() - TimeDelta::hours(1), &["aws-cli/2.22.23"]);
    for (nth, both) in [[&new, &old], [&old, &new]].into_iter().enumerate() {
        let left_behind = both.map(Clone::clone).to_vec();
        let counted = run(&typed, &Batch { failures: Vec::new(), left_behind }).await;
        assert_eq!(told(&counted), if nth == 0 { (2, 0, 0) } else { (0, 2, 0) });
        let finding = counted.findings.values().next().unwrap();
        assert_eq!(finding.left_behind.as_ref().unwrap().change.event_id, "off-2");
    }
}

/// Delivers a batch until it is counted, as SQS does; returns the event IDs said to be counted.
pub(super) async fn deliver<S: Store>(typed: &Typed<Faulty<S>>, batch: &Batch) -> Vec<String> {
    let mut counted = Vec::new();
    for _ in 0..50 {
        let one = run(typed, batch).await;
        assert_eq!(one.failed.is_empty(), one.error.is_none());
        counted.extend(one.counted);
        if one.failed.is_empty() {
            return counted;
        }
        typed.store.restart();
    }
    panic!("not counted after 50 deliveries");
}

/// Delivers 230 failures in three transactions, with this fault at each call in turn.
async fn at_each_call<S: Store>(store: S, fault: Fault) -> S {
    let mut store = store;
    let mut never_reached = 0;
    for call in 1..9_u32 {
        let group = call * 3;
        let all: Vec<Failure> = (0..230).map(|n| failure(group + n % 3, n)).collect();
        let typed = typed(Faulty::new(store, [(u64::from(call), fault)]));
        let counted = deliver(&typed, &batch(all.clone())).await;
        let found = kept(&typed.store.inner, &all).await;
        assert_eq!(found, distinct(&all), "{fault:?} at call {call}");
        let ids: BTreeSet<&String> = counted.iter().collect();
        assert_eq!(ids.len(), counted.len(), "counted twice: {fault:?} at call {call}");
        match fault {
            // What was counted without an answer is told as a duplicate afterwards.
            Fault::LosesTheAnswer => assert!(counted.len() <= 230),
            _ => assert_eq!(counted.len(), 230),
        }
        never_reached += 1 - typed.store.hit();
        store = typed.store.inner;
    }
    // Three times reading and writing.
    assert_eq!(never_reached, 2);
    store
}

async fn any_call_may_fail(store: impl Store) {
    at_each_call(store, Fault::Down).await;
}

async fn any_answer_may_be_lost(store: impl Store) {
    at_each_call(store, Fault::LosesTheAnswer).await;
}

async fn it_may_crash_at_any_call(store: impl Store) {
    at_each_call(store, Fault::Crash).await;
}

async fn sources_keep_the_keys_they_were_refused_with(store: impl Store) {
    let typed = typed(store);
    let first: Vec<Failure> = (0..4).map(|group| failure(group, 1)).collect();
    let known = note_sources(&typed, &first, now()).await.unwrap();
    assert_eq!(known["203.0.113.0"].keys.len(), 4);
    let more: Vec<Failure> = (2..6).chain(30..31).map(|group| failure(group, 2)).collect();
    let (one, other) =
        tokio::join!(note_sources(&typed, &more, now()), note_sources(&typed, &more, now()),);
    assert_eq!(one.unwrap(), other.unwrap());
    let read = typed.sources(&["203.0.113.0", "203.0.113.1", "203.0.113.9"]).await.unwrap();
    let keys: BTreeMap<&str, usize> =
        read.iter().map(|kept| (kept.value.source.as_str(), kept.value.keys.len())).collect();
    assert_eq!(keys, BTreeMap::from([("203.0.113.0", 6), ("203.0.113.1", 1)]));
    // Nothing new writes nothing.
    let versions = || async {
        let read = typed.sources(&["203.0.113.0"]).await.unwrap();
        read[0].version
    };
    let before = versions().await;
    note_sources(&typed, &more, now()).await.unwrap();
    assert_eq!(versions().await, before);
    let hours = buckets(&typed, now() - TimeDelta::days(1), now()).await.unwrap();
    assert!(groups(&hours).is_empty(), "sources are not counted");
}
