//! The same questions as SQL for Amazon Athena, for trails too large to read on one machine.
//!
//! Knows Athena's SQL (Trino) and table definitions (Hive), and fills both from the code table and
//! the rules of `failure`, `key_change` and `left_behind`, so that the SQL cannot say something else
//! than the scan. Must not know where it is run. What the SQL leaves out is said in its comments.
//!
//! The text of the queries is in `athena/*.sql`, with `{names}` for what is filled in here.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;

use crate::failure::{self, CODES, Family};
use crate::key_change::{self, Change};
use crate::left_behind;

mod place;
mod sql;
mod table;

pub use place::{Invalid, Place};
use sql::{identifier, list, literal};

/// The version of the machine output.
pub const SCHEMA: &str = "failure-monitor/athena/1";

/// What can be asked of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// Recorded failures, grouped.
    Failures,
    /// What happened to access keys.
    KeyChanges,
    /// Callers left behind by key changes.
    LeftBehind,
}

impl Query {
    /// All queries, in the order in which they are printed.
    pub const ALL: [Query; 3] = [Query::Failures, Query::KeyChanges, Query::LeftBehind];

    /// The name on the command line and in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Query::Failures => "failures",
            Query::KeyChanges => "key-changes",
            Query::LeftBehind => "left-behind",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Query::Failures => {
                "Recorded failures: refused credentials by account, access key ID and source"
            }
            Query::KeyChanges => "Key changes: who created, turned off or deleted which access key",
            Query::LeftBehind => {
                "Callers left behind: who used an access key until it was turned off"
            }
        }
    }

    fn template(self) -> &'static str {
        match self {
            Query::Failures => include_str!("athena/failures.sql"),
            Query::KeyChanges => include_str!("athena/key_changes.sql"),
            Query::LeftBehind => include_str!("athena/left_behind.sql"),
        }
    }
}

/// One statement to run in Athena.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// `table`, or the name of a query.
    pub name: &'static str,
    /// What it gives, in one line.
    pub description: &'static str,
    /// The statement, without a semicolon.
    pub sql: String,
}

/// The table definition over a bucket.
pub fn table(place: &Place) -> Result<Statement, Invalid> {
    place.check()?;
    Ok(Statement {
        name: "table",
        description: "The table over the trail's log files, its partitions projected",
        sql: table::definition(place)?,
    })
}

/// The table's columns without those of the path, typed as the Glue Data Catalog writes it.
pub fn columns() -> Vec<Column> {
    let plain = |kind: &str| kind.split_whitespace().collect();
    table::COLUMNS.iter().map(|(name, kind)| Column { name, kind: plain(kind) }).collect()
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A query of the table.
pub fn query(place: &Place, query: Query) -> Result<Statement, Invalid> {
    place.check()?;
    Ok(Statement {
        name: query.name(),
        description: query.description(),
        sql: filled(query.template(), place).trim_end().to_owned(),
    })
}

/// All statements, the table first.
pub fn all(place: &Place) -> Result<Vec<Statement>, Invalid> {
    let queries = Query::ALL.into_iter().map(|one| query(place, one));
    std::iter::once(table(place)).chain(queries).collect()
}

/// The Regions in which IAM's records are kept, one for each partition
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html>, global
/// service events).
const IAM_REGIONS: [&str; 3] = ["us-east-1", "us-gov-west-1", "cn-north-1"];

/// What an IPv4 or IPv6 address looks like; an AWS service's name and `AWS Internal` do not.
const ADDRESS: &str = "^[0-9]{1,3}([.][0-9]{1,3}){3}$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$";

fn filled(template: &str, place: &Place) -> String {
    let codes_of =
        |family: Family| list(CODES.iter().filter(|(_, of)| *of == family).map(|(code, _)| *code));
    let mut families: BTreeMap<Family, String> = BTreeMap::new();
    for (_, family) in CODES {
        families.entry(family).or_insert_with(|| {
            let (codes, name) = (codes_of(family), literal(&name(family)));
            format!("      WHEN bare_code IN ({codes}) THEN {name}")
        });
    }
    let clock_texts =
        failure::CLOCK_TEXTS.map(|text| format!("strpos(said, {}) > 0", literal(text)));
    let between = |text: String| if text.is_empty() { text } else { format!("    AND {text}\n") };
    let change = |change: Change| name(change);
    let values = [
        ("record", include_str!("athena/record.sql").trim_end().to_owned()),
        ("change", include_str!("athena/change.sql").trim_end().to_owned()),
        ("table", format!("{}.{}", identifier(&place.database), identifier(&place.table))),
        ("from", place.first_day()),
        (
            "and_to",
            between(place.last_day().map(|day| format!("day <= {day}")).unwrap_or_default()),
        ),
        ("and_account", between(place.accounts_asked().unwrap_or_default())),
        ("families", families.into_values().collect::<Vec<_>>().join("\n")),
        ("auth_failure", literal(failure::AUTH_FAILURE)),
        ("about_credentials", literal(failure::ABOUT_CREDENTIALS)),
        ("not_the_callers_key", literal(failure::NOT_THE_CALLERS_KEY)),
        ("signature_codes", codes_of(Family::Signature)),
        ("clock_texts", clock_texts.join(" OR ")),
        ("clock", name(Family::Clock)),
        ("expired_codes", codes_of(Family::ExpiredToken)),
        ("identity_calls", list(failure::IDENTITY_CALLS.into_iter())),
        ("identity_token", name(Family::IdentityToken)),
        ("iam_regions", list(IAM_REGIONS.into_iter())),
        ("change_event_names", list(key_change::EVENT_NAMES.into_iter())),
        ("mint_event_names", list(key_change::MINT_EVENT_NAMES.into_iter())),
        ("quarantine", key_change::QUARANTINE.to_owned()),
        ("created", change(Change::Created)),
        ("reactivated", change(Change::Reactivated)),
        ("deactivated", change(Change::Deactivated)),
        ("deleted", change(Change::Deleted)),
        ("user_deleted", change(Change::UserDeleted)),
        ("quarantined", change(Change::Quarantined)),
        ("look_back_seconds", place.look_back.num_seconds().to_string()),
        ("look_back", in_words(place.look_back)),
        ("propagation", left_behind::PROPAGATION.num_seconds().to_string()),
        ("address", ADDRESS.to_owned()),
    ];
    fill(template, &values)
}

/// Replaces each `{name}` once, from left to right, so that what was filled in from outside is not
/// looked at again; only this module's own fragments are.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        let value = rest[at + 1..].split_once('}').and_then(|(name, after)| {
            values
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(name, value)| (*name, value, after))
        });
        match value {
            Some((name @ ("record" | "change"), fragment, after)) => {
                debug_assert!(!fragment.contains(&format!("{{{name}}}")));
                out.push_str(&fill(fragment, values));
                rest = after;
            }
            Some((_, value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('{');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The name of a family or change in machine output.
fn name(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

fn in_words(time: TimeDelta) -> String {
    match time.num_seconds() {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests;
