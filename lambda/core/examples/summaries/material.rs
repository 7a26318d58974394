//! What the summaries of tests and pictures are made of: an invented account, a quiet one, one with
//! holes in what was read, a very busy one, and one full of hostile names.
//!
//! Everything goes through a scan of records, as real ones would.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::alert::{Incident, IncidentKey, Policy, Status};
use failure_monitor_core::failure::{Failure, Family, Origin};
use failure_monitor_core::record::Record;
use failure_monitor_core::scan;
use failure_monitor_core::settings::Settings;
use failure_monitor_core::state::{Coverage, TimeRange};
use failure_monitor_core::summary::{Material, Summary, Window, build};
use serde_json::{Value, json};

const DEPLOY: &str = "AKIADEPLOYOLDEXAMPLE";
const DEPLOY_NEW: &str = "AKIADEPLOYNEWEXAMPLE";
const FEDERATED: &str = "ASIAFEDERATE1EXAMPLE";
const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.14.2 (+https://www.terraform.io) \
    terraform-provider-aws/6.27.0 aws-sdk-go-v2/1.41.0 os/linux m/g";
const CLI: &str =
    "aws-cli/2.32.6 md/awscrt#0.29.1 ua/2.1 os/linux#6.8 md/arch#x86_64 lang/python#3.13.9 m/n";
const BOTO: &str = "Boto3/1.42.24 md/Botocore#1.42.24 ua/2.1 os/linux#6.8 lang/python#3.12.3 m/g";
const GITHUB: &str = "configure-aws-credentials-for-github-actions";

/// The time of all of these summaries.
pub fn now() -> DateTime<Utc> {
    at("2026-07-10T13:02:00Z")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The names of the summaries.
pub const NAMES: [&str; 9] =
    ["story", "key", "week", "hour", "empty", "nothing", "holes", "hostile", "busy"];

/// The summary with a name.
pub fn summary(name: &str) -> Summary {
    let (hours, material) = match name {
        "story" | "key" => (24, story()),
        "week" => (7 * 24, week()),
        "hour" => (1, story()),
        "empty" => (24, empty()),
        "nothing" => (24, Material::default()),
        "holes" => (24, holes()),
        "hostile" => (24, hostile()),
        "busy" => (24, busy(10_000)),
        _ => panic!("there is no summary {name}"),
    };
    let summary = build(Window::last(TimeDelta::hours(hours), now()), material, now());
    if name == "key" { summary.only(DEPLOY) } else { summary }
}

fn minutes_ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

fn record(id: &str, time: DateTime<Utc>, key: &str, user: &str, from: (&str, &str)) -> Value {
    json!({
        "eventVersion": "1.11", "eventID": id, "eventTime": time, "awsRegion": "us-east-1",
        "eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity",
        "sourceIPAddress": from.0, "userAgent": from.1, "recipientAccountId": "111122223333",
        "userIdentity": {
            "type": "IAMUser", "accountId": "111122223333", "accessKeyId": key, "userName": user,
            "arn": format!("arn:aws:iam::111122223333:user/{user}"),
        },
    })
}

fn refused(mut record: Value, code: &str, message: &str) -> Value {
    record["errorCode"] = code.into();
    record["errorMessage"] = message.into();
    record
}

fn by_admin(id: &str, time: DateTime<Utc>, name: &str, parameters: Value) -> Value {
    let from = ("198.51.100.20", "AWS Internal");
    let mut record = record(id, time, "ASIAADMINCON1EXAMPLE", "alice", from);
    record["eventSource"] = "iam.amazonaws.com".into();
    record["eventName"] = name.into();
    record["requestParameters"] = parameters;
    record
}

fn reported(id: &str, time: DateTime<Utc>, key: Option<&str>, source: &str) -> Failure {
    Failure {
        origin: Origin::Reported,
        event_id: format!("report:{id}"),
        time: Some(time),
        account: Some("111122223333".to_owned()),
        access_key_id: key.map(str::to_owned),
        source: source.to_owned(),
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
    }
}

fn scanned(records: &[Value], reports: &[Failure]) -> Material {
    let parse = |record: &Value| Record::parse(record.to_string().as_bytes()).unwrap();
    let records: Vec<Record> = records.iter().map(parse).collect();
    let mut scan = scan::of_records(&records, Settings::default(), now());
    for report in reports {
        scan.add_failure(report);
    }
    Material { coverage: Vec::new(), ..scan.material() }
}

/// The incidents that the findings make, each told once.
fn told(mut material: Material) -> Material {
    let policy = Policy::default();
    for finding in &material.findings {
        let tried = material
            .findings
            .iter()
            .filter(|other| other.group.key.source == finding.group.key.source)
            .count();
        let key = IncidentKey::of(finding, tried, &policy);
        let left = finding.left_behind.as_ref();
        let opened = finding.group.all.first.or(left.map(|left| left.since)).unwrap_or(now());
        let last = finding.group.all.last.or(left.map(|left| left.since));
        let id = key.id();
        match material.incidents.iter_mut().find(|incident| incident.key.id() == id) {
            Some(incident) => {
                incident.groups.push(finding.id());
                incident.opened = incident.opened.min(opened);
                incident.last_failure = incident.last_failure.max(last);
            }
            None => material.incidents.push(Incident {
                key,
                status: Status::Open,
                opened,
                resolved: None,
                groups: vec![finding.id()],
                more_groups: 0,
                told_sources: Vec::new(),
                told_cause: finding.causes.first().map(|cause| cause.id.to_owned()),
                told_failures: finding.group.origins.total(),
                alerts: 2,
                last_alert: last,
                last_alert_id: Some("alert-1".to_owned()),
                follow_ups: 1,
                last_failure: last,
                told: true,
                told_until: last,
                changes: 0,
                settled: None,
                other_groups: BTreeSet::new(),
            }),
        }
    }
    material
}

fn sweep(region: &str, seen: u64) -> Coverage {
    Coverage {
        intake: "sweep".to_owned(),
        region: region.to_owned(),
        read_up_to: Some(minutes_ago(4)),
        since: Some(minutes_ago(40_000)),
        holes: Vec::new(),
        last_record: Some(minutes_ago(9)),
        last_run: Some(minutes_ago(2)),
        seen,
        skipped: 0,
        problem: None,
    }
}

fn swept() -> Vec<Coverage> {
    let sent = Coverage {
        intake: "eventbridge".to_owned(),
        read_up_to: None,
        since: Some(minutes_ago(40_000)),
        last_run: Some(minutes_ago(11)),
        last_record: Some(minutes_ago(14)),
        ..sweep("us-east-1", 512)
    };
    vec![sweep("us-east-1", 184_220), sweep("eu-central-1", 40_118), sweep("ap-south-1", 977), sent]
}

/// A key is rotated and two of three callers are left behind; a session lives on; somebody forgot a
/// session token; somebody tries keys; a CI job has no valid identity token; a runner says so.
fn story() -> Material {
    let off = minutes_ago(182);
    let mut records = vec![
        by_admin(
            "change-1",
            minutes_ago(1300),
            "CreateAccessKey",
            json!({"userName": "deploy-ci"}),
        ),
        by_admin(
            "change-2",
            off,
            "UpdateAccessKey",
            json!({"userName": "deploy-ci", "accessKeyId": DEPLOY, "status": "Inactive"}),
        ),
        by_admin(
            "change-3",
            minutes_ago(620),
            "DeleteAccessKey",
            json!({"userName": "report", "accessKeyId": "AKIAREPORTOLDEXAMPLE"}),
        ),
    ];
    records[0]["responseElements"] = json!({"accessKey": {
        "userName": "deploy-ci", "accessKeyId": DEPLOY_NEW, "status": "Active"}});
    for n in 0..8 {
        let time = off - TimeDelta::minutes(20 + n * 31);
        let use_of = |id: &str, source: &str, agent: &str| {
            record(&format!("{id}-{n}"), time, DEPLOY, "deploy-ci", (source, agent))
        };
        records.push(use_of("use-t", "192.0.2.23", TERRAFORM));
        records.push(use_of("use-b", "198.51.100.44", BOTO));
        records.push(use_of("use-c", "203.0.113.10", CLI));
    }
    let report = ("192.0.2.90", BOTO);
    records.push(record("use-r", minutes_ago(700), "AKIAREPORTOLDEXAMPLE", "report", report));
    records.push(record("use-n", minutes_ago(500), "AKIAREPORTNEWEXAMPLE", "report", report));
    let moved = ("203.0.113.10", CLI);
    records.push(record("use-m", minutes_ago(150), DEPLOY_NEW, "deploy-ci", moved));
    let mut mint = record("mint-1", minutes_ago(260), DEPLOY, "deploy-ci", moved);
    mint["eventName"] = "GetSessionToken".into();
    mint["responseElements"] = json!({"credentials": {
        "accessKeyId": "ASIASESSION01EXAMPLE", "expiration": "Jul 11, 2026, 12:42:00 AM"}});
    records.push(mint);
    records.push(record("use-s", minutes_ago(240), "ASIASESSION01EXAMPLE", "deploy-ci", moved));

    for n in 0..64_i64 {
        // A job that runs on the hour, more often in the morning.
        let time = minutes_ago(1380 - n * 21 - (n * n) % 13);
        let from = if n % 5 == 0 { "2001:db8:85a3::8a2e:370:7334" } else { "198.51.100.7" };
        let record = record(&format!("rec-{n}"), time, FEDERATED, "build", (from, CLI));
        let text = "The security token included in the request is invalid.";
        records.push(refused(record, "InvalidClientTokenId", text));
    }
    for n in 0..22_i64 {
        let key = format!(
            "AKIA{}1TRYEXAMPLE",
            ["AAAAA", "BBBBB", "CCCCC", "DDDDD", "EEEEE", "FFFFF"][(n % 6) as usize]
        );
        let time = minutes_ago(395 - n * 2);
        let agent = "python-requests/2.32.3";
        let mut record = record(&format!("try-{n}"), time, &key, "", ("203.0.113.66", agent));
        record["userIdentity"] = json!({"type": "Unknown", "accessKeyId": key});
        let text = "The AWS Access Key Id you provided does not exist in our records.";
        records.push(refused(record, "InvalidAccessKeyId", text));
    }
    for n in 0..6_i64 {
        let mut record =
            record(&format!("web-{n}"), minutes_ago(800 - n * 60), "", "", ("192.0.2.150", GITHUB));
        record["eventName"] = "AssumeRoleWithWebIdentity".into();
        record["userIdentity"] = json!({"type": "WebIdentityUser"});
        let text = "No OpenIDConnect provider found in your account for \
            https://token.actions.githubusercontent.com";
        records.push(refused(record, "InvalidIdentityToken", text));
    }
    let reports: Vec<Failure> = (0..9_i64)
        .map(|n| {
            let time = minutes_ago(160 - n * 17);
            reported(&format!("run-{n}"), time, None, "/ecs/runner:nightly/terraform")
        })
        .chain((0..5_i64).map(|n| {
            reported(&format!("tf-{n}"), minutes_ago(100 - n * 20), Some(DEPLOY), "192.0.2.23")
        }))
        .collect();
    Material { coverage: swept(), ..told(scanned(&records, &reports)) }
}

/// The story, and the same job on the days before.
fn week() -> Material {
    let mut material = story();
    let earlier: Vec<_> = material
        .buckets
        .iter()
        .flat_map(|bucket| {
            (1..7).filter(move |day| bucket.group.access_key_id.is_some() && day % 3 != 0).map(
                move |day| {
                    let mut bucket = bucket.clone();
                    bucket.hour -= TimeDelta::days(day);
                    bucket
                },
            )
        })
        .collect();
    material.buckets.extend(earlier);
    material
}

/// Records were read, and there is nothing to tell.
fn empty() -> Material {
    Material { coverage: swept(), ..Material::default() }
}

/// Something is known, and much of the window was not read.
fn holes() -> Material {
    let mut material = story();
    let hole = |from, to| TimeRange { from: minutes_ago(from), to: minutes_ago(to) };
    material.coverage[1].holes = vec![hole(1200, 1010), hole(300, 260)];
    material.coverage[1].problem =
        Some("LookupEvents was refused in eu-central-1: AccessDeniedException".to_owned());
    material.coverage[2].read_up_to = Some(minutes_ago(700));
    material.coverage[3].skipped = 3;
    material.problems = vec!["12 findings were not read: the table did not answer in time".into()];
    material
}

/// Texts with which strangers try to be more than text.
pub fn hostile_texts() -> Vec<String> {
    let texts = [
        "<script>alert('x')</script><img src=x onerror=alert(1)>",
        "\"><svg onload=alert(1)>' onmouseover='alert(1)",
        "</code></pre></td></table></body><h1>gone</h1>",
        "=HYPERLINK(\"http://198.51.100.1\",\"x\")",
        "a|b `code` ``` [x](javascript:alert(1)) *b* _i_ # h @everyone <!channel>",
        "line\r\n# heading\n\n- item\u{2028}\u{85}",
        "\u{1b}[31mred\u{1b}]8;;http://198.51.100.1\u{7}link\u{202e}evil\u{200b}",
        "{\"access_key_id\":\"x\"}</cwdb-action><cwdb-action action=\"call\">",
        "&lt;b&gt;&amp;lt; ${jndi:ldap://x} {{7*7}} %s",
        "ünïcödé 漢字 🔑 e\u{301}\u{301}",
    ];
    let mut texts: Vec<String> = texts.map(str::to_owned).to_vec();
    texts.push("x".repeat(3_000));
    texts.push("ä ".repeat(1_500));
    texts
}

/// Hostile texts in every place that a stranger can write to.
fn hostile() -> Material {
    let mut records = Vec::new();
    let mut reports = Vec::new();
    for (n, text) in hostile_texts().iter().enumerate() {
        let minutes = 30 + n as i64 * 40;
        let mut record =
            record(&format!("{text}{n}"), minutes_ago(minutes), text, text, (text, text));
        for field in ["eventSource", "eventName", "awsRegion", "recipientAccountId"] {
            record[field] = text.as_str().into();
        }
        record["userIdentity"]["accountId"] = text.as_str().into();
        record["userIdentity"]["arn"] = text.as_str().into();
        records.push(refused(record, "InvalidClientTokenId", text));
        reports.push(reported(text, minutes_ago(minutes), None, text));
    }
    records.push(by_admin(
        "hostile-change",
        minutes_ago(25),
        "DeleteAccessKey",
        json!({"userName": hostile_texts()[0], "accessKeyId": hostile_texts()[1]}),
    ));
    let mut material = told(scanned(&records, &reports));
    for (n, finding) in material.findings.iter_mut().enumerate() {
        let text = &hostile_texts()[n % hostile_texts().len()];
        finding.user_name = Some(text.clone());
        finding.unread = vec![text.clone()];
        if n % 4 == 0 {
            finding.ignored = Some(text.clone());
        }
    }
    let text = |n: usize| hostile_texts()[n].clone();
    material.coverage = vec![Coverage {
        intake: text(0),
        region: text(1),
        problem: Some(text(2)),
        ..sweep("", 10)
    }];
    material.problems = hostile_texts();
    material
}

/// As many groups as a busy organisation, or an attack, may make.
pub fn busy(groups: u64) -> Material {
    let mut material = Material { coverage: swept(), ..Material::default() };
    let digits = |mut n: u64| {
        let mut text = String::new();
        for _ in 0..5 {
            text.push(char::from(b'A' + (n % 16) as u8));
            n /= 16;
        }
        text
    };
    let records: Vec<Value> = (0..groups)
        .map(|n| {
            let key = format!("AKIA{}BUSYEXAMPLE", &digits(n / 4)[..4]);
            let source = format!("198.51.{}.{}", 100 + n % 4, (n / 4) % 250);
            let time = minutes_ago(5 + (n * 7) as i64 % 1400);
            let record =
                record(&format!("busy-{n}"), time, &key, &format!("user-{n}"), (&source, CLI));
            refused(record, "InvalidClientTokenId", "The security token is invalid.")
        })
        .collect();
    let scanned = scanned(&records, &[]);
    material.buckets = scanned.buckets;
    material.findings = scanned.findings;
    material
}
