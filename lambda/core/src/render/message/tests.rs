//! The messages of alerts: what people read, by origin, cause and reason; hostile texts; limits.

use chrono::{DateTime, TimeDelta, Utc};
use insta::assert_snapshot;
use serde_json::Value;

use super::*;
use crate::alert::tests as world;
use crate::alert::{Due, Incident, consider};
use crate::cause::{Confidence, Evidence};
use crate::causes::ALL;
use crate::failure::Origin;
use crate::finding::Finding;
use crate::key_change::Change;
use crate::left_behind::Resolved;
use crate::render::{cases, deceives, fixture};
use crate::state::StoredFinding;

mod limits;
mod schema;

const A: &str = "203.0.113.10";
const B: &str = "198.51.100.7";

fn now() -> DateTime<Utc> {
    world::minute(20)
}

/// A finding with failures of an origin.
fn refused(source: &str, origin: Origin, times: u32) -> StoredFinding {
    let mut finding = world::finding(source, world::start());
    for n in 0..times {
        let time = world::start() + TimeDelta::seconds(40 * i64::from(n));
        let failure = world::failure(origin, source, time, &format!("{source}-{n}"));
        finding.count(&failure, time);
    }
    finding.user_name = Some("deploy-ci".to_owned());
    let mut cause = world::cause("session-token-missing", Confidence::Medium);
    cause.evidence = vec![
        Evidence::new(
            "The key is a temporary one and no call with it succeeded",
            finding.group.all.event_ids(),
        ),
        Evidence::new("The text says that the token is invalid", Vec::new()),
    ];
    cause.next_steps = vec![
        "See whether the token is set beside the key: env | grep AWS_SESSION_TOKEN".to_owned(),
        "See which credentials are in use: aws configure list".to_owned(),
    ];
    finding.causes = vec![cause];
    finding
}

fn expected(source: &str) -> StoredFinding {
    let mut finding = world::finding(source, world::start());
    let left = world::left_behind(source, world::minute(3));
    left.failures().iter().for_each(|failure| finding.count(failure, now()));
    finding.take_left_behind(left);
    finding.user_name = Some("deploy-ci".to_owned());
    let mut cause = world::cause("key-deactivated", Confidence::High);
    cause.evidence = vec![
        Evidence::new(
            "arn:aws:iam::111122223333:user/alice deactivated the key at 2026-01-02 10:03:00 UTC",
            vec!["94f17cb9-8b01-49af-bc74-02c41f1b98dd".to_owned()],
        ),
        Evidence::new(
            format!(
                "{source} used it successfully 2 times before that, and is expected to fail since \
                 2026-01-02 10:03:00 UTC"
            ),
            vec!["use-1".to_owned(), "use-2".to_owned()],
        ),
    ];
    cause.next_steps = vec![
        "If it was a mistake, and only then, activate it again: aws iam update-access-key \
         --access-key-id AKIADEPLOYCI1EXAMPLE --status Active --user-name deploy-ci"
            .to_owned(),
        "See the state of the user's keys: aws iam list-access-keys --user-name deploy-ci"
            .to_owned(),
        "Give the callers a role or a new key, and delete the old one when none is left".to_owned(),
    ];
    finding.causes = vec![cause];
    finding
}

fn decided(known: Option<Incident>, findings: &[StoredFinding]) -> (Incident, Option<Due>) {
    consider(known, &world::key(), findings, &crate::alert::Policy::default(), now())
}

/// An incident that was told of these findings an hour ago.
fn told(findings: &[StoredFinding]) -> Incident {
    let (mut incident, due) = decided(None, findings);
    assert_eq!(due, Some(Due::New));
    incident.told(Due::New, "earlier", findings, now() - TimeDelta::hours(1));
    incident
}

fn alert_of(known: Option<Incident>, findings: &[StoredFinding], due: Due) -> Alert {
    let (incident, decided) = decided(known, findings);
    assert_eq!(decided, Some(due));
    crate::alert::alert(&incident, due, findings, &world::context(), now())
}

