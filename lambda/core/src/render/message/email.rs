//! An alert as plain text for an email: 80 columns, nothing that needs a fixed pitch.
//!
//! The first screen answers what fails, whose key it is, from where, since when, why, what to do,
//! how sure that is and how to mute it; then come the details.

use super::{beginning, masker, unlinked};
use crate::alert::{Alert, AlertIncident, Due, Kind};
use crate::finding::Finding;
use crate::render::words::{self, Words};
use crate::render::{counted, number, visible, wrap};

const WIDTH: usize = 80;
/// The indent of what goes on on the next line.
const INDENT: &str = "  ";
/// The indent of a command: commands are never broken, so that they can be copied.
const COMMAND: &str = "     ";
/// How many steps are shown.
const STEPS: usize = 5;
/// How many facts are shown for a cause.
const FACTS: usize = 4;
/// How many findings are told in detail.
const DETAILED: usize = 5;
/// How many incidents of a digest are told.
const INCIDENTS: usize = 40;

/// The text, of so many bytes at most.
pub(super) fn render(alert: &Alert, unmask: bool, bytes: usize) -> String {
    let masker = masker(alert, unmask);
    let words = Words { masker: &masker, now: alert.time, escape };
    let mut page = Page { out: String::new(), words };
    let foot = page.foot(alert);
    match (alert.kind, alert.incidents.as_slice()) {
        (Kind::Incident | Kind::Test, [incident]) => page.incident(alert, incident),
        _ => page.digest(alert),
    }
    if masker.masks {
        page.wrapped(
            "",
            "Access key IDs are masked here: put the whole ID into a command or a rule. The machine form of this alert has it.",
        );
        page.blank();
    }
    let room = bytes.saturating_sub(foot.len() + 80);
    let (text, more) = beginning(&page.out, room);
    let more = match more {
        0 => String::new(),
        more => format!(
            "… and {}; see below for the rest.\n",
            counted(more as u64, "more line", "more lines")
        ),
    };
    format!("{text}{more}{foot}")
}

/// What a stranger wrote, as text that moves nothing, hides nothing and links nowhere.
fn escape(text: &str) -> String {
    unlinked(&visible(text))
}

struct Page<'a> {
    out: String,
    words: Words<'a>,
}

