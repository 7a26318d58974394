//! One incident in HTML: what it is, what is known, the likely cause, and what to do, with commands
//! that one click selects.

use std::fmt::Write;

use super::html::{escape, figure};
use super::{Phrases, titled};
use crate::cause::Diagnosis;
use crate::render::{duration, time, words};
use crate::summary::{IncidentView, Standing};

/// How many incidents are shown open.
const OPEN: usize = 6;
/// How many sources are named.
const SOURCES: usize = 5;

/// The card of an incident; `at` is its place in the summary.
pub(super) fn card(at: usize, incident: &IncidentView, phrases: &Phrases<'_>) -> String {
    let mut out = String::new();
    let (standing, words_of) = match incident.standing {
        Standing::NeedsAction => ("act", "needs action"),
        Standing::Quiet => ("quiet", "quiet"),
        Standing::Ignored => ("ignored", "ignored"),
        Standing::Resolved => ("clear", "resolved"),
    };
    let open = if at < OPEN && incident.standing == Standing::NeedsAction { " open" } else { "" };
    let owner = phrases.owner(incident.user_name.as_deref());
    let owner =
        if owner.is_empty() { owner } else { format!(" <span class=\"owner\">{owner}</span>") };
    let title = incident.causes.first().map(|cause| escape(cause.title)).unwrap_or_default();
    let _ = write!(
        out,
        "<article class=\"incident {standing}\" aria-labelledby=\"i{at}\"><details{open}><summary>\
         <span class=\"badge {standing}\">{words_of}</span><h3 id=\"i{at}\"><code>{}</code>{owner}</h3>\
         <span class=\"why\">{title}</span><span class=\"counts\">{}</span></summary>\n<div class=\"body\">\n",
        phrases.subject(incident),
        counts(at, incident),
    );
    out.push_str("<dl>");
    for (label, text) in facts(incident, phrases) {
        let _ = write!(out, "<div><dt>{label}</dt><dd>{text}</dd></div>");
    }
    out.push_str("</dl>\n");
    for (place, cause) in incident.causes.iter().enumerate() {
        causes(&mut out, place, cause, phrases);
    }
    for text in &incident.unread {
        let _ = writeln!(out, "<p class=\"unread\">Not read: {}</p>", phrases.words.sentence(text));
    }
    out.push_str("</div></details></article>\n");
    out
}

fn counts(at: usize, incident: &IncidentView) -> String {
    let failures = incident.failures;
    let mut parts = Vec::new();
    for (origin, count) in [
        ("recorded", failures.recorded),
        ("reported", failures.reported),
        ("predicted", failures.predicted),
    ] {
        if count > 0 {
            let figure = figure(&format!("/incidents/{at}/failures/{origin}"), count);
            parts.push(format!("<span class=\"key {origin}\"></span>{figure} {origin}"));
        }
    }
    if parts.is_empty() { "none in this window".to_owned() } else { parts.join(" ") }
}

/// What is known, as labels and HTML.
fn facts(incident: &IncidentView, phrases: &Phrases<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(at) = incident.resolved {
        facts.push(("Resolved", time(at)));
    }
    if let Some(text) = phrases.expected(incident) {
        facts.push(("Expected", text));
    }
    if incident.source.is_none() && !incident.sources.is_empty() {
        facts.push(("From", phrases.sources(incident, SOURCES)));
    }
    for (label, names) in [("Client", &incident.clients), ("Principal", &incident.principals)] {
        if !names.is_empty() {
            facts.push((label, phrases.words.names(names)));
        }
    }
    if let Some(account) = &incident.account {
        facts.push(("Account", phrases.words.name(account)));
    }
    let mut when = format!("first {}", time(incident.opened));
    if let Some(last) = incident.last_failure {
        let ago = duration(phrases.words.now - last);
        let _ = write!(when, ", last {} ({ago} ago)", time(last));
    }
    facts.push(("Seen", when));
    facts.push(("Alerts", phrases.told(incident)));
    facts
}

fn causes(out: &mut String, place: usize, cause: &Diagnosis, phrases: &Phrases<'_>) {
    let (label, confidence) = words::cause_label(place, cause);
    let title = match confidence {
        Some(_) => escape(&titled(cause)),
        None => escape(cause.title),
    };
    if place == 0 {
        let _ = writeln!(out, "<h4><span>{label}</span> {title}</h4>\n<ul class=\"evidence\">");
    } else {
        let _ = writeln!(
            out,
            "<details class=\"other\"><summary><span>{label}</span> {title}</summary>\n<ul class=\"evidence\">"
        );
    }
    for evidence in &cause.evidence {
        let events = phrases.words.events(&evidence.event_ids);
        let events = events.map(|text| format!(" <small>{text}</small>")).unwrap_or_default();
        let _ = writeln!(out, "<li>{}{events}</li>", phrases.words.sentence(&evidence.fact));
    }
    out.push_str("</ul>\n<p class=\"do\">What to do</p>\n<ol class=\"steps\">\n");
    for step in &cause.next_steps {
        let (text, command) = phrases.words.step(step);
        let _ = write!(out, "<li>{text}");
        if let Some(command) = command {
            let _ = write!(out, "<pre tabindex=\"0\"><code>{}</code></pre>", escape(&command));
        }
        out.push_str("</li>\n");
    }
    let _ = writeln!(
        out,
        "</ol>\n<p class=\"not\">{} <a href=\"{}\" rel=\"noreferrer\">Read more</a></p>",
        escape(&words::not_meant(cause)),
        escape(cause.reference)
    );
    if place > 0 {
        out.push_str("</details>\n");
    }
}
