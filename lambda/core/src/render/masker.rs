//! Access key IDs in text for people: the middle taken out wherever one stands, unless the reader
//! asked for them whole.

use std::borrow::Cow;

use crate::access_key;
use crate::finding::Outcome;

/// Takes the middle out of access key IDs, alone and inside other text.
#[derive(Debug)]
pub(super) struct Masker {
    /// What the outcome has in the place of an ID and does not look like one, longest first.
    odd_ids: Vec<String>,
    /// Whether the outcome holds an ID that is not shown whole.
    pub(super) masks: bool,
    unmask: bool,
}

impl Masker {
    pub(super) fn new(outcome: &Outcome, unmask: bool) -> Masker {
        let findings = outcome.findings.iter().flat_map(|finding| {
            let resolved = finding.resolved.as_ref().map(|resolved| &resolved.access_key_id);
            finding.access_key_id.iter().chain(resolved)
        });
        let changes = outcome.key_changes.iter().flat_map(|detail| {
            let sessions = detail.sessions.iter().map(|session| &session.access_key_id);
            detail.change.access_key_id.iter().chain(sessions)
        });
        Masker::of_ids(findings.chain(changes), unmask)
    }

    /// A masker of the given IDs and of whatever looks like one.
    pub(super) fn of_ids<'a>(ids: impl Iterator<Item = &'a String>, unmask: bool) -> Masker {
        let mut ids: Vec<&String> = ids.filter(|id| access_key::mask(id) != **id).collect();
        let masks = !unmask && !ids.is_empty();
        ids.retain(|id| !looks_like_an_id(id));
        ids.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        ids.dedup();
        Masker { odd_ids: ids.into_iter().cloned().collect(), masks, unmask }
    }

    /// An access key ID, or the words for its absence.
    pub(super) fn key(&self, access_key_id: Option<&str>) -> String {
        match access_key_id {
            None => "no key ID".to_owned(),
            Some(id) if self.unmask => id.to_owned(),
            Some(id) => access_key::mask(id),
        }
    }

    /// A text with the IDs in it masked: those of the outcome, and whatever looks like one.
    pub(super) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.unmask {
            return Cow::Borrowed(text);
        }
        let mut out = String::new();
        let (mut copied, mut at, mut before) = (0, 0, ' ');
        while let Some(c) = text[at..].chars().next() {
            let id = if before.is_alphanumeric() { None } else { self.id_at(&text[at..]) };
            if let Some(length) = id {
                out.push_str(&text[copied..at]);
                out.push_str(&access_key::mask(&text[at..at + length]));
                at += length;
                copied = at;
                before = ' ';
            } else {
                at += c.len_utf8();
                before = c;
            }
        }
        match copied {
            0 => Cow::Borrowed(text),
            _ => Cow::Owned(out + &text[copied..]),
        }
    }

    /// The length of the ID that a text begins with.
    fn id_at(&self, text: &str) -> Option<usize> {
        let ends = |length: usize| !text[length..].starts_with(char::is_alphanumeric);
        if text.get(..ID_BYTES).is_some_and(looks_like_an_id) && ends(ID_BYTES) {
            return Some(ID_BYTES);
        }
        let id = self.odd_ids.iter().find(|id| text.starts_with(id.as_str()) && ends(id.len()))?;
        Some(id.len())
    }
}

/// The length of every access key ID that AWS has issued so far.
const ID_BYTES: usize = 20;

fn looks_like_an_id(text: &str) -> bool {
    text.len() == ID_BYTES
        && access_key::kind(text).is_some()
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_are_masked_wherever_they_stand() {
        let masker =
            Masker { odd_ids: vec!["${MY_KEY_ID}".to_owned()], masks: true, unmask: false };
        let masked = |text: &str| masker.text(text).into_owned();
        assert_eq!(
            masked("key AKIADEPLOYCI1EXAMPLE, 'ASIADEPLOYCI2EXAMPLE'."),
            "key AKIA****MPLE, 'ASIA****MPLE'."
        );
        assert_eq!(masked("--access-key-id '${MY_KEY_ID}'"), "--access-key-id '${MY****_ID}'");
        assert_eq!(masked("AKIADEPLOYCI1EXAMPLEX ok"), "AKIADEPLOYCI1EXAMPLEX ok");
        assert_eq!(masked("ключ äAKIA"), "ключ äAKIA");
        let whole = Masker { odd_ids: Vec::new(), masks: false, unmask: true };
        assert_eq!(whole.text("AKIADEPLOYCI1EXAMPLE"), "AKIADEPLOYCI1EXAMPLE");
    }
}
