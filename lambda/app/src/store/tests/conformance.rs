//! What every store promises: changes all or none, refusals by place, lists whole and in order.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::failure::Origin;

use super::on_each_store;
use crate::store::{Item, Key, Raised, Refused, Store, Write};

on_each_store!(
    a_claim_is_granted_once,
    a_claim_among_others_is_refused_by_its_place,
    a_version_that_was_replaced_is_refused,
    a_new_item_must_be_new,
    all_changes_are_made_or_none,
    a_delete_may_find_nothing,
    counters_rise_from_many_sides,
    counters_keep_what_they_belong_to,
    lists_are_in_order_and_within_bounds,
    lists_go_on_over_a_megabyte,
    many_items_are_got_at_once,
    keys_and_values_may_be_any_text,
    times_to_live_are_kept,
    limits_are_kept,
    one_of_many_writers_wins,
);

fn key(partition: &str, sort: &str) -> Key {
    Key { partition: partition.to_owned(), sort: sort.to_owned() }
}

fn later() -> DateTime<Utc> {
    "2100-01-01T00:00:00Z".parse().unwrap()
}

fn item(key: Key, version: u64, json: &str) -> Item {
    Item { key, version, json: json.to_owned(), expires: Some(later()) }
}

fn put(sort: &str, version: u64, json: &str) -> Write {
    Write::Put(item(key("items", sort), version, json))
}

fn claim(sort: &str) -> Write {
    Write::Claim { key: key("marks", sort), expires: later() }
}

fn raise(sort: &str, slot: u8, origin: Origin, by: u64) -> Write {
    let by = BTreeMap::from([((slot, origin), by)]);
    Write::Raise { key: key("counters", sort), json: "\"of\"".to_owned(), by, expires: later() }
}

#[track_caller]
fn places(result: Result<(), Refused>) -> Vec<usize> {
    match result {
        Err(Refused::Unfit(places)) => places,
        other => panic!("{other:?}"),
    }
}

async fn get(store: &impl Store, sort: &str) -> Option<(u64, String)> {
    let items = store.get(&[key("items", sort)]).await.unwrap();
    items.into_iter().next().map(|item| (item.version, item.json))
}

async fn sorts(store: &impl Store, from: &str, to: &str) -> Vec<String> {
    let items = store.list("items", from, to).await.unwrap();
    items.into_iter().map(|item| item.key.sort).collect()
}

async fn a_claim_is_granted_once(store: impl Store) {
    store.transact(&[claim("a")]).await.unwrap();
    assert_eq!(places(store.transact(&[claim("a")]).await), [0]);
    store.transact(&[claim("b")]).await.unwrap();
    // A mark is no item.
    assert!(store.get(&[key("marks", "a")]).await.unwrap().is_empty());
    assert!(store.list("marks", "", "~").await.unwrap().is_empty());
    assert!(store.counters("marks", "", "~").await.unwrap().is_empty());
}

async fn a_claim_among_others_is_refused_by_its_place(store: impl Store) {
    store.transact(&[claim("a"), claim("c")]).await.unwrap();
    let writes = [claim("b"), claim("a"), put("x", 0, "1"), claim("c")];
    assert_eq!(places(store.transact(&writes).await), [1, 3]);
    store.transact(&[claim("b"), put("x", 0, "1")]).await.unwrap();
    let writes = [put("x", 0, "2"), claim("d"), claim("b")];
    assert_eq!(places(store.transact(&writes).await), [0, 2]);
}

async fn a_version_that_was_replaced_is_refused(store: impl Store) {
    store.transact(&[put("a", 0, "1")]).await.unwrap();
    assert_eq!(get(&store, "a").await, Some((1, "1".to_owned())));
    store.transact(&[put("a", 1, "2")]).await.unwrap();
    assert_eq!(places(store.transact(&[put("a", 1, "3")]).await), [0]);
    assert_eq!(places(store.transact(&[claim("x"), put("a", 1, "3")]).await), [1]);
    assert_eq!(places(store.transact(&[put("a", 3, "3")]).await), [0]);
    assert_eq!(get(&store, "a").await, Some((2, "2".to_owned())));
}

