//! Messages to a Slack incoming webhook
//! (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>).
//!
//! Must not know what the messages say. The webhook's URL is a secret: it is in no error and no log.

use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;
use tokio::time::Instant;

use crate::aws;

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause after an answer that says nothing of one.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a message is tried.
const TRIES: u32 = 4;
/// How much of an answer is told, in bytes; Slack's are a few words.
const TOLD: usize = 200;

/// A webhook.
pub struct Webhook {
    connector: Connector,
    url: String,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook")
    }
}

impl Webhook {
    /// The webhook at this URL.
    ///
    /// # Errors
    ///
    /// Where it is none that messages may go to in the clear: only an address of this machine.
    pub fn new(url: &str) -> anyhow::Result<Webhook> {
        let url = url.trim();
        let local =
            ["http://127.0.0.1:", "http://localhost:"].iter().any(|own| url.starts_with(own));
        if !url.starts_with("https://") && !local {
            bail!("the parameter does not hold an https:// address");
        }
        let webhook = Webhook { connector: aws::connector(), url: url.to_owned() };
        webhook.request(String::new())?;
        Ok(webhook)
    }

    fn request(&self, body: String) -> anyhow::Result<HttpRequest> {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").context("POST is no method")?;
        // The error would hold the address.
        if request.set_uri(self.url.as_str()).is_err() {
            bail!("the parameter does not hold the address of a webhook");
        }
        request.headers_mut().insert("content-type", "application/json");
        Ok(request)
    }

    /// Posts a message, again where Slack says that it is busy, as long as there is time.
    ///
    /// # Errors
    ///
    /// Where Slack did not take it.
    pub async fn post(&self, message: &Value, deadline: Instant) -> anyhow::Result<()> {
        let body = message.to_string();
        let mut why = String::new();
        for _ in 0..TRIES {
            let mut pause = PAUSE;
            let call = self.connector.call(self.request(body.clone())?);
            match tokio::time::timeout_at(deadline.min(Instant::now() + PATIENCE), call).await {
                Ok(Ok(answer)) if answer.status().is_success() => return Ok(()),
                Ok(Ok(answer)) => {
                    let status = answer.status().as_u16();
                    let wait = answer.headers().get("retry-after");
                    let wait = wait.and_then(|wait| wait.trim().parse().ok());
                    why = format!("Slack answered {status}: {}", said(answer).await);
                    match status {
                        429 => pause = wait.map_or(PAUSE, Duration::from_secs),
                        500.. => {}
                        _ => bail!(why),
                    }
                }
                Ok(Err(err)) => why = format!("Slack cannot be reached: {}", plain(&err)),
                Err(_) => "Slack cannot be reached: it took too long".clone_into(&mut why),
            }
            if Instant::now() + pause >= deadline {
                bail!("{why}; there is no time left to try again");
            }
            tokio::time::sleep(pause).await;
        }
        bail!("{why}; tried {TRIES} times")
    }
}

/// The beginning of an answer, on one line.
async fn said(answer: HttpResponse) -> String {
    let mut body = ByteStream::new(answer.into_body());
    let mut text = Vec::new();
    let read = async {
        while text.len() < TOLD {
            match body.try_next().await {
                Ok(Some(more)) => text.extend_from_slice(&more),
                _ => break,
            }
        }
    };
    // What came until then is told.
    let _ = tokio::time::timeout(PAUSE, read).await;
    text.truncate(TOLD);
    String::from_utf8_lossy(&text).chars().filter(|c| !c.is_control()).collect()
}

/// What went wrong, without the address.
fn plain(err: &ConnectorError) -> &'static str {
    if err.is_timeout() {
        "it took too long"
    } else if err.is_io() {
        "no connection"
    } else {
        "the request failed"
    }
}
