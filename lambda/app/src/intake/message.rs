//! What a message of the queue holds: a record, objects to read, or nothing.
//!
//! Knows the envelopes in which AWS tells of records and files. Must not know what is in them.

use failure_monitor_core::document::{self, Content};
use failure_monitor_core::record::Record;
use serde_json::Value;

/// An object in S3.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
}

/// What a message holds.
#[derive(Debug)]
pub enum Held {
    /// Records that came by EventBridge, or why one is none.
    Records(Vec<Result<Record, String>>),
    /// Files.
    Objects(Vec<Object>),
    /// Nothing to read: a test or a notice of AWS.
    Nothing,
}

/// How deep messages may be wrapped in messages.
const DEEPEST: u8 = 3;

/// Takes a message apart.
///
/// # Errors
///
/// Says in a sentence what it is instead.
pub fn held(body: &str) -> Result<Held, String> {
    unwrap(body, DEEPEST)
}

fn unwrap(body: &str, deeper: u8) -> Result<Held, String> {
    // CloudTrail checks the topic of a new trail with this text.
    if body.trim_start().starts_with("CloudTrail validation message") {
        return Ok(Held::Nothing);
    }
    let value: Value =
        serde_json::from_str(body).map_err(|err| format!("a message that is not JSON: {err}"))?;
    if value["Type"] == "Notification" && value["Message"].is_string() {
        if deeper == 0 {
            return Err("a message wrapped in too many messages".to_owned());
        }
        return unwrap(value["Message"].as_str().unwrap_or_default(), deeper - 1);
    }
    if value["Event"] == "s3:TestEvent"
        || value["Type"] == "SubscriptionConfirmation"
        || value["Type"] == "UnsubscribeConfirmation"
    {
        return Ok(Held::Nothing);
    }
    if let (Some(bucket), Some(keys)) =
        (value["s3Bucket"].as_str(), value["s3ObjectKey"].as_array())
    {
        let objects = keys
            .iter()
            .filter_map(Value::as_str)
            .map(|key| Object { bucket: bucket.to_owned(), key: key.to_owned() });
        return Ok(Held::Objects(objects.collect()));
    }
    if let Some(kind) = value["detail-type"].as_str() {
        return envelope(kind, &value, body);
    }
    if let Some(records) = value["Records"].as_array()
        && !records.is_empty()
        && records.iter().all(|record| record["eventSource"] == "aws:s3")
    {
        return records
            .iter()
            .filter(|record| created(record))
            .map(object_of)
            .collect::<Result<_, _>>()
            .map(Held::Objects);
    }
    Err("a message in no known form".to_owned())
}

fn envelope(kind: &str, value: &Value, body: &str) -> Result<Held, String> {
    if kind == "Object Created" {
        let name = value["detail"]["bucket"]["name"].as_str();
        let key = value["detail"]["object"]["key"].as_str();
        return match (name, key) {
            (Some(bucket), Some(key)) => {
                Ok(Held::Objects(vec![Object { bucket: bucket.to_owned(), key: key.to_owned() }]))
            }
            _ => Err("an S3 event that names no object".to_owned()),
        };
    }
    if value["source"] == "aws.s3" && kind.starts_with("Object ") {
        return Ok(Held::Nothing);
    }
    if !kind.ends_with("via CloudTrail") {
        return Err(format!("an event of another kind: {kind:?}"));
    }
    match document::content(body.as_bytes()) {
        Content::Records(records) => Ok(Held::Records(records)),
        Content::Log { .. } => Err("an event that holds no record".to_owned()),
    }
}

fn created(record: &Value) -> bool {
    record["eventName"].as_str().is_some_and(|name| name.starts_with("ObjectCreated"))
}

/// The object of an S3 notification, whose key is encoded as in a form.
fn object_of(record: &Value) -> Result<Object, String> {
    let bucket = record["s3"]["bucket"]["name"].as_str();
    let key = record["s3"]["object"]["key"].as_str();
    let (Some(bucket), Some(key)) = (bucket, key) else {
        return Err("an S3 notification that names no object".to_owned());
    };
    let key = key.replace('+', " ");
    let key = percent_encoding::percent_decode_str(&key)
        .decode_utf8()
        .map_err(|_| "an S3 notification with a key that is not UTF-8".to_owned())?;
    Ok(Object { bucket: bucket.to_owned(), key: key.into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(body: &str) -> Vec<(String, String)> {
        match held(body).unwrap() {
            Held::Objects(objects) => objects.into_iter().map(|o| (o.bucket, o.key)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_are_decoded_once_and_only_where_they_are_encoded() {
        let s3 = r#"{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"a+b%252B%C3%A4"}}}]}"#;
        assert_eq!(objects(s3), [("b".to_owned(), "a b%2Bä".to_owned())]);
        let event = r#"{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"a+b%2B"}}}"#;
        assert_eq!(objects(event), [("b".to_owned(), "a+b%2B".to_owned())]);
        let trail = r#"{"s3Bucket":"b","s3ObjectKey":["x","y"]}"#;
        assert_eq!(objects(trail).len(), 2);
        let wrapped = serde_json::json!({"Type": "Notification", "Message": trail}).to_string();
        assert_eq!(objects(&wrapped), objects(trail));
    }

    #[test]
    fn tests_and_removals_hold_nothing_and_the_rest_is_refused() {
        for body in [
            r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#,
            "CloudTrail validation message.",
            r#"{"detail-type":"Object Deleted","source":"aws.s3","detail":{}}"#,
        ] {
            assert!(matches!(held(body), Ok(Held::Nothing)), "{body}");
        }
        for body in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"Records":[]}"#,
            r#"{"detail-type":"EC2 Instance State-change Notification"}"#,
        ] {
            assert!(held(body).is_err(), "{body}");
        }
    }
}
