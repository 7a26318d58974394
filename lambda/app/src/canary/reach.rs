//! How far the deployed monitor had read when it was asked: "not counted" means something only of
//! what was read.
//!
//! Compares the coverage of a summary with the times of the canary's calls, as plain data.

use chrono::{DateTime, Utc};
use failure_monitor_core::render::terminal::escape;
use failure_monitor_core::summary::{CoverageView, ON_ITS_WAY};
use serde::Serialize;

use super::{Call, Case};

/// How far the monitor had read one Region, against what it was to find there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Read {
    /// The Region.
    pub region: String,
    /// Up to when everything since the first of it was read; `None` where no sweep reads the Region.
    pub read_up_to: Option<DateTime<Utc>>,
    /// The last of what was to be found; `None` where there was nothing.
    pub last: Option<DateTime<Utc>>,
    /// How the two compare.
    pub reach: Reach,
    /// How many of the calls LookupEvents showed.
    pub looked_up: u64,
}

/// Up to where the monitor had read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Past it, and longer than records take to arrive.
    Past,
    /// Past it, but its record may have arrived later.
    JustPast,
    /// Not yet to the last of it.
    Before,
    /// Only from after the first of it on.
    SinceLater,
    /// No sweep reads the Region: records may be sent to the monitor, and how far is not known.
    NotSwept,
    /// There was nothing to find.
    Nothing,
}

/// A span of time in which something happened.
type Between = Option<(DateTime<Utc>, DateTime<Utc>)>;

impl Read {
    /// Of the refused calls of the long-term key in a Region.
    pub fn of_calls(coverage: &[CoverageView], calls: &[Call], region: &str) -> Read {
        let refused = calls.iter().filter(|call| {
            call.region == region
                && call.code.is_some()
                && call.request_id.is_some()
                && matches!(call.case, Case::WrongSecret | Case::Inactive | Case::Deleted)
        });
        let times = || refused.clone().map(|call| call.time);
        let looked_up = refused.clone().filter(|call| call.seen).count() as u64;
        let between = times().min().zip(times().max());
        Read { looked_up, ..Read::new(coverage, &["sweep"], region, between) }
    }

    /// Of the changes of the key, which lie between its good calls and those after its deletion.
    pub fn of_changes(coverage: &[CoverageView], calls: &[Call], iam_region: &str) -> Read {
        let first = calls.iter().filter(|call| call.case == Case::Good).map(|call| call.time).min();
        let last = calls.iter().filter(|call| call.case == Case::Deleted).map(|call| call.time);
        Read::new(coverage, &["sweep", "key-changes"], iam_region, first.zip(last.max()))
    }

    /// By the intake that has come furthest.
    fn new(coverage: &[CoverageView], intakes: &[&str], region: &str, between: Between) -> Read {
        let read = |read_up_to, reach| Read {
            region: region.to_owned(),
            read_up_to,
            last: between.map(|(_, last)| last),
            reach,
            looked_up: 0,
        };
        let sweeps = coverage.iter().filter(|one| {
            one.region == region
                && intakes.contains(&one.intake.as_str())
                && one.read_up_to.is_some()
        });
        let furthest = sweeps
            .filter_map(|one| {
                let begin = between.map(|(first, _)| first);
                let open =
                    one.holes.iter().filter(|hole| begin.is_none_or(|begin| begin <= hole.to));
                let up_to = open.map(|hole| hole.from).min().or(one.read_up_to)?;
                let reach = match between {
                    None => Reach::Nothing,
                    Some((first, _)) if one.since.is_none_or(|since| first < since) => {
                        Reach::SinceLater
                    }
                    Some((_, last)) if up_to <= last => Reach::Before,
                    Some((_, last)) if up_to <= last + ON_ITS_WAY => Reach::JustPast,
                    Some(_) => Reach::Past,
                };
                Some(read(Some(up_to), reach))
            })
            .max_by_key(|one| (one.reach != Reach::SinceLater, one.read_up_to));
        let unread = if between.is_none() { Reach::Nothing } else { Reach::NotSwept };
        furthest.unwrap_or_else(|| read(None, unread))
    }

