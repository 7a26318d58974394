//! What to ask whoever administers the account: what CloudTrail and IAM can tell and the client's
//! own output cannot.
//!
//! Knows the lookups of CloudTrail and their limits. CloudTrail normally has no record of the
//! refused request itself, so what is asked for is what the key did before and what was done to it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::causes::{partition, shell_quoted};
use crate::failure::{Failure, Family};
use crate::report::Report;

/// How long before a refusal a change of the key is looked for.
const CHANGES: TimeDelta = TimeDelta::days(7);
/// How long before a refusal a use of the key is looked for.
const USES: TimeDelta = TimeDelta::days(1);
/// How far from its time in the log a request is looked for: clocks and deliveries differ.
const NEAR: TimeDelta = TimeDelta::minutes(15);

/// The questions as steps `what: command`, most telling first; none where an account can know
/// nothing.
pub(super) fn of(report: &Report, failure: &Failure) -> Vec<String> {
    let region = report.region.as_deref();
    let partition = region.map_or("aws", partition);
    // IAM, and STS by its global name, are recorded in one Region of the partition.
    let home = match partition {
        "aws" => Some("us-east-1"),
        "aws-cn" => Some("cn-north-1"),
        "aws-us-gov" => Some("us-gov-west-1"),
        _ => region,
    };
    let home = home.map_or("REGION".to_owned(), shell_quoted);
    let here = match region {
        Some(region) => shell_quoted(region),
        None if matches!(report.service.as_deref(), Some("sts" | "iam") | None) => home.clone(),
        None => "REGION".to_owned(),
    };
    let mut ask = vec![facts(report, &here)];
    let id = report.access_key_id.as_deref().map(shell_quoted);
    let recorded = failure.family == Family::IdentityToken;
    if recorded {
        ask.push(format!(
            "See the refusal, which CloudTrail does record for this operation: {}",
            refused_call(report, &here)
        ));
        ask.push(
            "See that the provider exists, and which audiences it accepts: \
                  aws iam list-open-id-connect-providers"
                .to_owned(),
        );
        return ask;
    }
    let keys = matches!(failure.family, Family::UnknownCredentials | Family::Signature);
    let id = id.as_deref().unwrap_or("ACCESS_KEY_ID");
    if report.access_key_id.is_none() {
        ask.push(
            "The text does not show the access key ID; on the failing machine, read it (it is no \
             secret) and give it along: aws configure get aws_access_key_id; \
             printenv AWS_ACCESS_KEY_ID"
                .to_owned(),
        );
    }
    if keys {
        for name in ["UpdateAccessKey", "DeleteAccessKey"] {
            let lookup = lookup(&home, "EventName", name, around(report.time, CHANGES));
            let what = if name == "UpdateAccessKey" { "deactivated" } else { "deleted" };
            ask.push(format!("See whether the key was {what}, and by whom: {lookup}"));
        }
    }
    ask.push(format!(
        "See what the credentials did before, from where and with what client: {}",
        lookup(&here, "AccessKeyId", id, around(report.time, USES))
    ));
    if keys {
        ask.push(format!(
            "See whose key it is and when it was last good: aws iam get-access-key-last-used \
             --access-key-id {id}"
        ));
        ask.push("See whether it is active: aws iam list-access-keys --user-name USER".to_owned());
    }
    ask.push(format!(
        "Look for the refused call itself; CloudTrail normally has no record of it, so finding \
         nothing proves nothing: {}",
        refused_call(report, &here)
    ));
    ask
}

/// What the administrator has to be told, on one line.
fn facts(report: &Report, region: &str) -> String {
    let time = report.time.map_or_else(
        || "the UTC time (the text shows none with a time zone)".to_owned(),
        |time| format!("the time {}", time.format("%Y-%m-%d %H:%M:%S UTC")),
    );
    let request = report.request_id.as_ref().map_or_else(
        || "there is no request ID in the text".to_owned(),
        |id| format!("request ID {id}"),
    );
    let region = match &report.region {
        Some(_) => format!("Region {region}"),
        None if region == "REGION" => "Region not shown".to_owned(),
        None => format!("Region not shown ({region} unless you know better)"),
    };
    format!("Say when, where and which: {time}; {region}; {request}")
}

/// The lookup of the refused call: by the operation, narrowed to the request where its ID is known.
fn refused_call(report: &Report, region: &str) -> String {
    let around = report.time.map(|time| (time - NEAR, time + NEAR));
    let (name, value) = match (&report.operation, &report.event_source) {
        (Some(operation), _) => ("EventName", shell_quoted(operation)),
        (None, Some(source)) => ("EventSource", shell_quoted(source)),
        (None, None) => ("EventName", "OPERATION".to_owned()),
    };
    let mut command = lookup(region, name, &value, around);
    if let Some(id) = &report.request_id {
        let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if plain {
            command += &format!(" --query \"Events[?contains(CloudTrailEvent, '{id}')]\"");
        }
    }
    command
}

fn around(
    time: Option<DateTime<Utc>>,
    before: TimeDelta,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    time.map(|time| (time - before, time + NEAR))
}

fn lookup(
    region: &str,
    name: &str,
    value: &str,
    between: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> String {
    let mut command = format!(
        "aws cloudtrail lookup-events --region {region} --lookup-attributes \
         AttributeKey={name},AttributeValue={value}"
    );
    match between {
        Some((from, to)) => {
            let form = "%Y-%m-%dT%H:%M:%SZ";
            command +=
                &format!(" --start-time {} --end-time {}", from.format(form), to.format(form));
        }
        None => command += " --max-items 20",
    }
    command
}
