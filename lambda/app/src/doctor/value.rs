//! What can be said of a secret or a token without saying it: length, classes of characters, and
//! what damaged it.
//!
//! Must not return any part of a value but single punctuation characters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The length of every secret access key that AWS has issued.
pub(super) const SECRET_LENGTH: usize = 40;
/// No session token that STS issues is shorter than this; most have several hundred characters.
const SHORTEST_TOKEN: usize = 100;

/// What is wrong with a value, in words that follow its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    /// In words, such as `ends with a newline`.
    pub(super) words: String,
    /// Whether the value cannot be right.
    pub(super) certain: bool,
}

fn flaw(words: impl Into<String>) -> Option<Flaw> {
    Some(Flaw { words: words.into(), certain: true })
}

/// A value by its length and classes of characters: `40 characters (letters, digits, / and +)`.
pub(super) fn describe(value: &str) -> String {
    let mut classes: Vec<String> = Vec::new();
    if value.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        classes.push("letters".to_owned());
    }
    if value.bytes().any(|byte| byte.is_ascii_digit()) {
        classes.push("digits".to_owned());
    }
    for mark in ['/', '+', '='] {
        if value.contains(mark) {
            classes.push(mark.to_string());
        }
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || "/+=".contains(c);
    if value.chars().any(|c| !legal(c) && c.is_ascii_graphic()) {
        classes.push("other punctuation".to_owned());
    }
    if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        classes.push("white space".to_owned());
    }
    if value.chars().any(|c| !c.is_ascii() && !c.is_whitespace()) {
        classes.push("characters outside ASCII".to_owned());
    }
    let length = value.chars().count();
    let noun = if length == 1 { "character" } else { "characters" };
    if classes.is_empty() {
        format!("{length} {noun}")
    } else {
        format!("{length} {noun} ({})", super::check::listed(&classes))
    }
}

/// What is wrong with any value that was copied, whatever it is.
fn damage(value: &str) -> Option<Flaw> {
    let inner = value.trim();
    if value.ends_with("\r\n") || value.ends_with('\r') {
        flaw("ends with a carriage return: a file with Windows line ends")
    } else if value.ends_with('\n') {
        flaw("ends with a newline")
    } else if value.chars().any(|c| c == '\n' || c == '\r') {
        flaw("has a line break inside")
    } else if value != inner {
        flaw("begins or ends with white space")
    } else if value.contains("${") || value.contains("{{") || looks_like_a_variable(value) {
        flaw("is a variable that was never filled in")
    } else if value.starts_with('<') || value.ends_with('>') {
        flaw("has angle brackets, as a placeholder has")
    } else if value.starts_with(['"', '\'', '`', '\u{201c}', '\u{2018}'])
        || value.ends_with(['"', '\'', '`', '\u{201d}', '\u{2019}'])
    {
        flaw("has quotation marks that became part of it")
    } else if value.contains("***") {
        flaw("is a masked value (***), copied from a log")
    } else if url_encoded(value) {
        flaw("is URL-encoded (%2F, %2B or %3D stand for /, + and =)")
    } else if value.chars().any(char::is_whitespace) {
        flaw("has white space inside")
    } else {
        None
    }
}

