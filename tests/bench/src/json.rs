//! A JSON value that keeps the order of its keys and may hold a key twice.
//!
//! Knows how CloudTrail writes JSON: compact, with `<`, `>` and `&` escaped. Must not know records.

use std::borrow::Cow;

pub type Text = Cow<'static, str>;
pub type Fields = Vec<(Text, Json)>;

#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(i64),
    /// Bytes that are written as they are, for what the other forms cannot spell.
    Verbatim(&'static str),
    Text(Text),
    List(Vec<Json>),
    Object(Fields),
}

/// `object! { "key": value, … }`.
#[macro_export]
macro_rules! object {
    ($($key:literal : $value:expr),* $(,)?) => {
        $crate::json::Json::Object(vec![
            $((std::borrow::Cow::Borrowed($key), $crate::json::Json::from($value))),*
        ])
    };
}

impl Json {
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Json::Null => out.extend_from_slice(b"null"),
            Json::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Json::Number(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Json::Verbatim(text) => out.extend_from_slice(text.as_bytes()),
            Json::Text(text) => write_text(text, out),
            Json::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Json::Object(fields) => {
                out.push(b'{');
                for (at, (key, value)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    write_text(key, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The value as a string that holds JSON, the way policies are passed.
    pub fn embedded(&self) -> Json {
        let mut out = Vec::new();
        self.write(&mut out);
        Json::Text(String::from_utf8_lossy(&out).into_owned().into())
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        write_character(character, out);
    }
    out.push(b'"');
}

/// One character inside a string, escaped where CloudTrail escapes it.
pub fn write_character(character: char, out: &mut Vec<u8>) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\0'..='\x1f' | '<' | '>' | '&' => {
            out.extend_from_slice(format!("\\u{:04x}", character as u32).as_bytes());
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

impl From<&'static str> for Json {
    fn from(text: &'static str) -> Json {
        Json::Text(text.into())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::Text(text.into())
    }
}

impl From<Text> for Json {
    fn from(text: Text) -> Json {
        Json::Text(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Json {
        Json::Number(value)
    }
}

impl From<Vec<Json>> for Json {
    fn from(items: Vec<Json>) -> Json {
        Json::List(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_compact_json_in_the_given_order() {
        let value = object! { "b": "x<\"\\\n", "a": vec![Json::Null, true.into(), 7.into()] };
        let mut out = Vec::new();
        value.write(&mut out);
        assert_eq!(out, br#"{"b":"x\u003c\"\\\n","a":[null,true,7]}"#);
        let inner = value.embedded();
        let mut out = Vec::new();
        inner.write(&mut out);
        let parsed: serde_json::Value = serde_json::from_slice(&out).expect("a JSON string");
        let inner: serde_json::Value =
            serde_json::from_str(parsed.as_str().expect("a string")).expect("JSON");
        assert_eq!(inner["b"], "x<\"\\\n");
    }
}
