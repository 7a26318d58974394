//! A summary for a person at a terminal: how things stand, a timeline of small bars, incidents in a
//! table, what changed, and what was read; at any width from 40 columns on.
//!
//! Must not ask the terminal anything: its width and whether it takes colour are options.

mod rows;

use rows::{Row, narrow, wide};

use super::{MASKED, Options, Phrases, accounting, masker, origin_parts, origins, short, window};
use crate::render::terminal::{Paint, escape};
use crate::render::wrap;
use crate::render::{cut, duration, number, short_time};
use crate::summary::{IncidentView, Slot, Standing, State, Summary, intake};

/// Below this a line holds too little to be wrapped at.
const NARROWEST: usize = 40;
/// From this on owner, sources and times have columns of their own.
const WIDE: usize = 140;
/// How many incidents are shown.
const INCIDENTS: usize = 20;
/// How many entries of other lists are shown.
const ENTRIES: usize = 10;
/// The bars of the timeline, lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The summary as text that ends with a newline.
pub fn terminal(summary: &Summary, options: &Options) -> String {
    let masker = masker(summary, options.unmask);
    let mut page = Page {
        out: String::new(),
        width: options.width.max(NARROWEST),
        colour: options.colour,
        phrases: Phrases::new(&masker, options.now, escape),
    };
    page.head(summary);
    page.timeline(summary);
    page.incidents(summary);
    page.causes(summary);
    page.key_changes(summary);
    page.coverage(summary);
    page.problems(summary);
    page.blank();
    page.wrapped("", "", &format!("{}.", accounting(summary)));
    if let Some(cut) = &summary.cut {
        page.wrapped("", "", &escape(&cut.sentence));
    }
    if masker.masks {
        page.wrapped("", "", &format!("{MASKED} --unmask shows them whole."));
    }
    page.out
}

struct Page<'a> {
    out: String,
    width: usize,
    colour: bool,
    phrases: Phrases<'a>,
}