async fn a_new_item_must_be_new(store: impl Store) {
    assert_eq!(places(store.transact(&[put("a", 1, "1")]).await), [0]);
    store.transact(&[put("a", 0, "1")]).await.unwrap();
    assert_eq!(places(store.transact(&[put("a", 0, "2")]).await), [0]);
    store.transact(&[Write::Delete { key: key("items", "a") }]).await.unwrap();
    store.transact(&[put("a", 0, "3")]).await.unwrap();
    assert_eq!(get(&store, "a").await, Some((1, "3".to_owned())));
}

async fn all_changes_are_made_or_none(store: impl Store) {
    store.transact(&[put("a", 0, "1"), put("gone", 0, "1"), claim("taken")]).await.unwrap();
    let writes = [
        put("a", 1, "2"),
        put("b", 0, "1"),
        Write::Delete { key: key("items", "gone") },
        raise("c", 0, Origin::Recorded, 1),
        claim("new"),
        claim("taken"),
    ];
    assert_eq!(places(store.transact(&writes).await), [5]);
    assert_eq!(get(&store, "a").await, Some((1, "1".to_owned())));
    assert_eq!(get(&store, "b").await, None);
    assert!(get(&store, "gone").await.is_some());
    assert!(store.counters("counters", "", "~").await.unwrap().is_empty());
    store.transact(&writes[..5]).await.unwrap();
    assert_eq!(get(&store, "a").await, Some((2, "2".to_owned())));
    assert_eq!(get(&store, "b").await, Some((1, "1".to_owned())));
    assert_eq!(get(&store, "gone").await, None);
    assert_eq!(store.counters("counters", "", "~").await.unwrap().len(), 1);
    assert_eq!(places(store.transact(&[claim("new")]).await), [0]);
    store.transact(&[]).await.unwrap();
}

async fn a_delete_may_find_nothing(store: impl Store) {
    let delete = Write::Delete { key: key("items", "a") };
    store.transact(std::slice::from_ref(&delete)).await.unwrap();
    store.transact(&[put("a", 0, "1")]).await.unwrap();
    store.transact(&[delete.clone(), claim("x")]).await.unwrap();
    assert_eq!(get(&store, "a").await, None);
    store.transact(&[delete, claim("y")]).await.unwrap();
}

/// Counters always rise together with a mark, as they do when failures are counted.
async fn counters_rise_from_many_sides(store: impl Store) {
    let store = &store;
    let one = |side: u64| async move {
        for turn in 0..5 {
            let writes = [
                claim(&format!("{side}-{turn}")),
                raise("a", 0, Origin::Recorded, side),
                raise(&format!("side-{side}"), 11, Origin::Predicted, 1),
            ];
            store.transact(&writes).await.unwrap();
        }
    };
    tokio::join!(one(1), one(2), one(3), one(4));
    let raised = store.counters("counters", "", "~").await.unwrap();
    let counts: Vec<(&str, Vec<u64>)> = raised
        .iter()
        .map(|raised| (raised.key.sort.as_str(), raised.counts.values().copied().collect()))
        .collect();
    let expected = [("a", 50), ("side-1", 5), ("side-2", 5), ("side-3", 5), ("side-4", 5)];
    assert_eq!(counts, expected.map(|(sort, count)| (sort, vec![count])));
}

