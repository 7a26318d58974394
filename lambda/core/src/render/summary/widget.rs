//! A summary as a custom widget of a CloudWatch dashboard: HTML with inline SVG and CSS, without
//! script.
//!
//! Knows what CloudWatch tells a widget and takes from it
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html>).
//! A click on an incident calls the function again for one key, by the `cwdb-action` element.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::html::{escape, figure};
use super::{Options, Phrases, chart, class, incident_card, masker, origins, short, window};
use crate::render::{number, words};
use crate::summary::{IncidentView, Standing, Summary};

const STYLE: &str = include_str!("widget.css");
/// How many incidents are shown where there is room for more.
const INCIDENTS: usize = 8;
/// The most of them, on a tall widget.
const MOST: usize = 30;

/// The look of a dashboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
}

/// What CloudWatch says of the place of the widget.
#[derive(Debug, Clone)]
pub struct WidgetContext {
    /// The look of the dashboard.
    pub theme: Theme,
    /// The width in pixels; 0 where it is not known.
    pub width: u32,
    /// The height in pixels; 0 where it is not known.
    pub height: u32,
    /// The ARN of this function, which a click calls again; without it nothing can be clicked.
    pub endpoint: Option<String>,
    /// Whether to show access key IDs whole.
    pub unmask: bool,
    /// The time at which it is shown.
    pub now: DateTime<Utc>,
}

/// What the function says of itself when CloudWatch asks, in Markdown.
pub fn describe() -> &'static str {
    "### Refused AWS credentials\n\
     What the failure monitor knows of the dashboard's time range: failures over time, incidents and their likely \
     causes, and what was read.\n\n\
     No parameters are needed. One may be given:\n\n\
     ``` yaml\n\
     access_key_id: AKIA…  # show one access key only\n\
     since: 24h            # this time range in place of the dashboard's\n\
     ```\n"
}

