//! How the deployed function is asked, with a client that answers as it would.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
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

fn answer(value: &Value) -> InvokeOutput {
    InvokeOutput::builder().payload(Blob::new(value.to_string())).status_code(200).build()
}

/// What the function answers to a question, in parts.
fn part(whole: &Summary, payload: Option<&Blob>) -> InvokeOutput {
    let question: Value = serde_json::from_slice(payload.unwrap().as_ref()).unwrap();
    let next = question["next"].as_str().map(|next| Continuation::parse(next).unwrap());
    let mut part = whole.clone();
    part.part(next.map_or(0, |next| next.first), PART);
    answer(&serde_json::to_value(part).unwrap())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn parts_are_put_together() {
    let asked = Arc::new(AtomicUsize::new(0));
    let rule = {
        let asked = asked.clone();
        mock!(aws_sdk_lambda::Client::invoke).then_compute_output(move |input| {
            asked.fetch_add(1, Ordering::Relaxed);
            assert_eq!(input.function_name(), Some("fm-summary"));
            part(&whole(400), input.payload())
        })
    };
    let client = mock_client!(aws_sdk_lambda, RuleMode::MatchAny, [&rule]);
    let summary = run(of_function(&client, "fm-summary", day(), None)).unwrap();
    assert_eq!(summary, whole(400));
    assert!(asked.load(Ordering::Relaxed) > 3);
}

#[test]
fn an_account_that_changes_in_between_is_read_anew() {
    let asked = Arc::new(AtomicUsize::new(0));
    let rule = {
        let asked = asked.clone();
        mock!(aws_sdk_lambda::Client::invoke).then_compute_output(move |input| {
            // One more group from the second question on.
            let groups = if asked.fetch_add(1, Ordering::Relaxed) == 0 { 400 } else { 401 };
            part(&whole(groups), input.payload())
        })
    };
    let client = mock_client!(aws_sdk_lambda, RuleMode::MatchAny, [&rule]);
    let summary = run(of_function(&client, "fm-summary", day(), None)).unwrap();
    assert_eq!(summary, whole(401));
}

#[test]
fn an_error_of_the_function_is_told() {
    let rule = mock!(aws_sdk_lambda::Client::invoke).then_output(|| {
        let said = json!({"errorType": "Retryable", "errorMessage": "the table did not answer"});
        InvokeOutput::builder()
            .payload(Blob::new(said.to_string()))
            .function_error("Unhandled")
            .build()
    });
    let client = mock_client!(aws_sdk_lambda, RuleMode::MatchAny, [&rule]);
    let err = run(of_function(&client, "fm-summary", day(), None)).unwrap_err();
    assert!(format!("{err:#}").contains("the table did not answer"), "{err:#}");
}
