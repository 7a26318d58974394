//! What stands before the text of a log line: times, levels, CI and wrapper prefixes, boxes.
//!
//! Knows GitHub, GitLab, Jenkins and Azure logs, common loggers, Terragrunt and Terraform's boxes.
//! Must not know what the line says.

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};

/// A mark that Terraform's box leaves in consoles that do not speak UTF-8 (code pages 1252, 850).
const GARBLED_BOX: [&str; 6] = ["â”‚", "â•·", "â•µ", "Ôöé", "ÔòÀ", "ÔòÁ"];

/// What stands before the text of a line.
pub(super) struct Prefix<'a> {
    /// The text of the line.
    pub(super) rest: &'a str,
    /// The time, where its zone is stated.
    pub(super) time: Option<DateTime<Utc>>,
    /// Whether a log level makes the line a statement of its own.
    pub(super) logger: bool,
    /// Whether the line is in a box.
    pub(super) boxed: bool,
    /// Whether the line is the upper or lower edge of a box.
    pub(super) edge: bool,
    /// The tool that a wrapper names.
    pub(super) tool: Option<&'static str>,
}

impl Prefix<'_> {
    /// Reads the prefixes of a line without control sequences.
    pub(super) fn read(line: &str) -> Prefix<'_> {
        let mut prefix = Prefix {
            rest: line.trim_start_matches('\u{feff}'),
            time: None,
            logger: false,
            boxed: false,
            edge: false,
            tool: None,
        };
        if line.starts_with("section_start:") || line.starts_with("section_end:") {
            prefix.rest = "";
        }
        // `[aws-sdk-go] <ErrorResponse …` is the body of the response before it.
        let (mut body, mut leveled) = (false, false);
        // A CI system's prefix, a wrapper's, a logger's and the box may all be there.
        for _ in 0..12 {
            let rest = prefix.rest.trim_start();
            if let Some((length, time)) = timestamp(rest) {
                prefix.time = time.or(prefix.time);
                prefix.rest = stream_tag(&rest[length..]);
            } else if let Some((logger, after)) = level(rest) {
                leveled = true;
                prefix.logger |= logger;
                prefix.rest = after;
            } else if let Some(after) = component(rest) {
                body = true;
                prefix.rest = after;
            } else if leveled
                && let Some((name, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']'))
                && name.len() <= 64
                && !after.starts_with(':')
            {
                prefix.rest = after;
            } else if let Some((tool, after)) = wrapped_tool(rest) {
                prefix.tool = Some(tool);
                prefix.rest = after;
            } else if let Some(after) =
                ["##[error]", "::error::"].iter().find_map(|m| rest.strip_prefix(m))
            {
                prefix.logger = true;
                prefix.rest = after;
            } else if let Some(after) = rest.strip_prefix(['╷', '╵']) {
                prefix.edge = true;
                prefix.boxed = true;
                prefix.rest = after;
            } else if let Some(after) = rest.strip_prefix(['│', '┃']) {
                prefix.boxed = true;
                prefix.rest = after;
            } else if let Some(mark) = GARBLED_BOX.iter().find(|mark| rest.starts_with(**mark)) {
                prefix.boxed = true;
                prefix.edge = !mark.ends_with(['‚', 'é']);
                prefix.rest = &rest[mark.len()..];
            } else if let Some(after) = rest.strip_prefix('|')
                && (after.is_empty() || after.starts_with(' '))
            {
                prefix.rest = after;
            } else {
                break;
            }
        }
        let first = prefix.rest.trim_start().bytes().next();
        if body && (prefix.rest.starts_with("  ") || matches!(first, Some(b'<' | b'{' | b'-'))) {
            prefix.logger = false;
        }
        prefix.time = prefix.time.or_else(|| json_time(prefix.rest));
        prefix
    }
}

/// The time of a JSON log line or of `time=…`.
fn json_time(rest: &str) -> Option<DateTime<Utc>> {
    let head = &rest[..rest.floor_char_boundary(16 * 1024)];
    let after = if head.starts_with('{') {
        ["\"@timestamp\":\"", "\"timestamp\":\"", "\"time\":\""]
            .iter()
            .find_map(|key| head.split_once(key))
            .map(|(_, after)| after)
    } else {
        head.strip_prefix("time=").map(|after| after.trim_start_matches('"'))
    };
    timestamp(after?)?.1
}

/// GitLab's tag after the time: the number of the stream, `O` or `E`, and `+` for a continuation.
fn stream_tag(rest: &str) -> &str {
    match rest.as_bytes() {
        [b' ', a, b, b'O' | b'E', b' ' | b'+', ..]
            if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() =>
        {
            &rest[5..]
        }
        _ => rest,
    }
}

