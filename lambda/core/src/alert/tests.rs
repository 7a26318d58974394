//! The alert policy: each branch as a table of times, and that no order of events floods anybody.

use proptest::prelude::*;

use super::*;
use crate::cause::{Confidence, Diagnosis, Evidence};
use crate::causes;
use crate::failure::{Failure, Family, Origin};
use crate::group::GroupKey;
use crate::key_change::{Change, KeyChange};
use crate::left_behind::{CallerUses, LeftBehind, Resolved};

const KEY: &str = "AKIADEPLOYCI1EXAMPLE";
const A: &str = "203.0.113.10";
const B: &str = "198.51.100.7";
const C: &str = "192.0.2.44";

pub(crate) fn start() -> DateTime<Utc> {
    "2026-01-02T10:00:00Z".parse().unwrap()
}

/// So many minutes after the start.
pub(crate) fn minute(minutes: i64) -> DateTime<Utc> {
    start() + TimeDelta::minutes(minutes)
}

pub(crate) fn key() -> IncidentKey {
    IncidentKey {
        account: Some("111122223333".to_owned()),
        access_key_id: Some(KEY.to_owned()),
        source: None,
    }
}

pub(crate) fn failure(origin: Origin, source: &str, time: DateTime<Utc>, id: &str) -> Failure {
    Failure {
        origin,
        event_id: id.to_owned(),
        time: Some(time),
        account: Some("111122223333".to_owned()),
        access_key_id: Some(KEY.to_owned()),
        source: source.to_owned(),
        code: "InvalidClientTokenId".to_owned(),
        family: Family::UnknownCredentials,
        message: "The security token included in the request is invalid.".to_owned(),
        event_source: Some("sts.amazonaws.com".to_owned()),
        event_name: Some("GetCallerIdentity".to_owned()),
        region: Some("us-east-1".to_owned()),
        principal: None,
        user_agent: "aws-cli/2.17.32 ua/2.0 os/linux#6.1 lang/python#3.11.9".to_owned(),
        request_id: None,
        status: None,
        stage: None,
    }
}

pub(crate) fn change(change: Change, time: DateTime<Utc>) -> KeyChange {
    KeyChange {
        event_id: format!("change-{}", time.timestamp()),
        time,
        change,
        access_key_id: Some(KEY.to_owned()),
        account: Some("111122223333".to_owned()),
        user_name: Some("deploy-ci".to_owned()),
        changed_by: Some("arn:aws:iam::111122223333:user/alice".to_owned()),
        source: "198.51.100.20".to_owned(),
        user_agent: "AWS Internal".to_owned(),
    }
}

pub(crate) fn left_behind(source: &str, since: DateTime<Utc>) -> LeftBehind {
    let mut uses = crate::tally::Tally::default();
    uses.add(Some(since - TimeDelta::hours(1)), "use-1");
    uses.add(Some(since - TimeDelta::minutes(10)), "use-2");
    let caller = CallerUses {
        source: source.to_owned(),
        client: "AWS CLI 2.17.32".to_owned(),
        parsed: crate::client::parse("aws-cli/2.17.32"),
        principal: Some("arn:aws:iam::111122223333:user/deploy-ci".to_owned()),
        uses: 2,
        first_use: uses.first,
        last_use: uses.last,
        event_sources: ["sts.amazonaws.com".to_owned()].into(),
        regions: ["us-east-1".to_owned()].into(),
        event_ids: uses.event_ids(),
    };
    LeftBehind {
        account: Some("111122223333".to_owned()),
        access_key_id: KEY.to_owned(),
        source: source.to_owned(),
        since,
        change: change(Change::Deactivated, since),
        uses,
        callers: vec![caller],
        resolved: None,
    }
}

pub(crate) fn finding(source: &str, now: DateTime<Utc>) -> StoredFinding {
    let key = GroupKey {
        account: Some("111122223333".to_owned()),
        access_key_id: Some(KEY.to_owned()),
        source: source.to_owned(),
        event_source: None,
    };
    let mut finding = StoredFinding::new(key, now);
    finding.causes = vec![cause("unexplained", Confidence::Low)];
    finding
}

pub(crate) fn cause(id: &str, confidence: Confidence) -> Diagnosis {
    let cause = causes::by_id(id);
    assert_eq!(cause.id, id);
    Diagnosis {
        id: cause.id,
        title: cause.title,
        confidence,
        evidence: vec![Evidence::new("A fact", vec!["event-1".to_owned()])],
        next_steps: vec!["Look".to_owned()],
        not: cause.not,
        reference: cause.reference,
    }
}