async fn counters_keep_what_they_belong_to(store: impl Store) {
    let by = |counts: &[(u8, Origin, u64)]| -> BTreeMap<(u8, Origin), u64> {
        counts.iter().map(|(slot, origin, count)| ((*slot, *origin), *count)).collect()
    };
    let raise = |json: &str, counts| Write::Raise {
        key: key("counters", "a"),
        json: json.to_owned(),
        by: by(counts),
        expires: later(),
    };
    let first = raise("\"first\"", &[(0, Origin::Recorded, 1), (11, Origin::Reported, 2)]);
    store.transact(&[first, claim("1")]).await.unwrap();
    let second = raise("\"second\"", &[(11, Origin::Reported, 5), (11, Origin::Predicted, 7)]);
    store.transact(&[second, claim("2")]).await.unwrap();
    let expected = Raised {
        key: key("counters", "a"),
        json: "\"first\"".to_owned(),
        counts: by(&[
            (0, Origin::Recorded, 1),
            (11, Origin::Reported, 7),
            (11, Origin::Predicted, 7),
        ]),
    };
    assert_eq!(store.counters("counters", "a", "a").await.unwrap(), [expected]);
    // Counters are no item.
    assert!(store.list("counters", "", "~").await.unwrap().is_empty());
    assert!(store.get(&[key("counters", "a")]).await.unwrap().is_empty());
}

async fn lists_are_in_order_and_within_bounds(store: impl Store) {
    for sort in ["10", "02", "a#2", "a#1", "b", "é", "Z"] {
        store.transact(&[put(sort, 0, "1")]).await.unwrap();
    }
    let other = Write::Put(item(key("others", "05"), 0, "1"));
    store.transact(&[other]).await.unwrap();
    // The order is that of the bytes.
    let all = ["02", "10", "Z", "a#1", "a#2", "b", "é"];
    assert_eq!(sorts(&store, "", "\u{10ffff}").await, all);
    assert_eq!(sorts(&store, "", "~").await, all[..6]);
    assert_eq!(sorts(&store, "02", "a#1").await, ["02", "10", "Z", "a#1"]);
    assert_eq!(sorts(&store, "a#", "a#~").await, ["a#1", "a#2"]);
    assert_eq!(sorts(&store, "03", "09").await, [""; 0]);
    assert_eq!(sorts(&store, "b", "a").await, [""; 0]);
    assert_eq!(sorts(&store, "", "").await, [""; 0]);
    assert!(store.list("nothing", "", "~").await.unwrap().is_empty());
}

async fn lists_go_on_over_a_megabyte(store: impl Store) {
    let json = format!("\"{}\"", "x".repeat(100_000));
    for sort in 0..25 {
        store.transact(&[put(&format!("{sort:02}"), 0, &json)]).await.unwrap();
    }
    let items = store.list("items", "", "~").await.unwrap();
    let found: Vec<String> = items.iter().map(|item| item.key.sort.clone()).collect();
    assert_eq!(found, (0..25).map(|sort| format!("{sort:02}")).collect::<Vec<_>>());
    assert!(items.iter().all(|item| item.json == json && item.version == 1));
    assert_eq!(sorts(&store, "03", "21").await.len(), 19);
}

async fn many_items_are_got_at_once(store: impl Store) {
    let keys: Vec<Key> = (0..250).map(|n| key("items", &format!("{n:03}"))).collect();
    for keys in keys.chunks(100) {
        let writes: Vec<Write> = keys
            .iter()
            .filter(|key| !key.sort.ends_with('7'))
            .map(|key| Write::Put(item(key.clone(), 0, &key.sort)))
            .collect();
        store.transact(&writes).await.unwrap();
    }
    let mut asked = keys.clone();
    // Asked for twice, got once.
    asked.extend_from_slice(&keys[..30]);
    let mut found = store.get(&asked).await.unwrap();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let expected = keys.iter().filter(|key| !key.sort.ends_with('7'));
    let expected: Vec<Item> = expected.map(|key| item(key.clone(), 1, &key.sort)).collect();
    assert_eq!(expected.len(), 225);
    assert_eq!(found, expected);
    assert!(store.get(&[]).await.unwrap().is_empty());
}

