//! Messages to a Slack incoming webhook
//! (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>).
//!
//! Must not know what the messages say. The webhook's URL is a secret: it is in no error and no log.

use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::Value;

/// The pause after an answer that says nothing of one.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a message is tried.
const TRIES: u32 = 4;

/// A webhook.
pub struct Webhook {
    agent: ureq::Agent,
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
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build();
        Ok(Webhook { agent: config.into(), url: url.to_owned() })
    }

    /// Posts a message, again where Slack says that it is busy, as long as there is time.
    ///
    /// # Errors
    ///
    /// Where Slack did not take it.
    pub fn post(&self, message: &Value, deadline: Instant) -> anyhow::Result<()> {
        let body = message.to_string();
        let mut why = String::new();
        for _ in 0..TRIES {
            let mut pause = PAUSE;
            match self.agent.post(&self.url).content_type("application/json").send(&body) {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(mut answer) => {
                    let status = answer.status().as_u16();
                    let wait = answer.headers().get("retry-after");
                    let wait = wait.and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
                    let said = answer.body_mut().read_to_string().unwrap_or_default();
                    let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
                    why = format!("Slack answered {status}: {said}");
                    match status {
                        429 => pause = wait.map_or(PAUSE, Duration::from_secs),
                        500.. => {}
                        _ => bail!(why),
                    }
                }
                Err(err) => why = format!("Slack cannot be reached: {}", plain(&err)),
            }
            if Instant::now() + pause >= deadline {
                bail!("{why}; there is no time left to try again");
            }
            std::thread::sleep(pause);
        }
        bail!("{why}; tried {TRIES} times")
    }
}

/// What went wrong, without the address.
fn plain(err: &ureq::Error) -> &'static str {
    match err {
        ureq::Error::Timeout(_) => "it took too long",
        ureq::Error::HostNotFound => "its name is not known",
        ureq::Error::ConnectionFailed => "no connection",
        ureq::Error::Io(_) => "the connection broke off",
        _ => "the request failed",
    }
}
