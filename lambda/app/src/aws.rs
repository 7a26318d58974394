//! Access to AWS: the one TLS stack, the one set of retry rules, and clients by service and region.
//!
//! Must not know what is asked. Credentials and endpoints come from where the SDK finds them.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::{Builder, Connector, tls};
use failure_monitor_core::causes::partition;

/// How often the SDK tries a request, the first time among them.
const ATTEMPTS: u32 = 4;

/// rustls with ring: the SDK's own choice spends 30 ms of CPU at the first connection, which is
/// long at the start of a small Lambda function (measured by `tests/measure`).
const TLS: tls::Provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);

/// Loads credentials and settings as the AWS CLI would.
pub async fn load(profile: Option<&str>, region: Option<&str>) -> SdkConfig {
    let http = Builder::new().tls_provider(TLS).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(Duration::from_secs(20))
                .build(),
        );
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    loader.load().await
}

/// Connections to what is not AWS, with the same TLS stack.
pub fn connector() -> Connector {
    Connector::builder().tls_provider(TLS).build()
}

/// Where IAM and global STS are recorded for a region: in one of its partition.
pub fn iam_region(region: &str) -> &'static str {
    match partition(region) {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// The same settings for another region.
pub fn in_region(config: &SdkConfig, region: &str) -> SdkConfig {
    config.clone().into_builder().region(Region::new(region.to_owned())).build()
}
