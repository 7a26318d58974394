//! A sample, to try the way of an alert to its readers: of the usual shape, about nothing real.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Alert, AlertIncident, Context, Due, Kind, Monitor, SCHEMA, Status};
use crate::cause::{Confidence, Diagnosis, Evidence, at};
use crate::causes;
use crate::client;
use crate::finding::{ClientCount, Finding, Predicted};
use crate::group::{Group, GroupKey, Origins};
use crate::key_change::Change;
use crate::left_behind::CallerUses;
use crate::state::digest;

/// A key that AWS does not issue.
const KEY: &str = "AKIAEXAMPLE00EXAMPLE";
const USER: &str = "sample-user";
/// The account and the address that are kept for documentation.
const ACCOUNT: &str = "111122223333";
const SOURCE: &str = "192.0.2.10";
const EVENT: &str = "00000000-0000-0000-0000-000000000000";

/// A sample that says of itself that it is one.
pub fn sample(context: &Context, now: DateTime<Utc>) -> Alert {
    let finding = finding(now);
    let time = now.to_rfc3339();
    Alert {
        schema: SCHEMA.to_owned(),
        alert_id: digest(&[Some("test"), Some(&context.name), Some(&time)]),
        kind: Kind::Test,
        time: now,
        monitor: Monitor::of(context),
        incidents: vec![AlertIncident {
            incident_id: digest(&[Some("test"), Some(&context.name)]),
            due: Due::New,
            status: Status::Open,
            account: Some(ACCOUNT.to_owned()),
            access_key_id: Some(KEY.to_owned()),
            source: None,
            user_name: Some(USER.to_owned()),
            origins: finding.origins,
            new_failures: 0,
            first_seen: None,
            last_seen: None,
            expected_since: finding.predicted.as_ref().map(|predicted| predicted.since),
            opened: now,
            resolved: None,
            active_again: None,
            sources: vec![SOURCE.to_owned()],
            more_sources: 0,
            new_sources: Vec::new(),
            number: 1,
            previous_cause: None,
            previous_alert: None,
            previous_alert_id: None,
            findings: vec![finding],
            more_findings: 0,
            unread: Vec::new(),
        }],
        more_incidents: 0,
    }
}

fn finding(now: DateTime<Utc>) -> Finding {
    let key = GroupKey {
        account: Some(ACCOUNT.to_owned()),
        access_key_id: Some(KEY.to_owned()),
        source: SOURCE.to_owned(),
        event_source: None,
    };
    let since = now - TimeDelta::minutes(5);
    let (first, last) = (since - TimeDelta::hours(2), since - TimeDelta::minutes(3));
    let principal = format!("arn:aws:iam::{ACCOUNT}:user/{USER}");
    let client = client::parse("aws-cli/2.17.32");
    let caller = CallerUses {
        source: SOURCE.to_owned(),
        client: client.label(),
        parsed: client.clone(),
        principal: Some(principal.clone()),
        uses: 12,
        first_use: Some(first),
        last_use: Some(last),
        event_sources: ["sts.amazonaws.com".to_owned()].into(),
        regions: ["us-east-1".to_owned()].into(),
        event_ids: vec![EVENT.to_owned()],
    };
    let by = format!("arn:aws:iam::{ACCOUNT}:user/sample-admin");
    let evidence =
        Evidence::new(format!("{by} deactivated the key at {}", at(since)), vec![EVENT.to_owned()]);
    let cause = causes::by_id("key-deactivated");
    let diagnosis = Diagnosis {
        id: cause.id,
        title: cause.title,
        confidence: Confidence::High,
        evidence: vec![evidence],
        next_steps: vec!["This is a sample: there is nothing to do".to_owned()],
        not: cause.not,
        reference: cause.reference,
    };
    let mut finding = Finding::new(&Group::new(key), None, Some(USER.to_owned()), vec![diagnosis]);
    finding.origins = Origins { predicted: 1, ..Origins::default() };
    finding.clients = vec![ClientCount { label: client.label(), count: caller.uses, client }];
    finding.principals = vec![principal];
    finding.sample_event_ids = vec![EVENT.to_owned()];
    finding.predicted = Some(Predicted {
        since,
        change: Change::Deactivated,
        change_event_id: EVENT.to_owned(),
        changed_by: Some(by),
        uses: caller.uses,
        first_use: caller.first_use,
        last_use: caller.last_use,
        callers: vec![caller],
    });
    finding
}
