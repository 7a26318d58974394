//! A summary as a message that is sent every day or week: a subject for e-mail and a short text
//! without marks, fit for any channel.

use super::{MASKED, Options, Phrases, accounting, masker, origins, titled, window};
use crate::render::{cut, number, terminal::escape};
use crate::summary::{Standing, Summary};

/// How many incidents are told.
const INCIDENTS: usize = 10;
/// The most characters of an SNS subject.
const SUBJECT: usize = 99;

/// A digest to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Printable ASCII on one line, at most 99 characters, as SNS wants it.
    pub subject: String,
    /// The text; lines end with a newline.
    pub text: String,
}

/// The digest of a summary.
pub fn digest(summary: &Summary, options: &Options) -> Digest {
    let masker = masker(summary, options.unmask);
    let phrases = Phrases::new(&masker, options.now, escape);
    let headline = escape(&summary.answer.headline);
    let subject: String = format!("Refused AWS credentials: {headline}")
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(SUBJECT)
        .collect();
    let mut lines = vec![
        format!("{headline}."),
        format!("Time: {}.", window(summary)),
        format!("Failures: {}.", origins(summary.totals.failures)),
        escape(&summary.reading.sentence),
        escape(&summary.answer.caveat),
    ];
    let told = summary
        .incidents
        .iter()
        .filter(|incident| matches!(incident.standing, Standing::NeedsAction | Standing::Quiet));
    for (at, incident) in told.clone().take(INCIDENTS).enumerate() {
        let owner = phrases.owner(incident.user_name.as_deref());
        let owner = if owner.is_empty() { owner } else { format!(" ({owner})") };
        let from = match incident.source {
            Some(_) => String::new(),
            None => format!(" from {}", phrases.sources(incident, 3)),
        };
        lines.push(String::new());
        lines.push(format!("{}. {}{owner}{from}", at + 1, phrases.subject(incident)));
        lines.push(format!("   Failures: {}", origins(incident.failures)));
        lines.extend(phrases.expected(incident).map(|text| format!("   {text}")));
        if let Some(cause) = incident.causes.first() {
            lines.push(format!("   Likely cause: {}", titled(cause)));
            if let Some(step) = cause.next_steps.first() {
                let (text, command) = phrases.words.step(step);
                lines.push(format!("   What to do: {text}"));
                lines.extend(command.map(|command| format!("      {command}")));
            }
        }
    }
    let more = told.count().saturating_sub(INCIDENTS);
    if more > 0 {
        lines.push(format!("\nand {} more incidents", number(more as u64)));
    }
    if !summary.live_sessions.is_empty() {
        lines.push("\nLive sessions of dead keys:".to_owned());
        lines.extend(
            summary
                .live_sessions
                .iter()
                .take(INCIDENTS)
                .map(|session| format!("- {}", phrases.session(session))),
        );
    }
    lines.push(format!("\n{}.", accounting(summary)));
    if masker.masks {
        lines.push(MASKED.to_owned());
    }
    let text = lines.join("\n") + "\n";
    // Far below what SNS takes, and as much as a person reads.
    Digest { subject, text: cut(&text, 20_000).into_owned() }
}
