//! Summaries of invented accounts: the numbers, the words, the parts.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::group::{GroupKey, Origins};

#[allow(unreachable_pub, reason = "an example uses it, too")]
#[path = "../../examples/summaries/material.rs"]
pub(crate) mod material;

pub(crate) use material::summary;

/// All but the long one.
fn all() -> impl Iterator<Item = (&'static str, Summary)> {
    let names = material::NAMES.into_iter().filter(|name| *name != "busy");
    names.map(|name| (name, summary(name)))
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn sum(parts: impl Iterator<Item = Origins>) -> Origins {
    parts.fold(Origins::default(), |mut sum, part| {
        sum.add(part);
        sum
    })
}

/// What must hold in every whole summary.
fn adds_up(summary: &Summary) {
    let totals = summary.totals.failures;
    assert_eq!(sum(summary.timeline.iter().map(|slot| slot.failures)), totals);
    assert_eq!(sum(summary.causes.iter().map(|cause| cause.failures)), totals);
    assert_eq!(sum(summary.groups.iter().map(|group| group.failures)), totals);
    assert_eq!(sum(summary.incidents.iter().map(|incident| incident.failures)), totals);
    assert_eq!(sum(summary.access_keys.iter().map(|key| key.failures)), totals);
    assert_eq!(sum(summary.sources.iter().map(|source| source.failures)), totals);
    assert_eq!(summary.matrix.failures.iter().flatten().sum::<u64>(), totals.total());
    assert_eq!(summary.accounting.failures, totals.total());
    assert_eq!(
        summary.accounting.explained + summary.accounting.without_details,
        summary.accounting.failures
    );
    assert_eq!(summary.incidents.iter().map(|i| i.groups).sum::<u64>(), summary.totals.groups);
    for group in &summary.groups {
        assert_eq!(sum(group.timeline.iter().map(|slot| slot.failures)), group.failures);
        assert!(summary.incidents.iter().any(|incident| incident.id == group.incident));
    }
}

#[test]
fn every_summary_adds_up_and_reads_back() {
    for (name, summary) in all() {
        adds_up(&summary);
        let text = serde_json::to_string(&summary).unwrap();
        let again: Summary = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text, "{name}");
    }
}

#[test]
fn the_answer_tells_no_failures_from_no_data() {
    let answers: BTreeMap<&str, (State, String, String)> = all()
        .map(|(name, summary)| {
            (name, (summary.answer.state, summary.answer.headline, summary.reading.sentence))
        })
        .collect();
    assert_eq!(answers["empty"].0, State::NoFailures);
    assert_eq!(answers["empty"].1, "No failures in what was read");
    assert_eq!(answers["nothing"].0, State::NoData);
    assert_eq!(answers["nothing"].1, "No data: nothing was read in this window");
    assert_eq!(answers["nothing"].2, "Nothing was read in this window.");
    assert_eq!(answers["story"].0, State::NeedsAction);
    insta::assert_snapshot!(answers["story"].1, @"5 incidents need action, 1 resolved");
    insta::assert_snapshot!(answers["story"].2, @"Read without a gap up to 2026-07-10 12:58 UTC in ap-south-1, eu-central-1, us-east-1; records came by EventBridge, the newest one of 2026-07-10 12:48 UTC.");
    insta::assert_snapshot!(answers["holes"].2, @"Not all was read: 15 h are missing in ap-south-1, eu-central-1 together; records came by EventBridge, the newest one of 2026-07-10 12:48 UTC.");
}

#[test]
fn windows_are_durations_and_have_slots() {
    let now = at("2026-07-10T13:02:00Z");
    let slots = |text| {
        let window = Window::parse(text, now).unwrap();
        (window.slots().len(), window.slot().num_minutes(), window.name())
    };
    assert_eq!(slots("1h"), (13, 5, Some("the last hour".to_owned())));
    assert_eq!(slots("24h"), (25, 60, Some("the last 24 hours".to_owned())));
    assert_eq!(slots("7d"), (169, 60, Some("the last 7 days".to_owned())));
    assert_eq!(slots("90d"), (91, 24 * 60, Some("the last 90 days".to_owned())));
    for text in ["", "0h", "-1h", "+1h", "h", "24", "24x", "9999d", "999999999999d", "1ä", "ä"] {
        assert!(Window::parse(text, now).is_err(), "{text}");
    }
    assert!(Window::between(now, now).is_err());
}

#[test]
fn only_failures_of_the_window_count() {
    let hour = summary("hour");
    let day = summary("story");
    assert!(hour.totals.failures.total() < day.totals.failures.total());
    assert!(hour.timeline.iter().all(|slot| slot.at >= hour.window.from));
    // What is expected since before the window still needs somebody.
    assert!(hour.incidents.iter().any(|incident| incident.standing == Standing::NeedsAction
        && incident.expected_since < Some(hour.window.from)));
}

