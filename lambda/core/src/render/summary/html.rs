//! A summary as one HTML page that needs nothing else: no network, no script; light and dark, wide
//! and narrow, on screen and on paper.
//!
//! Every number that is in the JSON carries the JSON pointer of it in `data-json`, so that a test in
//! a browser compares them all.

use std::fmt::Write;

use super::{
    MASKED, Options, Phrases, accounting, chart, class, incident_card, masker, minute, sections,
    window,
};
use crate::render::{number, visible};
use crate::summary::Summary;

const STYLE: &str = include_str!("report.css");

/// How many incidents are shown with all that is known of them.
const CARDS: usize = 40;

/// The page.
pub fn html(summary: &Summary, options: &Options) -> String {
    let masker = masker(summary, options.unmask);
    let phrases = Phrases::new(&masker, options.now, escape);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         img-src data:\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body class=\"{}\">\n",
        escape(&summary.answer.headline),
        class(summary.answer.state),
    );
    head(&mut out, summary, &phrases);
    out.push_str("<main>\n");
    overview(&mut out, summary);
    incidents(&mut out, summary, &phrases);
    out.push_str(&sections::matrix(summary, &phrases));
    out.push_str(&sections::key_changes(summary, &phrases));
    out.push_str(&sections::live_sessions(summary, &phrases));
    out.push_str(&sections::groups(summary, &phrases));
    out.push_str(&sections::coverage(summary, &phrases));
    out.push_str(&sections::problems(summary, &phrases));
    out.push_str("</main>\n<footer>\n");
    let _ = writeln!(out, "<p>{}.</p>", escape(&accounting(summary)));
    if masker.masks {
        let _ = writeln!(out, "<p>{MASKED} <code>--unmask</code> shows them whole.</p>");
    }
    if let Some(cut) = &summary.cut {
        let _ = writeln!(out, "<p>{}</p>", escape(&cut.sentence));
    }
    let _ = writeln!(
        out,
        "<p>Made {} by failure-monitor. Failures are counted in five minutes: those that begin in \
         the window belong to it.</p>\n</footer>\n</body>\n</html>",
        minute(summary.generated)
    );
    out
}

fn head(out: &mut String, summary: &Summary, phrases: &Phrases<'_>) {
    let key = summary.access_key_id.as_deref().map(|id| {
        format!(
            "<p class=\"only\">Only access key <code>{}</code></p>",
            phrases.words.key(Some(id))
        )
    });
    let _ = write!(
        out,
        "<header>\n<p class=\"eyebrow\">Refused AWS credentials <span>{}</span></p>\n<h1>{}</h1>\n{}\
         <p class=\"reading {}\">{}</p>\n<p class=\"caveat\">{}</p>\n</header>\n",
        escape(&window(summary)),
        escape(&summary.answer.headline),
        key.unwrap_or_default(),
        match summary.reading.extent {
            crate::summary::Extent::Complete => "complete",
            _ => "incomplete",
        },
        escape(&summary.reading.sentence),
        escape(&summary.answer.caveat),
    );
}

/// What is understood in ten seconds: the numbers, when, and why.
fn overview(out: &mut String, summary: &Summary) {
    let totals = &summary.totals;
    out.push_str("<section aria-labelledby=\"now\" class=\"overview\">\n<h2 id=\"now\">Overview</h2>\n<ul class=\"tiles\">");
    let act = totals.need_action > 0;
    let live = totals.live_sessions > 0;
    for (pointer, count, (one, many), loud) in [
        ("need_action", totals.need_action, ("needs action", "need action"), act),
        ("resolved", totals.resolved, ("resolved", "resolved"), false),
        ("access_keys", totals.access_keys, super::ACCESS_KEYS, false),
        ("sources", totals.sources, super::SOURCES, false),
        ("key_changes", totals.key_changes, ("key change", "key changes"), false),
        ("live_sessions", totals.live_sessions, super::LIVE_SESSIONS, live),
    ] {
        let label = if count == 1 { one } else { many };
        let loud = if loud { " class=\"loud\"" } else { "" };
        let _ = write!(
            out,
            "<li{loud}><b>{}</b> <span>{label}</span></li>",
            figure(&format!("/totals/{pointer}"), count)
        );
    }
    let _ = write!(
        out,
        "</ul>\n<div class=\"two\"><figure>\n<figcaption>Failures over time</figcaption>\n{}{}{}</figure>\n{}</div>\n</section>\n",
        chart::timeline(summary, "time"),
        chart::legend(summary),
        chart::table(summary),
        sections::causes(summary),
    );
}

fn incidents(out: &mut String, summary: &Summary, phrases: &Phrases<'_>) {
    if summary.incidents.is_empty() {
        return;
    }
    out.push_str("<section aria-labelledby=\"incidents\">\n<h2 id=\"incidents\">Incidents</h2>\n");
    for (at, incident) in summary.incidents.iter().take(CARDS).enumerate() {
        out.push_str(&incident_card::card(at, incident, phrases));
    }
    let more = summary.incidents.len().saturating_sub(CARDS);
    if more > 0 {
        let _ = writeln!(
            out,
            "<p class=\"more\">and {} more incidents; JSON has them all</p>",
            number(more as u64)
        );
    }
    out.push_str("</section>\n");
}

/// What a stranger wrote, as text and nothing else, in an element or in a quoted attribute.
pub fn escape(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            c => out.push(c),
        }
    }
    out
}

/// A number with the place in the JSON that it comes from.
pub(super) fn figure(pointer: &str, count: u64) -> String {
    format!("<data data-json=\"{pointer}\" value=\"{count}\">{}</data>", number(count))
}
