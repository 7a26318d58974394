//! Alerts to an SNS topic.
//!
//! Must not know what an alert says.

use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata;

use super::Notifier;

/// The longest that a message may take with all its tries; shorter than the lease on it.
const PATIENCE: Duration = Duration::from_secs(12);

/// A topic.
#[derive(Debug, Clone)]
pub struct Sns {
    client: Client,
    topic_arn: String,
}

impl Sns {
    /// The topic with this ARN, in its own region.
    pub fn new(config: &SdkConfig, topic_arn: &str) -> Sns {
        let mut builder = aws_sdk_sns::config::Builder::from(config)
            .timeout_config(TimeoutConfig::builder().operation_timeout(PATIENCE).build());
        if let Some(region) = topic_arn.split(':').nth(3).filter(|region| !region.is_empty()) {
            builder = builder.region(aws_config::Region::new(region.to_owned()));
        }
        Sns { client: Client::from_conf(builder.build()), topic_arn: topic_arn.to_owned() }
    }
}

impl Notifier for Sns {
    async fn publish(&self, subject: &str, body: &str) -> anyhow::Result<()> {
        let sent = self
            .client
            .publish()
            .topic_arn(&self.topic_arn)
            .subject(subject)
            .message_structure("json")
            .message(body)
            .send()
            .await;
        sent.map(drop)
            .map_err(|err| {
                let what = match (err.code(), err.message()) {
                    (Some(code), message) => format!("{code}: {}", message.unwrap_or_default()),
                    (None, _) => format!("{}", aws_sdk_sns::error::DisplayErrorContext(&err)),
                };
                anyhow!(what)
            })
            .with_context(|| format!("sns:Publish to {}", self.topic_arn))
    }
}