/// Alerts of every origin and for every reason, by name.
fn alerts() -> Vec<(&'static str, Alert)> {
    let mut unread = expected(A);
    unread.unread = vec!["CloudTrail of eu-west-1, access denied".to_owned()];
    let both = vec![refused(A, Origin::Reported, 4), expected(B)];
    let mut works = expected(A);
    works.left_behind.as_mut().unwrap().resolved = Some(Resolved {
        event_id: "0a1b2c3d-0000-4000-8000-000000000001".to_owned(),
        time: world::minute(12),
        access_key_id: "AKIADEPLOYCI2EXAMPLE".to_owned(),
    });
    let mut on = expected(A);
    on.active_again = Some(world::change(Change::Reactivated, world::minute(9)));
    let mut same = expected(A);
    same.left_behind.as_mut().unwrap().resolved = Some(Resolved {
        event_id: "0a1b2c3d-0000-4000-8000-000000000002".to_owned(),
        time: world::minute(9),
        access_key_id: "AKIADEPLOYCI1EXAMPLE".to_owned(),
    });
    let mut another = refused(A, Origin::Recorded, 3);
    another.causes = vec![world::cause("stale-credentials", Confidence::High)];
    let mut no_key = refused(A, Origin::Recorded, 5);
    no_key.group.key.access_key_id = None;
    no_key.user_name = None;
    let of_source = crate::alert::IncidentKey::of(&no_key, 0, &crate::alert::Policy::default());
    let (source, due) = consider(
        None,
        &of_source,
        std::slice::from_ref(&no_key),
        &crate::alert::Policy::default(),
        now(),
    );
    assert_eq!(due, Some(Due::New));
    let context = world::context();
    vec![
        ("recorded", alert_of(None, &[refused(A, Origin::Recorded, 4)], Due::New)),
        ("reported", alert_of(None, &[refused(A, Origin::Reported, 3)], Due::New)),
        ("predicted", alert_of(None, &[unread], Due::New)),
        ("mixed", alert_of(None, &both, Due::New)),
        ("source", crate::alert::alert(&source, Due::New, &[no_key], &context, now())),
        (
            "new-source",
            alert_of(Some(told(&[expected(A)])), &[expected(A), expected(B)], Due::NewSource),
        ),
        (
            "new-cause",
            alert_of(Some(told(&[refused(A, Origin::Recorded, 3)])), &[another], Due::NewCause),
        ),
        (
            "follow-up",
            alert_of(
                Some(told(&[refused(A, Origin::Recorded, 3)])),
                &[refused(A, Origin::Recorded, 15)],
                Due::FollowUp,
            ),
        ),
        ("reminder", alert_of(Some(told(&[expected(A)])), &[expected(A)], Due::FollowUp)),
        ("closing", alert_of(Some(told(&[expected(A)])), &[works], Due::Closing)),
        ("closing-same-key", alert_of(Some(told(&[expected(A)])), &[same], Due::Closing)),
        ("active-again", alert_of(Some(told(&[expected(A)])), &[on], Due::Closing)),
        ("sample", crate::alert::sample(&context, now())),
        ("digest", digest()),
    ]
}

/// A digest of all reasons.
fn digest() -> Alert {
    let mut parts = Vec::new();
    for n in 0..45_u32 {
        let source = format!("192.0.2.{n}");
        let finding = if n % 2 == 0 {
            expected(&source)
        } else {
            refused(&source, Origin::Recorded, 3 + n % 4)
        };
        let mut finding = finding;
        let id = format!("AKIAKEY{n:06}EXAMPLE");
        finding.group.key.access_key_id = Some(id.clone());
        let due = match n % 9 {
            7 => Due::FollowUp,
            8 => Due::Closing,
            _ => Due::New,
        };
        let (mut incident, _) = decided(None, std::slice::from_ref(&finding));
        incident.key.access_key_id = Some(id);
        parts.push((incident, due, vec![finding]));
    }
    crate::alert::digest_alert(&parts, &world::context(), now())
}

fn texts(alert: &Alert) -> Value {
    serde_json::from_str(&publish(alert, false).body).unwrap()
}

fn email(alert: &Alert) -> String {
    let published = publish(alert, false);
    let body: Value = serde_json::from_str(&published.body).unwrap();
    format!("Subject: {}\n\n{}", published.subject, body["email"].as_str().unwrap())
}

#[test]
fn emails_by_origin_and_reason() {
    for (name, alert) in alerts() {
        assert_snapshot!(format!("email-{name}"), email(&alert));
    }
}

#[test]
fn other_media_by_origin_and_reason() {
    for (name, alert) in alerts() {
        let body = texts(&alert);
        let chatbot: Value = serde_json::from_str(body["https"].as_str().unwrap()).unwrap();
        let slack = slack::blocks(body["lambda"].as_str().unwrap(), None, false);
        let text = format!(
            "{}\n\nAmazon Q Developer: {chatbot:#}\n\nSlack: {:#}\n",
            body["sms"].as_str().unwrap(),
            Value::from(slack),
        );
        assert_snapshot!(format!("chat-{name}"), text);
    }
}

