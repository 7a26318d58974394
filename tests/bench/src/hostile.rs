//! The same records in valid JSON that CloudTrail would hardly write.
//!
//! Knows how JSON may be spelled, and that the last of a repeated key counts. Must not change what a
//! record means: the expected answer is worked out before this.

use crate::callers::Caller;
use crate::json::{Fields, Json, write_character};
use crate::object;
use crate::random::Random;
use crate::traps;

const NOTES: [&str; 9] = [
    r#"}]}{"Records":[{"eventVersion":"1.08","errorCode":"InvalidClientTokenId"}]}"#,
    r#"","errorCode":"InvalidClientTokenId","x":""#,
    r#"{{{{[[[["#,
    r#"]]]]}}}}"#,
    r#"ends in a backslash \"#,
    r#"and in two \\"#,
    "nul \0, bell \u{7}, line\nfeed, é, 日本, 😀",
    r#"\"errorCode\":\"ExpiredToken\""#,
    "<script>&amp;'\u{2028}",
];

const KEYS: [&str; 6] =
    ["x\"errorCode", "errorCode\"", "errorcode", "errorCode ", "\\\"errorCode", "error\0Code"];

/// What JSON allows and no text can hold: lone surrogates, numbers of any form.
const VERBATIM: &[&str] = &[r#""lone \ud83d, \udc00.""#, "-1.5e+10", "1E400", r#""\/\b\f\r""#];

/// Rearranges a record and adds what must be ignored; its meaning stays.
pub fn distort(random: &mut Random, record: &mut Json, stranger: &Caller) {
    if random.percent(20) {
        reverse(record);
    }
    let Json::Object(fields) = record else { return };
    if random.percent(20) {
        decoy(random, fields);
    }
    if random.percent(10) {
        let notes = notes(random);
        insert(random, fields, "annotation", notes);
    }
    if random.percent(5) {
        let key = random.pick(&KEYS);
        insert(random, fields, key, "InvalidClientTokenId".into());
    }
    if random.percent(5) {
        let inner = traps::forged(random, stranger);
        let value = match random.below(3) {
            0 => object! { "Records": vec![inner] },
            1 => vec![inner.clone(), inner].into(),
            _ => inner,
        };
        insert(random, fields, "serviceEventDetails", value);
    }
}

fn insert(random: &mut Random, fields: &mut Fields, key: &'static str, value: Json) {
    let at = random.index(fields.len() + 1);
    fields.insert(at, (key.into(), value));
}

fn reverse(value: &mut Json) {
    match value {
        Json::Object(fields) => {
            fields.reverse();
            fields.iter_mut().for_each(|(_, value)| reverse(value));
        }
        Json::List(items) => items.iter_mut().for_each(reverse),
        _ => {}
    }
}

fn notes(random: &mut Random) -> Json {
    let note: Json = (random.pick(&NOTES)).into();
    let verbatim = Json::Verbatim(random.pick(VERBATIM));
    let key = random.pick(&KEYS);
    let inner =
        Json::Object(vec![(key.into(), note.clone()), ("errorCode".into(), "ExpiredToken".into())]);
    object! { "note": note, "verbatim": verbatim, "list": vec![inner, Vec::new().into(), object! {}] }
}

/// Puts another value of a key before the true one.
fn decoy(random: &mut Random, fields: &mut Fields) {
    let key = random.access_key_id("AKIA");
    match random.below(7) {
        0 => before(
            fields,
            "userIdentity",
            object! {
                "type": "IAMUser", "accountId": "999999999999", "accessKeyId": key,
            },
        ),
        1 => {
            let identity = fields.iter_mut().find(|(name, _)| name == "userIdentity");
            if let Some((_, Json::Object(identity))) = identity {
                before(identity, "accessKeyId", key.into());
                before(identity, "accountId", "999999999999".into());
            }
        }
        2 => before(fields, "sourceIPAddress", random.address().into()),
        3 => before(fields, "eventTime", "2020-01-01T00:00:00Z".into()),
        4 => {
            before(fields, "eventName", "DeleteAccessKey".into());
            before(fields, "eventSource", "iam.amazonaws.com".into());
        }
        5 => before(fields, "responseElements", object! { "errorCode": "InvalidClientTokenId" }),
        _ => {
            if !fields.iter().any(|(name, _)| name == "errorCode") {
                fields.push(("errorCode".into(), Json::Null));
            }
            let code = random.pick(&["InvalidClientTokenId", "AccessDenied", "ExpiredToken"]);
            before(fields, "errorCode", code.into());
        }
    }
}

fn before(fields: &mut Fields, key: &'static str, value: Json) {
    if let Some(at) = fields.iter().position(|(name, _)| name == key) {
        fields.insert(at, (key.into(), value));
    }
}

/// Writes a value with white space where it is allowed and escapes where none is needed.
pub fn write(random: &mut Random, value: &Json, out: &mut Vec<u8>) {
    let style = Style { spaces: random.percent(15), escapes: random.percent(15) };
    style.write(random, value, out);
}

/// White space that may stand between any two tokens.
pub fn space(random: &mut Random, out: &mut Vec<u8>) {
    let space = random.pick(&["", " ", "\n", "\t", "\r\n  "]);
    out.extend_from_slice(space.as_bytes());
}

struct Style {
    spaces: bool,
    escapes: bool,
}

impl Style {
    fn write(&self, random: &mut Random, value: &Json, out: &mut Vec<u8>) {
        match value {
            Json::Text(text) => self.write_text(random, text, out),
            Json::List(items) => {
                self.mark(random, b'[', out);
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.mark(random, b',', out);
                    }
                    self.write(random, item, out);
                }
                self.mark(random, b']', out);
            }
            Json::Object(fields) => {
                self.mark(random, b'{', out);
                for (at, (key, value)) in fields.iter().enumerate() {
                    if at > 0 {
                        self.mark(random, b',', out);
                    }
                    self.write_text(random, key, out);
                    self.mark(random, b':', out);
                    self.write(random, value, out);
                }
                self.mark(random, b'}', out);
            }
            plain => plain.write(out),
        }
    }

    fn mark(&self, random: &mut Random, mark: u8, out: &mut Vec<u8>) {
        if self.spaces {
            space(random, out);
        }
        out.push(mark);
        if self.spaces {
            space(random, out);
        }
    }

    fn write_text(&self, random: &mut Random, text: &str, out: &mut Vec<u8>) {
        out.push(b'"');
        for character in text.chars() {
            if !self.escapes || random.percent(70) {
                write_character(character, out);
            } else if character == '/' {
                out.extend_from_slice(b"\\/");
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let escape = match random.percent(50) {
                        true => format!("\\u{unit:04x}"),
                        false => format!("\\u{unit:04X}"),
                    };
                    out.extend_from_slice(escape.as_bytes());
                }
            }
        }
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_reads_as_the_same_value() {
        let mut random = Random::new(7, 7);
        let value = object! { "a/b": NOTES.map(Json::from).to_vec(), "\u{1f600}": object! {} };
        let mut plain = Vec::new();
        value.write(&mut plain);
        let expected: serde_json::Value = serde_json::from_slice(&plain).expect("JSON");
        for _ in 0..200 {
            let mut out = Vec::new();
            write(&mut random, &value, &mut out);
            let read: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
            assert_eq!(read, expected);
        }
    }
}
