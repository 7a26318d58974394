//! How the deployed function is asked, and how its answers are put together.

use std::cell::Cell;
use std::collections::BTreeMap;

use failure_monitor_core::group::{GroupKey, Origins};
use failure_monitor_core::state::Bucket;
use failure_monitor_core::summary::Continuation;

use super::*;

const PART: usize = 60_000;

fn now() -> DateTime<Utc> {
    "2026-07-10T13:00:00Z".parse().unwrap()
}

fn day() -> Window {
    Window::last(TimeDelta::hours(24), now())
}

/// A summary of so many groups.
fn whole(groups: u64) -> Summary {
    let bucket = |n: u64| Bucket {
        hour: now() - TimeDelta::hours(2),
        group: GroupKey {
            account: Some("111122223333".to_owned()),
            access_key_id: Some(format!("AKIAAAAA{n:04}EXAMPLE1")),
            source: "192.0.2.7".to_owned(),
            event_source: None,
        },
        slots: BTreeMap::from([(3, Origins { recorded: n + 1, ..Origins::default() })]),
    };
    let buckets = (0..groups).map(bucket).collect();
    build(day(), Material { buckets, ..Material::default() }, now())
}

/// What the function answers to a question, in parts.
fn part(whole: &Summary, question: &Value) -> Summary {
    assert_eq!((&question["task"], &question["format"]), (&json!("summary"), &json!("json")));
    let next = question["next"].as_str().map(|next| Continuation::parse(next).unwrap());
    let mut part = whole.clone();
    part.part(next.map_or(0, |next| next.first), PART);
    part
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn parts_are_put_together() {
    let asked = Cell::new(0);
    let ask = async |question: Value| {
        asked.set(asked.get() + 1);
        Ok(part(&whole(400), &question))
    };
    assert_eq!(run(in_parts(ask, day(), None)).unwrap(), whole(400));
    assert!(asked.get() > 3);
}

#[test]
fn an_account_that_changes_in_between_is_read_anew() {
    let asked = Cell::new(0);
    let ask = async |question: Value| {
        asked.set(asked.get() + 1);
        // One more group from the second question on.
        Ok(part(&whole(if asked.get() == 1 { 400 } else { 401 }), &question))
    };
    assert_eq!(run(in_parts(ask, day(), None)).unwrap(), whole(401));

    let ask = async |question: Value| {
        asked.set(asked.get() + 1);
        Ok(part(&whole(400 + asked.get()), &question))
    };
    let err = run(in_parts(ask, day(), None)).unwrap_err();
    assert!(err.to_string().contains("shorter time"), "{err}");
}

#[test]
fn one_key_is_asked_for_in_every_part() {
    let ask = async |question: Value| {
        assert_eq!(question["access_key_id"], "AKIAAAAA0001EXAMPLE1");
        Ok(part(&whole(400), &question))
    };
    run(in_parts(ask, day(), Some("AKIAAAAA0001EXAMPLE1"))).unwrap();
}

#[test]
fn an_error_of_the_function_is_told() {
    let said = br#"{"errorType": "Retryable", "errorMessage": "the table did not answer"}"#;
    let err = answered("fm-summary", Some("Unhandled"), said).unwrap_err();
    assert_eq!(
        err.to_string(),
        "the function fm-summary failed (Unhandled): the table did not answer"
    );
    assert!(answered("fm-summary", None, b"\"text\"").is_err());
}