/// The widget.
pub fn widget(summary: &Summary, context: &WidgetContext) -> String {
    let masker = masker(summary, context.unmask);
    let phrases = Phrases::new(&masker, context.now, escape);
    let theme = match context.theme {
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let small = if (1..480).contains(&context.width) { " small" } else { "" };
    let mut out = format!(
        "<style>{STYLE}</style>\n<div class=\"fm {theme}{small} {}\">\n",
        class(summary.answer.state)
    );
    head(&mut out, summary, context, &phrases);
    let _ = writeln!(
        out,
        "<div class=\"numbers\">{}</div>",
        [
            ("access_keys", summary.totals.access_keys, super::ACCESS_KEYS),
            ("sources", summary.totals.sources, super::SOURCES),
            ("live_sessions", summary.totals.live_sessions, super::LIVE_SESSIONS),
        ]
        .map(|(name, count, (one, many))| {
            let label = if count == 1 { one } else { many };
            format!("<span><b>{}</b> {label}</span>", figure(&format!("/totals/{name}"), count))
        })
        .concat()
    );
    if summary.totals.failures.total() > 0 {
        out.push_str(&chart::timeline(summary, "fm"));
        out.push_str(&chart::legend(summary));
    }
    if summary.access_key_id.is_some() {
        for (at, incident) in summary.incidents.iter().take(INCIDENTS).enumerate() {
            out.push_str(&incident_card::card(at, incident, &phrases));
        }
    } else {
        incidents(&mut out, summary, context, &phrases);
    }
    let _ = writeln!(out, "<p class=\"reading\">{}</p>", escape(&summary.reading.sentence));
    for problem in summary.problems.iter().take(3) {
        let _ = writeln!(out, "<p class=\"reading\">{}</p>", phrases.words.sentence(problem));
    }
    out.push_str("</div>\n");
    out
}

fn head(out: &mut String, summary: &Summary, context: &WidgetContext, phrases: &Phrases<'_>) {
    if let Some(id) = summary.access_key_id.as_deref() {
        let _ = write!(
            out,
            "<p class=\"only\">Access key <code>{}</code>",
            phrases.words.key(Some(id))
        );
        if let Some(endpoint) = &context.endpoint {
            out.push_str(" <a class=\"btn\">Show all</a>");
            out.push_str(&call(endpoint, &json!({ "task": "widget" })));
        }
        out.push_str("</p>\n");
    }
    let _ = writeln!(
        out,
        "<h1>{}</h1>\n<p class=\"window\">{}</p>\n<p class=\"caveat\">{}</p>",
        escape(&summary.answer.headline),
        escape(&window(summary)),
        escape(&summary.answer.caveat)
    );
}

/// A click on the element before it calls the function with this payload.
fn call(endpoint: &str, payload: &serde_json::Value) -> String {
    format!(
        "<cwdb-action action=\"call\" display=\"widget\" endpoint=\"{}\">{}</cwdb-action>",
        escape(endpoint),
        escape(&payload.to_string())
    )
}

fn incidents(out: &mut String, summary: &Summary, context: &WidgetContext, phrases: &Phrases<'_>) {
    if summary.incidents.is_empty() {
        return;
    }
    // A row takes about 48 pixels, everything else about 330.
    let room = (context.height.saturating_sub(330) / 48) as usize;
    let shown = room.clamp(INCIDENTS, MOST);
    out.push_str(
        "<table><thead><tr><th scope=\"col\">Incident</th><th scope=\"col\">Failures</th>\
         <th scope=\"col\">Last (UTC)</th><th scope=\"col\">Likely cause</th></tr></thead><tbody>\n",
    );
    for (at, incident) in summary.incidents.iter().take(shown).enumerate() {
        out.push_str(&row(at, incident, context, phrases));
    }
    out.push_str("</tbody></table>\n");
    let more = summary.incidents.len().saturating_sub(shown);
    if more > 0 {
        let _ =
            writeln!(out, "<p class=\"reading\">and {} more incidents</p>", number(more as u64));
    }
}

fn row(
    at: usize,
    incident: &IncidentView,
    context: &WidgetContext,
    phrases: &Phrases<'_>,
) -> String {
    let standing = match incident.standing {
        Standing::NeedsAction => "act",
        Standing::Quiet => "quiet",
        Standing::Ignored => "ignored",
        Standing::Resolved => "clear",
    };
    let subject = phrases.subject(incident);
    let subject = match (&context.endpoint, &incident.access_key_id) {
        (Some(endpoint), Some(id)) => {
            let payload = json!({ "task": "widget", "access_key_id": id });
            format!("<a>{subject}</a>{}", call(endpoint, &payload))
        }
        _ => subject,
    };
    let below = match &incident.source {
        Some(_) => phrases.words.names(incident.clients.iter().take(1)),
        None => phrases.sources(incident, 1),
    };
    let owner = phrases.owner(incident.user_name.as_deref());
    let below: Vec<String> = [owner, below].into_iter().filter(|text| !text.is_empty()).collect();
    let cause = incident.causes.first().map_or_else(String::new, |cause| {
        let confidence = words::cause_label(0, cause).1;
        let confidence = confidence.map(|name| format!(" <small>{name}</small>"));
        format!("{}{}", escape(cause.title), confidence.unwrap_or_default())
    });
    let mut counts = String::new();
    for (origin, count) in [
        ("recorded", incident.failures.recorded),
        ("reported", incident.failures.reported),
        ("predicted", incident.failures.predicted),
    ] {
        if count > 0 {
            let figure = figure(&format!("/incidents/{at}/failures/{origin}"), count);
            let _ = write!(
                counts,
                "<span><span class=\"key {origin}\"></span>{figure} {origin}</span>"
            );
        }
    }
    if counts.is_empty() {
        counts = origins(incident.failures);
    }
    format!(
        "<tr><th scope=\"row\"><span class=\"dot {standing}\"></span><code>{subject}</code><small>{}</small></th>\
         <td class=\"counts\">{counts}</td><td>{}</td><td><small>{}</small>{cause}</td></tr>\n",
        below.join(" · "),
        short(incident.expected_since.max(incident.last_failure), context.now),
        incident.standing.words(),
    )
}

impl From<&WidgetContext> for Options {
    fn from(context: &WidgetContext) -> Options {
        Options { width: 80, colour: false, unmask: context.unmask, now: context.now }
    }
}
