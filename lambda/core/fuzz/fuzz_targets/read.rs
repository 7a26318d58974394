//! Reading any bytes in pieces, and everything after it up to the output, must not panic, and the
//! size of the pieces must not matter.

#![no_main]

use chrono::DateTime;
use failure_monitor_core::look::FirstLook;
use failure_monitor_core::render::{csv, json, markdown, terminal};
use failure_monitor_core::scan::Scan;
use failure_monitor_core::settings::Settings;
use failure_monitor_core::split::Splitter;
use libfuzzer_sys::fuzz_target;

fn look(text: &[u8], size: usize) -> FirstLook {
    let mut look = FirstLook::default();
    let mut splitter = Splitter::default();
    for piece in text.chunks(size) {
        splitter.push(piece, &mut |piece| look.take_piece(&piece));
    }
    splitter.finish(&mut |piece| look.take_piece(&piece));
    look
}

fuzz_target!(|text: &[u8]| {
    let whole = look(text, text.len().max(1));
    assert!(whole.read.adds_up());
    let pieces = look(text, 3);
    assert_eq!(whole.read, pieces.read);
    assert_eq!(whole.failures, pieces.failures);
    let now = DateTime::from_timestamp(1_767_300_000, 0).unwrap();
    let mut scan = Scan::new(Settings::default(), now);
    scan.add("fuzz", whole);
    let outcome = scan.finish();
    let options = terminal::Options { width: 80, colour: false, unmask: false, now };
    assert!(terminal::render(&outcome, &options).chars().all(|c| c == '\n' || !c.is_control()));
    markdown::render(&outcome, &markdown::Options { unmask: false, now });
    csv::render(&outcome);
    serde_json::from_str::<serde_json::Value>(&json::json(&outcome)).unwrap();
});