fn looks_like_a_variable(value: &str) -> bool {
    let name = value
        .strip_prefix('$')
        .or_else(|| value.strip_prefix('%').and_then(|value| value.strip_suffix('%')));
    name.is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

fn url_encoded(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    ["%2f", "%2b", "%3d"].iter().any(|code| lower.contains(code))
}

/// What is wrong with a secret access key.
pub(super) fn secret(value: &str) -> Option<Flaw> {
    let damaged = damage(value);
    if damaged.is_some() {
        return damaged;
    }
    if failure_monitor_core::access_key::malformed(value).is_none() {
        return flaw("is an access key ID: the two values were swapped");
    }
    if value.ends_with("EXAMPLEKEY") || value.ends_with("EXAMPLE") {
        return flaw("is an example from documentation");
    }
    if let Some(c) = value.chars().find(|c| !c.is_ascii_alphanumeric() && !"/+".contains(*c)) {
        if c == '=' && decodes_to_a_secret(value) {
            return flaw("is base64-encoded, as in a Kubernetes secret");
        }
        let shown = if c.is_ascii_graphic() { format!("`{c}`") } else { "odd ones".to_owned() };
        return flaw(format!("has characters that no secret has ({shown})"));
    }
    if value.len() != SECRET_LENGTH {
        if decodes_to_a_secret(value) {
            return flaw("is base64-encoded, as in a Kubernetes secret");
        }
        return flaw(format!("has {} characters where AWS issues 40", value.chars().count()));
    }
    None
}

fn decodes_to_a_secret(value: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(value) else { return false };
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    text.len() == SECRET_LENGTH
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/+".contains(byte))
}

/// What is wrong with a session token. AWS documents neither its length nor its alphabet and tells
/// not to rely on them, so that only damage is certain.
pub(super) fn token(value: &str) -> Option<Flaw> {
    let damaged = damage(value);
    if damaged.is_some() {
        return damaged;
    }
    if failure_monitor_core::access_key::malformed(value).is_none() {
        return flaw("is an access key ID");
    }
    if value.len() == SECRET_LENGTH && secret(value).is_none() {
        return flaw("looks like a secret access key");
    }
    let likely = |words: String| Some(Flaw { words, certain: false });
    if value.len() < SHORTEST_TOKEN {
        return likely(format!(
            "has {} characters, where session tokens have several hundred: it may be cut",
            value.chars().count()
        ));
    }
    if value.chars().any(|c| !c.is_ascii_alphanumeric() && !"/+=".contains(c)) {
        return likely("has characters that session tokens are not known to have".to_owned());
    }
    if value.trim_end_matches('=').contains('=') || !value.len().is_multiple_of(4) {
        return likely("is not whole base64: it may be cut, or two values ran together".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) const GOOD: &str = "abcdefghijABCDEFGHIJ0123456789/+abcdEFGH";

    #[test]
    fn a_secret_is_told_by_its_classes_only() {
        assert_eq!(describe(GOOD), "40 characters (letters, digits, / and +)");
        assert_eq!(describe(""), "0 characters");
        assert_eq!(describe("x"), "1 character (letters)");
        assert_eq!(describe("a\"b\n"), "4 characters (letters, other punctuation and white space)");
    }

    #[test]
    fn damage_to_a_secret_is_named() {
        let cases = [
            (format!("{GOOD}\n"), "ends with a newline"),
            (format!("{GOOD}\r"), "carriage return"),
            (format!(" {GOOD}"), "begins or ends with white space"),
            (format!("\"{GOOD}\""), "quotation marks"),
            (format!("<{GOOD}>"), "angle brackets"),
            ("${AWS_SECRET_ACCESS_KEY}".to_owned(), "never filled in"),
            ("${{ secrets.KEY }}".to_owned(), "never filled in"),
            ("$AWS_SECRET".to_owned(), "never filled in"),
            (GOOD.replace('/', "%2F").replace('+', "%2B"), "URL-encoded"),
            (GOOD.replace('/', "%2f"), "URL-encoded"),
            (STANDARD.encode(GOOD), "base64-encoded"),
            (STANDARD.encode(format!("{GOOD}\n")), "base64-encoded"),
            ("AKIASP2TPHJSQH3FJXYZ".to_owned(), "swapped"),
            (GOOD[..39].to_owned(), "39 characters where AWS issues 40"),
            (GOOD.replace('+', " "), "white space inside"),
            (GOOD.replace('+', "-"), "`-`"),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(), "example"),
            ("***".to_owned(), "masked"),
        ];
        for (value, words) in cases {
            let found = secret(&value).unwrap_or_else(|| panic!("{words}: nothing found"));
            assert!(found.words.contains(words), "{words}: {}", found.words);
            assert!(!found.words.contains(GOOD), "{words}");
        }
        assert_eq!(secret(GOOD), None, "plus and slash are legal");
    }

    #[test]
    fn a_token_is_judged_by_damage_and_never_for_its_marks() {
        let good = format!("{}+/==", "IQoJb3JpZ2lu".repeat(30));
        assert_eq!(good.len() % 4, 0);
        assert_eq!(token(&good), None);
        assert!(token(&format!("{good}\n")).unwrap().certain);
        assert!(token(&good.replace('+', "%2B")).unwrap().words.contains("URL-encoded"));
        assert!(token(&good.replace('+', " ")).unwrap().words.contains("white space"));
        assert!(!token(&good[..50]).unwrap().certain);
        assert!(token(&good[..good.len() - 1]).unwrap().words.contains("cut"));
        assert!(token(GOOD).unwrap().words.contains("secret access key"));
    }
}