/// One alert for each cause, from the cases of the cause.
fn alerts_by_cause() -> Vec<(&'static str, Alert)> {
    let outcomes = cases::outcomes();
    let mut out = Vec::new();
    for cause in ALL {
        let first_of = |finding: &&Finding| {
            finding.causes.first().is_some_and(|first| first.id == cause.id)
                && finding.resolved.is_none()
        };
        let mut findings = outcomes.iter().flat_map(|(_, outcome)| &outcome.findings);
        let finding = findings.find(first_of).unwrap_or_else(|| panic!("no case of {}", cause.id));
        let mut alert = crate::alert::sample(&world::context(), now());
        alert.kind = crate::alert::Kind::Incident;
        let incident = &mut alert.incidents[0];
        incident.access_key_id = finding.access_key_id.clone();
        incident.source = finding.access_key_id.is_none().then(|| finding.source.clone());
        incident.account = finding.account.clone();
        incident.user_name = finding.user_name.clone();
        incident.origins = finding.origins;
        incident.first_seen = finding.first_seen;
        incident.last_seen = finding.last_seen;
        incident.expected_since = finding.predicted.as_ref().map(|predicted| predicted.since);
        incident.sources = vec![finding.source.clone()];
        incident.findings = vec![finding.clone()];
        out.push((cause.id, alert));
    }
    out
}

#[test]
fn emails_by_cause() {
    for (id, alert) in alerts_by_cause() {
        assert_snapshot!(format!("cause-{id}"), email(&alert));
    }
}

fn all() -> Vec<(&'static str, Alert)> {
    alerts().into_iter().chain(alerts_by_cause()).collect()
}

#[test]
fn emails_are_80_columns_wide_but_for_what_is_copied() {
    for (name, alert) in all() {
        for line in email(&alert).lines().skip(1) {
            let wide = unicode_width::UnicodeWidthStr::width(line) > 80;
            assert!(
                !wide || line.starts_with("     ") || line.starts_with("https://"),
                "{name}: {line}"
            );
            assert_eq!(line, line.trim_end(), "{name}");
        }
    }
}

#[test]
fn the_first_screen_of_an_email_has_the_answers() {
    for (name, alert) in all() {
        if alert.incidents.len() > 1 || alert.incidents[0].due == Due::Closing {
            continue;
        }
        let email = email(&alert);
        let screen: Vec<&str> = email.lines().skip(2).take(50).collect();
        for label in ["What: ", "Key: ", "From", "Why: ", "What to do now:", "How sure: "] {
            assert!(screen.iter().any(|line| line.starts_with(label)), "{name}: {label}\n{email}");
        }
        assert!(screen.iter().any(|line| line.contains("To mute it")), "{name}\n{email}");
    }
}

#[test]
fn a_prediction_is_never_told_as_an_observation() {
    for (name, alert) in all() {
        let incidents = alert.incidents.iter();
        if incidents.clone().any(|one| one.origins.recorded + one.origins.reported > 0) {
            continue;
        }
        let body = texts(&alert);
        let slack = Value::from(slack::blocks(body["lambda"].as_str().unwrap(), None, false));
        let texts =
            [email(&alert), body["https"].to_string(), body["sms"].to_string(), slack.to_string()];
        for text in texts {
            for word in
                ["AWS refuse", "refusal", "has failed", "was refused", "is refused", "Refused"]
            {
                assert!(!text.contains(word), "{name}: {word}\n{text}");
            }
        }
    }
}

#[test]
fn key_ids_are_masked_for_people_and_whole_for_programs() {
    for (name, alert) in all() {
        let id = alert.incidents[0].findings[0].access_key_id.clone();
        let Some(id) = id.filter(|id| id.len() == 20) else { continue };
        let body = texts(&alert);
        for medium in ["default", "email", "https", "sms"] {
            assert!(!body[medium].as_str().unwrap().contains(&id), "{name}: {medium}");
        }
        assert!(body["sqs"].as_str().unwrap().contains(&id), "{name}");
        let slack = |unmask| {
            Value::from(slack::blocks(body["lambda"].as_str().unwrap(), None, unmask)).to_string()
        };
        assert!(!slack(false).contains(&id) && slack(true).contains(&id), "{name}");
        let unmasked: Value = serde_json::from_str(&publish(&alert, true).body).unwrap();
        assert!(unmasked["email"].as_str().unwrap().contains(&id), "{name}");
    }
}

#[test]
fn the_machine_form_is_the_alert() {
    for (name, alert) in all() {
        let body = texts(&alert);
        assert_eq!(body["sqs"], body["lambda"]);
        let mut read: Alert = serde_json::from_str(body["sqs"].as_str().unwrap()).unwrap();
        // The callers' clients are told by their label.
        let forget = |alert: &mut Alert| {
            let incidents = alert.incidents.iter_mut();
            for finding in incidents.flat_map(|incident| &mut incident.findings) {
                for caller in finding.predicted.iter_mut().flat_map(|one| &mut one.callers) {
                    caller.parsed = crate::client::Client::default();
                }
            }
        };
        let mut alert = alert;
        forget(&mut alert);
        forget(&mut read);
        if name != "digest" {
            assert_eq!(read, alert, "{name}");
        }
    }
}