    /// For people: where it stands, and what that means. `what` is the last thing that was to be
    /// found, `verb` what the monitor does with it, and `any` whether it did so with any.
    pub fn text(&self, what: &str, verb: &str, any: bool) -> String {
        let compared = match self.reach {
            Reach::Past | Reach::JustPast => format!(", past {what}"),
            Reach::Before => format!(", before {what}"),
            Reach::SinceLater => ", but not from the first on".to_owned(),
            Reach::NotSwept | Reach::Nothing => String::new(),
        };
        let up_to = match self.read_up_to {
            Some(time) => format!("read to {}{compared}", time.format("%Y-%m-%d %H:%M UTC")),
            None => "not swept: how far it is read is not known".to_owned(),
        };
        let meaning = match (self.reach, any, self.looked_up) {
            (Reach::Past, true, _) => String::new(),
            (Reach::Past, false, 0) => format!("read past it, and not {verb}"),
            (Reach::Past, false, seen) => {
                format!("read past it, and not {verb}, though LookupEvents showed {seen}")
            }
            (Reach::JustPast, false, _) => {
                format!("read past it, and not {verb}, but records may have come late")
            }
            (Reach::JustPast, true, _) => "records may have come late: it may be more".to_owned(),
            (Reach::Before, false, _) => "not yet read that far: this says nothing".to_owned(),
            (Reach::Before, true, _) => "not yet read that far: it may be more".to_owned(),
            (Reach::SinceLater | Reach::NotSwept, false, _) => {
                format!("that it is not {verb} says nothing")
            }
            (Reach::SinceLater | Reach::NotSwept, true, _) => "it may be more".to_owned(),
            (Reach::Nothing, ..) => "nothing was to be found there".to_owned(),
        };
        let mut out = format!("    {}: {up_to}\n", escape(&self.region));
        if !meaning.is_empty() {
            out += &format!("        {meaning}\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use failure_monitor_core::state::TimeRange;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-01-02T{text}:00Z").parse().unwrap()
    }

    fn swept(since: &str, up_to: &str, holes: &[(&str, &str)]) -> CoverageView {
        CoverageView {
            intake: "sweep".to_owned(),
            region: "eu-west-1".to_owned(),
            since: Some(at(since)),
            read_up_to: Some(at(up_to)),
            lag_seconds: 0,
            holes: holes.iter().map(|(a, b)| TimeRange { from: at(a), to: at(b) }).collect(),
            unread_seconds: 0,
            last_record: None,
            last_run: None,
            seen: 0,
            skipped: 0,
            problem: None,
        }
    }

    #[test]
    fn how_far_it_reads_decides_what_not_counted_means() {
        let between = Some((at("10:00"), at("10:10")));
        let of = |coverage: &[CoverageView]| Read::new(coverage, &["sweep"], "eu-west-1", between);
        let cases = [
            (swept("08:00", "12:00", &[]), "12:00", Reach::Past),
            (swept("08:00", "12:00", &[("08:30", "09:00")]), "12:00", Reach::Past),
            (swept("08:00", "12:00", &[("10:05", "10:06")]), "10:05", Reach::Before),
            (swept("08:00", "10:40", &[]), "10:40", Reach::JustPast),
            (swept("08:00", "10:10", &[]), "10:10", Reach::Before),
            (swept("10:05", "12:00", &[]), "12:00", Reach::SinceLater),
        ];
        for (coverage, up_to, reach) in cases {
            let read = of(std::slice::from_ref(&coverage));
            assert_eq!((read.read_up_to, read.reach), (Some(at(up_to)), reach), "{coverage:?}");
            for counted in [false, true] {
                let text = read.text("the last refused call", "counted", counted);
                assert_eq!(
                    text.contains("read past it, and not counted"),
                    !counted && up_to > "10:10" && reach != Reach::SinceLater
                );
                assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
            }
        }
        let sent = CoverageView { read_up_to: None, ..swept("08:00", "12:00", &[]) };
        assert_eq!(of(&[sent]).reach, Reach::NotSwept);
        let elsewhere =
            CoverageView { region: "us-east-1".to_owned(), ..swept("08:00", "12:00", &[]) };
        assert_eq!(of(&[elsewhere]).reach, Reach::NotSwept);
    }
}
