//! The table of findings, one row each, laid out for a width.
//!
//! Every cell is broken into lines here, at words or at the punctuation of long names, so that the
//! table itself has nothing left to break.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::wrap;
use crate::finding::Finding;
use crate::render::words::{Words, verdict};
use crate::render::{number, short_span, short_time};

/// Below this there is no room for a table; the paragraphs say it all.
const NARROWEST: usize = 64;
/// From this on owner, client and times have columns of their own.
const WIDE: usize = 140;
/// How many lines of a cell are shown.
const LINES: usize = 4;
/// The blanks that a column adds: one before each cell and one between columns.
const PADDING: usize = 2;
/// Lines between rows only.
pub(in crate::render) const STYLE: TableStyle = TableStyle::new()
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .row_separator(LineStyle::none().fill('╌').junction('╌'));

/// The table, or nothing where there are no findings or is no room.
pub(super) fn table(findings: &[Finding], words: &Words<'_>, width: usize) -> Option<String> {
    if findings.is_empty() || width < NARROWEST {
        return None;
    }
    let rows: Vec<Row> = findings
        .iter()
        .enumerate()
        .map(|(index, finding)| Row::new(index, finding, words))
        .collect();
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    if width < WIDE {
        narrow(&mut table, &rows, width);
    } else {
        wide(&mut table, &rows, width);
    }
    for column in table.column_iter_mut() {
        column.set_padding((1, 0));
    }
    Some(table.to_string())
}

/// What a row says, before it is laid out.
struct Row {
    place: String,
    key: String,
    owner: String,
    source: String,
    client: String,
    /// What was recorded or reported, and when.
    observed: Vec<String>,
    seen: Option<String>,
    /// What is predicted, and since when.
    predicted: Option<String>,
    since: Option<String>,
    cause: String,
}

impl Row {
    fn new(index: usize, finding: &Finding, words: &Words<'_>) -> Row {
        let origins = finding.origins;
        let count =
            |count: u64, origin: &str| (count > 0).then(|| format!("{} {origin}", number(count)));
        let client = match finding.clients.as_slice() {
            [] => String::new(),
            [one] => words.name(&one.label),
            [first, more @ ..] => format!("{} and {} more", words.name(&first.label), more.len()),
        };
        let seen = finding.first_seen.zip(finding.last_seen);
        Row {
            place: (index + 1).to_string(),
            key: words.key(finding.access_key_id.as_deref()),
            owner: finding.user_name.as_deref().map(|name| words.name(name)).unwrap_or_default(),
            source: words.name(&finding.source),
            client,
            observed: [count(origins.recorded, "recorded"), count(origins.reported, "reported")]
                .into_iter()
                .flatten()
                .collect(),
            seen: seen.map(|(first, last)| short_span(first, last, words.now)),
            predicted: count(origins.predicted, "predicted"),
            since: finding
                .predicted
                .as_ref()
                .map(|predicted| format!("since {}", short_time(predicted.since, words.now))),
            cause: verdict(finding, words.now),
        }
    }

    fn counts(&self) -> Vec<&String> {
        self.observed.iter().chain(&self.predicted).collect()
    }

    fn times(&self) -> Vec<&String> {
        self.seen.iter().chain(&self.since).collect()
    }

    /// Each count with its time below it.
    fn counts_and_times(&self) -> Vec<&String> {
        let predicted = self.predicted.iter().chain(&self.since);
        self.observed.iter().chain(&self.seen).chain(predicted).collect()
    }
}

