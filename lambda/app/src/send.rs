//! Hands a refusal that a client saw to a deployed monitor, which counts it and alerts.
//!
//! Knows the call; must not know what a refusal looks like. The text is made safe before it comes
//! here.

use anyhow::{Context, bail};
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_lambda::config::SharedCredentialsProvider;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use serde_json::json;

use crate::aws;

/// Where to send.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The monitor's function.
    pub function: &'a str,
    /// The profile whose credentials to use, whatever the environment holds: what is set there was
    /// just refused. Without it, what the SDK finds.
    pub profile: Option<&'a str>,
    /// The Region of the function; the configured one by default.
    pub region: Option<&'a str>,
}

/// Sends `{"task":"report"}` and returns the monitor's answer.
///
/// # Errors
/// Where there are no working credentials, or the function failed.
pub async fn report(target: Target<'_>, text: &str, source: &str) -> anyhow::Result<String> {
    let config = config(target).await;
    if config.region().is_none() {
        bail!("no Region is configured for the call: name one with --region");
    }
    let payload = json!({ "task": "report", "text": text, "source": source }).to_string();
    let answer = aws_sdk_lambda::Client::new(&config)
        .invoke()
        .function_name(target.function)
        .payload(Blob::new(payload))
        .send()
        .await
        .map_err(|err| anyhow::anyhow!("{}", DisplayErrorContext(&err)))
        .with_context(|| format!("cannot invoke {}", target.function))?;
    let said = answer.payload().map(|blob| String::from_utf8_lossy(blob.as_ref()).into_owned());
    let said = said.unwrap_or_default();
    if let Some(error) = answer.function_error() {
        bail!("{} failed ({error}): {said}", target.function);
    }
    Ok(said)
}

async fn config(target: Target<'_>) -> SdkConfig {
    let config = aws::load(target.profile, target.region).await;
    let Some(profile) = target.profile else { return config };
    let mut provider = ProviderConfig::without_region()
        .with_region(config.region().cloned().or(Some(Region::from_static("us-east-1"))));
    if let Some(http) = config.http_client() {
        provider = provider.with_http_client(http);
    }
    let credentials = ProfileFileCredentialsProvider::builder()
        .configure(&provider)
        .profile_name(profile)
        .build();
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}
