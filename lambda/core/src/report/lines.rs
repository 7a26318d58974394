//! Client logs made searchable: the parts that may matter, without colours, prefixes and wrapping.
//!
//! Knows terminals, CI systems, log prefixes and the box Terraform draws round its errors. Must not
//! know what a refusal looks like.
//!
//! Output is wrapped at any column, so the text is kept without its white space and the places
//! where some was are remembered: a wording is found wherever its lines were broken.

use std::ops::Range;

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use super::prefix::{Prefix, opens_statement};

/// How much text is looked at on either side of a place that may matter.
const REACH: usize = 32 * 1024;
/// How much text is searched at once, in lower case.
const CHUNK: usize = 64 * 1024;
/// The longest fragment that [`windows`] may be asked for.
const OVERLAP: usize = 64;

/// The parts of a text around every occurrence of a fragment (lower case), in order and disjoint.
pub(super) fn windows(text: &str, fragments: &[&str]) -> Vec<Range<usize>> {
    let finders: Vec<Finder<'_>> = fragments.iter().map(Finder::new).collect();
    let bytes = text.as_bytes();
    let mut windows: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let end = bytes.len().min(start + CHUNK);
        let mut chunk = bytes[start..bytes.len().min(end + OVERLAP)].to_ascii_lowercase();
        // Windows of one chunk would overlap: the first and the last place are enough, and what is
        // between them is at most a chunk.
        let first = finders.iter().filter_map(|finder| finder.find(&chunk)).min();
        if let Some(first) = first {
            chunk.drain(..first);
            let last = fragments.iter().filter_map(|f| memchr::memmem::rfind(&chunk, f.as_bytes()));
            let last = first + last.max().unwrap_or(0);
            let window = opening(text, start + first)..closing(text, start + last);
            match windows.last_mut() {
                Some(before) if window.start <= before.end => before.end = window.end,
                _ => windows.push(window),
            }
        }
        start = end;
    }
    windows
}

/// The start of the first line within reach before a place.
fn opening(text: &str, at: usize) -> usize {
    let from = text.floor_char_boundary(at.saturating_sub(REACH));
    match memchr::memchr(b'\n', &text.as_bytes()[from..at]) {
        Some(newline) if from > 0 => from + newline + 1,
        _ => from,
    }
}

/// The end of the last line within reach after a place.
fn closing(text: &str, at: usize) -> usize {
    let to = text.ceil_char_boundary((at + REACH).min(text.len()));
    match memchr::memrchr(b'\n', &text.as_bytes()[at..to]) {
        Some(newline) if to < text.len() => at + newline,
        _ => to,
    }
}

/// A line of the log, without its prefixes.
#[derive(Debug)]
pub(super) struct Line {
    /// Where the line starts in the squeezed text.
    pub(super) start: usize,
    /// The 1-based number of the line in the log.
    pub(super) number: usize,
    /// Whether a new statement of the log begins here.
    pub(super) opens: bool,
    /// Whether a blank line or the edge of a box comes before.
    pub(super) paragraph: bool,
    /// Whether the line is inside a box.
    pub(super) boxed: bool,
    /// The time in the line's prefix, where it says which time zone.
    pub(super) time: Option<DateTime<Utc>>,
    /// The tool that a wrapper's prefix names.
    pub(super) tool: Option<&'static str>,
}

/// A part of a log without white space, control sequences and line prefixes.
#[derive(Debug, Default)]
pub(super) struct Squeezed {
    /// The text.
    pub(super) text: String,
    /// The same in ASCII lower case: the same offsets.
    pub(super) lower: String,
    /// The offsets before which white space was removed, in order.
    gaps: Vec<usize>,
    /// The lines that are not blank, in order.
    pub(super) lines: Vec<Line>,
}

impl Squeezed {
    /// Reads a part of a log whose first line has the given number.
    pub(super) fn read(part: &str, first_number: usize) -> Squeezed {
        let mut squeezed = Squeezed::default();
        let mut state = State::default();
        let mut clean = String::new();
        for (index, line) in part.split('\n').enumerate() {
            // A lone carriage return starts the line over, as progress bars and GitLab do.
            for line in line.split('\r') {
                clean.clear();
                strip_controls(line, &mut clean);
                squeezed.push(&clean, first_number + index, &mut state);
            }
        }
        squeezed.lower = squeezed.text.to_ascii_lowercase();
        squeezed
    }

    fn push(&mut self, line: &str, number: usize, state: &mut State) {
        let prefix = Prefix::read(line);
        if prefix.rest.trim().is_empty() {
            state.paragraph = true;
            state.opens |= prefix.edge;
            return;
        }
        let (boxed, start) = (prefix.boxed, self.text.len());
        let opens = state.opens
            || prefix.edge
            || boxed != state.boxed
            || prefix.logger
            || if boxed { prefix.rest.starts_with("Error:") } else { opens_statement(prefix.rest) };
        let escaped = memchr::memmem::find(prefix.rest.as_bytes(), b"\\\"").is_some()
            || prefix.rest.starts_with('{')
            || ["b'<", "b'{", "b\"<"].iter().any(|body| prefix.rest.contains(body));
        self.push_text(prefix.rest, escaped);
        if self.text.len() > start {
            let (paragraph, time, tool) = (state.paragraph, prefix.time, prefix.tool);
            self.lines.push(Line { start, number, opens, paragraph, boxed, time, tool });
            *state = State { opens: false, paragraph: false, boxed };
        }
    }

