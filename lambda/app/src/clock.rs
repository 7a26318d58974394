//! The one place that reads the clock.

use chrono::{DateTime, Utc};

/// The time now, whole seconds: read once per run and handed down.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now)
}

/// The time now in milliseconds since 1970, for deadlines that others give.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn millis() -> u64 {
    u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0)
}
