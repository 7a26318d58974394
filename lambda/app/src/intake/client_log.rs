//! Clients' logs by CloudWatch Logs subscriptions.
//!
//! Knows the payload (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>):
//! base64, gzip, JSON. Must not know what the lines mean.

use std::io::Read;

use anyhow::{Context, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use failure_monitor_core::look::FirstLook;
use failure_monitor_core::split::Splitter;
use flate2::read::MultiGzDecoder;

/// The most that a payload may inflate to; CloudWatch Logs sends 1 MiB at most.
const MOST: u64 = 64 << 20;

/// Reads the `awslogs.data` of an event.
///
/// # Errors
///
/// Where the data is not what CloudWatch Logs sends.
pub fn look(data: &str) -> anyhow::Result<FirstLook> {
    let zipped = BASE64_STANDARD.decode(data).context("awslogs.data is not base64")?;
    let mut text = Vec::new();
    MultiGzDecoder::new(&zipped[..])
        .take(MOST + 1)
        .read_to_end(&mut text)
        .context("awslogs.data is not gzip data")?;
    if text.len() as u64 > MOST {
        bail!("awslogs.data inflates to more than {MOST} bytes");
    }
    let payload: serde_json::Value =
        serde_json::from_slice(&text).context("awslogs.data does not hold JSON")?;
    if payload["messageType"] != "CONTROL_MESSAGE" && !payload["logEvents"].is_array() {
        bail!("awslogs.data holds neither log events nor a control message");
    }
    let mut look = FirstLook::default();
    look.read.bytes = text.len() as u64;
    let mut splitter = Splitter::default();
    splitter.push(&text, &mut |piece| look.take_piece(&piece));
    splitter.finish(&mut |piece| look.take_piece(&piece));
    Ok(look)
}
