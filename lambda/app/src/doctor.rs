//! `failure-monitor doctor`: what is wrong with the credentials on this machine.
//!
//! [`gather`](gather::gather) reads the machine (environment, files) and [`probe`] asks AWS; both
//! fill a [`Machine`]. [`examine`] judges it: pure functions, one file a group of checks, in the
//! order in which a person would look. What is found points to the same causes as the monitor's.
//! Secrets stay inside: a check says their length and classes of characters, never the value.

mod chain;
pub mod check;
mod ci;
mod connection;
mod format;
pub mod gather;
mod ini;
mod jwt;
mod live;
pub mod machine;
mod precedence;
pub mod probe;
pub mod process;
mod profiles;
mod quick;
pub mod render;
mod surroundings;
mod terraform;
mod value;
pub mod verdict;
mod versions;

use check::{Check, Group};
use machine::Machine;
use verdict::Verdict;

/// All checks, in order, and what follows from them.
#[derive(Debug)]
pub struct Report {
    /// Every check with its group.
    pub checks: Vec<(Group, Check)>,
    /// The conclusion.
    pub verdict: Verdict,
}

/// Judges a machine.
pub fn examine(machine: &Machine) -> Report {
    let groups = [
        (Group::Quick, quick::checks(machine)),
        (Group::Format, format::checks(machine)),
        (Group::Precedence, precedence::checks(machine)),
        (Group::Profiles, profiles::checks(machine)),
        (Group::Live, live::checks(machine)),
        (Group::Surroundings, surroundings::checks(machine)),
        (Group::Versions, versions::checks(machine)),
    ];
    let checks: Vec<(Group, Check)> = groups
        .into_iter()
        .flat_map(|(group, checks)| checks.into_iter().map(move |check| (group, check)))
        .collect();
    let verdict = verdict::conclude(&checks, machine);
    Report { checks, verdict }
}
