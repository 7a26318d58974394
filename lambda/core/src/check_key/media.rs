//! What each medium makes of a secret that is written into it as it is.
//!
//! Each rule reads the secret as the medium's own reader would, and the two texts are compared.
//! Must not hold or return a part of the secret: a reader's text is wiped, and what comes out are
//! reasons.

use zeroize::Zeroizing;

/// What became of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives as it is.
    Survives,
    /// It arrives changed, or not at all; why.
    Damaged(&'static str),
}

/// A place that secrets are written into.
#[derive(Debug)]
pub struct Medium {
    /// Stable, for programs.
    pub id: &'static str,
    /// What a person calls it.
    pub name: &'static str,
    /// How to write a secret so that it always arrives.
    pub how: &'static str,
    read: fn(&str) -> Read,
}

/// What the medium's reader gets, or why it gets something else.
type Read = Result<Zeroizing<String>, &'static str>;

impl Medium {
    /// What becomes of a secret that is written as it is.
    pub fn fate(&self, secret: &str) -> Fate {
        match (self.read)(secret) {
            Ok(read) if read.as_str() == secret => Fate::Survives,
            Ok(_) => Fate::Damaged("it arrives changed"),
            Err(why) => Fate::Damaged(why),
        }
    }
}

/// Every medium.
pub const ALL: &[Medium] = &[
    Medium {
        id: "shell-unquoted",
        name: "shell, unquoted",
        how: "'SECRET' in single quotes",
        read: shell,
    },
    Medium {
        id: "shell-single",
        name: "shell, 'single'",
        how: "replace each ' by '\\''",
        read: shell_single,
    },
    Medium {
        id: "shell-double",
        name: "shell, \"double\"",
        how: "single quotes instead",
        read: shell_double,
    },
    Medium {
        id: "url-query",
        name: "URL, query",
        how: "percent-encode: %2B for +, %2F for /",
        read: url_query,
    },
    Medium {
        id: "url-userinfo",
        name: "URL, user:SECRET@",
        how: "percent-encode: %2F for /, %40 for @",
        read: url_userinfo,
    },
    Medium { id: "json", name: "JSON", how: "have a JSON encoder write it", read: json },
    Medium {
        id: "yaml-plain",
        name: "YAML, unquoted",
        how: "'SECRET' in single quotes",
        read: yaml_plain,
    },
    Medium { id: "dotenv", name: ".env", how: "'SECRET' in single quotes", read: dotenv },
    Medium {
        id: "docker-env",
        name: "docker run -e",
        how: "-e NAME alone, without the value",
        read: shell,
    },
    Medium {
        id: "docker-env-file",
        name: "docker --env-file",
        how: "as it is; quotes would be part of it",
        read: docker_env_file,
    },
    Medium {
        id: "compose",
        name: "compose, environment:",
        how: "'SECRET' in single quotes, each $ as $$",
        read: compose,
    },
    Medium {
        id: "github-secret",
        name: "GitHub secret, env:",
        how: "as it is: gh secret set NAME < FILE",
        read: github_secret,
    },
    Medium {
        id: "github-run",
        name: "GitHub secret in run:",
        how: "give it by env:, then \"$NAME\"",
        read: github_run,
    },
    Medium {
        id: "gitlab-variable",
        name: "GitLab variable",
        how: "turn off variable expansion",
        read: gitlab,
    },
    Medium {
        id: "gitlab-masked",
        name: "GitLab, masked",
        how: "turn off variable expansion; no blanks",
        read: gitlab_masked,
    },
    Medium {
        id: "hcl",
        name: ".tfvars, HCL",
        how: "\"SECRET\"; \\\\ for \\, $${ for ${",
        read: hcl,
    },
    Medium {
        id: "credentials-file",
        name: "~/.aws/credentials",
        how: "as it is; quotes would be part of it",
        read: credentials_file,
    },
];

fn same(secret: &str) -> Read {
    Ok(Zeroizing::new(secret.to_owned()))
}

/// A word of a POSIX shell, of bash and of zsh, as an argument or after `NAME=`.
fn shell(secret: &str) -> Read {
    let mut chars = secret.chars().peekable();
    let mut first = true;
    let brace = secret.find('{').is_some_and(|open| {
        secret[open..].find('}').is_some_and(|close| {
            let inside = &secret[open..open + close];
            inside.contains(',') || inside.contains("..")
        })
    });
    if brace {
        return Err("a shell expands the braces");
    }
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => return Err("a blank ends the word"),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' => {
                return Err("the shell has its own meaning for a character in it");
            }
            '\'' | '"' => return Err("a quotation mark is taken away"),
            '`' => return Err("a backquote runs a command"),
            '\\' => return Err("a backslash is taken away"),
            '$' => {
                let next = chars.peek();
                if next.is_some_and(|c| c.is_ascii_alphanumeric() || "_{(@*#?$!-'\"".contains(*c)) {
                    return Err("$ begins a variable");
                }
            }
            '*' | '?' | '[' => return Err("it may be taken for a pattern of file names"),
            '!' => return Err("! calls the history in an interactive shell"),
            '~' if first => return Err("~ is the home folder"),
            '#' if first => return Err("# begins a comment"),
            '=' if first => return Err("zsh looks for a command of that name"),
            _ => {}
        }
        first = false;
    }
    same(secret)
}

