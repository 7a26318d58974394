//! Outcomes for the tests of every medium, made of records.
//!
//! The causes are put in by hand, so that a new cause changes no test here.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::cause::{Confidence, Diagnosis, Evidence};
use crate::failure::{Failure, Family, Origin};
use crate::finding::{Outcome, Read};
use crate::record::Record;
use crate::scan::{self, Scan};
use crate::settings::Settings;

pub(super) const DEPLOY: &str = "AKIADEPLOYCI1EXAMPLE";
const REPORT: &str = "AKIAREPORT001EXAMPLE";
const SESSION: &str = "ASIASESSION01EXAMPLE";
const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 \
    (+https://www.terraform.io) terraform-provider-aws/5.67.0 aws-sdk-go-v2/1.30.5 os/linux";
const CLI: &str = "aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/linux#6.1 lang/python#3.11.9 md/command#sts.get-caller-identity";

pub(super) fn now() -> DateTime<Utc> {
    at("2026-07-10T13:00:00Z")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A record at a time of 2026-07-10, signed by the key of a user.
fn record(id: &str, clock: &str, key: &str, user: &str, source: &str, agent: &str) -> Value {
    json!({
        "eventID": id, "eventTime": format!("2026-07-10T{clock}Z"), "awsRegion": "us-east-1",
        "eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity",
        "sourceIPAddress": source, "userAgent": agent, "recipientAccountId": "111122223333",
        "userIdentity": {
            "type": "IAMUser", "accountId": "111122223333", "accessKeyId": key, "userName": user,
            "arn": format!("arn:aws:iam::111122223333:user/{user}"),
        },
    })
}

fn key_change(id: &str, clock: &str, name: &str, parameters: Value) -> Value {
    let agent = "AWS Internal";
    let mut record = record(id, clock, "ASIAADMINCON1EXAMPLE", "admin", "198.51.100.20", agent);
    record["eventSource"] = "iam.amazonaws.com".into();
    record["eventName"] = name.into();
    record["requestParameters"] = parameters;
    record
}

fn scan(records: &[Value]) -> Scan {
    let parse = |record: &Value| Record::parse(record.to_string().as_bytes()).unwrap();
    let records: Vec<Record> = records.iter().map(parse).collect();
    scan::of_records(&records, Settings::default(), now())
}

fn diagnosis(id: &'static str, title: &'static str, confidence: Confidence) -> Diagnosis {
    Diagnosis {
        id,
        title,
        confidence,
        evidence: Vec::new(),
        next_steps: Vec::new(),
        not: "It does not mean that the secret is wrong or that permissions are missing.",
        reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
    }
}

fn deactivated() -> Diagnosis {
    Diagnosis {
        evidence: vec![
            Evidence::new(
                "arn:aws:iam::111122223333:user/admin deactivated it at 2026-07-10 12:28:24 UTC",
                vec!["6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b".to_owned()],
            ),
            Evidence::new(
                format!("{DEPLOY} was in use until then"),
                (1..=5).map(|n| format!("use-{n}")).collect(),
            ),
        ],
        next_steps: vec![
            "See which keys the user has: aws iam list-access-keys --user-name deploy-ci"
                .to_owned(),
            format!(
                "If it was turned off by mistake, turn it on again: aws iam update-access-key \
 --user-name deploy-ci --access-key-id {DEPLOY} --status Active"
            ),
            "Otherwise give the callers a role in place of a key: nothing to rotate".to_owned(),
        ],
        ..diagnosis("key-deactivated", "The access key was deactivated", Confidence::High)
    }
}

fn token_missing() -> Diagnosis {
    Diagnosis {
        evidence: vec![Evidence::new(
            "The key is a temporary one and no call with it succeeded",
            vec!["rec-1".to_owned()],
        )],
        next_steps: vec![
            "See whether the token is set beside the key: env | grep AWS_SESSION_TOKEN".to_owned(),
        ],
        ..diagnosis(
            "session-token-missing",
            "Temporary key sent without its session token",
            Confidence::Medium,
        )
    }
}

/// All three origins, a resolved caller, key changes, a live session, uses by a service, a warning.
pub(super) fn story() -> Outcome {
    let mut records = vec![
        key_change(
            "6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b",
            "12:28:24",
            "UpdateAccessKey",
            json!({"userName": "deploy-ci", "accessKeyId": DEPLOY, "status": "Inactive"}),
        ),
        key_change(
            "del-1",
            "11:00:00",
            "DeleteAccessKey",
            json!({"userName": "report", "accessKeyId": REPORT}),
        ),
        record("rep-1", "10:00:00", REPORT, "report", "192.0.2.44", CLI),
        record("rep-2", "11:40:00", "AKIAREPORT002EXAMPLE", "report", "192.0.2.44", CLI),
    ];
    for n in 1..=12 {
        records.push(record(
            &format!("use-{n}"),
            &format!("12:{:02}:07", n * 2),
            DEPLOY,
            "deploy-ci",
            "203.0.113.4",
            TERRAFORM,
        ));
    }
    records.push(record("cli-1", "12:20:00", DEPLOY, "deploy-ci", "198.51.100.7", CLI));
    records.push(record(
        "cfn-1",
        "12:21:00",
        DEPLOY,
        "deploy-ci",
        "cloudformation.amazonaws.com",
        "cloudformation.amazonaws.com",
    ));
    let mut mint = record("mint-1", "12:10:00", DEPLOY, "deploy-ci", "198.51.100.7", CLI);
    mint["eventName"] = "GetSessionToken".into();
    mint["responseElements"] =
        json!({"credentials": {"accessKeyId": SESSION, "expiration": "Jul 10, 2026, 6:30:00 PM"}});
    records.push(mint);
    records.push(record("ses-1", "12:30:00", SESSION, "deploy-ci", "198.51.100.7", CLI));
    for n in 1..=3 {
        let mut refused = record(
            &format!("rec-{n}"),
            &format!("12:3{n}:00"),
            "ASIAFEDERATE1EXAMPLE",
            "build",
            "2001:db8:85a3::8a2e:370:7334",
            CLI,
        );
        refused["errorCode"] = "InvalidClientTokenId".into();
        refused["errorMessage"] = "The security token included in the request is invalid.".into();
        records.push(refused);
    }
    let mut scan = scan(&records);
    for n in 1..=2 {
        scan.add_failure(&Failure {
            origin: Origin::Reported,
            event_id: format!("terraform.log:{n}"),
            time: Some(at("2026-07-10T12:35:40Z")),
            account: Some("111122223333".to_owned()),
            access_key_id: Some(DEPLOY.to_owned()),
            source: "203.0.113.4".to_owned(),
            code: "InvalidClientTokenId".to_owned(),
            family: Family::UnknownCredentials,
            message: "The security token included in the request is invalid.".to_owned(),
            event_source: Some("sts.amazonaws.com".to_owned()),
            event_name: Some("GetCallerIdentity".to_owned()),
            region: Some("us-east-1".to_owned()),
            principal: None,
            user_agent: TERRAFORM.to_owned(),
            request_id: None,
            status: Some(403),
            stage: Some("provider"),
        });
    }
    scan.count(&Read {
        files: 14,
        bytes: 20_038_293,
        seen: 13_200,
        other: 13_199,
        skipped: 1,
        ..Read::default()
    });
    scan.warn(
        "logs/broken.json.gz",
        "the gzip data ends early; 311 records before that are counted",
    );
    let mut outcome = scan.finish();
    for finding in &mut outcome.findings {
        finding.causes = match finding.predicted {
            Some(_) => vec![deactivated()],
            None => vec![token_missing()],
        };
    }
    outcome
}

/// Records were read and show nothing.
pub(super) fn empty() -> Outcome {
    scan(&[record("one", "12:00:00", DEPLOY, "deploy-ci", "203.0.113.4", CLI)]).finish()
}

/// No record was read.
pub(super) fn nothing_read() -> Outcome {
    scan(&[]).finish()
}

/// Nothing could be read.
pub(super) fn unreadable() -> Outcome {
    let mut scan = scan(&[]);
    scan.count(&Read { files: 1, seen: 1, skipped: 1, ..Read::default() });
    scan.warn("trail.json.gz", "not gzip and not JSON");
    scan.finish()
}

/// A client's log was read beside records or alone; neither shows a failure.
pub(super) fn logs(records: bool) -> Outcome {
    let mut scan = scan(&[]);
    let seen = if records { 13_200 } else { 0 };
    scan.count(&Read { files: 2, lines: 1204, seen, other: seen, ..Read::default() });
    scan.finish()
}

/// Texts that no field should hold.
pub(super) fn hostile_texts() -> Vec<String> {
    let texts = [
        "\u{1b}[31mred\u{1b}]0;title\u{7}",
        "\u{202e}gnp.exe\u{2066}\u{200b}",
        "=HYPERLINK(\"http://evil.example\",\"x\")",
        "a|b `code` ``` <script>alert(1)</script> &amp; [x](javascript:1) *b* _i_ # h @everyone",
        "line\r\n# heading\n\n- item\u{2028}\u{85}",
        "🔑 e\u{301}\u{301} 漢字 ä",
    ];
    let mut texts: Vec<String> = texts.map(str::to_owned).to_vec();
    texts.push("x".repeat(10_000));
    texts.push("ä ".repeat(5_000));
    texts
}

/// A recorded failure and a left-behind caller with a text in every field that a stranger writes.
pub(super) fn with(text: &str) -> Outcome {
    let mut refused = record(text, "12:00:00", text, text, text, text);
    refused["errorCode"] = "InvalidClientTokenId".into();
    for field in ["eventSource", "eventName", "awsRegion", "recipientAccountId"] {
        refused[field] = text.into();
    }
    refused["userIdentity"]["accountId"] = text.into();
    let mut by = key_change(
        &format!("{text}2"),
        "12:30:00",
        "DeleteAccessKey",
        json!({"userName": text, "accessKeyId": DEPLOY}),
    );
    by["userIdentity"]["arn"] = text.into();
    let mut scan = scan(&[
        refused,
        record(&format!("{text}1"), "12:01:00", DEPLOY, text, "192.0.2.9", text),
        by,
    ]);
    scan.warn(text, text);
    let mut outcome = scan.finish();
    for finding in &mut outcome.findings {
        let evidence = vec![Evidence::new(format!("{text} did it"), vec![text.to_owned(); 4])];
        let next_steps = vec![format!("Look at {text}: aws iam get-user --user-name '{text}'")];
        finding.causes = vec![Diagnosis {
            evidence,
            next_steps,
            ..diagnosis("made-up", "Made up", Confidence::Low)
        }];
    }
    outcome
}

/// All hostile texts at once.
pub(super) fn hostile() -> Outcome {
    let mut whole = nothing_read();
    for text in hostile_texts() {
        let outcome = with(&text);
        whole.read.merge(&outcome.read);
        whole.findings.extend(outcome.findings);
        whole.key_changes.extend(outcome.key_changes);
        whole.warnings.extend(outcome.warnings);
    }
    whole
}

pub(super) fn all() -> Vec<Outcome> {
    vec![story(), empty(), nothing_read(), unreadable(), logs(false), logs(true), hostile()]
}