/// An alert with a text in every field that a stranger writes.
fn hostile(text: &str) -> Alert {
    let outcome = fixture::with(text);
    let mut alert = crate::alert::sample(&world::context(), now());
    alert.kind = crate::alert::Kind::Incident;
    let incident = &mut alert.incidents[0];
    incident.access_key_id = Some(text.to_owned());
    incident.account = Some(text.to_owned());
    incident.user_name = Some(text.to_owned());
    incident.origins.recorded = 1;
    incident.new_sources = vec![text.to_owned(); 3];
    incident.sources = vec![text.to_owned(); 3];
    incident.unread = vec![text.to_owned(); 3];
    incident.findings = outcome.findings;
    alert
}

fn hostile_texts() -> Vec<String> {
    let mut texts = fixture::hostile_texts();
    texts.extend([
        "<!channel> <!here> <@U012AB3CD> <https://evil.example|click> @here @Channel".to_owned(),
        "www.evil.example HTTPS://EVIL.EXAMPLE/x?a=1&b=2".to_owned(),
        "\u{0}\u{8}\u{1f}\u{7f}".to_owned(),
        "`*bold* _it_ ~no~` ```\ncode\n```".to_owned(),
        "&".repeat(9_000),
        "\"\\".repeat(5_000),
        "\u{202e}".repeat(5_000),
        " ".to_owned(),
        "${x} %{y} \"}".to_owned(),
    ]);
    texts
}

#[test]
fn hostile_texts_harm_no_medium() {
    for text in hostile_texts() {
        let dues = [Due::New, Due::NewSource, Due::NewCause, Due::FollowUp, Due::Closing];
        // Long texts take their time without optimisation.
        for due in dues.into_iter().take(if text.len() > 1_000 { 1 } else { 5 }) {
            let mut alert = hostile(&text);
            alert.incidents[0].due = due;
            let published = publish(&alert, true);
            limits::check_published(&published);
            let body: Value = serde_json::from_str(&published.body).unwrap();
            let mail = body["email"].as_str().unwrap();
            assert!(!mail.chars().any(|c| c != '\n' && deceives(c)), "{mail}");
            // Commands hold what they must; all other text links nowhere.
            for line in mail.lines().filter(|line| !line.starts_with("     ")) {
                let line = line.to_ascii_lowercase();
                let ours = line.starts_with("https://docs.aws.amazon.com/");
                assert!(ours || !line.contains("://") && !line.contains("www."), "{line}");
            }
            let lambda = body["lambda"].as_str().unwrap();
            let mut chat = slack::blocks(lambda, None, true);
            chat.extend(slack::blocks(&text, Some(&text), true));
            chat.push(serde_json::from_str(body["https"].as_str().unwrap()).unwrap());
            for text in limits::strings(&Value::from(chat)) {
                assert!(!text.contains("<!") && !text.contains("<@"), "{text}");
                let lower = text.to_ascii_lowercase();
                assert!(!lower.contains("@here") || text.contains('`'), "{text}");
                assert!(!text.chars().any(|c| c != '\n' && deceives(c)), "{text}");
            }
        }
    }
}

#[test]
fn hostile_snapshot() {
    let alert = hostile(&hostile_texts()[9]);
    let body = texts(&alert);
    let slack = slack::blocks(body["lambda"].as_str().unwrap(), None, false);
    assert_snapshot!("email-hostile", email(&alert));
    assert_snapshot!("chat-hostile", format!("{:#}", Value::from(slack)));
    let mut lines = hostile("Bcc: everybody@example.com\r\nX: y\u{202e}\u{e9}");
    lines.incidents[0].due = Due::FollowUp;
    assert_snapshot!(publish(&lines, true).subject);
}

#[test]
fn alarms_and_other_texts_reach_slack() {
    let alarm = r#"{"AlarmName":"failure-monitor-errors","AlarmDescription":"The monitor failed",
        "AWSAccountId":"111122223333","NewStateValue":"ALARM","OldStateValue":"OK",
        "NewStateReason":"Threshold Crossed: 1 datapoint [3.0] was > 0","Region":"EU (Frankfurt)",
        "StateChangeTime":"2026-01-02T10:00:00.000+0000"}"#;
    let shown = [
        slack::blocks(alarm, Some("ALARM"), false),
        slack::blocks("a *text* with AKIADEPLOYCI1EXAMPLE\nand <b>", Some("A subject"), false),
        slack::blocks(r#"{"schema":"failure-monitor/alert/2","x":1}"#, None, false),
        slack::blocks("", None, false),
    ];
    for payloads in &shown {
        limits::check_slack(payloads);
    }
    assert_snapshot!("chat-others", format!("{:#}", Value::from(shown.concat())));
}