fn shell_single(secret: &str) -> Read {
    if secret.contains('\'') { Err("a single quote ends the text") } else { same(secret) }
}

fn shell_double(secret: &str) -> Read {
    let mut chars = secret.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('"', _) => return Err("a quotation mark ends the text"),
            ('`', _) => return Err("a backquote runs a command"),
            ('!', _) => return Err("! calls the history in an interactive shell"),
            ('$', Some(next)) if next.is_ascii_alphanumeric() || "_{(@*#?$!-".contains(*next) => {
                return Err("$ begins a variable");
            }
            ('\\', Some('$' | '`' | '"' | '\\' | '\n') | None) => {
                return Err("a backslash is taken away");
            }
            _ => {}
        }
    }
    same(secret)
}

/// The value of a parameter, as <https://url.spec.whatwg.org/#urlencoded-parsing> reads it.
fn url_query(secret: &str) -> Read {
    if secret.contains('+') {
        return Err("+ becomes a blank");
    }
    if secret.contains(['&', '#']) {
        return Err("it ends at & or #");
    }
    percent_decoded(secret)
}

/// The password before the host: <https://www.rfc-editor.org/rfc/rfc3986#section-3.2>.
fn url_userinfo(secret: &str) -> Read {
    if secret.contains(['/', '?', '#']) {
        return Err("/ ? or # ends the host, which then is the wrong one");
    }
    if secret.contains(['@', '[', ']', '\\']) {
        return Err("the host begins in the wrong place");
    }
    percent_decoded(secret)
}

fn percent_decoded(secret: &str) -> Read {
    let bytes = secret.as_bytes();
    let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    if (0..bytes.len()).any(|at| bytes[at] == b'%' && hex(at + 1) && hex(at + 2)) {
        return Err("% with two digits becomes another character");
    }
    if secret.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("a blank does not belong in a URL");
    }
    same(secret)
}

fn json(secret: &str) -> Read {
    let mut text = Zeroizing::new(String::with_capacity(secret.len() + 2));
    text.push('"');
    text.push_str(secret);
    text.push('"');
    // The error of the parser may quote the text: it stays here.
    let read: Result<String, _> = serde_json::from_str(&text);
    read.map(Zeroizing::new).map_err(|_| "a quotation mark, backslash or control ends the string")
}

/// The value of `NAME: SECRET`, by YAML 1.1 and 1.2.
fn yaml_plain(secret: &str) -> Read {
    let rest = secret.get(1..).unwrap_or("");
    let alone = rest.is_empty() || rest.starts_with(char::is_whitespace);
    if secret.starts_with([
        ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`',
    ]) || (secret.starts_with(['-', '?', ':']) && alone)
    {
        return Err("its first character has a meaning in YAML");
    }
    if secret.trim() != secret {
        return Err("blanks at its ends are taken away");
    }
    if secret.contains(": ") || secret.ends_with(':') {
        return Err("a colon makes it a key");
    }
    if secret.contains(" #") {
        return Err("# begins a comment");
    }
    if secret.chars().any(char::is_control) {
        return Err("a control character ends the line");
    }
    if yaml_special(secret) {
        return Err("it is read as a number, a time or a word like true");
    }
    same(secret)
}

/// Whether a plain scalar is not a text: <https://yaml.org/type/> and YAML 1.2's core schema.
fn yaml_special(text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", ".nan", "=", "<<",
    ];
    let lower = text.to_ascii_lowercase();
    let bare = lower.trim_start_matches(['+', '-']);
    if WORDS.contains(&lower.as_str()) || WORDS[10..12].contains(&bare) {
        return true;
    }
    let all = |text: &str, what: fn(u8) -> bool| {
        text.bytes().any(|b| b != b'_') && text.bytes().all(|b| what(b) || b == b'_')
    };
    let digits = |text: &str| all(text, |b| b.is_ascii_digit());
    if digits(bare)
        || bare.strip_prefix("0x").is_some_and(|rest| all(rest, |b| b.is_ascii_hexdigit()))
        || bare.strip_prefix("0o").is_some_and(digits)
        || bare.strip_prefix("0b").is_some_and(digits)
    {
        return true;
    }
    // 1.5, 1e9, .5, 1.e+3
    let (mantissa, exponent) = bare.split_once('e').unwrap_or((bare, "0"));
    let number = mantissa.bytes().any(|b| b.is_ascii_digit())
        && mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'_' || b == b'.')
        && mantissa.matches('.').count() <= 1;
    if number && digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)) {
        return true;
    }
    // 190:20:30, 2026-01-02
    bare.contains(':') && bare.split(':').all(|part| digits(part.split('.').next().unwrap_or("")))
        || lower.len() >= 8
            && lower.as_bytes()[0].is_ascii_digit()
            && lower.splitn(3, '-').take(2).all(digits)
            && lower.matches('-').count() >= 2
            && lower.bytes().all(|b| b.is_ascii_digit() || b"-:.t z+".contains(&b))
}

/// An unquoted value; the dialects differ, so what harms in one of them counts.
fn dotenv(secret: &str) -> Read {
    if secret.contains('#') {
        return Err("# begins a comment");
    }
    if secret.contains('$') {
        return Err("$ begins a variable");
    }
    if secret.starts_with(['\'', '"', '`']) {
        return Err("a quotation mark at its beginning is taken away");
    }
    if secret.contains('\\') {
        return Err("a backslash is taken away");
    }
    if secret.contains(char::is_whitespace) {
        return Err("blanks end it or are taken away");
    }
    if secret.contains(['\'', '"', '`']) {
        return Err("a quotation mark in it is read in one dialect and not in another");
    }
    same(secret)
}

/// The rest of the line, literally: Docker knows no quotes here.
fn docker_env_file(secret: &str) -> Read {
    let line = secret.split('\n').next().unwrap_or("");
    if line.len() < secret.len() { Err("it ends with the line") } else { same(line) }
}

fn compose(secret: &str) -> Read {
    let read = yaml_plain(secret)?;
    if read.contains('$') { Err("$ begins a variable") } else { Ok(read) }
}

/// GitHub keeps what it is given; what is copied into it with a line break keeps that, too.
fn github_secret(secret: &str) -> Read {
    if secret.ends_with(['\n', '\r', ' ']) {
        Err("a blank or line break at its end is kept")
    } else {
        same(secret)
    }
}

/// `${{ secrets.NAME }}` in `run:` is put into the script before the shell reads it.
fn github_run(secret: &str) -> Read {
    shell(secret)
}

fn gitlab(secret: &str) -> Read {
    let mut chars = secret.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek();
        if c == '$' && next.is_some_and(|c| c.is_ascii_alphanumeric() || "_{$".contains(*c)) {
            return Err("$ begins a variable");
        }
    }
    same(secret)
}