/// What happens before a decision.
#[derive(Debug, Clone)]
enum Act {
    /// Nothing.
    Nothing,
    /// A source is refused so often at this minute.
    Fails(&'static str, usize),
    /// A refusal that took place at another minute becomes known.
    Late(&'static str, i64),
    /// The key is turned off; the source is expected to fail.
    Off(&'static str),
    /// The source is seen with another key.
    Works(&'static str),
    /// The key is turned on again.
    On,
    /// The cause of a source's failures becomes known.
    Because(&'static str, &'static str, Confidence),
    /// An ignore rule comes to fit everything.
    Ignore,
}

use Act::*;

/// An incident and its findings, as the store would keep them.
struct World {
    policy: Policy,
    findings: Vec<StoredFinding>,
    incident: Option<Incident>,
    failures: usize,
    messages: Vec<(DateTime<Utc>, Due)>,
}

impl World {
    fn new(policy: Policy) -> World {
        World { policy, findings: Vec::new(), incident: None, failures: 0, messages: Vec::new() }
    }

    fn of(&mut self, source: &str, now: DateTime<Utc>) -> &mut StoredFinding {
        let at = self.findings.iter().position(|f| f.group.key.source == source);
        let at = at.unwrap_or_else(|| {
            self.findings.push(finding(source, now));
            self.findings.len() - 1
        });
        &mut self.findings[at]
    }

    fn fails(&mut self, source: &str, time: DateTime<Utc>, now: DateTime<Utc>) {
        self.failures += 1;
        let failure = failure(Origin::Recorded, source, time, &format!("f-{}", self.failures));
        self.of(source, now).count(&failure, now);
    }

    fn act(&mut self, act: &Act, now: DateTime<Utc>) {
        match act {
            Nothing => {}
            Fails(source, times) => (0..*times).for_each(|_| self.fails(source, now, now)),
            Late(source, at) => self.fails(source, minute(*at), now),
            Off(source) => {
                let left = left_behind(source, now);
                let failures = left.failures();
                let finding = self.of(source, now);
                finding.take_left_behind(left);
                finding.causes = vec![cause("key-deactivated", Confidence::High)];
                failures.iter().for_each(|failure| finding.count(failure, now));
            }
            Works(source) => {
                let left = self.of(source, now).left_behind.as_mut().unwrap();
                left.resolved = Some(Resolved {
                    event_id: "works".to_owned(),
                    time: now,
                    access_key_id: "AKIADEPLOYCI2EXAMPLE".to_owned(),
                });
            }
            On => {
                for finding in &mut self.findings {
                    finding.active_again = Some(change(Change::Reactivated, now));
                }
            }
            Because(source, id, confidence) => {
                self.of(source, now).causes = vec![cause(id, *confidence)];
            }
            Ignore => {
                let rule =
                    IgnoreRule { access_key_id: Some(KEY.to_owned()), ..IgnoreRule::default() };
                self.policy.ignore.push(rule);
            }
        }
    }

    /// Decides, and sends what is due.
    fn decide(&mut self, now: DateTime<Utc>) -> Option<Due> {
        let (first, due) =
            consider(self.incident.clone(), &key(), &self.findings, &self.policy, now);
        let again = consider(Some(first.clone()), &key(), &self.findings, &self.policy, now);
        assert_eq!(again, (first.clone(), due), "deciding again changes nothing");
        let mut incident = first;
        if let Some(due) = due {
            incident.told(due, "id", &self.findings, now);
            self.messages.push((now, due));
            let (_, due) =
                consider(Some(incident.clone()), &key(), &self.findings, &self.policy, now);
            assert_eq!(due, None, "nothing is due right after a message");
        }
        let json = serde_json::to_string(&incident).unwrap();
        self.incident = Some(serde_json::from_str(&json).unwrap());
        assert_eq!(self.incident.as_ref(), Some(&incident));
        due
    }
}

/// Minute, what happens then, and the message due afterwards.
type Row = (i64, Act, Option<Due>);

fn check(name: &str, policy: Policy, rows: Vec<Row>) -> World {
    let mut world = World::new(policy);
    for (at, act, expected) in rows {
        let now = minute(at);
        world.act(&act, now);
        assert_eq!(world.decide(now), expected, "{name}: minute {at}, after {act:?}");
    }
    world
}

const NEW: Option<Due> = Some(Due::New);
const CAUSE: Option<Due> = Some(Due::NewCause);
const SOURCE: Option<Due> = Some(Due::NewSource);
const MORE: Option<Due> = Some(Due::FollowUp);
const OVER: Option<Due> = Some(Due::Closing);
const QUIET: Option<Due> = None;

#[test]
fn a_prediction_alerts_at_once_and_reminds_for_a_day_at_most() {
    let world = check(
        "prediction",
        Policy::default(),
        vec![
            (0, Off(A), NEW),
            (1, Nothing, QUIET),
            (59, Nothing, QUIET),
            (60, Nothing, MORE),
            (179, Nothing, QUIET),
            (180, Nothing, MORE),
            (419, Nothing, QUIET),
            (420, Nothing, MORE),
            (899, Nothing, QUIET),
            (900, Nothing, MORE),
            (1860, Nothing, QUIET),
            (100_000, Nothing, QUIET),
            // A refusal that is seen is news.
            (100_001, Fails(A, 1), MORE),
            (100_002, Fails(A, 1), QUIET),
            (100_003, Works(A), OVER),
            (100_004, Nothing, QUIET),
        ],
    );
    let incident = world.incident.unwrap();
    assert_eq!((incident.alerts, incident.status), (7, Status::Resolved));
    assert_eq!(incident.resolved, Some(minute(100_003)));
}

#[test]
fn observed_failures_alert_at_the_threshold_within_the_window() {
    let default = Policy::default;
    check("two are too few", default(), vec![(0, Fails(A, 2), QUIET), (9_999, Nothing, QUIET)]);
    check("three at once", default(), vec![(0, Fails(A, 3), NEW)]);
    check(
        "the third just in time",
        default(),
        vec![(0, Fails(A, 1), QUIET), (8, Fails(A, 1), QUIET), (15, Fails(A, 1), NEW)],
    );
    check(
        "the third too late, the fourth in time",
        default(),
        vec![
            (0, Fails(A, 1), QUIET),
            (8, Fails(A, 1), QUIET),
            (16, Fails(A, 1), QUIET),
            (22, Fails(A, 1), NEW),
        ],
    );
    check(
        "sources count together",
        default(),
        vec![(0, Fails(A, 1), QUIET), (1, Fails(B, 1), QUIET), (2, Fails(C, 1), NEW)],
    );
    check(
        "records that come late and in disorder",
        default(),
        vec![(300, Late(A, 14), QUIET), (400, Late(A, 0), QUIET), (600, Late(A, 7), NEW)],
    );
    check(
        "a threshold of one",
        Policy { threshold: 1, ..default() },
        vec![(0, Fails(A, 1), NEW), (1, Fails(A, 1), QUIET)],
    );
    check("none is one", Policy { threshold: 0, ..default() }, vec![(0, Fails(A, 1), NEW)]);
}

#[test]
fn an_incident_that_goes_on_is_told_after_1_2_4_and_at_most_24_hours() {
    let mut world = World::new(Policy::default());
    for at in (0..(5 * 24 * 60)).step_by(5) {
        world.act(&Fails(A, 1), minute(at));
        world.decide(minute(at));
    }
    let hours: Vec<i64> =
        world.messages.iter().map(|(time, _)| (*time - minute(10)).num_hours()).collect();
    assert_eq!(hours, [0, 1, 3, 7, 15, 31, 55, 79, 103]);
    assert!(world.messages[1..].iter().all(|(_, due)| *due == Due::FollowUp));
    // What does not go on is not told.
    let end = 5 * 24 * 60;
    assert_eq!(world.decide(minute(end + 1_440)), MORE, "failures since the last message");
    assert_eq!(world.decide(minute(end + 99_999)), None);
    world.act(&Fails(A, 1), minute(end + 100_000));
    assert_eq!(world.decide(minute(end + 100_000)), MORE);
}

#[test]
fn a_new_cause_is_told_once_and_not_too_soon() {
    use Confidence::{High, Low, Medium};
    check(
        "a cause after none",
        Policy::default(),
        vec![
            (0, Fails(A, 3), NEW),
            (5, Because(A, "session-token-missing", Medium), QUIET),
            (14, Nothing, QUIET),
            (15, Nothing, CAUSE),
            (16, Nothing, QUIET),
            (40, Nothing, QUIET),
            (41, Because(A, "stale-credentials", Medium), CAUSE),
            (42, Because(A, "key-deactivated", High), QUIET),
            (56, Nothing, CAUSE),
            // To know less is no news.
            (90, Because(A, "unexplained", Low), QUIET),
        ],
    );
    check(
        "of causes that are equally sure, the one that was told stays",
        Policy::default(),
        vec![
            (0, Because(A, "ci-secret", Medium), QUIET),
            (0, Fails(A, 3), NEW),
            (20, Because(B, "stale-credentials", Medium), SOURCE),
            (40, Fails(B, 9), QUIET),
            (50, Because(B, "stale-credentials", High), CAUSE),
            (70, Because(B, "stale-credentials", Low), CAUSE),
        ],
    );
}

#[test]
fn a_new_source_is_told_and_ever_more_seldom() {
    check(
        "a second source",
        Policy::default(),
        vec![
            (0, Fails(A, 3), NEW),
            (14, Fails(B, 1), QUIET),
            (15, Nothing, SOURCE),
            (29, Fails(C, 1), QUIET),
            (30, Nothing, SOURCE),
            (31, Fails(A, 9), QUIET),
        ],
    );
    // Another source each minute for two days.
    let mut world = World::new(Policy::default());
    for at in 0..(2 * 24 * 60) {
        let source = format!("10.0.{}.{}", at / 250, at % 250);
        world.fails(&source, minute(at), minute(at));
        if at % 5 == 0 {
            world.decide(minute(at));
        }
        let all = world.findings.len();
        world.findings.drain(..all.saturating_sub(60));
    }
    let after: Vec<i64> =
        world.messages.windows(2).map(|two| (two[1].0 - two[0].0).num_minutes()).collect();
    assert_eq!(after[..4], [15, 15, 15, 15], "{after:?}");
    assert!(world.messages.len() <= 16, "{after:?}");
    let incident = world.incident.unwrap();
    assert_eq!(incident.groups.len(), 50);
    assert!(incident.more_groups >= 200 && incident.told_sources.len() <= 100);
    assert!(serde_json::to_string(&incident).unwrap().len() < 16_000);
}

#[test]
fn the_closing_message_comes_when_all_callers_work_or_the_key_is_on() {
    check(
        "one after the other",
        Policy::default(),
        vec![
            (0, Off(A), NEW),
            (1, Off(B), QUIET),
            (15, Nothing, SOURCE),
            (20, Works(A), QUIET),
            (25, Works(B), OVER),
            (26, Nothing, QUIET),
            (9_999, Nothing, QUIET),
        ],
    );
    check(
        "the key is active again",
        Policy::default(),
        vec![(0, Off(A), NEW), (3, Off(B), QUIET), (5, On, OVER), (6, Nothing, QUIET)],
    );
    check(
        "observed, and the key is active again",
        Policy::default(),
        vec![(0, Fails(A, 3), NEW), (5, On, OVER)],
    );
    check(
        "never for what was never told",
        Policy::default(),
        vec![(0, Fails(A, 2), QUIET), (5, On, QUIET), (6, Nothing, QUIET)],
    );
    check(
        "not while somebody still fails",
        Policy::default(),
        vec![
            (0, Off(A), NEW),
            (30, Fails(B, 1), SOURCE),
            (40, Works(A), OVER),
            // A minute after the proof AWS may still refuse.
            (41, Fails(A, 1), QUIET),
            (43, Fails(A, 1), QUIET),
        ],
    );
}

#[test]
fn the_day_in_the_documentation() {
    check(
        "docs/alerts.md",
        Policy::default(),
        vec![
            (0, Off(A), NEW),
            (0, Off(B), QUIET),
            (5, Off(C), QUIET),
            (14, Nothing, QUIET),
            (15, Nothing, SOURCE),
            (74, Nothing, QUIET),
            (75, Nothing, MORE),
            (100, Fails(A, 1), QUIET),
            (194, Nothing, QUIET),
            (195, Nothing, MORE),
            (240, Works(A), QUIET),
            (241, Works(B), QUIET),
            (242, Works(C), OVER),
            (350, Fails(A, 1), QUIET),
            (355, Fails(A, 1), QUIET),
            (360, Fails(A, 1), NEW),
        ],
    );
}

#[test]
fn a_prediction_that_is_settled_when_found_is_not_told() {
    let mut world = World::new(Policy::default());
    world.act(&Off(A), minute(0));
    world.act(&Works(A), minute(5));
    assert_eq!(world.decide(minute(6)), None);
    assert_eq!(world.incident.as_ref().map(|incident| incident.status), Some(Status::Resolved));
    world.act(&Off(B), minute(7));
    assert_eq!(world.decide(minute(7)), NEW);
}

#[test]
fn what_fails_again_after_it_was_over_is_new() {
    check(
        "turned off anew",
        Policy::default(),
        vec![
            (0, Off(A), NEW),
            (5, On, OVER),
            (10, Off(A), NEW),
            (11, Nothing, QUIET),
            (70, Nothing, MORE),
        ],
    );
    check(
        "refused anew: the threshold counts from the proof on",
        Policy::default(),
        vec![
            (0, Off(A), NEW),
            (5, Fails(A, 9), QUIET),
            (10, Works(A), OVER),
            (20, Late(A, 9), QUIET),
            (21, Fails(A, 2), QUIET),
            (25, Fails(A, 1), NEW),
            (30, Fails(A, 9), QUIET),
            (85, Nothing, MORE),
        ],
    );
    // The closing message was due but not sent: for the reader it never stopped.
    let mut world = World::new(Policy::default());
    world.act(&Off(A), minute(0));
    world.decide(minute(0));
    world.act(&Works(A), minute(5));
    let (incident, due) =
        consider(world.incident.clone(), &key(), &world.findings, &world.policy, minute(5));
    assert_eq!(due, OVER);
    world.incident = Some(incident);
    world.act(&Fails(A, 3), minute(30));
    assert_eq!(world.decide(minute(30)), None);
    assert_eq!(world.decide(minute(60)), MORE);
}

#[test]
fn what_is_ignored_is_never_told() {
    check(
        "a rule",
        Policy::default(),
        vec![(0, Ignore, QUIET), (1, Off(A), QUIET), (2, Fails(A, 9), QUIET)],
    );
    check(
        "a rule that came later",
        Policy::default(),
        vec![
            (0, Off(A), NEW),
            (1, Ignore, QUIET),
            (100, Fails(A, 9), QUIET),
            (200, Works(A), QUIET),
        ],
    );
    let mut world = World::new(Policy::default());
    world.act(&Fails(A, 9), minute(0));
    world.of(A, minute(0)).ignored = Some("a scanner".to_owned());
    world.act(&Fails(B, 2), minute(0));
    assert_eq!(world.decide(minute(0)), None, "it counts for no threshold");
    assert_eq!(world.incident.as_ref().unwrap().groups.len(), 2, "but it is known");
}

#[test]
fn a_clock_that_jumps_makes_no_storm() {
    let mut world = World::new(Policy::default());
    world.act(&Fails(A, 3), minute(0));
    assert_eq!(world.decide(minute(0)), NEW);
    // A year ahead, one message; then back, and time goes on from there.
    world.act(&Fails(A, 1), minute(525_600));
    assert_eq!(world.decide(minute(525_600)), MORE);
    for at in 1..=119 {
        world.act(&Fails(A, 1), minute(at));
        assert_eq!(world.decide(minute(at)), None, "minute {at}");
    }
    world.act(&Fails(A, 1), minute(121));
    assert_eq!(world.decide(minute(121)), MORE);
    // An hour back.
    world.act(&Fails(A, 1), minute(61));
    assert_eq!(world.decide(minute(61)), None);
    assert_eq!(world.decide(minute(62)), None);
}

#[test]
fn a_log_with_a_wrong_date_keeps_nothing_open() {
    check(
        "a date to come",
        Policy::default(),
        vec![(0, Off(A), NEW), (5, Late(A, 9_999_999), QUIET), (60, Works(A), OVER)],
    );
}

#[test]
fn the_alert_id_is_that_of_the_decision() {
    let mut world = World::new(Policy::default());
    world.act(&Off(A), minute(0));
    let (mut incident, due) = consider(None, &key(), &world.findings, &world.policy, minute(0));
    let due = due.unwrap();
    let context = context();
    let one = alert(&incident, due, &world.findings, &context, minute(0));
    let two = alert(&incident, due, &world.findings, &context, minute(7));
    assert_eq!(one.alert_id, two.alert_id);
    incident.told(due, &one.alert_id, &world.findings, minute(0));
    assert_eq!(incident.last_alert_id.as_ref(), Some(&one.alert_id));
    let next = alert(&incident, Due::FollowUp, &world.findings, &context, minute(60));
    assert_ne!(one.alert_id, next.alert_id);
    assert_eq!(one.incidents[0].incident_id, next.incidents[0].incident_id);

    let parts = |reversed: bool| {
        let mut parts = vec![
            (incident.clone(), Due::FollowUp, world.findings.clone()),
            (Incident { key: other_key(), ..incident.clone() }, Due::New, world.findings.clone()),
        ];
        if reversed {
            parts.reverse();
        }
        parts
    };
    let whole = digest_alert(&parts(false), &context, minute(60));
    assert_eq!(whole, digest_alert(&parts(true), &context, minute(60)));
    assert_eq!(whole.incidents[0].due, Due::New);
}

#[test]
fn a_key_that_is_active_again_is_not_expected_to_fail() {
    let mut world = World::new(Policy::default());
    world.act(&Off(A), minute(0));
    world.decide(minute(0));
    world.act(&On, minute(5));
    world.decide(minute(5));
    world.act(&Fails(A, 3), minute(30));
    assert_eq!(world.decide(minute(30)), NEW);
    let incident = world.incident.clone().unwrap();
    let told = alert(&incident, Due::New, &world.findings, &context(), minute(30));
    assert_eq!(told.incidents[0].active_again.as_ref().map(|again| again.time), Some(minute(5)));
    let mail = crate::render::message::publish(&told, false).body;
    assert!(mail.contains("AWS refuses") && !mail.contains("More calls are expected"), "{mail}");
    world.act(&Off(A), minute(40));
    let told = alert(&incident, Due::New, &world.findings, &context(), minute(40));
    assert_eq!(told.incidents[0].active_again, None);
}

fn other_key() -> IncidentKey {
    IncidentKey { account: None, access_key_id: None, source: Some(B.to_owned()) }
}

pub(crate) fn context() -> Context {
    Context {
        name: "failure-monitor".to_owned(),
        region: "eu-central-1".to_owned(),
        dashboard_url: None,
        summary_function: "failure-monitor-summary".to_owned(),
        unmask: false,
    }
}

#[test]
fn an_ignore_rule_fits_only_what_is_all_of_its_kind() {
    let rule = |part: &str, value: &str| -> IgnoreRule {
        serde_json::from_value(serde_json::json!({ part: value })).unwrap()
    };
    let of = |source: &str| {
        let mut kept = finding(source, start());
        kept.count(&failure(Origin::Recorded, source, start(), "one"), start());
        kept.user_name = Some("deploy-ci".to_owned());
        kept
    };
    let arn = "arn:aws:iam::111122223333:user/deploy-ci";
    let log = "/aws/ecs/app:task/1";
    let cases = [
        (rule("access_key_id", KEY), A, true),
        (rule("access_key_id", "AKIADEPLOYCI2EXAMPLE"), A, false),
        (rule("source", A), A, true),
        (rule("source", B), A, false),
        (rule("source", "203.0.113.0/24"), A, true),
        (rule("source", "203.0.113.77/24"), A, true),
        (rule("source", "203.0.113.0/30"), A, false),
        (rule("source", "0.0.0.0/0"), A, true),
        (rule("source", "0.0.0.0/0"), "2001:db8::1", false),
        (rule("source", "2001:db8::/32"), "2001:db8:85a3::8a2e:370:7334", true),
        (rule("source", "2001:db8::/32"), "2001:db9::1", false),
        (rule("source", "2001:db8::1"), "2001:0DB8:0:0::1", true),
        (rule("source", "203.0.113.0/24"), "::ffff:203.0.113.10", true),
        (rule("source", "::ffff:203.0.113.10"), A, true),
        (rule("source", "203.0.113.0/24"), log, false),
        (rule("source", log), log, true),
        (rule("source", "cloudformation.amazonaws.com"), "cloudformation.amazonaws.com", true),
        (rule("event_source", "sts.amazonaws.com"), A, true),
        (rule("event_source", "s3.amazonaws.com"), A, false),
        (rule("principal", arn), A, true),
        (rule("principal", "arn:aws:iam::111122223333:user/ci/deploy-ci"), A, true),
        (rule("principal", "arn:aws:iam::444455556666:user/deploy-ci"), A, false),
        (rule("principal", "arn:aws:iam::111122223333:role/deploy-ci"), A, false),
        (IgnoreRule::default(), A, false),
        (rule("reason", "a scanner"), A, false),
        (IgnoreRule { source: Some(B.to_owned()), ..rule("access_key_id", KEY) }, A, false),
        (IgnoreRule { source: Some(A.to_owned()), ..rule("access_key_id", KEY) }, A, true),
    ];
    for (rule, source, expected) in cases {
        assert_eq!(rule.fits(&of(source)), expected, "{rule:?} and {source}");
    }

    let service = rule("event_source", "sts.amazonaws.com");
    let mut mixed = of(A);
    let mut other = failure(Origin::Recorded, A, start(), "two");
    other.event_source = Some("s3.amazonaws.com".to_owned());
    mixed.count(&other, start());
    assert!(!service.fits(&mixed), "another service was called, too");
    let mut unknown = of(A);
    unknown.count(&Failure { event_source: None, ..other.clone() }, start());
    assert!(!service.fits(&unknown), "the service of one call is not known");
    let mut predicted = finding(A, start());
    predicted.take_left_behind(left_behind(A, start()));
    assert!(service.fits(&predicted) && rule("principal", arn).fits(&predicted));
    predicted.count(&other, start());
    assert!(!service.fits(&predicted));
    let mut grouped = of(A);
    grouped.group.key.event_source = Some("s3.amazonaws.com".to_owned());
    assert!(!service.fits(&grouped) && rule("event_source", "s3.amazonaws.com").fits(&grouped));

    let mut policy = Policy { ignore: vec![rule("source", B)], ..Policy::default() };
    assert_eq!(policy.ignored(&of(A)), None);
    policy.ignore.push(rule("source", A));
    assert_eq!(policy.ignored(&of(A)).unwrap(), "an ignore rule without a reason");
    policy.ignore[1].reason = Some("a scanner".to_owned());
    assert_eq!(policy.ignored(&of(A)).unwrap(), "a scanner");
}

#[test]
fn a_rule_that_cannot_fit_is_found() {
    let source = |text: &str| IgnoreRule { source: Some(text.to_owned()), ..IgnoreRule::default() };
    assert!(IgnoreRule::default().problem().unwrap().starts_with("names none"));
    let problem = source("203.0.113.0/33").problem().unwrap();
    assert_eq!(problem, "has a source that is not a CIDR block: \"203.0.113.0/33\"");
    for text in ["203.0.113.0/24", "2001:db8::/32", "/aws/ecs/app", "203.0.113.10", "10.0"] {
        assert_eq!(source(text).problem(), None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, in whatever order, under whatever clock: messages of one incident are
    /// few, and none closes what was not told.
    #[test]
    fn no_order_of_events_makes_a_storm(
        steps in prop::collection::vec((0_u8..9, 0_usize..3, -30_i64..90), 1..150)
    ) {
        let sources = [A, B, C];
        let mut world = World::new(Policy::default());
        let (mut clock, mut forward, mut changes) = (0, 0, 0);
        let mut sent_at = Vec::new();
        for (kind, source, passed) in steps {
            clock += passed;
            forward += passed.max(0);
            let now = minute(clock);
            let source = sources[source];
            match kind {
                0..=3 => world.act(&Fails(source, 1), now),
                4 => {
                    changes += 1;
                    world.act(&Off(source), now);
                }
                5 if world.findings.iter().any(|f| f.group.key.source == source && f.left_behind.is_some()) => {
                    changes += 1;
                    world.act(&Works(source), now);
                }
                6 => {
                    changes += 1;
                    world.act(&On, now);
                }
                7 => world.act(&Because(source, "ci-secret", Confidence::Medium), now),
                _ => {}
            }
            sent_at.extend(world.decide(now).map(|_| forward));
        }
        let mut told = false;
        let mut open = 0;
        for (nth, (_, due)) in world.messages.iter().enumerate() {
            match due {
                Due::New => {
                    prop_assert!(!told);
                    open += 1;
                }
                Due::Closing => prop_assert!(told),
                _ => {
                    prop_assert!(told);
                    // What the clock went back does not count as waiting.
                    prop_assert!(sent_at[nth] - sent_at[nth - 1] >= 15);
                }
            }
            told = *due != Due::Closing;
        }
        prop_assert!(open <= changes + 1, "{open} messages after {changes} key changes");
    }
}
