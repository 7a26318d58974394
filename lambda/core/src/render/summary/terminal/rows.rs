//! The table of incidents, laid out for a width.

use comfy_table::{ContentArrangement, Table};

use crate::render::terminal::table::{STYLE, fit, widest};

/// How many lines of a cell are shown.
const LINES: usize = 4;

/// What a row says, before it is laid out.
pub(super) struct Row {
    pub(super) place: String,
    pub(super) subject: String,
    pub(super) owner: String,
    pub(super) sources: String,
    pub(super) failures: Vec<String>,
    pub(super) last: String,
    pub(super) told: String,
    pub(super) verdict: String,
}

/// The blanks that a column adds: one before each cell and one between columns.
const PADDING: usize = 2;

fn table(width: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table
}

fn cell(text: &str, width: usize) -> String {
    fit(text, width, LINES).join("\n")
}

fn stacked(above: &str, below: &str, width: usize) -> String {
    let mut lines = fit(above, width, LINES / 2);
    lines.extend(fit(below, width, LINES / 2));
    lines.join("\n")
}

fn laid_out(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((1, 0));
    }
    table.to_string()
}

pub(super) fn narrow(rows: &[Row], width: usize) -> String {
    let place = widest(rows.iter().map(|row| &row.place), 1, 6);
    let subject = widest(rows.iter().flat_map(|row| [&row.subject, &row.owner]), 8, 20);
    let failures = rows.iter().flat_map(|row| row.failures.iter().chain([&row.last]));
    let failures = widest(failures, 11, 17);
    let rest = width.saturating_sub(place + subject + failures + 5 * PADDING).max(12);
    let sources = widest(rows.iter().map(|row| &row.sources), 6, rest * 2 / 5);
    let verdict = rest - sources;
    let mut table = table(width);
    table.set_header(["#", "Incident", "From", "Failures", "Likely cause"]);
    for row in rows {
        let mut counts: Vec<String> =
            row.failures.iter().flat_map(|line| fit(line, failures, LINES)).collect();
        counts.extend(fit(&row.last, failures, 2));
        table.add_row([
            row.place.clone(),
            stacked(&row.subject, &row.owner, subject),
            cell(&row.sources, sources),
            counts.join("\n"),
            cell(&row.verdict, verdict),
        ]);
    }
    laid_out(table)
}

pub(super) fn wide(rows: &[Row], width: usize) -> String {
    let place = widest(rows.iter().map(|row| &row.place), 1, 6);
    let subject = widest(rows.iter().map(|row| &row.subject), 8, 24);
    let owner = widest(rows.iter().map(|row| &row.owner), 5, 16);
    let failures = widest(rows.iter().flat_map(|row| &row.failures), 8, 19);
    let last = widest(rows.iter().map(|row| &row.last), 4, 20);
    let told = widest(rows.iter().map(|row| &row.told), 10, 16);
    let rest = width
        .saturating_sub(place + subject + owner + failures + last + told + 8 * PADDING)
        .max(20);
    let sources = widest(rows.iter().map(|row| &row.sources), 6, rest / 2);
    let verdict = rest - sources;
    let mut table = table(width);
    table.set_header([
        "#",
        "Incident",
        "Owner",
        "From",
        "Failures",
        "Last",
        "Last alert",
        "Likely cause",
    ]);
    for row in rows {
        let counts: Vec<String> =
            row.failures.iter().flat_map(|line| fit(line, failures, LINES)).collect();
        table.add_row([
            row.place.clone(),
            cell(&row.subject, subject),
            cell(&row.owner, owner),
            cell(&row.sources, sources),
            counts.join("\n"),
            cell(&row.last, last),
            cell(&row.told, told),
            cell(&row.verdict, verdict),
        ]);
    }
    laid_out(table)
}
