//! What is posted to a Slack incoming webhook: an alert, an alarm of CloudWatch, or any other text
//! that comes by SNS.
//!
//! Knows Slack's mrkdwn and the limits of Block Kit
//! (<https://docs.slack.dev/reference/block-kit/blocks>).

use serde::Deserialize;
use serde_json::{Value, json};

use super::masker;
use crate::alert::{Alert, AlertIncident, Due, Kind, SCHEMA};
use crate::finding::Finding;
use crate::render::words::{self, Words};
use crate::render::{counted, visible};

/// Blocks in one message.
const BLOCKS: usize = 50;
/// Characters of a section's text.
const SECTION_CHARS: usize = 3_000;
/// Characters of a header.
const HEADER_CHARS: usize = 150;
/// How many messages one message of SNS becomes at most; Slack takes about one a second.
const MESSAGES: usize = 3;
/// How many steps are shown.
const STEPS: usize = 5;
/// How many findings are told in detail.
const DETAILED: usize = 3;

/// The payloads for one message of SNS, to be posted one after the other: alert JSON, an alarm of
/// CloudWatch, or any other text.
pub fn blocks(sns_message: &str, subject: Option<&str>, unmask: bool) -> Vec<Value> {
    #[derive(Deserialize)]
    struct Schema {
        schema: String,
    }
    let is_alert = serde_json::from_str::<Schema>(sns_message).is_ok_and(|it| it.schema == SCHEMA);
    if is_alert && let Ok(alert) = serde_json::from_str::<Alert>(sns_message) {
        return of_alert(&alert, unmask);
    }
    match serde_json::from_str::<Alarm>(sns_message) {
        Ok(alarm) => of_alarm(&alarm),
        Err(_) => of_text(sns_message, subject, unmask),
    }
}

/// What a stranger wrote, as text of mrkdwn that mentions nobody, links nowhere and has no looks.
pub(super) fn escape(text: &str) -> String {
    let text = super::unlinked(&visible(text));
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Slack has no escape for its marks: these look alike.
            '*' => out.push('∗'),
            '~' => out.push('∼'),
            '`' => out.push('ˋ'),
            '@' if calls_everybody(&text[at + 1..]) => out.push('＠'),
            c => out.push(c),
        }
    }
    out
}