async fn keys_and_values_may_be_any_text(store: impl Store) {
    let texts =
        ["ключ 鍵 🔑", "\u{202e}rtl\u{0}nul", "a\"b\\c\nd", "#pk = :x", "{\"$\":1}", "\u{10ffff}"];
    for text in texts {
        let new = item(key(&format!("p{text}"), text), 0, text);
        store.transact(&[Write::Put(new.clone())]).await.unwrap();
        let found = store.get(std::slice::from_ref(&new.key)).await.unwrap();
        assert_eq!(found, [Item { version: 1, ..new.clone() }]);
        let found = store.list(&new.key.partition, text, text).await.unwrap();
        assert_eq!(found, [Item { version: 1, ..new }]);
    }
}

async fn times_to_live_are_kept(store: impl Store) {
    let expires = Some(later() + TimeDelta::seconds(1));
    let mortal = Item { expires, ..item(key("items", "a"), 0, "1") };
    let immortal = Item { expires: None, ..item(key("items", "b"), 0, "1") };
    store.transact(&[Write::Put(mortal), Write::Put(immortal)]).await.unwrap();
    let found = store.list("items", "", "~").await.unwrap();
    let times: Vec<_> = found.iter().map(|item| item.expires).collect();
    assert_eq!(times, [expires, None]);
    // What is written without a time to live loses the one it had.
    let spared = Item { expires: None, ..item(key("items", "a"), 1, "2") };
    store.transact(&[Write::Put(spared)]).await.unwrap();
    let found = store.list("items", "a", "a").await.unwrap();
    assert_eq!((found[0].version, found[0].expires), (2, None));
}

async fn limits_are_kept(store: impl Store) {
    let error = |result: Result<(), Refused>| match result {
        Err(Refused::Unavailable(err)) => format!("{err:#}"),
        other => panic!("{other:?}"),
    };
    let fits = "x".repeat(399_000);
    store.transact(&[put("a", 0, &fits)]).await.unwrap();
    let large = "x".repeat(400_000);
    let told = error(store.transact(&[claim("m"), put("b", 0, &large)]).await);
    assert!(told.contains("\"items b\" would have 4002"), "{told}");
    assert!(told.contains("an item may have 400000"), "{told}");
    let many: Vec<Write> = (0..11).map(|n| put(&format!("b{n}"), 0, &fits)).collect();
    let told = error(store.transact(&many).await);
    assert!(told.contains("a transaction may have 4194304"), "{told}");
    let many: Vec<Write> = (0..101).map(|n| claim(&n.to_string())).collect();
    let told = error(store.transact(&many).await);
    assert_eq!(told, "101 changes at once are more than 100");
    store.transact(&many[..100]).await.unwrap();
    let told = error(store.transact(&[put("c", 0, "1"), put("c", 0, "2")]).await);
    assert_eq!(told, "two changes of one item: \"items c\"");
    let told = error(store.transact(&[put("", 0, "1")]).await);
    assert!(told.starts_with("a key without text"), "{told}");
    let told = error(store.transact(&[put(&"é".repeat(513), 0, "1")]).await);
    assert!(told.starts_with("the key is too long"), "{told}");
    store.transact(&[put(&"é".repeat(512), 0, "1")]).await.unwrap();
    assert_eq!(get(&store, "b").await, None);
}

async fn one_of_many_writers_wins(store: impl Store) {
    let store = &store;
    let one = |json: &'static str| async move { store.transact(&[put("a", 0, json)]).await };
    let results = tokio::join!(one("same"), one("same"), one("same"), one("other"));
    let won = [&results.0, &results.1, &results.2, &results.3];
    assert_eq!(won.iter().filter(|result| result.is_ok()).count(), 1, "{won:?}");
    assert!(won.iter().all(|result| matches!(result, Ok(()) | Err(Refused::Unfit(_)))));
    assert_eq!(get(store, "a").await.unwrap().0, 1);
}
