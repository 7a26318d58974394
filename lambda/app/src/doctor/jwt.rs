//! What a JSON Web Token says of itself, its signature unchecked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// The claims that decide whether STS takes a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `iss`
    pub issuer: Option<String>,
    /// `aud`
    pub audiences: Vec<String>,
    /// `exp`
    pub expires: Option<DateTime<Utc>>,
}

/// Reads the claims; `None` where the text is no such token.
pub(super) fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.trim().split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let json: Value = serde_json::from_slice(&bytes).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let audiences = match &json["aud"] {
        Value::Array(all) => all.iter().filter_map(text).collect(),
        one => text(one).into_iter().collect(),
    };
    let expires = json["exp"].as_i64().and_then(|at| DateTime::from_timestamp(at, 0));
    Some(Claims { issuer: text(&json["iss"]), audiences, expires })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_payload_alone() {
        let payload =
            URL_SAFE_NO_PAD.encode(r#"{"iss":"https://x","aud":["a","b"],"exp":1700000000}"#);
        let found = claims(&format!("e30.{payload}.c2ln\n")).unwrap();
        assert_eq!(found.audiences, ["a", "b"]);
        assert_eq!(found.expires.unwrap().timestamp(), 1_700_000_000);
        assert_eq!(claims("no token"), None);
        assert_eq!(claims("a.b.c.d"), None);
        assert_eq!(claims(&format!("{}.!.x", "a")), None);
    }
}
