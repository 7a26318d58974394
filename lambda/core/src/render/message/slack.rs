//! What is posted to a Slack incoming webhook.

use serde_json::{Value, json};

/// The payloads for one message of SNS, to be posted one after the other.
pub fn blocks(sns_message: &str, _subject: Option<&str>, _unmask: bool) -> Vec<Value> {
    vec![json!({ "text": sns_message })]
}
