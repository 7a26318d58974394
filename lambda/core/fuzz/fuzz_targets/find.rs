//! The fast path must agree with the general reader on every text that is JSON.

#![no_main]

use failure_monitor_core::find::{KeyIds, KeyIndex};
use failure_monitor_core::look::{FirstLook, Scratch, SecondLook};
use failure_monitor_core::split::Splitter;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

const STRINGS: [&str; 24] = [
    "eventVersion",
    "errorCode",
    "\\u0065rrorCode",
    "accessKeyId",
    "eventName",
    "eventSource",
    "responseElements",
    "requestParameters",
    "userIdentity",
    "Records",
    "a",
    "x\\\"errorCode",
    "InvalidClientTokenId",
    "Client.AuthFailure",
    "\\u0045xpiredToken",
    "AKIADEPLOYCI1EXAMPLE",
    "DeleteAccessKey",
    "iam.amazonaws.com",
    "[{",
    ",{",
    "},{",
    ":[{",
    "\\\\",
    "}]}",
];

/// Writes a JSON value that the bytes choose; every choice gives valid JSON.
fn value(bytes: &mut impl Iterator<Item = u8>, depth: u32, out: &mut String) {
    let choice = bytes.next().unwrap_or(0);
    match choice % 8 {
        0 | 1 if depth < 6 => {
            out.push('[');
            let count = choice / 8 % 4;
            for at in 0..count {
                out.push_str(if at > 0 { "," } else { "" });
                value(bytes, depth + 1, out);
            }
            out.push(']');
        }
        2 | 3 if depth < 6 => {
            out.push('{');
            members(bytes, depth, choice / 8 % 4, out);
            out.push('}');
        }
        4 => out.push_str(
            ["null", "{}", "[]", "1", "true", "[{}]", "[{},{}]", " 2 "][usize::from(choice / 32)],
        ),
        _ => string(bytes, out),
    }
}

fn members(bytes: &mut impl Iterator<Item = u8>, depth: u32, count: u8, out: &mut String) {
    for at in 0..count {
        out.push_str(if at > 0 { "," } else { "" });
        string(bytes, out);
        out.push(':');
        value(bytes, depth + 1, out);
    }
}

fn string(bytes: &mut impl Iterator<Item = u8>, out: &mut String) {
    let choice = usize::from(bytes.next().unwrap_or(0));
    out.push('"');
    out.push_str(STRINGS[choice % STRINGS.len()]);
    out.push('"');
}

/// A file of records that the bytes choose.
fn file(bytes: &[u8]) -> String {
    let mut bytes = bytes.iter().copied();
    let mut out = String::from("{\"Records\":[");
    for at in 0..bytes.next().unwrap_or(0) % 5 {
        out.push_str(if at > 0 { "," } else { "" });
        let kind = bytes.next().unwrap_or(0);
        if kind == 0 {
            value(&mut bytes, 0, &mut out);
            continue;
        }
        out.push_str(
            "{\"eventVersion\":\"1.11\",\"eventID\":\"id\",\"eventTime\":\"2026-01-02T03:04:05Z\"",
        );
        if kind % 5 > 0 {
            out.push(',');
            members(&mut bytes, 1, kind % 5, &mut out);
        }
        out.push('}');
    }
    out.push_str("]}");
    out
}

fuzz_target!(|body: &[u8]| {
    let text = match body.split_first() {
        Some((first, rest)) if first % 3 == 0 => {
            [b"{\"Records\":[{\"eventVersion\":\"".as_slice(), rest, b"}]}"].concat()
        }
        Some((first, rest)) if first % 3 == 1 => file(rest).into_bytes(),
        _ => body.to_vec(),
    };
    if serde_json::from_slice::<IgnoredAny>(&text).is_err() {
        return;
    }
    let mut general = FirstLook::default();
    let mut splitter = Splitter::default();
    splitter.push(&text, &mut |piece| general.take_piece(&piece));
    splitter.finish(&mut |piece| general.take_piece(&piece));

    let keys: KeyIds = ["AKIADEPLOYCI1EXAMPLE"].into_iter().collect();
    let mut general_uses = SecondLook::default();
    let mut splitter = Splitter::default();
    splitter.push(&text, &mut |piece| general_uses.take_piece(&piece, &keys));

    for level in [fearless_simd::Level::new(), fearless_simd::Level::baseline()] {
        let mut fast = FirstLook::default();
        fast.take_text(&text, level, &mut Scratch::default());
        assert!(fast.read.adds_up());
        assert_eq!(fast.read.seen, general.read.seen);
        assert_eq!(fast.failures, general.failures);
        assert_eq!(fast.key_changes, general.key_changes);
        let mut uses = SecondLook::default();
        uses.take_text(&text, &keys, level);
        assert_eq!(uses.uses, general_uses.uses);
    }
});
