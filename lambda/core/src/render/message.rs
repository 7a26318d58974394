//! An alert as the messages that SNS sends: one text for each protocol, all within one limit.
//!
//! Each medium has its file, with one escaping function that everything a stranger can write passes
//! through.

mod json;
pub mod slack;

use serde_json::{Map, Value};

use crate::alert::Alert;

/// What is handed to SNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The ID by which a repeated message is known.
    pub alert_id: String,
    /// At most 99 characters of printable ASCII.
    pub subject: String,
    /// The document for `MessageStructure=json`, at most 262,144 bytes.
    pub body: String,
}

/// The messages of an alert.
pub fn publish(alert: &Alert, _unmask: bool) -> Published {
    let machine = json::render(alert);
    let body: Map<String, Value> = ["default", "sqs", "lambda"]
        .into_iter()
        .map(|protocol| (protocol.to_owned(), machine.clone().into()))
        .collect();
    Published {
        alert_id: alert.alert_id.clone(),
        subject: "AWS credentials refused".to_owned(),
        body: Value::from(body).to_string(),
    }
}
