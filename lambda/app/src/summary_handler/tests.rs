//! What the handler answers, from a store in memory that counts what is asked of it.

use std::cell::Cell;

use chrono::TimeDelta;
use failure_monitor_core::failure::{Failure, Family, Origin};
use failure_monitor_core::summary::SCHEMA;
use serde_json::json;

use super::*;
use crate::store::memory::Memory;
use crate::store::{Batch, Item, Key, Raised, Refused, Write, count};

/// Counts requests. A request for items takes 100 keys, as DynamoDB's does.
#[derive(Debug, Default)]
struct Asked {
    memory: Memory,
    requests: Cell<usize>,
}

impl Asked {
    fn note(&self, requests: usize) {
        self.requests.set(self.requests.get() + requests);
    }
}

impl Store for Asked {
    async fn get(&self, keys: &[Key]) -> anyhow::Result<Vec<Item>> {
        self.note(keys.len().div_ceil(100));
        self.memory.get(keys).await
    }

    async fn list(&self, partition: &str, from: &str, to: &str) -> anyhow::Result<Vec<Item>> {
        self.note(1);
        self.memory.list(partition, from, to).await
    }

    async fn counters(&self, partition: &str, from: &str, to: &str) -> anyhow::Result<Vec<Raised>> {
        self.note(1);
        self.memory.counters(partition, from, to).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), Refused> {
        self.memory.transact(writes).await
    }
}

fn now() -> DateTime<Utc> {
    "2026-07-10T13:02:00Z".parse().unwrap()
}

fn failure(n: u64, key: &str) -> Failure {
    Failure {
        origin: Origin::Recorded,
        event_id: format!("event-{n}"),
        time: Some(now() - TimeDelta::minutes(10 + (n % 60) as i64)),
        account: Some("111122223333".to_owned()),
        access_key_id: Some(key.to_owned()),
        source: "192.0.2.7".to_owned(),
        code: "InvalidClientTokenId".to_owned(),
        family: Family::UnknownCredentials,
        message: "The security token included in the request is invalid.".to_owned(),
        event_source: Some("sts.amazonaws.com".to_owned()),
        event_name: Some("GetCallerIdentity".to_owned()),
        region: Some("us-east-1".to_owned()),
        principal: None,
        user_agent: "<script>alert(1)</script>".to_owned(),
        request_id: None,
        status: None,
        stage: None,
    }
}

fn key(n: u64) -> String {
    format!("AKIAAAAA{:04}EXAMPLE1", n % 10_000)
}

async fn store(failures: u64, keys: u64) -> Typed<Asked> {
    let typed = Typed {
        store: Asked::default(),
        marks_for: TimeDelta::days(14),
        findings_for: TimeDelta::days(90),
    };
    let failures = (0..failures).map(|n| failure(n, &key(n % keys))).collect();
    let batch = Batch { failures, ..Batch::default() };
    let counted = count(&typed, &batch, false, now(), &|_| {}).await;
    assert!(counted.error.is_none());
    typed
}

fn context() -> Context {
    let function_arn = "arn:aws:lambda:us-east-1:111122223333:function:failure-monitor-summary";
    Context { now: now(), unmask: false, function_arn: Some(function_arn.to_owned()) }
}

async fn ask(typed: &Typed<Asked>, payload: Value) -> anyhow::Result<Value> {
    handle(typed, payload, &context()).await
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_question_gets_the_summary_in_the_form_asked_for() {
    run(async {
        let typed = store(7, 2).await;
        let answer = ask(&typed, json!({"task": "summary", "since": "24h"})).await.unwrap();
        assert_eq!(answer["schema"], SCHEMA);
        assert_eq!(answer["totals"]["failures"]["recorded"], 7);
        let only = json!({"task": "summary", "since": "24h", "access_key_id": key(1)});
        let only = ask(&typed, only).await.unwrap();
        assert_eq!(only["totals"]["failures"]["recorded"], 3);
        for (format, begins) in [("markdown", "## "), ("html", "<!doctype html>")] {
            let answer = ask(&typed, json!({"task": "summary", "format": format})).await.unwrap();
            let text = answer.as_str().unwrap();
            assert!(text.starts_with(begins), "{text}");
            assert!(text.contains("2 incidents need action"));
            assert!(!text.contains("<script>"));
            assert!(!text.contains(&key(0)), "the ID is masked");
        }
    });
}

#[test]
fn a_wrong_question_says_what_is_wrong() {
    run(async {
        let typed = store(1, 1).await;
        for (question, says) in [
            (json!({"task": "sweep"}), "sweep"),
            (json!({"task": "summary", "since": "yesterday"}), "24h"),
            (json!({"task": "summary", "sinec": "24h"}), "sinec"),
            (json!({"task": "summary", "format": "pdf"}), "pdf"),
            (json!({"task": "summary", "to": "2026-07-10T00:00:00Z"}), "from"),
            (json!({"task": "summary", "from": "2026-07-10T00:00:00Z", "since": "1h"}), "not both"),
            (json!({"task": "summary", "next": "x"}), "continuation"),
        ] {
            let err = ask(&typed, question.clone()).await.unwrap_err();
            assert!(format!("{err:#}").contains(says), "{question}: {err:#}");
        }
    });
}

#[test]
fn a_dashboard_gets_a_widget_of_its_time_range_and_theme() {
    run(async {
        let typed = store(7, 2).await;
        let describe = ask(&typed, json!({"describe": true})).await.unwrap();
        assert!(describe.as_str().unwrap().starts_with("### "));
        let widget = |extra: Value| {
            let mut payload = json!({"widgetContext": {
                "dashboardName": "d", "widgetId": "w", "domain": "https://console.aws.amazon.com",
                "accountId": "111122223333", "locale": "en", "timezone": {"label": "UTC"},
                "period": 300, "isAutoPeriod": true, "theme": "dark", "title": "t",
                "timeRange": {
                    "mode": "relative", "start": (now() - TimeDelta::hours(3)).timestamp_millis(),
                    "end": now().timestamp_millis(), "relativeStart": 10_800_000,
                },
                "linkCharts": true, "forms": {"all": {}}, "params": {}, "width": 588.5, "height": 369,
            }});
            let fields = extra.as_object().unwrap().clone();
            payload.as_object_mut().unwrap().extend(fields);
            payload
        };
        let answer = ask(&typed, widget(json!({}))).await.unwrap();
        let text = answer.as_str().unwrap();
        assert!(text.contains("class=\"fm dark"));
        assert!(text.contains("the last 3 hours"));
        assert!(
            text.contains("<cwdb-action action=\"call\" display=\"widget\" endpoint=\"arn:aws:")
        );
        assert!(!text.contains("<script>"));
        let clicked = json!({"task": "widget", "access_key_id": key(1)});
        let one = ask(&typed, widget(clicked)).await.unwrap();
        assert!(one.as_str().unwrap().contains("Show all"));
        assert!(one.as_str().unwrap().contains("value=\"3\""));
    });
}

#[test]
fn requests_grow_with_groups_and_not_with_failures() {
    let requests = |failures, keys| {
        run(async {
            let typed = store(failures, keys).await;
            ask(&typed, json!({"task": "summary"})).await.unwrap();
            typed.store.requests.set(0);
            ask(&typed, json!({"task": "summary"})).await.unwrap();
            typed.store.requests.get()
        })
    };
    let few = requests(10, 10);
    assert_eq!(requests(2_000, 10), few);
    assert_eq!(requests(1_000, 1_000), few + 9, "a hundred groups a request");
    assert!(few <= 8, "{few}");
}
