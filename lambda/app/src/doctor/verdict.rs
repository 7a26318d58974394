//! The conclusion: the most likely cause, how sure, and the first command to run.
//!
//! Weighs what the checks point to; AWS's own answer counts most. Must not look at the machine again.

use failure_monitor_core::cause::Confidence;
use failure_monitor_core::causes;
use serde::Serialize;

use super::chain;
use super::check::{Check, Group, Status};
use super::machine::{Answer, Live, Machine, Outcome};

/// What follows from all checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The most likely cause; `None` where nothing is wrong.
    pub cause: Option<Likely>,
    /// One sentence without a full stop.
    pub says: String,
    /// What speaks for it: what the checks found.
    pub because: Vec<String>,
    /// What to run first.
    pub first_command: Option<String>,
}

/// A cause of the monitor's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Likely {
    /// Its ID.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// How sure.
    pub confidence: Confidence,
}

/// How many facts are shown.
const FACTS: usize = 3;

pub(super) fn conclude(checks: &[(Group, Check)], machine: &Machine) -> Verdict {
    let accepted = machine.live.as_ref().is_some_and(|live| accepted(machine, live));
    let mut suspects: Vec<(&Check, &'static str, Confidence)> = checks
        .iter()
        .filter_map(|(_, check)| {
            let cause = check.cause?;
            // What AWS has just accepted is not missing nor malformed; another program may still
            // take other credentials.
            let confidence = if accepted { Confidence::Low } else { cause.confidence };
            Some((check, cause.id, confidence))
        })
        .collect();
    // Stable: the order of the checks, which is that of the guide, breaks ties.
    suspects.sort_by(|(a, _, sure_a), (b, _, sure_b)| {
        sure_b.cmp(sure_a).then_with(|| b.status.cmp(&a.status))
    });
    let failed = checks.iter().any(|(_, check)| check.status == Status::Failed);
    let Some((first, id, confidence)) = suspects.first().copied() else {
        return none(checks, accepted, failed);
    };
    let title = causes::by_id(id).title;
    let because: Vec<String> = suspects
        .iter()
        .filter(|(_, other, _)| *other == id)
        .map(|(check, _, _)| check.found.clone())
        .take(FACTS)
        .collect();
    let commands = suspects.iter().filter(|(_, other, _)| *other == id);
    let first_command = first.fixes.iter().find_map(|fix| fix.command.clone()).or_else(|| {
        commands.flat_map(|(check, _, _)| &check.fixes).find_map(|f| f.command.clone())
    });
    let says = if accepted {
        format!(
            "AWS accepts the credentials that are in use here; if something still fails, then \
             perhaps because of this: {}",
            lower_first(title)
        )
    } else {
        title.to_owned()
    };
    Verdict { cause: Some(Likely { id, title, confidence }), says, because, first_command }
}

/// Whether AWS took all credentials that some client here would use.
fn accepted(machine: &Machine, live: &Live) -> bool {
    let winners = chain::winners(machine);
    let used = |answer: &&Answer| winners.iter().any(|winner| answer.names.contains(&winner.name));
    let mut used = live.answers.iter().filter(used).peekable();
    let any = used.peek().is_some() || matches!(live.chain, Some(Ok(_)));
    any && !matches!(live.chain, Some(Err(_)))
        && used.all(|answer| matches!(answer.outcome, Outcome::Accepted { after: None, .. }))
}

fn none(checks: &[(Group, Check)], accepted: bool, failed: bool) -> Verdict {
    let of_failed = checks.iter().filter(|(_, check)| check.status == Status::Failed);
    let because: Vec<String> =
        of_failed.clone().map(|(_, check)| check.found.clone()).take(FACTS).collect();
    let command = of_failed
        .flat_map(|(_, check)| &check.fixes)
        .find_map(|fix| fix.command.clone())
        .or_else(|| (!accepted).then(|| "aws sts get-caller-identity".to_owned()));
    let says = match (accepted, failed) {
        (true, false) => "AWS accepts the credentials that are in use here",
        (_, true) => "something is wrong, and it is none of the known causes",
        (false, false) => {
            "nothing wrong was found on this machine, and AWS was not asked or gave no answer"
        }
    };
    Verdict { cause: None, says: says.to_owned(), because, first_command: command }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
