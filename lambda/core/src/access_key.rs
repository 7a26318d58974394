//! Access key IDs: their grammar, the account inside them, and how they are shown to people.
//!
//! Knows the "unique identifiers" page of the IAM user guide
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>).
//! Must not know whether a key exists: that is for records and IAM answers.

/// What the prefix of an access key ID says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// `AKIA`: a long-term key of an IAM user or the root user.
    LongTerm,
    /// `ASIA`: temporary credentials; only valid together with a session token.
    Temporary,
    /// `ABIA`: an STS service bearer token.
    Bearer,
    /// `ACCA`: a context-specific credential.
    ContextSpecific,
}

/// The kind of an access key ID by its prefix; `None` for anything AWS does not issue.
pub fn kind(id: &str) -> Option<KeyKind> {
    match id.get(..4)? {
        "AKIA" => Some(KeyKind::LongTerm),
        "ASIA" => Some(KeyKind::Temporary),
        "ABIA" => Some(KeyKind::Bearer),
        "ACCA" => Some(KeyKind::ContextSpecific),
        _ => None,
    }
}

/// Why a text cannot be an access key ID that AWS issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// A variable that was never filled in: `${…}`, `$NAME`, `%NAME%`, `{{ … }}`.
    Uninterpolated,
    /// Angle brackets or words that stand for a value: `<key>`, `changeme`, `test`.
    Placeholder,
    /// One of the keys that the AWS documentation prints.
    DocumentationExample,
    /// White space or a control character, such as the newline of a pasted secret.
    Whitespace,
    /// Quotes that became part of the value.
    Quoted,
    /// Characters outside `A-Z` and `0-9`.
    Alphabet,
    /// Not 20 characters (the API allows 16 to 128).
    Length,
    /// None of the prefixes AWS uses for access key IDs.
    Prefix,
}

impl Malformed {
    /// The problem in words, to follow "the access key ID".
    pub fn describe(self) -> &'static str {
        match self {
            Malformed::Uninterpolated => "is a variable that was never filled in",
            Malformed::Placeholder => "is a placeholder",
            Malformed::DocumentationExample => "is an example from the AWS documentation",
            Malformed::Whitespace => "contains white space or a control character",
            Malformed::Quoted => "contains quotation marks",
            Malformed::Alphabet => "contains characters outside A-Z and 0-9",
            Malformed::Length => "has the wrong length (AWS issues 20 characters)",
            Malformed::Prefix => "does not begin with AKIA or ASIA",
        }
    }
}

/// Checks a text against the grammar of access key IDs; `None` where it could be a real one.
pub fn malformed(id: &str) -> Option<Malformed> {
    const PLACEHOLDERS: [&str; 10] =
        ["test", "testing", "dummy", "fake", "mock", "changeme", "example", "foo", "minio", "xxx"];
    const DOCUMENTED: [&str; 4] = [
        "AKIAIOSFODNN7EXAMPLE",
        "AKIAI44QH8DHBEXAMPLE",
        "AKIA111111111EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
    ];
    let lower = id.trim().to_ascii_lowercase();
    if id.contains("${")
        || id.contains("{{")
        || id.starts_with('$')
        || (id.len() > 2 && id.starts_with('%') && id.ends_with('%'))
    {
        Some(Malformed::Uninterpolated)
    } else if id.contains(['<', '>'])
        || PLACEHOLDERS.contains(&lower.as_str())
        || lower.contains("access_key")
        || lower.contains("access-key")
        || lower.contains("your")
        || (!lower.is_empty() && lower.bytes().all(|byte| byte == b'x' || byte == b'*'))
    {
        Some(Malformed::Placeholder)
    } else if id.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some(Malformed::Whitespace)
    } else if id.contains(['"', '\'', '`', '\u{201c}', '\u{201d}']) {
        Some(Malformed::Quoted)
    } else if !id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        Some(Malformed::Alphabet)
    } else if DOCUMENTED.contains(&id) {
        Some(Malformed::DocumentationExample)
    } else if kind(id).is_none() {
        Some(Malformed::Prefix)
    } else if id.len() != 20 {
        Some(Malformed::Length)
    } else {
        None
    }
}

