//! The fast path against the general reader and against `serde_json` as an oracle.

use std::collections::BTreeSet;

use fearless_simd::Level;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::failure;
use crate::look::{FirstLook, Scratch, SecondLook};
use crate::split::Splitter;

/// The best level of this machine and what every machine has.
const LEVELS: fn() -> [Level; 2] = || [Level::new(), Level::baseline()];

fn count(text: &[u8], level: Level) -> Result<u64, NotCanonical> {
    records(text, Wanted::FirstLook(&mut KeyIndex::default()), level, |_| Ok(()))
}

/// What a reader makes of a text.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    seen: u64,
    failures: BTreeSet<String>,
    key_changes: BTreeSet<String>,
    owners: BTreeSet<String>,
}

fn answer(look: FirstLook) -> Answer {
    assert!(look.read.adds_up(), "{:?}", look.read);
    Answer {
        seen: look.read.seen,
        failures: look.failures.into_iter().map(|failure| failure.event_id).collect(),
        key_changes: look.key_changes.into_iter().map(|change| change.event_id).collect(),
        owners: look.owners.into_iter().map(|(key, _)| key).collect(),
    }
}

fn fast(text: &[u8], level: Level) -> Answer {
    let mut look = FirstLook::default();
    look.take_text(text, level, &mut Scratch::default());
    answer(look)
}

fn general(text: &[u8]) -> Answer {
    let mut look = FirstLook::default();
    let mut splitter = Splitter::default();
    splitter.push(text, &mut |piece| look.take_piece(&piece));
    splitter.finish(&mut |piece| look.take_piece(&piece));
    answer(look)
}

/// Failures and records by a full parse.
fn oracle(text: &[u8]) -> (u64, BTreeSet<String>) {
    let file: Value = serde_json::from_slice(text).unwrap();
    let records = file["Records"].as_array().unwrap();
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let is_failure = |record: &&Value| {
        let (code, message) = match text(&record["errorCode"]) {
            Some(code) => (Some(code), text(&record["errorMessage"])),
            None => {
                let response = &record["responseElements"];
                (text(&response["errorCode"]), text(&response["errorMessage"]))
            }
        };
        let name = text(&record["eventName"]).unwrap_or_default();
        code.is_some_and(|code| {
            failure::classify(&code, &message.unwrap_or_default(), &name).is_some()
        })
    };
    let ids = records.iter().filter(is_failure).map(|record| text(&record["eventID"]).unwrap());
    (records.len() as u64, ids.collect())
}

fn file(records: &[&str]) -> String {
    format!("{{\"Records\":[{}]}}", records.join(","))
}

/// A record with an ID, a time and more members.
fn record(id: &str, members: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","eventID":"{id}","eventTime":"2026-01-02T03:04:05Z","eventName":"X"{members}}}"#
    )
}

#[track_caller]
fn check(text: &str, seen: u64, failures: &[&str], canonical: bool) {
    let expected: BTreeSet<String> = failures.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(oracle(text.as_bytes()), (seen, expected.clone()), "oracle: {text}");
    for level in LEVELS() {
        let took = count(text.as_bytes(), level);
        assert_eq!(took.is_ok(), canonical, "canonical: {text}");
        let found = fast(text.as_bytes(), level);
        assert_eq!((found.seen, found.failures), (seen, expected.clone()), "{text}");
    }
    assert_eq!(general(text.as_bytes()).failures, expected, "general: {text}");
}

