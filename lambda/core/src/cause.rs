//! What a cause is, and what it is judged by. The causes themselves are in `causes`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};

use crate::causes;
use crate::failure::Family;
use crate::group::Group;
use crate::key_change::{Change, KeyChange, Mint};
use crate::key_use::Caller;
use crate::left_behind::{LeftBehind, PROPAGATION};
use crate::tally::Tally;

/// How sure a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Possible; nothing speaks against it.
    Low,
    /// Several circumstances suggest it.
    Medium,
    /// A record or an IAM answer proves it.
    High,
}

impl Confidence {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

/// A fact of this group and the records that show it; reports have no event IDs of CloudTrail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The fact, one sentence without a full stop.
    pub fact: String,
    /// The records that show it; empty where the fact is in the group itself.
    pub event_ids: Vec<String>,
}

impl Evidence {
    /// A fact with the records that show it.
    pub fn new(fact: impl Into<String>, event_ids: Vec<String>) -> Evidence {
        Evidence { fact: fact.into(), event_ids }
    }
}

/// What a cause says of a group that it fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// How sure it is.
    pub confidence: Confidence,
    /// Why; never empty.
    pub evidence: Vec<Evidence>,
    /// Steps that only this case needs, before the cause's general ones.
    pub next_steps: Vec<String>,
}

/// One possible explanation.
#[derive(Debug)]
pub struct Cause {
    /// Stable, kebab-case, names the file, never reused.
    pub id: &'static str,
    /// One line for the head of an alert.
    pub title: &'static str,
    /// What happens, in a few sentences for a person who has not met it.
    pub explanation: &'static str,
    /// What it does not mean: the wrong conclusion that people draw.
    pub not: &'static str,
    /// What to do, most useful first. `{access_key_id}`, `{user}`, `{region}`, `{account}` and
    /// `{source}` stand for the group's own, quoted for a shell.
    pub next_steps: &'static [&'static str],
    /// What looks like it and is not.
    pub false_positives: &'static [&'static str],
    /// The page that the rule rests on.
    pub reference: &'static str,
    /// Whether it fits; pure.
    pub check: fn(&Situation<'_>) -> Option<Match>,
}

/// A group and everything that is known around it.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The failures.
    pub group: &'a Group,
    /// The callers expected to fail, where the group holds a prediction.
    pub left_behind: Option<&'a LeftBehind>,
    /// What is known of the group's key; empty for a group without one.
    pub key: &'a KeyKnowledge,
    /// The key IDs that were refused as unknown from this source, with this group's own.
    pub keys_tried: &'a BTreeMap<String, Tally>,
    /// The time of the run.
    pub now: DateTime<Utc>,
}

/// A time during which a key was off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Off<'a> {
    /// The change that turned it off.
    pub since: &'a KeyChange,
    /// The deletion, of the key or of its user, that made it final.
    pub deleted: Option<&'a KeyChange>,
    /// The change that turned it on again.
    pub until: Option<&'a KeyChange>,
    /// The change that turned it off yet again, where it is off at the end.
    pub again: Option<&'a KeyChange>,
    /// Whether all failures of the group fall into it.
    pub covers: bool,
}

impl<'a> Situation<'a> {
    /// The refusals of credentials that AWS did not recognise.
    pub fn unknown(&self) -> Option<&'a Tally> {
        self.group.families.get(&Family::UnknownCredentials)
    }

    /// The time off that the prediction, or else the latest failures, of the group fall into.
    pub fn key_off(&self) -> Option<Off<'a>> {
        let mut offs: Vec<Off<'a>> = Vec::new();
        for change in &self.key.changes {
            let deleted = matches!(change.change, Change::Deleted | Change::UserDeleted);
            let off = offs.last_mut().filter(|off| off.until.is_none());
            match (change.change, off) {
                (Change::Created | Change::Reactivated, Some(off)) => off.until = Some(change),
                (_, Some(off)) if deleted => off.deleted = off.deleted.or(Some(change)),
                (_, None) if deleted || change.change == Change::Deactivated => offs.push(Off {
                    since: change,
                    deleted: deleted.then_some(change),
                    until: None,
                    again: None,
                    covers: true,
                }),
                _ => {}
            }
        }
        if let Some(left) = self.left_behind {
            let last = offs.last().filter(|off| off.until.is_none()).map(|off| off.since);
            let mut off = offs.into_iter().rfind(|off| off.since.time <= left.since)?;
            off.again = last.filter(|_| off.until.is_some());
            return Some(off);
        }
        let refused = self.unknown()?;
        let Some((first, last)) = refused.first.zip(refused.last) else {
            // A report without a time: what is still off may explain it.
            let off = offs.into_iter().rfind(|off| off.until.is_none());
            return off.map(|off| Off { covers: false, ..off });
        };
        let mut off = offs.into_iter().rfind(|off| {
            off.since.time <= last && off.until.is_none_or(|until| first < until.time)
        })?;
        // A success in between shows that the key was on: the record that says so was not read.
        let settled = off.since.time + PROPAGATION;
        let worked = |used: DateTime<Utc>| settled < used && used <= first;
        if self.key.uses.iter().any(|uses| uses.tally.last.is_some_and(worked)) {
            return None;
        }
        off.covers = off.since.time <= first
            && off.until.is_none_or(|until| last <= until.time + PROPAGATION);
        Some(off)
    }
}

