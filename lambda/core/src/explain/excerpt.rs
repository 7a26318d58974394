//! What of a text is handed to somebody else: the lines round its refusals, without secrets.
//!
//! Knows what secrets look like in logs. Must not know where the excerpt goes.

use std::ops::Range;

/// How many lines before and after a refusal speak of it.
const ROUND: usize = 40;
/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";
/// From this length on, a run of base64 characters is a token.
const TOKEN: usize = 100;
/// The length of a secret access key.
const SECRET: usize = 40;

/// The names whose values are secrets, lower case and without `_`, `-` and blanks.
const NAMES: [&str; 16] = [
    "secretaccesskey",
    "secretkey",
    "awssecretkey",
    "awssecret",
    "clientsecret",
    "sessiontoken",
    "securitytoken",
    "webidentitytoken",
    "idtoken",
    "samlassertion",
    "authorization",
    "signature",
    "password",
    "passwd",
    "apikey",
    "token",
];

/// The lines of a text round the given ones (counted from 1), with a mark where some are left out.
pub fn of(text: &str, lines: &[usize]) -> String {
    let all: Vec<&str> = text.lines().collect();
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut sorted = lines.to_vec();
    sorted.sort_unstable();
    for line in sorted {
        let from = line.saturating_sub(1 + ROUND);
        let part = from.min(all.len())..(line + ROUND).min(all.len());
        match parts.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            _ => parts.push(part),
        }
    }
    let mut out = String::new();
    let mut end = 0;
    for part in parts {
        if part.start > end {
            out.push_str(&format!("[{} lines left out]\n", part.start - end));
        }
        for line in &all[part.clone()] {
            out.push_str(line);
            out.push('\n');
        }
        end = part.end;
    }
    out
}

/// The text without secrets, and how many were taken out: values beside names of secrets, and what
/// has the shape of a secret access key, a session token or an identity token.
pub fn redact(text: &str) -> (String, usize) {
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut count) = (0, 0);
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let run = rest.find(|c: char| !is_value(c)).unwrap_or(rest.len());
        if run == 0 {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let word = &rest[..run];
        // Only so much before a value can be its name.
        let from = text.ceil_char_boundary(at.saturating_sub(80)).max(copied);
        if (named_before(&text[from..at]) && says_something(word)) || looks_secret(word) {
            out.push_str(&text[copied..at]);
            out.push_str(REDACTED);
            count += 1;
            copied = at + run;
        } else if let Some(value) = value_inside(word) {
            out.push_str(&text[copied..at + value]);
            out.push_str(REDACTED);
            count += 1;
            copied = at + run;
        }
        at += run;
    }
    out.push_str(&text[copied..]);
    (out, count)
}

/// What may be part of a secret or token; `=` too, which pads base64.
fn is_value(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=_-.%~$".contains(c)
}

/// `NAME=value` in one run of characters: where the value begins.
fn value_inside(word: &str) -> Option<usize> {
    let at = word.find('=')?;
    let value = &word[at + 1..];
    let looks = looks_secret(value) || (is_name(&word[..at]) && says_something(value));
    looks.then_some(at + 1)
}

/// Whether the text right before a value names a secret: `"SecretAccessKey": "`, `secret_key = "`,
/// `Authorization: Bearer `.
fn named_before(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or("");
    let trimmed = line.trim_end_matches(['"', '\'', '`', ' ', '\t', '\\', '[', '(']);
    let trimmed = trimmed.strip_suffix("Bearer").map_or(trimmed, str::trim_end);
    let Some(name) = trimmed.strip_suffix([':', '=']).or_else(|| trimmed.strip_suffix("=>")) else {
        // `<SecretAccessKey>value`.
        let tag = trimmed.strip_suffix('>').and_then(|tag| tag.rsplit('<').next());
        return tag.is_some_and(is_name);
    };
    is_name(name.trim_end_matches(['"', '\'', '`', ' ', '\t', '\\', '=', ']']))
}

/// Whether a text ends with the name of a secret, as a whole word or after `_`, `-` or a capital.
fn is_name(text: &str) -> bool {
    let word = text.rsplit(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c))).next();
    let word: String = word.unwrap_or("").chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let word = word.to_ascii_lowercase();
    NAMES.iter().any(|name| word.ends_with(name))
}

