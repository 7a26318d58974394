//! The one place that reads the clock.

use chrono::{DateTime, Utc};

/// The time now, whole seconds: read once per run and handed down.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now)
}
