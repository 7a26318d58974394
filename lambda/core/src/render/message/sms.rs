//! The subject of an email and a text message: one line of printable ASCII.

use crate::alert::Alert;
use crate::render::words::Words;

/// The longest subject that SNS takes.
pub(super) const SUBJECT_CHARS: usize = 99;
/// What fits into one text message, with room for what SNS puts before it.
pub(super) const SMS_CHARS: usize = 140;

/// What, key, owner, cause.
pub(super) fn subject(alert: &Alert, unmask: bool) -> String {
    cut(&line(alert, unmask), SUBJECT_CHARS)
}

/// The same, and where it comes from.
pub(super) fn render(alert: &Alert, unmask: bool) -> String {
    let text = format!("{}: {}", escape(&alert.monitor.name), line(alert, unmask));
    cut(&text, SMS_CHARS)
}

fn line(alert: &Alert, unmask: bool) -> String {
    let masker = super::masker(alert, unmask);
    let words = Words { masker: &masker, now: alert.time, escape };
    let text = words.in_short(alert);
    // Only the first character may not be a space.
    text.trim().to_owned()
}

/// Printable ASCII, everything else as `?`: line breaks in a subject would forge headers.
fn escape(text: &str) -> String {
    let visible = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    super::unlinked(text).chars().map(visible).collect()
}

fn cut(text: &str, chars: usize) -> String {
    if text.len() <= chars {
        return text.to_owned();
    }
    format!("{}...", &text[..text.floor_char_boundary(chars - 3)])
}