/// The text after a log level, and whether a line with it is a statement of its own: Terragrunt's
/// `STDOUT` and `STDERR` stand before every line of what another tool printed.
fn level(rest: &str) -> Option<(bool, &str)> {
    const LEVELS: [&str; 12] = [
        "TRACE", "DEBUG", "INFO", "NOTICE", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL",
        "STDOUT", "STDERR", "SEVERE",
    ];
    let bare = rest.strip_prefix('[').unwrap_or(rest);
    let level = LEVELS.iter().find(|level| bare.starts_with(**level))?;
    let after = &bare[level.len()..];
    // `ERROR: text` is a statement of a tool, not a log level.
    let ends: &[char] = if bare.len() < rest.len() { &[']'] } else { &[' ', '\t'] };
    Some((!level.starts_with("STD"), after.strip_prefix(ends)?))
}

/// The part of Terraform that a debug line comes from.
fn component(rest: &str) -> Option<&str> {
    if let Some(after) = rest.strip_prefix("[aws-sdk-go]") {
        return Some(after);
    }
    let after = rest.strip_prefix("plugin.").or_else(|| rest.strip_prefix("provider."))?;
    let (_, after) = after.strip_prefix("terraform-provider-aws")?.split_once(':')?;
    Some(after)
}

fn wrapped_tool(rest: &str) -> Option<(&'static str, &str)> {
    [("terraform:", "Terraform"), ("tofu:", "OpenTofu")]
        .iter()
        .find_map(|(mark, tool)| Some((*tool, rest.strip_prefix(mark)?)))
}

/// Whether the text of a line begins a statement of its own.
pub(super) fn opens_statement(rest: &str) -> bool {
    const OPENINGS: [&str; 33] = [
        "Error:",
        "Error ",
        "ERROR",
        "error:",
        "error ",
        "An error occurred",
        "A client error",
        "aws: [",
        "Traceback",
        "Exception in",
        "Unhandled",
        "Uncaught",
        "panic:",
        "fatal",
        "Fatal",
        "FATA",
        "{\"",
        "time=",
        "level=",
        "Warning:",
        "$ ",
        "botocore.",
        "thread '",
        "Unable to locate",
        "START RequestId",
        "END RequestId",
        "REPORT RequestId",
        "RequestId:",
        "Initializing ",
        "Run ",
        "Get-",
        "provider.aws",
        "PS ",
    ];
    let rest = rest.trim_start();
    // The body of an error response belongs to the line that announces it.
    let short =
        rest.len() < 300 && ["{\"message\"", "{\"Message\""].iter().any(|b| rest.starts_with(b));
    let body = short || rest.starts_with("{\"__type\"") || rest.starts_with("Error message:");
    !body && OPENINGS.iter().any(|opening| rest.starts_with(opening))
}

/// The length of a date and time at the start of a text, and the time where its zone is stated.
fn timestamp(text: &str) -> Option<(usize, Option<DateTime<Utc>>)> {
    let bytes = text.as_bytes();
    let opened = usize::from(matches!(bytes.first(), Some(b'[' | b'(')));
    let number = |at: usize, digits: usize| -> Option<u32> {
        let field = bytes.get(at..at + digits)?;
        field.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
    };
    let is = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|b| allowed.contains(b));
    let mut at = opened;
    let mut date = None;
    if let Some(year) = number(at, 4) {
        if !(is(at + 4, b"-/") && is(at + 7, b"-/") && is(at + 10, b"Tt ")) {
            return None;
        }
        date = Some((year, number(at + 5, 2)?, number(at + 8, 2)?));
        at += 11;
    }
    let (hour, minute, second) = (number(at, 2)?, number(at + 3, 2)?, number(at + 6, 2)?);
    if !(is(at + 2, b":") && is(at + 5, b":")) {
        return None;
    }
    at += 8;
    let mut nanos = 0;
    if is(at, b".,") {
        let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        let known = number(at + 1, digits.min(9)).unwrap_or(0);
        nanos = (digits.min(9)..9).fold(known, |nanos, _| nanos * 10);
        at += 1 + digits;
    }
    let mut offset = None;
    if is(at, b"Zz") {
        at += 1;
        offset = Some(0);
    } else if text.get(at..).is_some_and(|rest| rest.starts_with(" UTC")) {
        at += 4;
        offset = Some(0);
    } else if is(at, b"+-") {
        let colon = usize::from(is(at + 3, b":"));
        if let (Some(hours), Some(minutes)) = (number(at + 1, 2), number(at + 3 + colon, 2)) {
            let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
            offset = Some(if bytes[at] == b'-' { -seconds } else { seconds });
            at += 5 + colon;
        }
    }
    if opened == 1 {
        if !is(at, b"])") {
            return None;
        }
        at += 1;
    } else if bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let time = date.zip(offset).and_then(|((year, month, day), offset)| {
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
        let time = date.and_hms_nano_opt(hour, minute, second, nanos)?;
        let zone = FixedOffset::east_opt(offset)?;
        Some(time.and_local_timezone(zone).single()?.to_utc())
    });
    Some((at, time))
}
