//! A new key pair: whether its parts are sound, and which media carry the secret unharmed.
//!
//! Knows the forms in which a pair is handed over. Must not print, copy or keep the secret: it is
//! wiped when the pair is dropped, and nothing that comes out of here holds a part of it.

use std::fmt;

use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use crate::access_key;

pub mod media;

/// How long the secrets of AWS are.
const SECRET_CHARS: usize = 40;

/// An access key ID with its secret.
pub struct KeyPair {
    /// The access key ID.
    pub access_key_id: String,
    secret: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// Why a text is no key pair; never a part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// There is nothing in it.
    Empty,
    /// It looks like JSON and is none, or has no key.
    Json,
    /// There is no access key ID.
    NoId,
    /// There is no secret.
    NoSecret,
    /// There are two lines, and neither of them could be an access key ID.
    WrongOrder,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Problem::Empty => "there is no key pair on standard input",
            Problem::Json => {
                "this is not the JSON of `aws iam create-access-key` (AccessKeyId and \
                 SecretAccessKey)"
            }
            Problem::NoId => {
                "there is no access key ID; give it in the first line or as \
                              AWS_ACCESS_KEY_ID="
            }
            Problem::NoSecret => {
                "there is no secret; give it in the second line or as \
                                  AWS_SECRET_ACCESS_KEY="
            }
            Problem::WrongOrder => {
                "the first line is no access key ID and the second could be one: they are in the \
                 wrong order"
            }
        })
    }
}

impl std::error::Error for Problem {}

#[derive(Deserialize)]
struct Json {
    #[serde(rename = "AccessKey", alias = "Credentials")]
    inner: Option<Box<Json>>,
    #[serde(rename = "AccessKeyId")]
    access_key_id: Option<String>,
    #[serde(rename = "SecretAccessKey")]
    secret: Option<String>,
    #[serde(rename = "SessionToken")]
    session_token: Option<String>,
}

impl Drop for Json {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.session_token.zeroize();
    }
}

/// Reads a pair: ID and secret on two lines, `KEY=VALUE` lines (with or without `export` and
/// quotation marks), or the JSON of `aws iam create-access-key`.
///
/// A value is taken as it stands: a blank or carriage return at its end is part of it, because it
/// would be part of it elsewhere, too.
///
/// # Errors
/// Says what is missing.
pub fn parse(text: &str) -> Result<KeyPair, Problem> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(Problem::Empty);
    }
    let (id, secret, session_token) = if text.trim_start().starts_with('{') {
        let mut json: Json = serde_json::from_str(text).map_err(|_| Problem::Json)?;
        if let Some(inner) = json.inner.take() {
            json = *inner;
        }
        (json.access_key_id.take(), json.secret.take(), json.session_token.take())
    } else {
        lines(text)?
    };
    Ok(KeyPair {
        access_key_id: id.filter(|id| !id.is_empty()).ok_or(Problem::NoId)?,
        secret: Zeroizing::new(
            secret.filter(|secret| !secret.is_empty()).ok_or(Problem::NoSecret)?,
        ),
        session_token: session_token.filter(|token| !token.is_empty()).map(Zeroizing::new),
    })
}

type Parts = (Option<String>, Option<String>, Option<String>);

fn lines(text: &str) -> Result<Parts, Problem> {
    let (mut id, mut secret, mut token) = (None, None, None);
    let mut named = false;
    let all: Vec<&str> = text.split('\n').filter(|line| !line.trim().is_empty()).collect();
    for line in &all {
        let bare = line.trim_start();
        let bare = bare.strip_prefix("export ").unwrap_or(bare);
        let Some((name, value)) = bare.split_once('=') else { continue };
        let slot = match name.trim().to_ascii_lowercase().as_str() {
            "aws_access_key_id" | "access_key_id" | "access_key" | "accesskeyid" => &mut id,
            "aws_secret_access_key" | "secret_access_key" | "secret_key" | "secretaccesskey" => {
                &mut secret
            }
            "aws_session_token" | "session_token" | "sessiontoken" | "token" => &mut token,
            _ => continue,
        };
        // `name = value` of ~/.aws/credentials; `name=value` has no blank of its own.
        let value = if name.ends_with(' ') { value.trim_start() } else { value };
        *slot = Some(without_quotes(value).to_owned());
        named = true;
    }
    if !named {
        let mut plain = all.iter().map(|line| (*line).to_owned());
        (id, secret) = (plain.next(), plain.next());
        let could_be_id = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| access_key::kind(text.trim()).is_some())
        };
        if !could_be_id(&id) && could_be_id(&secret) {
            secret.zeroize();
            id.zeroize();
            return Err(Problem::WrongOrder);
        }
    }
    // An ID with a carriage return is the same ID; the secret keeps it, to be told of.
    Ok((id.map(|id| id.trim().to_owned()), secret, token))
}

