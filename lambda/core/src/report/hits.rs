//! The places of a log where a code or wording shows a refusal.
//!
//! Knows the ways clients write an error code down, and so when a code is an error and not a word.
//! Must not know what else a log line tells.

use std::ops::Range;

use memchr::memmem::Finder;

use super::lines::Squeezed;
use super::wording::{WORDINGS, Wording};
use crate::failure::CODES;

/// A place that shows a refusal: a code, a wording, or a code and its wording.
#[derive(Debug)]
pub(super) struct Hit {
    /// Where all of it stands in the squeezed text.
    pub(super) range: Range<usize>,
    /// Where the code stands.
    pub(super) code: Option<Range<usize>>,
    /// Whether only an AWS client writes a code like that.
    pub(super) certain: bool,
    /// The wording and where it stands.
    pub(super) wording: Option<(&'static Wording, Range<usize>)>,
}

/// How far after its code a wording may come, past `) when calling the … operation: `.
const PAIR: usize = 200;

/// All codes in error position and all wordings, in order.
pub(super) fn hits(text: &Squeezed) -> Vec<Hit> {
    let mut found = Vec::new();
    for (code, _) in CODES {
        for at in memchr::memmem::find_iter(text.text.as_bytes(), code) {
            if let Some((range, certain)) = code_position(text, at..at + code.len()) {
                let code = Some(range.clone());
                found.push(Hit { range, code, certain, wording: None });
            }
        }
    }
    for wording in WORDINGS {
        let needle = needle(wording.text);
        for at in Finder::new(&needle).find_iter(text.lower.as_bytes()) {
            let range = at..at + needle.len();
            let inside = text.text[..at].ends_with(char::is_alphanumeric) && !text.gap_at(at);
            // A wording is one sentence; two statements that happen to make it up are not.
            if !text.opens_inside(&range) && !inside {
                let wording = Some((wording, range.clone()));
                found.push(Hit { range, code: None, certain: true, wording });
            }
        }
    }
    found.sort_by_key(|hit| (hit.range.start, hit.range.end));
    let mut hits: Vec<Hit> = Vec::with_capacity(found.len());
    for hit in found {
        match hits.last_mut() {
            Some(last)
                if last.wording.is_none()
                    && hit.wording.as_ref().is_some_and(|(wording, _)| !wording.no_request)
                    && hit.range.start - last.range.end <= PAIR
                    && !text.opens_inside(&(last.range.start..hit.range.start + 1)) =>
            {
                last.range.end = hit.range.end;
                last.wording = hit.wording;
            }
            _ => hits.push(hit),
        }
    }
    hits
}

fn needle(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

/// The wording as the log has it, with the spaces it should have and its full stop, if any.
pub(super) fn sentence(
    text: &Squeezed,
    wording: &Wording,
    range: &Range<usize>,
    limit: usize,
) -> String {
    let mut found = text.text[range.clone()].chars();
    let mut out: String = wording
        .text
        .chars()
        .map(|c| if c == ' ' { ' ' } else { found.next().unwrap_or(c) })
        .collect();
    if wording.open {
        let rest = tail(text, range.end, limit);
        let space = text.gap_at(range.end) && !rest.is_empty();
        out.push_str(if space { " " } else { "" });
        out.push_str(&rest);
    } else if text.text[range.end..].starts_with('.') {
        out.push('.');
    }
    out
}

/// The text from a place to the end of what it belongs to: its line or, in a box, its paragraph.
pub(super) fn tail(text: &Squeezed, from: usize, limit: usize) -> String {
    const ENDS: [&str; 7] = ["(service:", "\"}", "\",\"", "',", "</", "'}", "\"),"];
    let next = text.line_at(from) + 1;
    let end_of_line = text.lines[next.min(text.lines.len())..]
        .iter()
        .take_while(|line| line.start < from + limit)
        .find(|line| !line.boxed || line.opens || line.paragraph)
        .map_or(text.text.len(), |line| line.start);
    let end = text.text.floor_char_boundary(end_of_line.min(from + limit)).max(from);
    let part = &text.lower[from..end];
    let end = ENDS.iter().filter_map(|mark| part.find(mark)).min().map_or(end, |at| from + at);
    text.spaced(from..end)
}

/// Where a client would have written the code as an error: its range with `Client.`, and whether
/// only an AWS client writes one like that. `None` where it is a part of a longer word or prose.
fn code_position(text: &Squeezed, code: Range<usize>) -> Option<(Range<usize>, bool)> {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let start =
        if text.text[..code.start].ends_with("Client.") { code.start - 7 } else { code.start };
    let (before, after) = (&text.lower[..start], &text.lower[code.end..]);
    // Only so much of the text before is ever compared.
    let before = &before[before.floor_char_boundary(before.len().saturating_sub(160))..];
    let after = &after[..after.floor_char_boundary(40)];
    if (before.ends_with(word) && !text.gap_at(start))
        || (after.starts_with(word) && !text.gap_at(code.end))
    {
        return None;
    }
    let range = start..code.end;
    let colon = after.starts_with(':') && !after.starts_with("::");
    let explained = colon || after.starts_with("(client)") || after.starts_with("=>");
    if before.ends_with("apierror") && colon
        || before.ends_with("<code>") && after.starts_with('<')
        || before.ends_with("erroroccurred(") && after.starts_with(')')
        || before.ends_with("clienterror(") && after.starts_with(')')
        || before.ends_with("errors::")
        || before.ends_with("exceptions::") && colon
        || before.ends_with('#') && before.contains("type")
        || after.starts_with("(client)")
    {
        return Some((range, true));
    }
    let next = after.chars().next();
    if named(before) && next.is_none_or(|c| "\"'`,;})]&<:".contains(c) || text.gap_at(code.end)) {
        return Some((range, before.contains("$fault") || before.contains("errorcode")));
    }
    if before.ends_with('(') && after.starts_with(')')
        || before.ends_with('[') && (after.starts_with(']') || colon)
    {
        return Some((range, false));
    }
    let introduced = text.break_at(start)
        || before.ends_with([
            ':', '*', '>', '#', '|', '-', '(', '"', '\'', '[', '{', '`', '.', ',', '!',
        ])
        || ["error", "exception", "failed", "failure", "causedby", "throw", "threw", "raised"]
            .iter()
            .any(|word| before.ends_with(word));
    (explained && introduced).then_some((range, false))
}

/// Whether a text ends with the name of a field that holds error codes: `"Code":"`, `errorCode=`.
fn named(before: &str) -> bool {
    let before = match before.rsplit_once('#') {
        Some((key, namespace)) if !namespace.contains(['"', '\'', '=']) => {
            key.trim_end_matches(|c: char| c.is_alphanumeric() || c == '.' || c == '_')
        }
        _ => before,
    };
    let key = before.strip_suffix("some(\"").unwrap_or(before);
    let key = key.trim_end_matches(['"', '\'', '`', '[']);
    let Some(key) = key.strip_suffix("=>").or_else(|| key.strip_suffix([':', '='])) else {
        return false;
    };
    let key = key.trim_end_matches(['"', '\'', '`']);
    ["code", "type", "errorname", "name", "error"].iter().any(|name| key.ends_with(name))
}