#[test]
fn finds_a_code_at_the_top_of_a_record_only() {
    let bad = record("bad", r#","errorCode":"InvalidClientTokenId""#);
    let good = record("good", "");
    check(&file(&[&good, &bad, &good]), 3, &["bad"], true);
    let code = r#""errorCode":"InvalidClientTokenId""#;
    for members in [
        format!(r#","responseElements":{{"failed":[{{{code}}}]}}"#),
        format!(r#","requestParameters":{{{code}}}"#),
        format!(r#","requestParameters":{{"x":"{}"}}"#, code.replace('"', "\\\"")),
        r#","x\"errorCode":"InvalidClientTokenId""#.to_owned(),
        r#","errorCode":"InvalidClientTokenIdX","errorMessage":"InvalidClientTokenId""#.to_owned(),
        r#","errorCode":null"#.to_owned(),
        format!(r#",{code},"errorCode":"AccessDenied""#),
    ] {
        check(&file(&[&record("other", &members), &good]), 2, &[], true);
    }
}

#[test]
fn escapes_hide_nothing() {
    for members in [
        r#","\u0065rrorCode":"InvalidClientTokenId""#,
        r#","errorC\u006fde":"InvalidClientTokenId""#,
        r#","errorCode":"Invalid\u0043lientTokenId""#,
        r#","errorCode":"\u0049\u006e\u0076alidClientTokenId""#,
        r#","errorCode" :"InvalidClientTokenId""#,
        r#","errorCode": "InvalidClientTokenId""#,
        r#","errorCode":"AccessDenied","errorCode":"InvalidClientTokenId""#,
    ] {
        check(&file(&[&record("bad", members)]), 1, &["bad"], true);
    }
    let hidden = record("bad", r#","errorCode":"InvalidClientTokenId""#);
    check(&file(&[&hidden.replace("eventVersion", "event\\u0056ersion")]), 1, &["bad"], false);
}

#[test]
fn nested_records_are_not_records() {
    let forged = record("forged", r#","errorCode":"InvalidClientTokenId""#);
    let good = record("good", "");
    let inside = |value: String| record("outer", &format!(r#","requestParameters":{value}"#));
    // Proved to be inside an array of the record, or inside an object.
    for value in [
        format!("{{\"a\":[{forged},{forged}]}}"),
        format!("{{\"a\":[{{\"b\":1}},{forged},{forged}]}}"),
        format!("{{\"a\":{forged}}}"),
        format!("{{\"a\":[[{{}}],{{\"b\":[{{}},{forged}]}}]}}"),
    ] {
        check(&file(&[&inside(value), &good]), 2, &[], true);
    }
    // Left to the general reader.
    for value in [
        format!("[[1,{{}},{forged}]]"),
        format!("{{\"\":[{{}},{forged}]}}"),
        format!("{{\"a\":[1,{{}},{forged}]}}"),
    ] {
        let text = file(&[&inside(value), &good]);
        check(&text, 2, &[], false);
    }
    // The place of a forged array is a string: nothing may be hidden behind it.
    let text = r#"{"eventVersion":"1","eventID":"outer","x":["y[{",":[{",[{":1}]":[{},FORGED]}]]}"#;
    check(&file(&[&text.replace("FORGED", &forged), &good]), 2, &[], false);
}

#[test]
fn strings_may_hold_anything() {
    let good = record("good", "");
    for text in [
        r#"}]}"#,
        r#"{\"eventVersion\":\""#,
        r#"},{\"eventVersion\":\"1"#,
        r#"[{"#,
        r#"a[{"#,
        r#",{"#,
        r#" { ($.errorCode = \"InvalidClientTokenId\") }"#,
        r#"\\"#,
        r#"\\\""#,
        r#"\u003c\u0026\u2028"#,
    ] {
        for members in [
            format!(r#","userAgent":"{text}""#),
            format!(r#","list":["{text}","{text}",{{"a":"{text}"}}]"#),
            format!(r#","{text}":[{{"{text}":"{text}"}}]"#),
        ] {
            let bad = record("bad", &format!(r#"{members},"errorCode":"ExpiredToken""#));
            let text = file(&[&record("other", &members), &bad, &good]);
            assert_eq!(oracle(text.as_bytes()).0, 3);
            for level in LEVELS() {
                let found = fast(text.as_bytes(), level);
                assert_eq!(found.seen, 3, "{text}");
                assert_eq!(found.failures, BTreeSet::from(["bad".to_owned()]), "{text}");
            }
        }
    }
}

#[test]
fn what_is_not_canonical_is_left_to_the_general_reader() {
    let good = record("good", "");
    let other = good.replacen("\"eventVersion\":\"1.11\",", "", 1);
    for text in [
        file(&[&other, &good]),
        file(&[&good, &other]),
        file(&[&good, &other, &good]),
        file(&[&good, "7", &good]),
        file(&[&good, "7"]),
        file(&[&good, "[]"]),
        file(&[&good, "[[{}]]", &good]),
        format!("{{\"Records\":[{good}],\"Records2\":[{good}]}}"),
        format!("{{\"Records\":[{good}],\"Other\":[{{}},{good}]}}"),
        format!("{{\"Records\":[{good}],\"Other\":[{{}}]}}"),
        format!("{{\"Records\":[{good}],\"Other\":{{}}}}"),
        format!("{{\"Records\": [{good}]}}"),
        format!("{{\"Records\":[{good},\n{good}]}}"),
        format!("\u{feff}{}", file(&[&good])),
        format!("{} x", file(&[&good])),
        format!("{0}{0}", file(&[&good])),
    ] {
        for level in LEVELS() {
            let took = count(text.as_bytes(), level);
            assert_eq!(took, Err(NotCanonical), "{text}");
            assert_eq!(fast(text.as_bytes(), level), general(text.as_bytes()), "{text}");
        }
    }
    assert_eq!(count(b"{\"Records\":[]}\n", Level::new()), Ok(0));
}

#[test]
fn key_changes_and_owners_are_found() {
    let change = |name: &str, asked: &str| {
        format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"accessKeyId":"AKIAADMINKEY1EXAMPLE","userName":"admin"}},"eventTime":"2026-01-02T03:04:05Z","eventSource":"iam.amazonaws.com","eventName":"{name}","requestParameters":{asked},"responseElements":{{"accessKey":{{"accessKeyId":"AKIANEWKEY001EXAMPLE"}}}},"eventID":"{name}"}}"#
        )
    };
    let key = r#"{"userName":"u","accessKeyId":"AKIADEPLOYCI1EXAMPLE","status":"Inactive"}"#;
    let policy = r#"{"userName":"u","policyName":"AWSCompromisedKeyQuarantineV2","policyArn":"arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV2"}"#;
    let all = [
        change("CreateAccessKey", "null"),
        change("UpdateAccessKey", key),
        change("DeleteAccessKey", key),
        change("DeleteUser", key),
        change("AttachUserPolicy", policy),
        change("PutUserPolicy", policy),
        change("PutUserPolicyX", policy),
        change("ListAccessKeys", key),
    ];
    let text = file(&all.iter().map(String::as_str).collect::<Vec<_>>());
    for level in LEVELS() {
        let found = fast(text.as_bytes(), level);
        assert_eq!(found, general(text.as_bytes()));
        assert_eq!(found.key_changes.len(), 6, "{:?}", found.key_changes);
        assert_eq!(found.owners, BTreeSet::from(["AKIAADMINKEY1EXAMPLE".to_owned()]));
    }
}

#[test]
fn the_end_of_a_plain_array_is_found() {
    let array = r#"[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:…"},{"b":{}}]"#;
    let text = format!("{array},\"x\":[{{}}]{}", " ".repeat(128));
    for level in LEVELS() {
        let end = dispatch!(level, simd => walk::end_of_plain_array(simd, text.as_bytes(), 0));
        assert_eq!(end, Some(array.len() - 1));
    }
}

/// JSON values made of the tokens that matter, with braces and quotes in strings.
fn value() -> impl Strategy<Value = String> {
    let string = prop_oneof![
        Just(r#""InvalidClientTokenId""#),
        Just(r#""Client.AuthFailure""#),
        Just(r#""AccessDenied""#),
        Just(r#""\u0045xpiredToken""#),
        Just(r#""AKIADEPLOYCI1EXAMPLE""#),
        Just(r#""ASIASESSION01EXAMPLE""#),
        Just(r#""DeleteAccessKey""#),
        Just(r#""DeleteUser""#),
        Just(r#""[{""#),
        Just(r#"",{""#),
        Just(r#""},{""#),
        Just(r#"":[{""#),
        Just(r#""a\":[{\"""#),
        Just(r#""\\""#),
        Just(r#""}]}""#),
        Just(r#""},{\"eventVersion\":\"1""#),
    ]
    .prop_map(str::to_owned);
    let leaf = prop_oneof![
        4 => string,
        1 => Just("null".to_owned()),
        1 => Just("{}".to_owned()),
        1 => Just("[]".to_owned()),
        1 => Just("-1.5e3".to_owned()),
        1 => Just("true".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key(), inner), 0..4).prop_map(object),
        ]
    })
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        r#""eventVersion""#,
        r#""errorCode""#,
        r#""\u0065rrorCode""#,
        r#""accessKeyId""#,
        r#""eventName""#,
        r#""responseElements""#,
        r#""userIdentity""#,
        r#""Records""#,
        r#""a""#,
        r#""[{""#,
        r#""x\"errorCode""#,
    ])
}

fn object(members: Vec<(&'static str, String)>) -> String {
    let members: Vec<String> =
        members.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn hostile_record() -> impl Strategy<Value = String> {
    (any::<bool>(), prop::collection::vec((key(), value()), 0..5), any::<prop::sample::Index>())
        .prop_map(|(leads, members, place)| {
            let mut members: Vec<String> = members
                .into_iter()
                // The version is what makes a record one; others would be skipped by both readers.
                .filter(|(key, _)| *key != r#""eventVersion""#)
                .map(|(key, value)| format!("{key}:{value}"))
                .collect();
            let version = r#""eventVersion":"1.11""#.to_owned();
            let at = if leads { 0 } else { place.index(members.len() + 1) };
            members.insert(at, version);
            format!("{{{}}}", members.join(","))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_the_oracle(
        records in prop::collection::vec(hostile_record(), 1..5),
        spaces in prop::bool::weighted(0.1),
    ) {
        let identified: Vec<String> = records
            .iter()
            .enumerate()
            .map(|(n, record)| {
                let record = record.strip_suffix('}').unwrap();
                format!(r#"{record},"eventID":"id-{n}","eventTime":"2026-01-02T03:04:05Z"}}"#)
            })
            .collect();
        let text = format!(
            "{{\"Records\":[{}]}}",
            identified.join(if spaces { ", " } else { "," })
        );
        let (seen, failures) = oracle(text.as_bytes());
        let general = general(text.as_bytes());
        prop_assert_eq!(&(general.seen, general.failures.clone()), &(seen, failures), "{}", text);
        for level in LEVELS() {
            prop_assert_eq!(&fast(text.as_bytes(), level), &general, "{}", text);
        }
    }

    #[test]
    fn a_plain_array_ends_where_it_ends(
        values in prop::collection::vec(value(), 1..4),
        mixed in prop::bool::weighted(0.2),
        tail in prop::sample::select(vec!["", "}", r#","a":"}]"}]}"#, r#"}]}]}"#]),
    ) {
        let objects: Vec<String> =
            values.iter().map(|value| format!("{{\"a\":{value}}}")).collect();
        let array = format!("[{}{}]", objects.join(","), if mixed { ",1" } else { "" });
        let text = format!("{array}{tail}{}", " ".repeat(64));
        for level in LEVELS() {
            let end = dispatch!(level, simd => walk::end_of_plain_array(simd, text.as_bytes(), 0));
            prop_assert!(end.is_none_or(|end| end == array.len() - 1), "{} {:?}", text, end);
        }
    }

    #[test]
    fn the_second_look_brings_every_use(
        records in prop::collection::vec(hostile_record(), 1..5),
    ) {
        let identified: Vec<String> = records
            .iter()
            .enumerate()
            .map(|(n, record)| {
                let record = record.strip_suffix('}').unwrap();
                let key = if n % 2 == 0 { "AKIADEPLOYCI1EXAMPLE" } else { "AKIAOTHERKEY1EXAMPLE" };
                format!(
                    r#"{record},"userIdentity":{{"accessKeyId":"{key}"}},"eventID":"id-{n}","eventTime":"2026-01-02T03:04:05Z"}}"#
                )
            })
            .collect();
        let text = format!("{{\"Records\":[{}]}}", identified.join(","));
        let keys: KeyIds = ["AKIADEPLOYCI1EXAMPLE"].into_iter().collect();
        let ids = |look: SecondLook| -> BTreeSet<String> {
            look.uses.into_iter().map(|one| one.event_id).collect()
        };
        let mut general = SecondLook::default();
        let mut splitter = Splitter::default();
        splitter.push(text.as_bytes(), &mut |piece| general.take_piece(&piece, &keys));
        let expected = ids(general);
        for level in LEVELS() {
            let mut look = SecondLook::default();
            look.take_text(text.as_bytes(), &keys, level);
            prop_assert_eq!(&ids(look), &expected, "{}", text);
        }
    }
}
