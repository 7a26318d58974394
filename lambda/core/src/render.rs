//! What people and other programs get to see of an outcome: one file per medium, each with one
//! escaping function that everything a stranger can write passes through.
//!
//! Here is what the media share: numbers, times, durations, masked key IDs and the making visible
//! of characters that deceive. Must not know where the output goes, nor the clock: the width of the
//! terminal, the use of colour and the time of the run are parameters.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_width::UnicodeWidthChar;

#[cfg(test)]
mod cases;
pub mod causes;
pub mod check_key;
pub mod csv;
#[cfg(test)]
mod fixture;
pub mod json;
pub mod markdown;
mod masker;
pub mod message;
mod step;
pub mod summary;
pub mod terminal;
pub mod troubleshooting;
mod words;

/// How many characters of a name (a source, a client, a principal) are shown to a person.
const NAME_CHARS: usize = 120;
/// How many characters of a sentence or a command are shown to a person.
const SENTENCE_CHARS: usize = 1000;
/// How many characters without a width may follow each other: no script needs more.
const STACKED: usize = 4;

/// A count with its thousands apart: `13,223`.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 record`, `13,223 records`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// How often: `once`, `twice`, `13 times`.
fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{} times", number(count)),
    }
}

/// A time: `2026-07-10 12:28:24 UTC`.
pub fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A stretch of time, its day said once: `2026-07-10 12:04:11 to 12:35:40 UTC`.
pub fn span(first: DateTime<Utc>, last: DateTime<Utc>) -> String {
    span_in(first, last, "%H:%M:%S")
}

fn span_in(first: DateTime<Utc>, last: DateTime<Utc>, clock: &str) -> String {
    let (from, to) = (first.format(clock).to_string(), last.format(clock).to_string());
    if first.date_naive() != last.date_naive() {
        format!("{} {from} to {} {to} UTC", first.date_naive(), last.date_naive())
    } else if from == to {
        format!("{} {from} UTC", first.date_naive())
    } else {
        format!("{} {from} to {to} UTC", first.date_naive())
    }
}

/// A time to the minute for a table; the year only where it is not that of the run.
fn short_time(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let format = if time.year() == now.year() { "%m-%d %H:%M" } else { "%Y-%m-%d %H:%M" };
    time.format(format).to_string()
}

/// A stretch of time to the minute for a table.
fn short_span(first: DateTime<Utc>, last: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let (from, to) = (short_time(first, now), short_time(last, now));
    if from == to {
        from
    } else if first.date_naive() == last.date_naive() {
        format!("{from}–{}", last.format("%H:%M"))
    } else {
        format!("{from} – {to}")
    }
}

/// A duration in at most two units: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`.
pub fn duration(duration: TimeDelta) -> String {
    let seconds = duration.num_seconds().unsigned_abs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |first: u64, unit: &str, rest: u64, smaller: &str| match rest {
        0 => format!("{} {unit}", number(first)),
        _ => format!("{} {unit} {rest} {smaller}", number(first)),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

/// The beginning of a text; what is left out shows as `…`.
fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let keep = text.char_indices().nth(chars.saturating_sub(1)).map_or(0, |(at, _)| at);
            Cow::Owned(format!("{}…", &text[..keep]))
        }
    }
}

/// Whether a character is not shown as itself: it has no shape of its own, moves the cursor, ends
/// the line or changes the direction or look of what follows.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A text whose deceiving characters can be seen: `\u{202e}`.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut stacked = 0;
    for c in text.chars() {
        stacked = if c.width() == Some(0) { stacked + 1 } else { 0 };
        if deceives(c) || stacked > STACKED {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Text in lines of at most a width, broken between words; only a word that is longer than a line
/// is broken inside.
fn wrap(text: &str, width: usize, first: &str, rest: &str) -> Vec<String> {
    let options = textwrap::Options::new(width)
        .initial_indent(first)
        .subsequent_indent(rest)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(true);
    textwrap::wrap(text, options).into_iter().map(|line| line.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        let shown = [0, 7, 999, 1000, 13_223, 1_000_000].map(number);
        assert_eq!(shown, ["0", "7", "999", "1,000", "13,223", "1,000,000"]);
        assert_eq!(counted(1, "record", "records"), "1 record");
    }

    #[test]
    fn times_say_the_day_once_and_the_year_where_it_differs() {
        let first = at("2026-07-10T12:04:11Z");
        assert_eq!(span(first, first), "2026-07-10 12:04:11 UTC");
        assert_eq!(span(first, at("2026-07-10T12:35:40Z")), "2026-07-10 12:04:11 to 12:35:40 UTC");
        let next = at("2026-07-11T00:00:00Z");
        assert_eq!(span(first, next), "2026-07-10 12:04:11 to 2026-07-11 00:00:00 UTC");
        assert_eq!(short_span(first, at("2026-07-10T12:35:40Z"), next), "07-10 12:04–12:35");
        assert_eq!(short_span(first, next, next), "07-10 12:04 – 07-11 00:00");
        assert_eq!(short_time(first, at("2027-01-01T00:00:00Z")), "2026-07-10 12:04");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let shown = [0, 59, 60, 3599, 3600, 11_100, 86_400, 187_200]
            .map(|seconds| duration(TimeDelta::seconds(seconds)));
        assert_eq!(shown, ["0 s", "59 s", "1 min", "59 min", "1 h", "3 h 5 min", "1 d", "2 d 4 h"]);
    }

    #[test]
    fn deceiving_characters_are_shown_by_number_and_the_rest_as_it_is() {
        assert_eq!(visible("plain ünïcödé 漢字 🔑 e\u{301}"), "plain ünïcödé 漢字 🔑 e\u{301}");
        assert_eq!(visible("a\u{1b}[31mb\r\n"), r"a\u{1b}[31mb\u{d}\u{a}");
        assert_eq!(
            visible("\u{202e}x\u{2066}\u{200b}\u{2028}"),
            r"\u{202e}x\u{2066}\u{200b}\u{2028}"
        );
        assert_eq!(visible("\u{7f}\u{9b}\u{feff}"), r"\u{7f}\u{9b}\u{feff}");
        let stack = format!("e{}", "\u{301}".repeat(6));
        assert_eq!(visible(&stack), format!(r"e{}\u{{301}}\u{{301}}", "\u{301}".repeat(4)));
    }

    #[test]
    fn cutting_keeps_whole_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
