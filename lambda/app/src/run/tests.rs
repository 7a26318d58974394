//! How messages go out, over a store in memory and a notifier that records.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use chrono::TimeDelta;
use failure_monitor_core::failure::{Failure, Family, Origin};
use failure_monitor_core::look::FirstLook;
use tokio::time::Instant;

use super::{Counts, Invocation, Monitor, Reading};
use crate::config::function::{Function, read};
use crate::notify::Notifier;
use crate::store::Store;
use crate::store::memory::Memory;

mod property;

#[derive(Debug, Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Notifier for Recorder {
    async fn publish(&self, _: &str, body: &str) -> anyhow::Result<()> {
        self.0.lock().unwrap().push(body.to_owned());
        Ok(())
    }
}

fn of_source(source: usize, at: &Invocation) -> impl Iterator<Item = Failure> {
    let time = Some(at.now - TimeDelta::minutes(1));
    (0..3).map(move |number| Failure {
        origin: Origin::Recorded,
        event_id: format!("event-{source}-{number}"),
        time,
        account: Some("111122223333".to_owned()),
        access_key_id: None,
        source: format!("203.0.113.{source}"),
        code: "InvalidClientTokenId".to_owned(),
        family: Family::UnknownCredentials,
        message: "The security token included in the request is invalid.".to_owned(),
        event_source: Some(["sts.amazonaws.com", "iam.amazonaws.com"][number % 2].to_owned()),
        event_name: Some("GetCallerIdentity".to_owned()),
        region: Some("us-east-1".to_owned()),
        principal: None,
        user_agent: "aws-cli/2.22.23".to_owned(),
        request_id: None,
        status: None,
        stage: None,
    })
}

fn monitor<S: Store, N: Notifier>(store: S, notifier: N) -> Monitor<S, N> {
    let Ok(Function::Monitor(settings)) = read(|name| {
        Some(match name {
            "_HANDLER" => "monitor".to_owned(),
            "FAILURE_MONITOR_TABLE" => "t".to_owned(),
            "FAILURE_MONITOR_TOPIC_ARN" => "arn:aws:sns:us-east-1:111122223333:t".to_owned(),
            "FAILURE_MONITOR_REGIONS" => "us-east-1".to_owned(),
            // An incident of a source has several groups then.
            "FAILURE_MONITOR_GROUP_BY_EVENT_SOURCE" => "true".to_owned(),
            _ => return None,
        })
    }) else {
        panic!("no settings")
    };
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .build();
    Monitor::new(*settings, config, store).with_notifier(notifier)
}

fn at_four() -> Invocation {
    Invocation {
        now: "2026-01-02T04:00:00Z".parse().unwrap(),
        deadline: Instant::now() + Duration::from_secs(60),
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        partition: "aws".to_owned(),
    }
}

#[tokio::test]
async fn many_at_once_are_one_digest_and_too_many_lately_wait() {
    let recorder = Recorder::default();
    let monitor = monitor(Memory::default(), recorder.clone());
    let mut run = at_four();
    let take = |sources: std::ops::Range<usize>, run: &Invocation| {
        let failures = sources.flat_map(|source| of_source(source, run)).collect();
        let look = FirstLook { failures, ..FirstLook::default() };
        vec![Reading { look, uses: Vec::new() }]
    };
    let sent = || recorder.0.lock().unwrap().len();
    let counts = monitor.take(take(0..21, &run), &run).await.unwrap();
    assert_eq!((counts.counted.recorded, counts.digests, counts.sent, sent()), (63, 1, 1, 1));
    monitor.take(take(21..40, &run), &run).await.unwrap();
    assert_eq!(sent(), 20);
    let held = monitor.take(take(40..41, &run), &run).await.unwrap();
    assert_eq!((held.counted.recorded, held.sent, sent()), (3, 0, 20));
    run.now += TimeDelta::minutes(15);
    monitor.deliver(&run, &mut Counts::default()).await.unwrap();
    assert_eq!(sent(), 21);
    assert!(recorder.0.lock().unwrap()[20].contains("203.0.113.40"));
}