fn without_quotes(value: &str) -> &str {
    let inner = value.trim_end();
    for quote in ['"', '\''] {
        if let Some(inner) = inner.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}

impl KeyPair {
    /// The secret, for a request to AWS and nothing else.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The session token, likewise.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(|token| token.as_str())
    }

    /// The secret described: its length and the kinds of its characters.
    pub fn describe(&self) -> String {
        let has = |what: fn(&char) -> bool| self.secret.chars().any(|c| what(&c));
        let mut kinds = Vec::new();
        for (name, there) in [
            ("A-Z", has(char::is_ascii_uppercase)),
            ("a-z", has(char::is_ascii_lowercase)),
            ("0-9", has(char::is_ascii_digit)),
            ("+", has(|c| *c == '+')),
            ("/", has(|c| *c == '/')),
            ("blanks or controls", has(|c| c.is_whitespace() || c.is_control())),
            (
                "others",
                has(|c| {
                    !(c.is_ascii_alphanumeric()
                        || matches!(c, '+' | '/')
                        || c.is_whitespace()
                        || c.is_control())
                }),
            ),
        ] {
            if there {
                kinds.push(name);
            }
        }
        format!("{} characters of {}", self.secret.chars().count(), kinds.join(", "))
    }

    /// What is wrong with the parts, whatever the medium; empty for a sound pair.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(problem) = access_key::malformed(&self.access_key_id) {
            problems.push(format!("The access key ID {}", problem.describe()));
        }
        let secret = self.secret.as_str();
        if secret.ends_with('\r') {
            problems.push(
                "The secret ends with a carriage return, as lines of Windows files do: take it off"
                    .to_owned(),
            );
        } else if secret.trim() != secret {
            problems.push("There is a blank before or after the secret: take it off".to_owned());
        }
        let count = secret.trim().chars().count();
        if count != SECRET_CHARS {
            problems.push(format!(
                "The secret has {count} characters; those of AWS have {SECRET_CHARS}: it is cut off, \
                 or something else was copied along"
            ));
        }
        if secret.trim().chars().any(|c| !(c.is_ascii_alphanumeric() || "+/".contains(c))) {
            problems.push(
                "The secret has characters that those of AWS do not have (A-Z, a-z, 0-9, + and /): \
                 quotation marks, a percent-encoding or an encoding error may have been copied along"
                    .to_owned(),
            );
        }
        let temporary =
            access_key::kind(&self.access_key_id) == Some(access_key::KeyKind::Temporary);
        if temporary && self.session_token.is_none() {
            problems.push(
                "The access key is a temporary one, and there is no session token with it"
                    .to_owned(),
            );
        }
        problems
    }

    /// The characters for which tools are known to break that put secrets into URLs unencoded.
    pub fn not_url_safe(&self) -> Vec<char> {
        ['+', '/'].into_iter().filter(|c| self.secret.contains(*c)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIADEPLOYCI1EXAMPLE";
    const SECRET: &str = "wJa1rXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLEKE";

    #[test]
    fn reads_every_form() {
        for text in [
            format!("{ID}\n{SECRET}\n"),
            format!("{ID}\n{SECRET}"),
            format!("AWS_ACCESS_KEY_ID={ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\n"),
            format!("export AWS_ACCESS_KEY_ID=\"{ID}\"\nexport AWS_SECRET_ACCESS_KEY='{SECRET}'\n"),
            format!("[default]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n"),
            format!(
                "{{\"AccessKey\":{{\"UserName\":\"ci\",\"AccessKeyId\":\"{ID}\",\"Status\":\"Active\",\"SecretAccessKey\":\"{SECRET}\",\"CreateDate\":\"2026-01-02T03:04:05Z\"}}}}"
            ),
            format!("{{\"AccessKeyId\":\"{ID}\",\"SecretAccessKey\":\"{SECRET}\"}}"),
        ] {
            let pair = parse(&text).unwrap();
            assert_eq!((pair.access_key_id.as_str(), pair.secret()), (ID, SECRET), "{text}");
            assert!(pair.problems().is_empty(), "{:?}", pair.problems());
        }
        let windows = parse(&format!("{ID}\r\n{SECRET}\r\n")).unwrap();
        assert_eq!(windows.access_key_id, ID);
        assert!(windows.problems()[0].contains("carriage return"));
    }

    #[test]
    fn says_what_is_missing() {
        let problem = |text: &str| parse(text).unwrap_err();
        assert_eq!(problem(" \n"), Problem::Empty);
        assert_eq!(problem("{\"a\":"), Problem::Json);
        assert_eq!(problem(ID), Problem::NoSecret);
        assert_eq!(problem(&format!("AWS_SECRET_ACCESS_KEY={SECRET}")), Problem::NoId);
        assert_eq!(problem(&format!("{SECRET}\n{ID}\n")), Problem::WrongOrder);
    }

    #[test]
    fn no_word_about_a_pair_holds_a_piece_of_its_secret() {
        const OTHER: &str = "hQ7z+vB2/nX9kLmT4wRyD8sJfP3cG6aU1eZxKoiN";
        let pair = parse(&format!("{ID}\n{OTHER}x\"\r\n")).unwrap();
        let mut said = format!("{pair:?} {} {}", pair.describe(), pair.problems().join(" "));
        for medium in media::ALL {
            said += &format!("{} {:?} {}", medium.name, medium.fate(pair.secret()), medium.how);
        }
        for at in 0..OTHER.len() - 6 {
            assert!(!said.contains(&OTHER[at..at + 6]), "{said}");
        }
    }
}