    fn push_text(&mut self, text: &str, escaped: bool) {
        let mut gap = true;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let c = if escaped && c == '\\' {
                while chars.next_if_eq(&'\\').is_some() {}
                match chars.next() {
                    Some('n' | 'r' | 't') => ' ',
                    Some('u') => unescape(&mut chars),
                    Some(c) => c,
                    None => break,
                }
            } else {
                c
            };
            match c {
                '\u{200b}' | '\u{feff}' => {}
                c if c.is_whitespace() => gap = true,
                c if c.is_control() => {}
                c => {
                    if gap {
                        self.gaps.push(self.text.len());
                        gap = false;
                    }
                    self.text.push(c);
                }
            }
        }
    }

    /// The index of the line that holds an offset.
    pub(super) fn line_at(&self, at: usize) -> usize {
        self.lines.partition_point(|line| line.start <= at).saturating_sub(1)
    }

    /// Whether a statement begins inside a range, after its start.
    pub(super) fn opens_inside(&self, range: &Range<usize>) -> bool {
        let first = self.line_at(range.start) + 1;
        let lines = self.lines[first.min(self.lines.len())..].iter();
        lines.take_while(|line| line.start < range.end).any(|line| line.opens)
    }

    /// Whether white space stood before an offset.
    pub(super) fn gap_at(&self, at: usize) -> bool {
        at >= self.text.len() || self.gaps.binary_search(&at).is_ok()
    }

    /// Whether a line starts at an offset.
    pub(super) fn break_at(&self, at: usize) -> bool {
        at >= self.text.len() || self.lines.binary_search_by_key(&at, |line| line.start).is_ok()
    }

    /// The text of a range, with one space wherever some white space was.
    pub(super) fn spaced(&self, range: Range<usize>) -> String {
        let mut out = String::with_capacity(range.len() + range.len() / 4);
        let mut from = range.start;
        let first = self.gaps.partition_point(|gap| *gap <= range.start);
        for gap in self.gaps[first..].iter().take_while(|gap| **gap < range.end) {
            out.push_str(&self.text[from..*gap]);
            out.push(' ');
            from = *gap;
        }
        out.push_str(&self.text[from..range.end.max(from)]);
        out
    }
}

/// What the lines so far mean for the next one.
#[derive(Default)]
struct State {
    opens: bool,
    paragraph: bool,
    boxed: bool,
}

/// The character of a `\uXXXX` escape; a space where it is an escape character.
fn unescape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> char {
    let digits: String =
        std::iter::from_fn(|| chars.next_if(char::is_ascii_hexdigit)).take(4).collect();
    let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
    match code {
        Some('\u{1b}') => {
            // The colour that follows, such as `[31m`.
            while chars.next_if(|c| matches!(c, '[' | ';' | '0'..='9')).is_some() {}
            chars.next_if_eq(&'m');
            ' '
        }
        Some(c) => c,
        None => ' ',
    }
}

/// Appends a line without terminal control sequences (CSI, OSC and the like) and NULs.
fn strip_controls(line: &str, out: &mut String) {
    let mut rest = line;
    // Searching again after there was none ahead would make hostile text quadratic.
    let mut terminated = true;
    while let Some(at) = memchr::memchr3(0x1b, b'[', 0, rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let bytes = rest.as_bytes();
        let length = match (bytes[0], bytes.get(1)) {
            (0x1b, Some(b'[')) => {
                let body = bytes[2..].iter().take_while(|b| (0x20..0x40).contains(*b)).count();
                2 + body + usize::from(bytes.get(2 + body).is_some_and(|b| b.is_ascii_graphic()))
            }
            (0x1b, Some(b']' | b'P' | b'_' | b'^' | b'X')) if terminated => {
                let end = memchr::memchr2(7, 0x1b, &bytes[2..]).map(|end| 2 + end);
                terminated = end.is_some();
                // The two bytes of `ESC \`, or BEL.
                end.map_or(2, |end| {
                    end + 1 + usize::from(bytes[end] == 0x1b && bytes.get(end + 1) == Some(&b'\\'))
                })
            }
            (0x1b, Some(b)) if b.is_ascii() => 2,
            (0x1b | 0, _) => 1,
            _ => colour_remnant(bytes),
        };
        if length == 0 {
            out.push('[');
            rest = &rest[1..];
        } else {
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
}

/// The length of a colour whose escape character was lost, such as `[31m`; 0 where it is none.
fn colour_remnant(bytes: &[u8]) -> usize {
    let body = bytes[1..].iter().take(12).take_while(|b| b.is_ascii_digit() || **b == b';').count();
    if body > 0 && bytes.get(1 + body) == Some(&b'm') { body + 2 } else { 0 }
}