impl Page<'_> {
    fn blank(&mut self) {
        self.out.push('\n');
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn wrapped(&mut self, first: &str, rest: &str, text: &str) {
        for line in wrap(text, self.width, first, rest) {
            self.line(&line);
        }
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", paint.code()) } else { text.to_owned() }
    }

    fn section(&mut self, title: &str) {
        self.blank();
        let title = self.paint(Paint::Bold, title);
        self.line(&title);
    }

    fn head(&mut self, summary: &Summary) {
        let paint = match summary.answer.state {
            State::NeedsAction => Paint::Red,
            State::NoData => Paint::Yellow,
            State::Handled | State::NoFailures => Paint::Green,
        };
        for line in wrap(&escape(&summary.answer.headline), self.width, "", "") {
            let painted = self.paint(paint, &line);
            self.line(&painted);
        }
        self.wrapped("", "", &escape(&window(summary)));
        if let Some(id) = &summary.access_key_id {
            let only = format!("only access key {}", self.phrases.words.key(Some(id)));
            self.wrapped("", "", &only);
        }
        let totals = &summary.totals;
        let mut numbers = vec![format!("failures: {}", origins(totals.failures))];
        for (count, (one, many)) in [
            (totals.access_keys, super::ACCESS_KEYS),
            (totals.sources, super::SOURCES),
            (totals.live_sessions, super::LIVE_SESSIONS),
        ] {
            if count > 0 {
                numbers.push(crate::render::counted(count, one, many));
            }
        }
        self.wrapped("", "", &numbers.join(" · "));
        self.wrapped("", "", &escape(&summary.reading.sentence));
        self.wrapped("", "", &escape(&summary.answer.caveat));
    }

    /// One bar per slot where they fit, else per several slots: a row for each origin with failures.
    fn timeline(&mut self, summary: &Summary) {
        const LABEL: usize = 11;
        let total = summary.totals.failures;
        if total.total() == 0 {
            return;
        }
        self.blank();
        let room = self.width - LABEL - 8;
        let per_bar = summary.timeline.len().div_ceil(room).max(1);
        let groups: Vec<&[Slot]> = summary.timeline.chunks(per_bar).collect();
        // Bars are as wide as there is room, up to four columns.
        let wide = (room / groups.len().max(1)).clamp(1, 4);
        let sums = |pick: fn(&Slot) -> u64| -> Vec<u64> {
            groups.iter().map(|slots| slots.iter().map(pick).sum()).collect()
        };
        let rows = [
            ("recorded", Paint::Red, sums(|slot| slot.failures.recorded)),
            ("reported", Paint::Yellow, sums(|slot| slot.failures.reported)),
            ("predicted", Paint::Cyan, sums(|slot| slot.failures.predicted)),
        ];
        for (label, paint, counts) in rows {
            let most = counts.iter().copied().max().unwrap_or(0);
            if most == 0 {
                continue;
            }
            let bars: String = counts
                .iter()
                .flat_map(|count| {
                    let bar = bar(*count, most);
                    std::iter::repeat_n(bar, wide)
                })
                .collect();
            let bars = self.paint(paint, bars.trim_end_matches(' '));
            let sum = number(counts.iter().sum());
            self.line(&format!("{label:LABEL$}{bars}"));
            // The number of a bar's full height, so that rows can be compared.
            let note = format!("{sum} in all, at most {} a bar", number(most));
            let note = self.paint(Paint::Dim, &note);
            self.line(&format!("{:LABEL$}{note}", ""));
        }
        let slot = chrono::TimeDelta::seconds(summary.window.slot_seconds) * per_bar as i32;
        let now = self.phrases.words.now;
        let columns = groups.len() * wide;
        let (from, to) = (short_time(summary.window.from, now), short_time(summary.window.to, now));
        let gap = columns.saturating_sub(from.chars().count() + to.chars().count()).max(1);
        let axis = format!("{:LABEL$}{from}{}{to}", "", " ".repeat(gap));
        let axis = self.paint(Paint::Dim, &axis);
        self.line(&axis);
        let note = format!("{:LABEL$}a bar is {}", "", duration(slot));
        let note = self.paint(Paint::Dim, &note);
        self.line(&note);
    }

    fn incidents(&mut self, summary: &Summary) {
        let shown: Vec<&IncidentView> = summary.incidents.iter().take(INCIDENTS).collect();
        if shown.is_empty() {
            return;
        }
        self.blank();
        let rows: Vec<Row> =
            shown.iter().enumerate().map(|(at, incident)| self.row(at, incident)).collect();
        let table =
            if self.width < WIDE { narrow(&rows, self.width) } else { wide(&rows, self.width) };
        for line in table.lines() {
            let number = line.strip_prefix(' ').and_then(|line| line.split(' ').next());
            let place = number.and_then(|number| number.parse::<usize>().ok());
            let incident = place.and_then(|place| shown.get(place.checked_sub(1)?));
            match (incident, number) {
                (Some(incident), Some(number)) => {
                    let painted = self.paint(look(incident.standing), number);
                    self.line(&line.replacen(number, &painted, 1));
                }
                _ => self.line(line),
            }
        }
        let more = summary.incidents.len().saturating_sub(INCIDENTS);
        if more > 0 {
            self.wrapped(
                "",
                "",
                &format!("and {} more; JSON and CSV have them all", number(more as u64)),
            );
        }
        if self.colour || shown.iter().any(|incident| !incident.causes.is_empty()) {
            self.next_steps(&shown);
        }
    }

    /// The first step for each of the first few incidents that need action.
    fn next_steps(&mut self, shown: &[&IncidentView]) {
        const STEPS: usize = 5;
        let mut any = false;
        for (at, incident) in shown.iter().enumerate() {
            let step = incident.causes.first().and_then(|cause| cause.next_steps.first());
            let Some(step) = step.filter(|_| incident.standing == Standing::NeedsAction) else {
                continue;
            };
            if at >= STEPS {
                break;
            }
            if !any {
                self.section("What to do first");
                any = true;
            }
            let (text, command) = self.phrases.words.step(step);
            self.wrapped(&format!("{:>2}  ", at + 1), "    ", &text);
            if let Some(command) = command {
                let command = self.paint(Paint::Cyan, &command);
                self.line(&format!("        {command}"));
            }
        }
    }

    fn row(&self, at: usize, incident: &IncidentView) -> Row {
        let now = self.phrases.words.now;
        let mut failures = origin_parts(incident.failures);
        if failures.is_empty() {
            failures.push("none in this window".to_owned());
        }
        let cause = incident
            .causes
            .first()
            .map(|cause| format!("{} ({})", cause.title, cause.confidence.name()));
        let standing = match incident.standing {
            Standing::NeedsAction => None,
            other => Some(other.words()),
        };
        let verdict = match (standing, cause) {
            (Some(standing), Some(cause)) => format!("{standing}: {cause}"),
            (None, Some(cause)) => cause,
            (standing, None) => standing.unwrap_or("details no longer kept").to_owned(),
        };
        Row {
            place: (at + 1).to_string(),
            subject: self.phrases.subject(incident),
            owner: self.phrases.owner(incident.user_name.as_deref()),
            sources: match (&incident.source, incident.source_count) {
                (Some(_), 0 | 1) => self.phrases.words.names(incident.clients.iter().take(1)),
                _ => self.phrases.sources(incident, 2),
            },
            failures,
            last: match incident.expected_since {
                Some(since) => format!("since {}", short_time(since, now)),
                None => short(incident.last_failure, now),
            },
            told: short(incident.last_alert, now),
            verdict,
        }
    }

    fn causes(&mut self, summary: &Summary) {
        if summary.causes.len() < 2 {
            return;
        }
        self.section("Causes");
        let most = summary.causes.iter().map(|cause| cause.failures.total()).max().unwrap_or(0);
        let bar_width = 16.min(self.width / 5);
        for cause in summary.causes.iter().take(ENTRIES) {
            let total = cause.failures.total();
            let filled = (total as usize * bar_width).div_ceil(most.max(1) as usize);
            let bar = format!("{}{}", "█".repeat(filled), " ".repeat(bar_width - filled));
            let bar = self.paint(Paint::Dim, &bar);
            let title = cut(&escape(&cause.title), self.width - bar_width - 14).into_owned();
            self.line(&format!("  {bar} {:>9}  {title}", number(total)));
        }
    }

    fn key_changes(&mut self, summary: &Summary) {
        if !summary.key_changes.is_empty() {
            self.section("Key changes");
            for detail in summary.key_changes.iter().take(ENTRIES) {
                let (when, what) = self.phrases.words.key_change(detail);
                self.wrapped("  ", "    ", &format!("{when}  {what}"));
                let (left, resolved) = (detail.left_behind, detail.resolved);
                if left + resolved > 0 {
                    let text =
                        format!("{} left behind, {} working again", number(left), number(resolved));
                    self.wrapped("    - ", "      ", &text);
                }
            }
            self.and_more(summary.key_changes.len());
        }
        if !summary.live_sessions.is_empty() {
            self.section("Live sessions of dead keys");
            for session in summary.live_sessions.iter().take(ENTRIES) {
                let text = self.phrases.session(session);
                self.wrapped("  ", "    ", &text);
            }
            self.and_more(summary.live_sessions.len());
        }
    }

    fn and_more(&mut self, length: usize) {
        let more = length.saturating_sub(ENTRIES);
        if more > 0 {
            self.line(&format!("  and {} more", number(more as u64)));
        }
    }

    fn coverage(&mut self, summary: &Summary) {
        if summary.coverage.is_empty() {
            return;
        }
        self.section("What was read");
        let now = self.phrases.words.now;
        for coverage in &summary.coverage {
            let name = match coverage.region.as_str() {
                "" => self.phrases.words.name(intake(&coverage.intake)),
                region => format!(
                    "{} {}",
                    self.phrases.words.name(intake(&coverage.intake)),
                    self.phrases.words.name(region)
                ),
            };
            let up_to = match coverage.read_up_to {
                Some(up_to) => format!("up to {}", short_time(up_to, now)),
                None => format!("newest {}", short(coverage.last_record, now)),
            };
            let skipped = match coverage.skipped {
                0 => String::new(),
                skipped => format!(", {} unreadable", number(skipped)),
            };
            let unread = match coverage.unread_seconds {
                // What is newer than that may still be on its way.
                ..1800 => String::new(),
                unread => {
                    let unread = chrono::TimeDelta::seconds(unread);
                    format!(", {} of this window not read yet", duration(unread))
                }
            };
            let text = format!(
                "{name}: {up_to}, {}{unread}; {} records{skipped}",
                self.phrases.state(coverage),
                number(coverage.seen)
            );
            self.wrapped("  ", "    ", &text);
        }
    }

    fn problems(&mut self, summary: &Summary) {
        if summary.problems.is_empty() {
            return;
        }
        self.section("Not read for this summary");
        for problem in summary.problems.iter().take(ENTRIES) {
            let text = self.phrases.words.sentence(problem);
            self.wrapped("  ", "    ", &text);
        }
        self.and_more(summary.problems.len());
    }
}

/// A bar for a count; a count that is not zero always shows.
fn bar(count: u64, most: u64) -> char {
    if count == 0 {
        return ' ';
    }
    let height = (count * BARS.len() as u64).div_ceil(most.max(1)).clamp(1, BARS.len() as u64);
    BARS[height as usize - 1]
}

fn look(standing: Standing) -> Paint {
    match standing {
        Standing::NeedsAction => Paint::Red,
        Standing::Quiet => Paint::Yellow,
        Standing::Ignored => Paint::Dim,
        Standing::Resolved => Paint::Green,
    }
}