/// Whether what follows an `@` would call everybody.
fn calls_everybody(text: &str) -> bool {
    ["here", "channel", "everyone", "group"].iter().any(|word| {
        text.as_bytes().get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// A text between backticks: nothing is a mark there but the three characters and the backtick.
pub(super) fn code(text: &str) -> String {
    let text = visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('`', "ˋ")
}

/// The beginning of escaped text, of so many characters; no entity is cut in two.
pub(super) fn clipped(text: &str, chars: usize) -> String {
    let Some((at, _)) = text.char_indices().nth(chars) else { return text.to_owned() };
    let end = text[..at].char_indices().next_back().map_or(0, |(last, _)| last);
    let mut kept = &text[..end];
    if let Some(begin) = kept.rfind('&')
        && !kept[begin..].contains(';')
    {
        kept = &kept[..begin];
    }
    // A mark that is open would take what follows for code.
    let open = kept.matches('`').count() % 2 == 1;
    let kept = match kept.rfind('`') {
        Some(begin) if open => &kept[..begin],
        _ => kept,
    };
    format!("{kept}…")
}

/// Blocks, and the text that notifications show.
struct Page {
    fallback: String,
    blocks: Vec<Value>,
}

impl Page {
    fn new(headline: &str) -> Page {
        // A header is plain text without marks; in case it has entities, there are none to read.
        let plain = headline.replace("&lt;", "‹").replace("&gt;", "›").replace("&amp;", "&");
        let header: String = plain.chars().take(HEADER_CHARS).collect();
        let header = if header.trim().is_empty() { "Message".to_owned() } else { header };
        let block = json!({
            "type": "header",
            "text": { "type": "plain_text", "text": header, "emoji": false },
        });
        Page { fallback: clipped(headline, SECTION_CHARS), blocks: vec![block] }
    }

    fn section(&mut self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.blocks.push(json!({
            "type": "section",
            "text": {
                "type": "mrkdwn", "text": clipped(text, SECTION_CHARS), "verbatim": true,
            },
        }));
    }

    /// Lines, as many to a section as it takes.
    fn lines(&mut self, lines: impl IntoIterator<Item = String>) {
        let mut section = String::new();
        let mut length = 0;
        for line in lines {
            let line = clipped(&line, SECTION_CHARS);
            let chars = line.chars().count() + 1;
            if length + chars > SECTION_CHARS {
                self.section(&section);
                section.clear();
                length = 0;
            }
            if !section.is_empty() {
                section.push('\n');
            }
            section.push_str(&line);
            length += chars;
        }
        self.section(&section);
    }

    fn context(&mut self, text: &str) {
        let text = clipped(text, SECTION_CHARS);
        self.blocks.push(json!({
            "type": "context",
            "elements": [{ "type": "mrkdwn", "text": text, "verbatim": true }],
        }));
    }

    /// The messages; what is too much for them is left out, and how to see it is said.
    fn payloads(mut self, rest: &str) -> Vec<Value> {
        if self.blocks.len() > BLOCKS * MESSAGES {
            let last = self.blocks.split_off(BLOCKS * MESSAGES - 1);
            let more = counted(last.len() as u64, "more part", "more parts");
            self.section(&format!("… and {more}. {rest}"));
        }
        let mut out = Vec::new();
        for (nth, blocks) in self.blocks.chunks(BLOCKS).enumerate() {
            let text = match nth {
                0 => self.fallback.clone(),
                _ => "… continued".to_owned(),
            };
            out.push(json!({
                "text": text, "blocks": blocks, "unfurl_links": false, "unfurl_media": false,
            }));
        }
        out
    }
}

fn of_alert(alert: &Alert, unmask: bool) -> Vec<Value> {
    let masker = masker(alert, unmask);
    let words = Words { masker: &masker, now: alert.time, escape };
    let mut page = Page::new(&words.in_short(alert));
    match (alert.kind, alert.incidents.as_slice()) {
        (Kind::Incident | Kind::Test, [incident]) => {
            incident_page(&mut page, &words, alert, incident)
        }
        _ => {
            page.lines(alert.incidents.iter().enumerate().map(|(nth, incident)| {
                format!("{}. {}", nth + 1, clipped(&words.in_digest(incident), 1_000))
            }));
            if alert.more_incidents > 0 {
                page.section(&format!("… and {} more", alert.more_incidents));
            }
        }
    }
    let command = format!("Everything of the last day: `{}`", code(&words::summary_command(alert)));
    page.section(&command);
    let mut foot = format!(
        "Sent by {} in {} · alert {}",
        escape(&alert.monitor.name),
        escape(&alert.monitor.region),
        escape(&alert.alert_id)
    );
    if let Some(url) = &alert.monitor.dashboard_url {
        let url = url.replace(['|', '<', '>'], "").replace('&', "&amp;");
        foot.push_str(&format!(" · <{}|dashboard>", visible(&url)));
    }
    if masker.masks {
        foot.push_str(" · access key IDs are masked");
    }
    page.context(&foot);
    page.payloads(&command)
}

fn incident_page(page: &mut Page, words: &Words<'_>, alert: &Alert, incident: &AlertIncident) {
    if alert.kind == Kind::Test {
        page.section("*THIS IS A TEST.* Nothing happened; everything below is made up.");
    }
    page.section(&words.opening(incident));
    if incident.due == Due::Closing {
        let proofs = incident.findings.iter().filter_map(|finding| {
            Some(format!("• {}: {}", words.name(&finding.source), words.proof(finding)?))
        });
        page.lines(proofs);
        return;
    }
    let mut facts = Vec::new();
    facts.push(format!("*What:* {}", words.what(incident).join(" ")));
    facts.push(format!("*Key:* {}", words.whose(incident)));
    facts.push(format!("*From:* {}", words.places(incident).join("; ")));
    page.lines(facts);
    if let Some(cause) = incident.cause() {
        let (label, confidence) = words::cause_label(0, cause);
        let sure = confidence.map(|name| format!(" ({name} confidence)")).unwrap_or_default();
        let mut why = vec![format!("*{label}:* {}{sure}", cause.title)];
        for evidence in cause.evidence.iter().take(4) {
            let events = words.events(&evidence.event_ids);
            let events = events.map(|events| format!(" ({events})")).unwrap_or_default();
            why.push(format!("• {}{events}", words.sentence(&evidence.fact)));
        }
        why.extend(words.other_causes(incident));
        page.lines(why);
        let mut steps = vec!["*What to do now:*".to_owned()];
        for (nth, step) in cause.next_steps.iter().take(STEPS).enumerate() {
            let (text, command) = words.step(step);
            let command = command.map(|command| format!("\n`{}`", code(&command)));
            steps.push(format!("{}. {text}{}", nth + 1, command.unwrap_or_default()));
        }
        steps.push(format!("{} <{}|Read more>", words::not_meant(cause), cause.reference));
        page.lines(steps);
    }
    let sure = incident.cause().map(|cause| words::certainty(cause).to_owned());
    let sure: Vec<String> = sure.into_iter().chain(words.unseen(incident)).collect();
    page.section(&format!("*How sure:* {}", sure.join(" ")));
    let (text, rule) = words::mute(incident);
    if let Some(rule) = rule {
        page.section(&format!("{text} `{}`", code(&words.masker.text(&rule))));
    }
    let detailed: Vec<&Finding> = incident.findings.iter().take(DETAILED).collect();
    for finding in &detailed {
        let title = format!("*{}*", words.title(finding));
        let known = words.known(finding).into_iter();
        page.lines(
            std::iter::once(title).chain(known.map(|(label, text)| format!("{label}: {text}"))),
        );
    }
    let more = (incident.findings.len() - detailed.len()) as u64 + incident.more_findings;
    if more > 0 {
        let more = counted(more, "more key and source", "more pairs of key and source");
        page.section(&format!("… and {more}"));
    }
}

/// What CloudWatch sends when an alarm changes its state
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html>).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alarm {
    alarm_name: String,
    alarm_description: Option<String>,
    new_state_value: String,
    new_state_reason: Option<String>,
    state_change_time: Option<String>,
    region: Option<String>,
    #[serde(rename = "AWSAccountId")]
    account: Option<String>,
}

fn of_alarm(alarm: &Alarm) -> Vec<Value> {
    let state = match alarm.new_state_value.as_str() {
        "ALARM" => "Alarm",
        "OK" => "Alarm is over",
        "INSUFFICIENT_DATA" => "Alarm has no data",
        other => other,
    };
    let mut page = Page::new(&format!("{}: {}", escape(state), escape(&alarm.alarm_name)));
    page.lines(
        alarm.alarm_description.iter().chain(&alarm.new_state_reason).map(|text| escape(text)),
    );
    let foot = [&alarm.account, &alarm.region, &alarm.state_change_time];
    let foot: Vec<String> = foot.into_iter().flatten().map(|text| escape(text)).collect();
    if !foot.is_empty() {
        page.context(&foot.join(" · "));
    }
    page.payloads("The alarm in CloudWatch has them.")
}

fn of_text(text: &str, subject: Option<&str>, unmask: bool) -> Vec<Value> {
    let masker = crate::render::masker::Masker::of_ids(std::iter::empty(), unmask);
    let shown = |text: &str| escape(&masker.text(text));
    let subject = subject.map(str::trim).filter(|subject| !subject.is_empty());
    let mut page = Page::new(&shown(subject.unwrap_or("Message from Amazon SNS")));
    page.lines(text.lines().flat_map(|line| pieces(&shown(line))));
    page.payloads("The message in SNS has them.")
}

/// A long line in pieces that a section takes.
fn pieces(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some((at, _)) = rest.char_indices().nth(SECTION_CHARS - 10) {
        let head = &rest[..at];
        // No entity is cut in two.
        let open = head.rfind('&').filter(|begin| !head[*begin..].contains(';'));
        let cut = open.filter(|begin| *begin > 0).unwrap_or(at);
        out.push(rest[..cut].to_owned());
        rest = &rest[cut..];
    }
    out.push(rest.to_owned());
    out
}