impl Off<'_> {
    /// What shows it, and what followed.
    pub fn evidence(&self, situation: &Situation<'_>) -> Vec<Evidence> {
        let change = |change: &KeyChange| {
            let by = change.changed_by.as_deref().unwrap_or("somebody");
            let did = match change.change {
                Change::UserDeleted => "deleted the user who owns the key",
                Change::Deleted => "deleted the key",
                Change::Deactivated => "deactivated the key",
                _ => "made the key active again",
            };
            Evidence::new(
                format!("{by} {did} at {}", at(change.time)),
                vec![change.event_id.clone()],
            )
        };
        let deleted = self.deleted.filter(|deleted| *deleted != self.since);
        let changes = [Some(self.since), deleted, self.until, self.again];
        let mut evidence: Vec<Evidence> = changes.into_iter().flatten().map(change).collect();
        if let Some(left) = situation.left_behind {
            let since = at(left.since);
            let expected = match (self.until, &left.resolved) {
                (Some(until), None) if let Some(again) = self.again => format!(
                    "is expected to fail since {since}, but for {} to {}",
                    at(until.time),
                    at(again.time)
                ),
                (Some(until), _) => {
                    format!("was expected to fail from {since} to {}", at(until.time))
                }
                (None, Some(_)) => format!("was expected to fail from {since} on"),
                (None, None) => format!("is expected to fail since {since}"),
            };
            let fact = format!(
                "{} used it successfully {} before that, and {expected}",
                left.source,
                times(left.uses.count),
            );
            evidence.push(Evidence::new(fact, left.uses.event_ids()));
            if let Some(proof) = &left.resolved {
                let fact = format!("The same caller was seen working again at {}", at(proof.time));
                evidence.push(Evidence::new(fact, vec![proof.event_id.clone()]));
            }
        }
        if let Some(refused) = situation.unknown() {
            evidence.push(refusals(refused));
        }
        evidence
    }
}

/// The fact that calls were refused.
pub fn refusals(refused: &Tally) -> Evidence {
    let when = match (refused.first, refused.last) {
        (Some(first), Some(last)) if first != last => {
            format!(" from {} to {}", at(first), at(last))
        }
        (Some(first), _) => format!(" at {}", at(first)),
        (None, _) => String::new(),
    };
    let fact = format!("AWS refused the credentials {}{when}", times(refused.count));
    Evidence::new(fact, refused.event_ids())
}

/// A time as facts give it.
pub fn at(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A number of times in words.
pub fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// What the records say of one access key.
#[derive(Debug, Clone, Default)]
pub struct KeyKnowledge {
    /// Its changes, and those of its owner, by time.
    pub changes: Vec<KeyChange>,
    /// Its successful uses.
    pub uses: Vec<UseTally>,
    /// Successful uses of other credentials by the same principal.
    pub other_keys: Vec<UseTally>,
    /// For a temporary key: how it was minted.
    pub minted: Option<Mint>,
    /// The user who owns it, where a record says so.
    pub user_name: Option<String>,
}

/// Successful uses of one caller with one service in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseTally {
    /// The caller.
    pub caller: Caller,
    /// The service called.
    pub event_source: String,
    /// The region that answered.
    pub region: String,
    /// How often, first, last.
    pub tally: Tally,
}

/// A cause that fits a finding, as it is shown and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// [`Cause::id`].
    pub id: &'static str,
    /// [`Cause::title`].
    pub title: &'static str,
    /// How sure.
    pub confidence: Confidence,
    /// Why.
    pub evidence: Vec<Evidence>,
    /// What to do, with this group's own names filled in.
    pub next_steps: Vec<String>,
    /// [`Cause::not`].
    pub not: &'static str,
    /// [`Cause::reference`].
    pub reference: &'static str,
}

/// What is read of a stored diagnosis; the rest is in the table of causes.
#[derive(Deserialize)]
struct Kept {
    id: String,
    confidence: Confidence,
    evidence: Vec<Evidence>,
    next_steps: Vec<String>,
}

impl<'de> Deserialize<'de> for Diagnosis {
    /// A cause that this version does not know is shown as unexplained, its evidence kept.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Diagnosis, D::Error> {
        let kept = Kept::deserialize(deserializer)?;
        let cause = causes::by_id(&kept.id);
        Ok(Diagnosis {
            id: cause.id,
            title: cause.title,
            confidence: kept.confidence,
            evidence: kept.evidence,
            next_steps: kept.next_steps,
            not: cause.not,
            reference: cause.reference,
        })
    }
}
