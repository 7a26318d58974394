//! The tables of the HTML page: causes, sources by keys, changes, sessions, groups, coverage.

use std::fmt::Write;

use super::html::{escape, figure};
use super::{Phrases, minute, origins, short};
use crate::render::{duration, number, short_time};
use crate::summary::{Standing, Summary, intake};

/// How many groups are shown.
const GROUPS: usize = 200;
/// How many entries of other lists are shown.
const ENTRIES: usize = 50;

fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n{body}</section>\n")
}

/// A table that scrolls by itself where the page is narrow.
fn table(label: &str, heads: &[(&str, bool)], rows: &str) -> String {
    let heads: String = heads
        .iter()
        .map(|(head, number)| {
            let class = if *number { " class=\"n\"" } else { "" };
            format!("<th scope=\"col\"{class}>{head}</th>")
        })
        .collect();
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\"><table>\
         <thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>\n"
    )
}

fn more(length: usize, shown: usize, what: &str) -> String {
    match length.saturating_sub(shown) {
        0 => String::new(),
        more => format!(
            "<p class=\"more\">and {} more {what}; JSON and CSV have them all</p>\n",
            number(more as u64)
        ),
    }
}

/// Causes as bars, part of the overview.
pub(super) fn causes(summary: &Summary) -> String {
    if summary.causes.is_empty() {
        return String::new();
    }
    let most = summary.causes.iter().map(|cause| cause.failures.total()).max().unwrap_or(1).max(1);
    let mut out = String::from(
        "<figure><figcaption>Likely causes</figcaption><table class=\"bars\"><thead class=\"hidden\"><tr>\
         <th scope=\"col\">Cause</th><th scope=\"col\">Failures</th></tr></thead><tbody>",
    );
    for (at, cause) in summary.causes.iter().take(ENTRIES).enumerate() {
        let failures = cause.failures;
        let mut bar = String::new();
        for (origin, count) in [
            ("recorded", failures.recorded),
            ("reported", failures.reported),
            ("predicted", failures.predicted),
        ] {
            if count > 0 {
                let width = count as f64 * 100.0 / most as f64;
                let _ = write!(bar, "<i class=\"{origin}\" style=\"width:{width:.2}%\"></i>");
            }
        }
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}<span class=\"bar\" aria-hidden=\"true\">{bar}</span></th><td class=\"n\" \
             title=\"{}\"><data data-json=\"/causes/{at}/failures\" data-sum value=\"{}\">{}</data></td></tr>",
            escape(&cause.title),
            origins(failures),
            failures.total(),
            number(failures.total()),
        );
    }
    out.push_str("</tbody></table></figure>\n");
    out
}

/// Sources by access keys, shaded by how many.
pub(super) fn matrix(summary: &Summary, phrases: &Phrases<'_>) -> String {
    let matrix = &summary.matrix;
    if matrix.sources.len() < 2 && matrix.access_key_ids.len() < 2 {
        return String::new();
    }
    let most = matrix.failures.iter().flatten().max().copied().unwrap_or(1).max(1);
    let mut heads: Vec<String> = matrix
        .access_key_ids
        .iter()
        .map(|id| format!("<code>{}</code>", phrases.words.key(id.as_deref())))
        .collect();
    if matrix.other_access_keys {
        heads.push("others".to_owned());
    }
    let mut columns = vec![("Source", false)];
    columns.extend(heads.iter().map(|head| (head.as_str(), true)));
    let mut rows = String::new();
    for (row, counts) in matrix.failures.iter().enumerate() {
        let source = matrix.sources.get(row).map(|source| phrases.words.name(source));
        let _ =
            write!(rows, "<tr><th scope=\"row\">{}</th>", source.as_deref().unwrap_or("others"));
        for (column, count) in counts.iter().enumerate() {
            if *count == 0 {
                rows.push_str("<td class=\"n none\">·</td>");
                continue;
            }
            // By the root, so that few are still seen beside many.
            let share = ((*count as f64 / most as f64).sqrt() * 45.0).max(6.0);
            let _ = write!(
                rows,
                "<td class=\"n heat\" style=\"--share:{share:.0}%\">{}</td>",
                figure(&format!("/matrix/failures/{row}/{column}"), *count)
            );
        }
        rows.push_str("</tr>");
    }
    let note = "<p class=\"note\">Failures of all origins. One source with many keys may be somebody who \
                tries keys; one key from many sources is a copy in many places.</p>\n";
    let body = format!("{note}{}", table("Sources by access keys", &columns, &rows));
    section("matrix", "Sources by access keys", &body)
}

pub(super) fn key_changes(summary: &Summary, phrases: &Phrases<'_>) -> String {
    if summary.key_changes.is_empty() {
        return String::new();
    }
    let mut body = String::from("<ol class=\"changes\">\n");
    for (at, detail) in summary.key_changes.iter().take(ENTRIES).enumerate() {
        let (when, what) = phrases.words.key_change(detail);
        let _ = write!(body, "<li><time>{when}</time> <span>{what}</span>");
        if detail.left_behind + detail.resolved > 0 {
            let _ = write!(
                body,
                "<p><b>{}</b> left behind · {} working again</p>",
                figure(&format!("/key_changes/{at}/left_behind"), detail.left_behind),
                figure(&format!("/key_changes/{at}/resolved"), detail.resolved),
            );
        }
        body.push_str("</li>\n");
    }
    body.push_str("</ol>\n");
    body.push_str(&more(summary.key_changes.len(), ENTRIES, "key changes"));
    section("changes", "Key changes", &body)
}