#[test]
fn one_key_of_a_summary_has_the_numbers_of_its_groups() {
    let day = summary("story");
    let key = "AKIADEPLOYOLDEXAMPLE";
    let of_key = |group: &&GroupView| group.access_key_id.as_deref() == Some(key);
    let expected = sum(day.groups.iter().filter(of_key).map(|group| group.failures));
    let only = day.only(key);
    adds_up(&only);
    assert_eq!(only.totals.failures, expected);
    assert_eq!(only.totals.access_keys, 1);
    assert_eq!(only.live_sessions.len(), 1);
}

#[test]
fn parts_of_a_long_summary_make_the_whole() {
    let now = material::now();
    let whole = build(Window::last(TimeDelta::hours(24), now), material::busy(1_500), now);
    assert_eq!(whole.totals.groups, 1_500);
    adds_up(&whole);
    let mut first = whole.clone();
    first.cut_to(300_000);
    let mut parts = 1;
    let mut next = first.cut.clone().and_then(|cut| cut.next);
    assert!(!first.incidents.is_empty() && !first.groups.is_empty() && !first.sources.is_empty());
    while let Some(text) = next {
        let continuation = Continuation::parse(&text).unwrap();
        assert_eq!(continuation.window.from, whole.window.from);
        let mut part = whole.clone();
        part.part(continuation.first, 300_000);
        assert!(serde_json::to_vec(&part).unwrap().len() <= 300_000);
        assert_eq!(part.totals, whole.totals);
        next = part.cut.clone().and_then(|cut| cut.next);
        assert!(first.append(part));
        parts += 1;
    }
    assert!(parts > 3);
    assert_eq!(first, whole);
    assert_eq!(Continuation::parse("1-2"), None);
    assert_eq!(Continuation::parse("1-2-3-4"), None);
    assert_eq!(Continuation::parse("a-b-c"), None);
}

#[test]
fn a_short_summary_is_not_cut() {
    let whole = summary("story");
    let mut cut = whole.clone();
    cut.cut_to(5 << 20);
    assert_eq!(cut, whole);
}

#[test]
fn a_group_whose_details_are_gone_still_counts() {
    let mut material = material::busy(3);
    material.findings.clear();
    let now = material::now();
    let summary = build(Window::last(TimeDelta::hours(24), now), material, now);
    adds_up(&summary);
    assert_eq!(summary.accounting.without_details, 3);
    assert_eq!(summary.causes[0].title, "Details no longer kept");
}

#[test]
fn the_schema_knows_every_field() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/summary.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (name, summary) in all() {
        let value = serde_json::to_value(&summary).unwrap();
        follows(&schema, &schema, &value, name);
    }
}

/// A check of the parts of JSON Schema that this schema uses; the tests of the built program use a
/// full validator.
fn follows(root: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/$defs/").unwrap();
        return follows(root, &root["$defs"][name], value, place);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        if value.is_null() {
            assert!(choices.iter().any(|choice| choice["type"] == "null"), "{place}");
            return;
        }
        let choice = choices.iter().find(|choice| choice["type"] != "null").unwrap();
        return follows(root, choice, value, place);
    }
    if let Some(items) = value.as_array() {
        for item in items.iter().take(200) {
            follows(root, &schema["items"], item, &format!("{place}[]"));
        }
    }
    let Some(fields) = value.as_object() else { return };
    if schema["additionalProperties"] != Value::Bool(false) {
        return;
    }
    for required in schema["required"].as_array().unwrap() {
        assert!(fields.contains_key(required.as_str().unwrap()), "{place}: no {required}");
    }
    for (field, value) in fields {
        let place = format!("{place}.{field}");
        let known = schema["properties"].get(field);
        follows(root, known.unwrap_or_else(|| panic!("{place} is not described")), value, &place);
    }
}

fn buckets() -> impl Strategy<Value = Vec<Bucket>> {
    let origins = (0_u64..50, 0_u64..50, 0_u64..3)
        .prop_map(|(recorded, reported, predicted)| Origins { recorded, reported, predicted });
    let slots = prop::collection::btree_map(0_u8..12, origins, 0..5);
    let key = (0_u8..4, 0_u8..4, prop::bool::ANY).prop_map(|(key, source, none)| GroupKey {
        account: Some("111122223333".to_owned()),
        access_key_id: (!none).then(|| format!("AKIA{key}")),
        source: format!("192.0.2.{source}"),
        event_source: None,
    });
    let bucket = (0_i64..60, key, slots).prop_map(|(hours, group, slots)| Bucket {
        hour: at("2026-07-10T13:00:00Z") - TimeDelta::hours(hours),
        group,
        slots,
    });
    prop::collection::vec(bucket, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn totals_are_the_sums_of_buckets(buckets in buckets(), hours in 1_i64..60) {
        let now = at("2026-07-10T13:02:00Z");
        let window = Window::last(TimeDelta::hours(hours), now);
        let expected = sum(buckets.iter().flat_map(|bucket| {
            bucket.slots.iter().filter_map(|(slot, origins)| {
                let time = bucket.hour + TimeDelta::minutes(5 * i64::from(*slot));
                (window.from <= time && time < window.to).then_some(*origins)
            })
        }));
        let summary = build(window, Material { buckets, ..Material::default() }, now);
        prop_assert_eq!(summary.totals.failures, expected);
        adds_up(&summary);
    }
}