/// The account number inside an access key ID, as 12 digits.
///
/// Only IDs whose fifth character is `Q`-`Z` or `2`-`7` carry one; `None` for older IDs and for
/// anything that is not base32 after the prefix. It proves who owns the key, not that it exists.
pub fn account(id: &str) -> Option<String> {
    kind(id)?;
    let body = id.as_bytes().get(4..)?;
    if !matches!(body.first()?, b'Q'..=b'Z' | b'2'..=b'7') {
        return None;
    }
    let mut bits: u64 = 0;
    for byte in body.get(..10)? {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u64::from(value);
    }
    // Ten characters are 50 bits; the first six bytes are the upper 48 of them.
    let number = ((bits >> 2) & 0x7fff_ffff_ff80) >> 7;
    Some(format!("{number:012}"))
}

/// An access key ID as shown to people: `AKIA****MPLE`.
///
/// An ID is no secret, but it need not be spread; and what stands in its place may be one.
pub fn mask(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    match chars.len() {
        0..=4 => id.to_owned(),
        5..=11 => chars[..2].iter().chain(&['*'; 4]).collect(),
        length => chars[..4].iter().chain(&['*'; 4]).chain(&chars[length - 4..]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_the_account_of_newer_ids_only() {
        assert_eq!(account("ASIAVJ2E6QGR2WZILJFM").as_deref(), Some("364679954851"));
        assert_eq!(account("AKIASP2TPHJSQH3FJXYZ").as_deref(), Some("171436882533"));
        assert_eq!(account("ASIAZB6TMXZ7LL6JBJQA").as_deref(), Some("622676721278"));
        assert_eq!(account("AKIAIOSFODNN7EXAMPLE"), None, "an older ID carries no account");
        assert_eq!(account("AKIAQ"), None);
        assert_eq!(account("AKIAQ1890000000000ÄÄ"), None);
        assert_eq!(account("XKIASP2TPHJSQH3FJXYZ"), None);
    }

    #[test]
    fn names_the_first_problem() {
        let cases = [
            ("${AWS_ACCESS_KEY_ID}", Malformed::Uninterpolated),
            ("$AWS_ACCESS_KEY_ID", Malformed::Uninterpolated),
            ("${{ secrets.AWS_KEY }}", Malformed::Uninterpolated),
            ("%AWS_KEY%", Malformed::Uninterpolated),
            ("<AKIASP2TPHJSQH3FJXYZ>", Malformed::Placeholder),
            ("test", Malformed::Placeholder),
            ("YOUR_ACCESS_KEY_ID", Malformed::Placeholder),
            ("XXXXXXXX", Malformed::Placeholder),
            ("AKIASP2TPHJSQH3FJXYZ\n", Malformed::Whitespace),
            ("\"AKIASP2TPHJSQH3FJXYZ\"", Malformed::Quoted),
            ("akiasp2tphjsqh3fjxyz", Malformed::Alphabet),
            ("AKIASP2TPHJSQH3FJXY%2B", Malformed::Alphabet),
            ("AKIAIOSFODNN7EXAMPLE", Malformed::DocumentationExample),
            ("BKIASP2TPHJSQH3FJXYZ", Malformed::Prefix),
            ("AKIASP2TPHJSQH3FJXY", Malformed::Length),
        ];
        for (id, problem) in cases {
            assert_eq!(malformed(id), Some(problem), "{id:?}");
        }
        assert_eq!(malformed("AKIASP2TPHJSQH3FJXYZ"), None);
        assert_eq!(malformed("ASIAVJ2E6QGR2WZILJFM"), None);
    }

    #[test]
    fn masks_the_middle_on_character_boundaries() {
        assert_eq!(mask("AKIAIOSFODNN7EXAMPLE"), "AKIA****MPLE");
        assert_eq!(mask("test"), "test");
        assert_eq!(mask("ключдоступа"), "кл****");
        assert_eq!(mask("ключдоступа🔑к"), "ключ****па🔑к");
    }
}