impl Page<'_> {
    fn wrapped(&mut self, first: &str, text: &str) {
        let rest = if first.is_empty() { "" } else { INDENT };
        for line in wrap(text, WIDTH, first, rest) {
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    /// `What: …`, its further sentences below it.
    fn answer(&mut self, label: &str, texts: &[String]) {
        match texts {
            [] => {}
            [text] => self.wrapped(&format!("{label}: "), text),
            several => {
                self.wrapped("", &format!("{label}:"));
                several.iter().for_each(|text| self.wrapped("- ", text));
            }
        }
    }

    fn incident(&mut self, alert: &Alert, incident: &AlertIncident) {
        if alert.kind == Kind::Test {
            self.wrapped("", "THIS IS A TEST. Nothing happened; everything below is made up.");
            self.blank();
        }
        let opening = self.words.opening(incident);
        self.wrapped("", &opening);
        self.blank();
        if incident.due == Due::Closing {
            self.closing(incident);
        } else {
            self.open(incident);
            self.details(incident);
        }
    }

    fn open(&mut self, incident: &AlertIncident) {
        let what = self.words.what(incident).join(" ");
        self.answer("What", &[what]);
        let whose = self.words.whose(incident);
        self.answer("Key", &[whose]);
        let places = self.words.places(incident);
        self.answer("From", &places);
        self.why(incident);
        let sure = incident.cause().map(|cause| words::certainty(cause).to_owned());
        let sure: Vec<String> = sure.into_iter().chain(self.words.unseen(incident)).collect();
        self.blank();
        self.answer("How sure", &[sure.join(" ")]);
        self.mute(incident);
    }

    fn why(&mut self, incident: &AlertIncident) {
        let Some(finding) = incident.findings.first() else { return };
        let Some(cause) = finding.causes.first() else { return };
        let (label, confidence) = words::cause_label(0, cause);
        let sure = confidence.map(|name| format!(" ({name} confidence)")).unwrap_or_default();
        self.answer("Why", &[format!("{label}: {}{sure}.", cause.title)]);
        for evidence in cause.evidence.iter().take(FACTS) {
            let events = self.words.events(&evidence.event_ids);
            let events = events.map(|events| format!(" ({events})")).unwrap_or_default();
            let fact = format!("{}{events}.", self.words.sentence(&evidence.fact));
            self.wrapped("- ", &fact);
        }
        for other in self.words.other_causes(incident) {
            self.wrapped(INDENT, &other);
        }
        self.blank();
        self.wrapped("", "What to do now:");
        for (nth, step) in cause.next_steps.iter().take(STEPS).enumerate() {
            let (text, command) = self.words.step(step);
            self.wrapped(&format!("{}. ", nth + 1), &text);
            if let Some(command) = command {
                self.out.push_str(&format!("{COMMAND}{command}\n"));
            }
        }
        let more = cause.next_steps.len().saturating_sub(STEPS);
        if more > 0 {
            let more = counted(more as u64, "more step", "more steps");
            self.wrapped("", &format!("… and {more}: failure-monitor causes --markdown"));
        }
        self.wrapped("", &words::not_meant(cause));
        self.out.push_str(&format!("{}\n", cause.reference));
    }

    fn closing(&mut self, incident: &AlertIncident) {
        let whose = self.words.whose(incident);
        self.answer("Key", &[whose]);
        for finding in incident.findings.iter().take(DETAILED) {
            let proof = self.words.proof(finding);
            let source = self.words.name(&finding.source);
            if let Some(proof) = proof {
                self.wrapped("- ", &format!("{source}: {proof}"));
            }
        }
        if let Some(cause) = incident.cause() {
            self.answer("It was", &[format!("{}.", cause.title)]);
        }
        self.blank();
        self.wrapped("", "There is nothing more to do. If it fails again, a new alert is sent.");
        self.blank();
    }

    fn mute(&mut self, incident: &AlertIncident) {
        let (text, rule) = words::mute(incident);
        let Some(rule) = rule else { return };
        self.wrapped("", text);
        // The name inside is a stranger's, but the rule is to be copied: only what deceives changes.
        let rule = visible(&self.words.masker.text(&rule));
        self.out.push_str(&format!("{COMMAND}{rule}\n"));
    }

    fn details(&mut self, incident: &AlertIncident) {
        let findings: Vec<&Finding> = incident.findings.iter().take(DETAILED).collect();
        for finding in &findings {
            self.blank();
            let title = format!("{}:", self.words.title(finding));
            self.wrapped("", &title);
            for (label, text) in self.words.known(finding) {
                self.wrapped(INDENT, &format!("{label}: {text}"));
            }
        }
        let more = (incident.findings.len() - findings.len()) as u64 + incident.more_findings;
        if more > 0 {
            self.blank();
            let more = counted(more, "more key and source", "more pairs of key and source");
            self.wrapped("", &format!("… and {more}; see below for the rest."));
        }
        self.blank();
    }

    fn digest(&mut self, alert: &Alert) {
        let headline = format!("{}.", self.words.in_short(alert));
        self.wrapped("", &headline);
        self.wrapped("", "So many alerts were due at once that they come as one.");
        let mut last = None;
        for (nth, incident) in alert.incidents.iter().take(INCIDENTS).enumerate() {
            let section = match incident.due {
                Due::New => "New",
                Due::NewCause | Due::NewSource | Due::FollowUp => "Going on",
                Due::Closing => "Over",
            };
            if last.replace(section) != Some(section) {
                self.blank();
                self.wrapped("", &format!("{section}:"));
            }
            let text = self.words.in_digest(incident);
            self.wrapped(&format!("{}. ", nth + 1), &text);
            let places = self.words.places(incident);
            if let Some(place) = places.first().filter(|_| incident.source.is_none()) {
                let more = match places.len() as u64 + incident.more_sources {
                    0 | 1 => String::new(),
                    _ => " and others".to_owned(),
                };
                self.wrapped(INDENT, &format!("From {place}{more}"));
            }
        }
        let more = alert.incidents.len().saturating_sub(INCIDENTS) as u64 + alert.more_incidents;
        self.blank();
        if more > 0 {
            self.wrapped("", &format!("… and {} more; see below for the rest.", number(more)));
        }
        self.wrapped(
            "",
            "CloudTrail does not record most refused requests: there may be more than it shows.",
        );
        self.blank();
    }

    /// The way to see the rest, and who sent it; kept whatever is cut.
    fn foot(&self, alert: &Alert) -> String {
        let mut foot = Page { out: String::new(), words: Words { ..self.words } };
        foot.wrapped("", "Everything of the last day:");
        foot.out.push_str(&format!("{COMMAND}{}\n", words::summary_command(alert)));
        if let Some(url) = &alert.monitor.dashboard_url {
            foot.out.push_str(&format!("{COMMAND}{url}\n"));
        }
        let which = match alert.incidents.as_slice() {
            [incident] if alert.kind == Kind::Incident => {
                format!("message {} of incident {}, ", incident.number, incident.incident_id)
            }
            _ => String::new(),
        };
        let (name, region) = (&alert.monitor.name, &alert.monitor.region);
        foot.blank();
        foot.wrapped("", &format!("Sent by {name} in {region}: {which}alert {}.", alert.alert_id));
        foot.out
    }
}
