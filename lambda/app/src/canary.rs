//! `failure-monitor canary`: measures which calls CloudTrail shows, instead of assuming it.
//!
//! Here is what is measured and how the result looks; [`run`] makes the calls. Must not know AWS
//! clients: the table of cases, the result and its renderings are plain data.

use chrono::{DateTime, Utc};
use serde::Serialize;

mod cleanup;
pub mod monitor;
pub mod reach;
pub mod run;

/// In what state the credentials are when `sts:GetCallerIdentity` is called with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// An active key, as the control: it must be seen.
    Good,
    /// The right key ID with a wrong secret.
    WrongSecret,
    /// A temporary key without its token.
    TokenMissing,
    /// A session after its end.
    TokenExpired,
    /// A deactivated key.
    Inactive,
    /// A deleted key.
    Deleted,
}

impl Case {
    /// All, in the order in which they are shown.
    pub const ALL: [Case; 6] = [
        Case::Good,
        Case::WrongSecret,
        Case::TokenMissing,
        Case::TokenExpired,
        Case::Inactive,
        Case::Deleted,
    ];

    /// The head of its column; two lines at most.
    fn head(self) -> (&'static str, &'static str) {
        match self {
            Case::Good => ("good", "key"),
            Case::WrongSecret => ("wrong", "secret"),
            Case::TokenMissing => ("token", "missing"),
            Case::TokenExpired => ("token", "expired"),
            Case::Inactive => ("inactive", "key"),
            Case::Deleted => ("deleted", "key"),
        }
    }

    /// In a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Case::Good => "with the key active",
            Case::WrongSecret => "with a wrong secret",
            Case::TokenMissing => "with a temporary key without its session token",
            Case::TokenExpired => "with a session that has expired",
            Case::Inactive => "with the key deactivated",
            Case::Deleted => "with the key deleted",
        }
    }
}

/// One call, and whether CloudTrail shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The state of the credentials.
    pub case: Case,
    /// The Region called.
    pub region: String,
    /// When.
    pub time: DateTime<Utc>,
    /// What AWS calls it; how its record is recognised.
    pub request_id: Option<String>,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The error code; `None` for a success.
    pub code: Option<String>,
    /// Whether LookupEvents showed it.
    pub seen: bool,
    /// Seconds from the call until it was seen.
    pub seen_after: Option<i64>,
    /// The record.
    pub event_id: Option<String>,
}

/// A case that was not measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotMade {
    /// Which.
    pub case: Case,
    /// Why.
    pub reason: String,
}

/// The result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// `failure-monitor/canary/1`
    pub schema: &'static str,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// The account.
    pub account: String,
    /// The user that was made.
    pub user_name: String,
    /// How long it was willing to wait, in seconds.
    pub wait: u64,
    /// Whether it ran to its end: all calls were seen, or the wait was over.
    pub complete: bool,
    /// The Regions, in the order given.
    pub regions: Vec<String>,
    /// The Regions in which LookupEvents answered after the last call; of others nothing is known.
    pub looked_in: Vec<String>,
    /// Every call.
    pub calls: Vec<Call>,
    /// Cases that were not measured.
    pub not_made: Vec<NotMade>,
    /// The key that was made.
    #[serde(skip)]
    pub access_key_id: Option<String>,
    /// What the deployed monitor knows of the key; `None` where it was not asked.
    pub monitor: Option<monitor::Monitor>,
    /// What went wrong while it looked for records.
    pub warnings: Vec<String>,
    /// What could not be removed, as commands that remove it.
    pub left_behind: Vec<String>,
}

impl Outcome {
    /// One JSON document (docs/canary.schema.json).
    pub fn json(&self) -> serde_json::Result<String> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    fn cell(&self, region: &str, case: Case) -> String {
        let call = self.calls.iter().find(|call| call.case == case && call.region == region);
        match call {
            None => "not made".to_owned(),
            Some(Call { request_id: None, .. }) => "no answer".to_owned(),
            Some(Call { seen_after: Some(seconds), .. }) => {
                format!("SEEN {}m", (seconds + 59).max(60) / 60)
            }
            Some(_) if !self.looked_in.iter().any(|looked| looked == region) => {
                "no data".to_owned()
            }
            Some(_) => "NOT SEEN".to_owned(),
        }
    }

    /// The result as a table of at most 80 columns.
    pub fn text(&self) -> String {
        const REGION: usize = 15;
        const CELL: usize = 11;
        let mut out = format!(
            "Which calls of sts:GetCallerIdentity CloudTrail shows, account {}\n",
            self.account
        );
        let elapsed = failure_monitor_core::render::duration(self.ended - self.started);
        out += &match self.complete {
            true => format!("{elapsed} from the first step to the end\n"),
            false => format!("STOPPED after {elapsed}: NOT SEEN means not seen until then\n"),
        };
        out.push('\n');
        let line = |first: &str, cells: Vec<String>| {
            let cells: String = cells.iter().map(|cell| format!("{cell:CELL$}")).collect();
            format!("{}\n", format!("{first:REGION$}{cells}").trim_end())
        };
        let heads: Vec<_> = Case::ALL.into_iter().map(Case::head).collect();
        out += &line("", heads.iter().map(|(first, _)| (*first).to_owned()).collect());
        out += &line("Region", heads.iter().map(|(_, second)| (*second).to_owned()).collect());
        out += &format!("{}\n", "─".repeat(REGION + CELL * (heads.len() - 1) + 9));
        for region in &self.regions {
            out += &line(region, Case::ALL.iter().map(|case| self.cell(region, *case)).collect());
        }
        out.push('\n');
        for case in Case::ALL {
            let mut answers: Vec<&str> = self
                .calls
                .iter()
                .filter(|call| call.case == case && call.request_id.is_some())
                .map(|call| call.code.as_deref().unwrap_or("accepted"))
                .collect();
            answers.sort_unstable();
            answers.dedup();
            if !answers.is_empty() {
                out += &format!("Answer {}: {}\n", case.title(), answers.join(", "));
            }
        }
        for not_made in &self.not_made {
            out += &format!("Not made {}: {}\n", not_made.case.title(), not_made.reason);
        }
        let control = self.calls.iter().filter(|call| call.case == Case::Good);
        if control.clone().count() > 0 && control.clone().all(|call| !call.seen) {
            out += "The good call was not seen either: this says nothing of the others. Wait longer, \
                    or\nsee whether LookupEvents may be asked.\n";
        }
        if let Some(monitor) = &self.monitor {
            out += &monitor.text();
        }
        for warning in &self.warnings {
            out +=
                &format!("Warning: {}\n", failure_monitor_core::render::terminal::escape(warning));
        }
        if self.left_behind.is_empty() {
            out += &format!("User {} and its key were removed.\n", self.user_name);
        } else {
            out += "NOT removed. To finish:\n";
            for command in &self.left_behind {
                out += &format!("    {command}\n");
            }
        }
        out
    }
}