/// Whether a value is more than a word of prose after a colon, such as `token: The …`.
fn says_something(word: &str) -> bool {
    word.len() >= 16 && word.bytes().any(|b| b.is_ascii_digit()) && !is_uuid(word)
        || looks_secret(word)
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36 && word.bytes().filter(|b| *b == b'-').count() == 4
}

/// Whether a text has the shape of a secret: 40 base64 characters with all kinds mixed, or a long
/// run of them, or a JSON web token.
fn looks_secret(word: &str) -> bool {
    let base64 = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
    word.split(|c: char| !(base64(c) || "=_-.%".contains(c))).any(|part| {
        let jwt = part.starts_with("eyJ") && part.len() >= 40;
        let part = part.trim_end_matches('=');
        let longest = part.split(|c: char| !base64(c)).map(str::len).max().unwrap_or(0);
        let mixed = switches(part) >= 8;
        jwt || (longest >= SECRET && mixed && !part.starts_with('/'))
            || (part.len() >= TOKEN && mixed && longest >= TOKEN / 2)
    })
}

/// How often the kind of character changes: often in random text, seldom in words and paths.
fn switches(text: &str) -> usize {
    let kind = |b: u8| match b {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let kinds = [0, 1, 2].iter().filter(|k| text.bytes().any(|b| kind(b) == **k)).count();
    if kinds < 3 {
        return 0;
    }
    text.as_bytes().windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJa1rXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKE";

    fn token() -> String {
        "IQoJb3JpZ2luX2VjEJr3//////////wEaCXVzLWVhc3QtMSJHMEUCIQDz8Y5k7n".repeat(4)
    }

    #[test]
    fn secrets_go_wherever_they_stand() {
        for line in [
            format!("AWS_SECRET_ACCESS_KEY={SECRET}"),
            format!("export AWS_SECRET_ACCESS_KEY='{SECRET}'"),
            format!("\"SecretAccessKey\": \"{SECRET}\","),
            format!("secret_key = \"{SECRET}\""),
            format!("a line with {SECRET} and no name"),
            format!("<SecretAccessKey>{SECRET}</SecretAccessKey>"),
            format!("{{\\\"secretAccessKey\\\":\\\"{SECRET}\\\"}}"),
            format!("AWS_SESSION_TOKEN={}", token()),
            format!("X-Amz-Security-Token: {}", token()),
            format!("?X-Amz-Security-Token={}&X-Amz-Date=20260102T030405Z", token()),
            "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlMTIzNDU2"
                .to_owned(),
            "X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                .to_owned(),
            "secret_key = abcdefghijklmnopqrstuvwxyz0123456789abcd".to_owned(),
        ] {
            let (redacted, count) = redact(&line);
            assert!(count >= 1 && redacted.contains(REDACTED), "{line}: {redacted}");
            for piece in [SECRET, &token()[..40], "c2lnbmF0dXJl", "0123456789abcdef"] {
                assert!(!redacted.contains(piece), "{redacted}");
            }
        }
    }

    #[test]
    fn what_explains_a_refusal_stays() {
        for line in [
            "api error InvalidClientTokenId: The security token included in the request is invalid.",
            "RequestID: 1a2b3c4d-0001-4aaa-8bbb-0123456789ab",
            "InvalidToken: The provided token is malformed or otherwise invalid.",
            "token: The security token included in the request is expired",
            "The request signature we calculated does not match the signature you provided",
            "commit 0123456789abcdef0123456789abcdef01234567",
            "/home/runner/work/Shop/Shop/infra/Modules/network2/main.tf",
            "AWS_ACCESS_KEY_ID=AKIADEPLOYCI1EXAMPLE",
            "arn:aws:iam::111122223333:role/DeployFromGitHubActionsForProductionEnvironment",
            "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        ] {
            assert_eq!(redact(line), (line.to_owned(), 0));
        }
    }

    #[test]
    fn an_excerpt_has_the_lines_round_the_refusals() {
        let text: String = (1..=300).map(|line| format!("line {line}\n")).collect();
        let part = of(&text, &[250, 100, 110]);
        assert!(part.starts_with("[59 lines left out]\nline 60\n"), "{part}");
        assert!(part.contains("line 150\n[59 lines left out]\nline 210\n"), "{part}");
        assert!(part.ends_with("line 290\n"));
        assert_eq!(of("one line", &[1]), "one line\n");
        assert_eq!(of("one line", &[]), "");
    }
}