/// Five columns: owner under key, client under source, times under counts.
fn narrow(table: &mut Table, rows: &[Row], width: usize) {
    let place = widest(rows.iter().map(|row| &row.place), 1, 6);
    let key = widest(rows.iter().map(|row| &row.key), 12, 20);
    let failures = widest(rows.iter().flat_map(Row::counts_and_times), 11, 17);
    let rest = width.saturating_sub(place + key + failures + 5 * PADDING);
    let names = rows.iter().flat_map(|row| [&row.source, &row.client]);
    let source = widest(names, 14, rest / 2);
    let cause = rest - source;
    table.set_header(["#", "Access key", "Source, client", "Failures", "Likely cause"]);
    for row in rows {
        let stacked = |above: &str, below: &str, width: usize| {
            let mut lines = fit(above, width, LINES / 2);
            lines.extend(fit(below, width, LINES / 2));
            lines.join("\n")
        };
        let failures: Vec<String> = row
            .counts_and_times()
            .into_iter()
            .flat_map(|line| fit(line, failures, LINES))
            .collect();
        table.add_row([
            row.place.clone(),
            stacked(&row.key, &row.owner, key),
            stacked(&row.source, &row.client, source),
            failures.join("\n"),
            fit(&row.cause, cause, LINES).join("\n"),
        ]);
    }
}

/// Eight columns.
fn wide(table: &mut Table, rows: &[Row], width: usize) {
    let place = widest(rows.iter().map(|row| &row.place), 1, 6);
    let key = widest(rows.iter().map(|row| &row.key), 12, 20);
    let failures = widest(rows.iter().flat_map(Row::counts), 11, 15);
    let seen = widest(rows.iter().flat_map(Row::times), 11, 17);
    let owner = widest(rows.iter().map(|row| &row.owner), 5, 14);
    let free = width.saturating_sub(place + key + failures + seen + owner + 8 * PADDING);
    let source = widest(rows.iter().map(|row| &row.source), 6, free / 3);
    let client = widest(rows.iter().map(|row| &row.client), 6, free / 3);
    let cause = free - source - client;
    table.set_header([
        "#",
        "Access key",
        "Owner",
        "Source",
        "Client",
        "Failures",
        "Seen",
        "Likely cause",
    ]);
    for row in rows {
        let cell = |text: &str, width: usize| fit(text, width, LINES).join("\n");
        let cells = |texts: Vec<&String>, width: usize| {
            texts
                .into_iter()
                .flat_map(|text| fit(text, width, LINES))
                .collect::<Vec<_>>()
                .join("\n")
        };
        table.add_row([
            row.place.clone(),
            cell(&row.key, key),
            cell(&row.owner, owner),
            cell(&row.source, source),
            cell(&row.client, client),
            cells(row.counts(), failures),
            cells(row.times(), seen),
            cell(&row.cause, cause),
        ]);
    }
}

/// The width that a column's texts ask for, within limits.
pub(in crate::render) fn widest<'a>(
    texts: impl Iterator<Item = &'a String>,
    least: usize,
    most: usize,
) -> usize {
    texts.map(|text| text.width()).max().unwrap_or(0).min(most).max(least)
}

/// A text in at most so many lines of at most a width; `…` ends what is left out.
pub(in crate::render) fn fit(text: &str, width: usize, lines: usize) -> Vec<String> {
    let words: Vec<String> = text.split(' ').flat_map(|word| pieces(word, width)).collect();
    let mut all = wrap(&words.join(" "), width, "", "");
    if all.len() > lines {
        all.truncate(lines);
        if let Some(last) = all.last_mut() {
            while last.width() >= width {
                last.pop();
            }
            last.push('…');
        }
    }
    all.retain(|line| !line.is_empty());
    all
}

/// A word in parts of at most a width, each ending at punctuation where it has any.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = word;
    while rest.width() > width {
        let (mut used, mut end, mut good) = (0, 0, 0);
        for (at, c) in rest.char_indices() {
            used += c.width().unwrap_or(0);
            if used > width {
                break;
            }
            end = at + c.len_utf8();
            if matches!(c, '-' | '_' | '/' | '.' | ':' | '@' | '=' | ',' | ';') {
                good = end;
            }
        }
        let at =
            if good > 0 { good } else { end.max(rest.chars().next().map_or(1, char::len_utf8)) };
        parts.push(rest[..at].to_owned());
        rest = &rest[at..];
    }
    parts.push(rest.to_owned());
    parts
}