/// What `--dry-run` prints: the calls and the permissions that they need.
pub fn plan(
    regions: &[String],
    user: &str,
    wait: &str,
    table: Option<&str>,
    function: Option<&str>,
    expires: bool,
) -> String {
    let regions = regions.join(", ");
    let mut out = format!(
        "Nothing was sent. It would, in this order:\n\
         \x20 1. sts:GetCallerIdentity with your credentials, to know the account\n\
         \x20 2. iam:CreateUser {user} (no permissions)\n\
         \x20 3. iam:CreateAccessKey for it, and wait until it works\n\
         \x20 4. with that key: sts:GetSessionToken (needs no permission)\n"
    );
    let mut number = 5;
    for case in Case::ALL {
        let before = match case {
            Case::Inactive => "iam:UpdateAccessKey (Inactive), ",
            Case::Deleted => "iam:DeleteAccessKey, ",
            _ => "",
        };
        if case == Case::TokenExpired {
            continue;
        }
        out += &format!("  {number}. {before}GetCallerIdentity {}\n", case.title());
        number += 1;
    }
    if expires {
        out += &format!(
            "  {number}. 15 minutes later, GetCallerIdentity {}\n",
            Case::TokenExpired.title()
        );
        number += 1;
    }
    out += &format!("  {number}. iam:DeleteUser, also on Ctrl-C and on error\n");
    out += &format!(
        "  {}. cloudtrail:LookupEvents until each call is seen, at most {wait}\n",
        number + 1
    );
    number += 2;
    if let Some(function) = function {
        out += &format!("  {number}. lambda:InvokeFunction {function}\n");
        number += 1;
    }
    if let Some(table) = table {
        out += &format!("  {number}. dynamodb:PutItem of the result into {table}\n");
    }
    out += &format!(
        "GetCallerIdentity and LookupEvents in: {regions}\n\nPermissions that your credentials need:\n"
    );
    for action in run::ACTIONS {
        out += &format!("  {action}\n");
    }
    if function.is_some() {
        out += "  lambda:InvokeFunction\n";
    }
    if table.is_some() {
        out += "  dynamodb:PutItem\n";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    pub(super) fn outcome(seen_after: Option<i64>) -> Outcome {
        let call = |case, seen_after: Option<i64>| Call {
            case,
            region: "ap-southeast-1".to_owned(),
            time: at("2026-01-02T03:04:05Z"),
            request_id: Some(format!("{case:?}")),
            status: Some(200),
            code: (case != Case::Good).then(|| "InvalidClientTokenId".to_owned()),
            seen: seen_after.is_some(),
            seen_after,
            event_id: None,
        };
        Outcome {
            schema: "failure-monitor/canary/1",
            started: at("2026-01-02T03:04:00Z"),
            ended: at("2026-01-02T04:34:00Z"),
            account: "111122223333".to_owned(),
            user_name: "failure-monitor-canary-1".to_owned(),
            wait: 5400,
            complete: true,
            regions: vec!["ap-southeast-1".to_owned()],
            looked_in: vec!["ap-southeast-1".to_owned()],
            calls: vec![call(Case::Good, seen_after), call(Case::Inactive, None)],
            not_made: Vec::new(),
            access_key_id: None,
            monitor: None,
            warnings: Vec::new(),
            left_behind: Vec::new(),
        }
    }

    #[test]
    fn the_table_fits_and_tells_both_worlds_apart() {
        let text = outcome(Some(415)).text();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("ap-southeast-1 SEEN 7m    not made"), "{text}");
        assert!(text.contains("NOT SEEN"), "{text}");
        assert!(text.contains("with the key deactivated: InvalidClientTokenId"));
        assert!(!text.contains("says nothing"));
        assert!(outcome(None).text().contains("says nothing of the others"));
    }

    #[test]
    fn a_region_that_could_not_be_looked_in_gives_no_data() {
        let mut outcome = outcome(None);
        outcome.looked_in.clear();
        let text = outcome.text();
        assert!(text.contains("no data") && !text.contains("NOT SEEN"), "{text}");
    }

    #[test]
    fn what_was_not_removed_is_said_with_the_way_to_finish() {
        let mut outcome = outcome(None);
        outcome.left_behind = vec!["aws iam delete-user --user-name x".to_owned()];
        outcome.complete = false;
        let text = outcome.text();
        assert!(text.contains("NOT removed") && text.contains("    aws iam delete-user"));
        assert!(text.contains("STOPPED") && !text.contains("were removed"));
    }
}