/// GitLab refuses to mask what has other characters, while variables are expanded.
fn gitlab_masked(secret: &str) -> Read {
    if secret.chars().count() < 8 {
        return Err("GitLab masks no value of fewer than 8 characters");
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=/@:.~-".contains(c);
    if !secret.chars().all(fits) {
        return Err("GitLab does not mask a value with such a character");
    }
    gitlab(secret)
}

/// A quoted template of HCL: <https://developer.hashicorp.com/terraform/language/expressions/strings>.
fn hcl(secret: &str) -> Read {
    if secret.contains('"') {
        return Err("a quotation mark ends the string");
    }
    if secret.contains('\\') {
        return Err("a backslash begins an escape");
    }
    if secret.contains("${") || secret.contains("%{") {
        return Err("${ or %{ begins an expression");
    }
    if secret.contains(['\n', '\r']) {
        return Err("the string ends with the line");
    }
    same(secret)
}

/// One line of an INI file; SDKs differ about comments after a blank.
fn credentials_file(secret: &str) -> Read {
    if secret.trim() != secret {
        return Err("blanks at its ends are taken away");
    }
    if secret.contains([' ', '\t']) && secret.contains(['#', ';']) {
        return Err("what follows # or ; is a comment to some SDKs");
    }
    if secret.contains(['\n', '\r']) {
        return Err("it ends with the line");
    }
    same(secret)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn survives(secret: &str) -> BTreeSet<&'static str> {
        let survivors = ALL.iter().filter(|medium| medium.fate(secret) == Fate::Survives);
        survivors.map(|medium| medium.id).collect()
    }

    fn damaged(secret: &str) -> Vec<&'static str> {
        let survivors = survives(secret);
        ALL.iter().map(|medium| medium.id).filter(|id| !survivors.contains(id)).collect()
    }

    #[test]
    fn letters_and_digits_survive_everywhere() {
        assert_eq!(damaged("wJa1rXUtnFEMIaK7MDENGabPxRfiCYzEXAMPLEKE"), [""; 0]);
    }

    #[test]
    fn plus_and_slash_break_in_urls_only() {
        assert_eq!(damaged("wJa1rXUtnFEMI+K7MDENG"), ["url-query"]);
        assert_eq!(damaged("wJa1rXUtnFEMI/K7MDENG"), ["url-userinfo"]);
        assert_eq!(damaged("/wJa1rXUtnFEMI"), ["url-userinfo"]);
        assert_eq!(damaged("+wJa1rXUtnFEMI"), ["url-query"]);
    }

    #[test]
    fn digits_are_numbers_to_yaml() {
        for number in [
            "1234567890123456789012345678901234567890",
            "123456e78901234567",
            "0x12345678abcdef",
            "1_234_567_890",
        ] {
            assert_eq!(damaged(number), ["yaml-plain", "compose"], "{number}");
        }
    }

    #[test]
    fn a_medium_has_its_own_id_and_fits_the_table() {
        let ids: BTreeSet<&str> = ALL.iter().map(|medium| medium.id).collect();
        assert_eq!(ids.len(), ALL.len());
        for medium in ALL {
            assert!(medium.name.len() <= 21 && medium.how.len() <= 46, "{}", medium.id);
        }
    }
}
