//! The documented limits of SNS, Amazon Q Developer and Slack, checked on whatever is published.

use serde_json::Value;

use super::*;
use crate::render::message::Published;

pub(super) fn check_published(published: &Published) {
    assert!(published.body.len() <= 262_144, "{} bytes", published.body.len());
    let subject = &published.subject;
    assert!(!subject.is_empty() && subject.len() <= 99, "{subject}");
    assert!(subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{subject:?}");
    assert!(!subject.starts_with(' '), "{subject:?}");
    let body: Value = serde_json::from_str(&published.body).unwrap();
    let members = body.as_object().unwrap();
    let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
    names.sort();
    assert_eq!(names, ["default", "email", "https", "lambda", "sms", "sqs"]);
    for (name, text) in members {
        assert!(!text.as_str().unwrap().trim().is_empty(), "{name} is empty");
    }
    let sms = body["sms"].as_str().unwrap();
    assert!(sms.len() <= 140 && sms.is_ascii() && !sms.contains(['\n', '\r']), "{sms:?}");
    let machine: Alert = serde_json::from_str(body["lambda"].as_str().unwrap()).unwrap();
    assert_eq!(machine.alert_id, published.alert_id);
    assert_eq!(machine.schema, "failure-monitor/alert/1");
    check_chatbot(&serde_json::from_str(body["https"].as_str().unwrap()).unwrap());
    for unmask in [false, true] {
        check_slack(&slack::blocks(body["lambda"].as_str().unwrap(), None, unmask));
    }
}

fn members<'a>(value: &'a Value, allowed: &[&str]) -> &'a serde_json::Map<String, Value> {
    let object = value.as_object().unwrap();
    for name in object.keys() {
        assert!(allowed.contains(&name.as_str()), "{name} is not in the schema");
    }
    object
}

fn chars(value: &Value) -> usize {
    value.as_str().unwrap().chars().count()
}

fn check_chatbot(value: &Value) {
    members(value, &["version", "source", "id", "content", "metadata"]);
    assert_eq!((&value["version"], &value["source"]), (&"1.0".into(), &"custom".into()));
    let content = &value["content"];
    members(content, &["textType", "title", "description", "nextSteps", "keywords"]);
    assert_eq!(content["textType"], "client-markdown");
    assert!((1..=250).contains(&chars(&content["title"])));
    assert!((1..=3_000).contains(&chars(&content["description"])));
    if let Some(steps) = content.get("nextSteps") {
        let steps = steps.as_array().unwrap();
        assert!((1..=5).contains(&steps.len()));
        for step in steps {
            assert!((1..=250).contains(&chars(step)), "{step}");
            assert_eq!(step.as_str().unwrap().matches('`').count() % 2, 0, "{step}");
        }
    }
    let metadata = &value["metadata"];
    members(
        metadata,
        &["threadId", "summary", "eventType", "relatedResources", "additionalContext"],
    );
    for name in ["threadId", "summary", "eventType"] {
        assert!(metadata[name].is_string());
    }
    for value in metadata["additionalContext"].as_object().unwrap().values() {
        assert!(value.is_string());
    }
}

pub(super) fn check_slack(payloads: &[Value]) {
    assert!((1..=3).contains(&payloads.len()), "{}", payloads.len());
    for payload in payloads {
        assert!((1..=40_000).contains(&chars(&payload["text"])));
        let blocks = payload["blocks"].as_array().unwrap();
        assert!((1..=50).contains(&blocks.len()), "{}", blocks.len());
        for block in blocks {
            match block["type"].as_str().unwrap() {
                "header" => {
                    assert_eq!(block["text"]["type"], "plain_text");
                    assert!((1..=150).contains(&chars(&block["text"]["text"])));
                }
                "section" => {
                    assert_eq!(block["text"]["type"], "mrkdwn");
                    check_markup(&block["text"]["text"]);
                }
                "context" => {
                    let elements = block["elements"].as_array().unwrap();
                    assert!((1..=10).contains(&elements.len()));
                    elements.iter().for_each(|element| check_markup(&element["text"]));
                }
                other => panic!("unknown block {other}"),
            }
        }
    }
}

/// Of a length that Slack takes; the only links are those of this project, entities are whole.
fn check_markup(text: &Value) {
    assert!((1..=3_000).contains(&chars(text)), "{}", chars(text));
    let text = text.as_str().unwrap();
    for part in text.split('<').skip(1) {
        assert!(part.starts_with("https://docs.aws.amazon.com/"), "{part}");
        assert!(part.contains('>'), "{part}");
    }
    for part in text.split('&').skip(1) {
        assert!(["amp;", "lt;", "gt;"].iter().any(|it| part.starts_with(it)), "{part}");
    }
}

/// All strings of a value.
pub(super) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(strings).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_alert_keeps_the_limits() {
    for (_, alert) in all() {
        check_published(&publish(&alert, false));
        check_published(&publish(&alert, true));
    }
}

#[test]
fn the_largest_alerts_are_cut_and_say_so() {
    let texts = hostile_texts();
    for text in [&texts[6], &texts[13]] {
        let mut alert = hostile(text);
        let finding = alert.incidents[0].findings[0].clone();
        alert.incidents[0].findings = vec![finding; 6];
        alert.incidents[0].more_findings = 30;
        check_published(&publish(&alert, true));
        let incident = alert.incidents[0].clone();
        alert.kind = crate::alert::Kind::Digest;
        alert.incidents = vec![incident; 8];
        alert.more_incidents = 103;
        let published = publish(&alert, true);
        check_published(&published);
        let body: Value = serde_json::from_str(&published.body).unwrap();
        let machine: Alert = serde_json::from_str(body["sqs"].as_str().unwrap()).unwrap();
        assert_eq!(machine.incidents.len() as u64 + machine.more_incidents, 111);
        for medium in ["email", "https"] {
            let text = body[medium].as_str().unwrap();
            assert!(text.contains("… and "), "{medium}: {text}");
        }
        let email = body["email"].as_str().unwrap();
        assert!(email.contains("aws lambda invoke --region eu-central-1"), "{email}");
    }
}

#[test]
fn clipped_text_ends_in_whole_characters_and_entities() {
    let text = "ab&amp;cd";
    for chars in 3..9 {
        let cut = slack::clipped(text, chars);
        assert!(cut.chars().count() <= chars, "{cut}");
        assert!(["ab…", "ab&amp;…", "ab&amp;c…"].contains(&cut.as_str()), "{cut}");
    }
    assert_eq!(slack::clipped(text, 9), text);
    assert_eq!(slack::clipped("x `aws iam list`", 10), "x …");
    assert_eq!(slack::clipped("äöü€🔑", 3), "äö…");
}
