//! The `summary` handler: answers questions about a window of time, and is a widget on a CloudWatch
//! dashboard. Reads only.
//!
//! Knows what it may be asked and in what form; must not know where the answer is kept.

use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::render::summary::widget::{self, Theme, WidgetContext};
use failure_monitor_core::render::summary::{Options, html, markdown};
use failure_monitor_core::summary::{Continuation, Summary, Window, build};
use serde::Deserialize;
use serde_json::Value;

use crate::store::{Store, Typed, material};

/// The most bytes of an answer: a synchronous call takes 6 MB
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const MOST_BYTES: usize = 5_500_000;
/// The end of a window is exclusive, and what happens in this second belongs to it.
const WITH_NOW: TimeDelta = TimeDelta::seconds(1);
/// The window that nobody asked for otherwise.
const SINCE: &str = "24h";

/// What is known beside the question.
#[derive(Debug, Clone)]
pub struct Context {
    /// The time of the call.
    pub now: DateTime<Utc>,
    /// Whether people see access key IDs whole.
    pub unmask: bool,
    /// The ARN under which this function was called; a widget calls it again.
    pub function_arn: Option<String>,
}

/// A direct question.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Question {
    task: Option<String>,
    since: Option<String>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    format: Format,
    access_key_id: Option<String>,
    /// The continuation of an answer that was cut.
    next: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Markdown,
    Html,
}

/// What CloudWatch says with each call of a widget.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Place {
    theme: String,
    width: f64,
    height: f64,
    time_range: Option<TimeRange>,
    params: Option<Parameters>,
}

/// The dashboard's time range, in milliseconds since 1970; `zoom` where somebody zoomed in.
#[derive(Debug, Deserialize)]
struct TimeRange {
    start: f64,
    end: f64,
    zoom: Option<Box<TimeRange>>,
}

/// What a widget is about; from its settings, or from a click.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Parameters {
    since: Option<String>,
    access_key_id: Option<String>,
}

/// Answers a payload.
///
/// # Errors
/// Where the question is wrong or the store does not answer.
pub async fn handle<S: Store>(
    typed: &Typed<S>,
    payload: Value,
    context: &Context,
) -> anyhow::Result<Value> {
    if payload.get("describe").and_then(Value::as_bool) == Some(true) {
        return Ok(widget::describe().into());
    }
    if let Some(place) = payload.get("widgetContext") {
        return on_dashboard(typed, &payload, place, context).await.map(Value::String);
    }
    let question: Question =
        serde_json::from_value(payload).context("this is no question for the summary")?;
    if let Some(task) = question.task.as_deref().filter(|task| *task != "summary") {
        bail!("the summary knows no task {task:?}: ask for \"summary\"");
    }
    let (window, first) = window(&question, context.now)?;
    let mut summary = summarised(typed, window, question.access_key_id.as_deref(), context).await?;
    let options = Options { width: 80, colour: false, unmask: context.unmask, now: context.now };
    Ok(match question.format {
        Format::Json => {
            summary.part(first, MOST_BYTES);
            serde_json::to_value(summary)?
        }
        Format::Markdown => markdown::markdown(&summary, &options).into(),
        Format::Html => html::html(&summary, &options).into(),
    })
}

async fn summarised<S: Store>(
    typed: &Typed<S>,
    window: Window,
    access_key_id: Option<&str>,
    context: &Context,
) -> anyhow::Result<Summary> {
    let summary = build(window, material(typed, window).await?, context.now);
    Ok(match access_key_id {
        Some(id) => summary.only(id),
        None => summary,
    })
}

/// The window that is asked about, and the first entry of the answer.
fn window(question: &Question, now: DateTime<Utc>) -> anyhow::Result<(Window, u64)> {
    if let Some(next) = &question.next {
        let next = Continuation::parse(next).context("\"next\" is no continuation")?;
        return Ok((next.window, next.first));
    }
    let window = match (question.from, question.to, &question.since) {
        (None, None, since) => Window::parse(since.as_deref().unwrap_or(SINCE), now + WITH_NOW),
        (Some(from), to, None) => Window::between(from, to.unwrap_or(now + WITH_NOW)),
        (None, Some(_), _) => Err("\"to\" needs \"from\"".to_owned()),
        (Some(_), _, Some(_)) => Err("say \"since\" or \"from\", not both".to_owned()),
    };
    Ok((window.map_err(anyhow::Error::msg)?, 0))
}

async fn on_dashboard<S: Store>(
    typed: &Typed<S>,
    payload: &Value,
    place: &Value,
    context: &Context,
) -> anyhow::Result<String> {
    let place: Place = Place::deserialize(place).context("this is no widgetContext")?;
    // A click says what it wants beside the context; otherwise the widget's own settings hold.
    let clicked = payload.get("task").and_then(Value::as_str) == Some("widget");
    let parameters = match clicked {
        true => Parameters::deserialize(payload).context("these are no parameters of a widget")?,
        false => place.params.clone().unwrap_or_default(),
    };
    let pixels = |pixels: f64| pixels.clamp(0.0, 100_000.0) as u32;
    let shown = WidgetContext {
        theme: if place.theme == "dark" { Theme::Dark } else { Theme::Light },
        width: pixels(place.width),
        height: pixels(place.height),
        endpoint: context.function_arn.clone(),
        unmask: context.unmask,
        now: context.now,
    };
    let window = match (&parameters.since, &place.time_range) {
        (None, Some(range)) => of_dashboard(range.zoom.as_deref().unwrap_or(range)),
        (since, _) => Window::parse(since.as_deref().unwrap_or(SINCE), context.now + WITH_NOW),
    };
    let window = window.map_err(anyhow::Error::msg)?;
    let id = parameters.access_key_id.as_deref().filter(|id| !id.is_empty());
    Ok(widget::widget(&summarised(typed, window, id, context).await?, &shown))
}

fn of_dashboard(range: &TimeRange) -> Result<Window, String> {
    let time = |milliseconds: f64| {
        DateTime::from_timestamp_millis(milliseconds as i64)
            .ok_or_else(|| "the dashboard's time range is out of bounds".to_owned())
    };
    Window::between(time(range.start)?, time(range.end)?)
}

#[cfg(test)]
mod tests;
