//! Clients' logs and user agents are hostile text: no panic, and nothing that a terminal obeys.

#![no_main]

use failure_monitor_core::{access_key, client, report};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    assert!(!client::parse(&text).label().chars().any(char::is_control));
    access_key::malformed(&text);
    access_key::account(&text);
    access_key::mask(&text);
    let reports = report::parse(&text);
    let failures = report::to_failures(&reports, "log");
    assert!(failures.len() <= reports.len());
});