pub(super) fn live_sessions(summary: &Summary, phrases: &Phrases<'_>) -> String {
    if summary.live_sessions.is_empty() {
        return String::new();
    }
    let mut body = String::from(
        "<p class=\"note\">These outlive the key they were minted with. Their callers are expected to fail when \
         the session ends; after a leak, each is a risk until then.</p>\n<ul class=\"sessions\">\n",
    );
    for session in summary.live_sessions.iter().take(ENTRIES) {
        let _ = writeln!(body, "<li>{}</li>", phrases.session(session));
    }
    body.push_str("</ul>\n");
    body.push_str(&more(summary.live_sessions.len(), ENTRIES, "sessions"));
    section("sessions", "Live sessions of dead keys", &body)
}

pub(super) fn groups(summary: &Summary, phrases: &Phrases<'_>) -> String {
    if summary.groups.is_empty() {
        return String::new();
    }
    let now = phrases.words.now;
    let mut rows = String::new();
    for (at, group) in summary.groups.iter().take(GROUPS).enumerate() {
        let class = match group.standing {
            Standing::NeedsAction => "act",
            Standing::Quiet => "quiet",
            Standing::Ignored => "ignored",
            Standing::Resolved => "clear",
        };
        let count = |origin: &str, count: u64| match count {
            0 => "<td class=\"n none\">·</td>".to_owned(),
            _ => format!(
                "<td class=\"n\">{}</td>",
                figure(&format!("/groups/{at}/failures/{origin}"), count)
            ),
        };
        let last = match (group.expected_since, group.last_seen) {
            (Some(since), None) => format!("expected since {}", short_time(since, now)),
            (_, last) => short(last, now),
        };
        let _ = write!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code><small>{}</small></th><td>{}<small>{}</small></td>{}{}{}\
             <td>{last}</td><td><span class=\"dot {class}\"></span>{}</td><td>{}</td></tr>",
            phrases.words.key(group.access_key_id.as_deref()),
            phrases.owner(group.user_name.as_deref()),
            phrases.words.name(&group.source),
            group.clients.first().map(|client| phrases.words.name(client)).unwrap_or_default(),
            count("recorded", group.failures.recorded),
            count("reported", group.failures.reported),
            count("predicted", group.failures.predicted),
            group.standing.words(),
            group
                .cause
                .as_ref()
                .map_or_else(|| "details no longer kept".to_owned(), |cause| escape(&cause.title)),
        );
    }
    let heads = [
        ("Access key", false),
        ("Source", false),
        ("Recorded", true),
        ("Reported", true),
        ("Predicted", true),
        ("Last (UTC)", false),
        ("Standing", false),
        ("Likely cause", false),
    ];
    let body = table("Groups", &heads, &rows) + &more(summary.groups.len(), GROUPS, "groups");
    section("groups", "All groups: access key and source", &body)
}

pub(super) fn coverage(summary: &Summary, phrases: &Phrases<'_>) -> String {
    let mut body = format!(
        "<p class=\"reading\">{}</p>\n<p class=\"note\">“No failures” is said of what was read, and of nothing else: \
         where nothing was read, there is no data.</p>\n",
        escape(&summary.reading.sentence)
    );
    let now = phrases.words.now;
    let mut rows = String::new();
    for (at, coverage) in summary.coverage.iter().enumerate() {
        let lag = match coverage.read_up_to {
            Some(_) => duration(chrono::TimeDelta::seconds(coverage.lag_seconds)),
            None => "–".to_owned(),
        };
        let unread = match coverage.unread_seconds {
            0 => "–".to_owned(),
            unread => duration(chrono::TimeDelta::seconds(unread)),
        };
        let alarm = coverage.problem.is_some() || !coverage.holes.is_empty();
        let mut state = phrases.state(coverage);
        for hole in coverage.holes.iter().take(3) {
            let _ = write!(
                state,
                "<small>not read: {} to {}</small>",
                minute(hole.from),
                minute(hole.to)
            );
        }
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"n\">{lag}</td><td class=\"n\">{unread}</td>\
             <td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td{}>{state}</td></tr>",
            phrases.words.name(intake(&coverage.intake)),
            phrases.words.name(&coverage.region),
            short(coverage.read_up_to, now),
            short(coverage.last_record, now),
            figure(&format!("/coverage/{at}/seen"), coverage.seen),
            figure(&format!("/coverage/{at}/skipped"), coverage.skipped),
            if alarm { " class=\"alarm\"" } else { "" },
        );
    }
    if !rows.is_empty() {
        let heads = [
            ("Intake", false),
            ("Region", false),
            ("Read up to (UTC)", false),
            ("Lag", true),
            ("Unread in window", true),
            ("Newest record", false),
            ("Records", true),
            ("Unreadable", true),
            ("State", false),
        ];
        body.push_str(&table("Coverage", &heads, &rows));
    }
    section("coverage", "What was read", &body)
}

pub(super) fn problems(summary: &Summary, phrases: &Phrases<'_>) -> String {
    if summary.problems.is_empty() {
        return String::new();
    }
    let mut body = String::from("<ul>\n");
    for problem in summary.problems.iter().take(ENTRIES) {
        let _ = writeln!(body, "<li>{}</li>", phrases.words.sentence(problem));
    }
    body.push_str("</ul>\n");
    section("problems", "Not everything could be read for this summary", &body)
}
