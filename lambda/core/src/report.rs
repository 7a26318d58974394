//! Reported failures: the refusals that a client's own log shows.
//!
//! Knows how refused credentials look in the output of Terraform, the AWS CLI and the SDKs, through
//! colours, time stamps, boxes and line breaks. Must not know where the log came from, nor what
//! caused the refusal.
//!
//! A refusal is an error code of [`crate::failure::CODES`] where an error code stands, or one of
//! the known wordings. A word in prose is none, and neither is a code whose text says that it is
//! about something else (`No account found …`, `AuthFailure` about an image).

mod ci;
mod facts;
mod hits;
mod lines;
mod place;
mod prefix;
mod printing;
mod service;
mod wording;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::access_key;
use crate::failure::{Failure, Family, Origin};
use lines::Squeezed;
use printing::Reports;
use wording::WORDINGS;

/// Where in a client's work a refusal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Terraform configured the AWS provider.
    Provider,
    /// Terraform used its state backend.
    Backend,
    /// Terraform refreshed its state.
    Refresh,
    /// Terraform worked on a resource or data source.
    Resource,
    /// Any other client, or a log that does not say.
    Other,
}

impl Stage {
    /// The name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Provider => "provider",
            Stage::Backend => "backend",
            Stage::Refresh => "refresh",
            Stage::Resource => "resource",
            Stage::Other => "other",
        }
    }
}

/// One refusal in a client's log, however often the log prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The line of its code or wording, counted from 1.
    pub line: usize,
    /// The time in the line's prefix; absent where the prefix does not name its time zone.
    pub time: Option<DateTime<Utc>>,
    /// The error code as written; absent where the log has only a wording.
    pub code: Option<String>,
    /// What the code or wording means.
    pub family: Family,
    /// The error's own text on one line, at most 512 bytes.
    pub message: String,
    /// Where in the client's work it came.
    pub stage: Stage,
    /// The service that refused, such as `sts`.
    pub service: Option<String>,
    /// The same as an event source, such as `sts.amazonaws.com`.
    pub event_source: Option<String>,
    /// The operation, such as `GetCallerIdentity`.
    pub operation: Option<String>,
    /// The region called.
    pub region: Option<String>,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// The service's request ID.
    pub request_id: Option<String>,
    /// The access key ID, where the log shows one.
    pub access_key_id: Option<String>,
    /// The Terraform address of the resource, data source or provider.
    pub resource: Option<String>,
    /// The client that wrote the line, such as `Terraform` or `AWS CLI`.
    pub client: Option<&'static str>,
    /// The CI system that ran the client, where the log has marks of one.
    pub ci: Option<&'static str>,
    /// In how many statements of the log it is printed.
    pub times_printed: u32,
    /// The client had no credentials and sent no request: nothing was refused.
    pub no_request: bool,
}

/// The refusals that a log shows, in the order of their first lines.
///
/// One refusal printed several times is one report: printings with the same request ID, and
/// printings of which at most one has a request ID where nothing they tell differs (family, code,
/// service, operation, region, resource, stage, client) and neither their times (5 minutes) nor,
/// beside other refusals, their lines (200) are far apart. What any printing tells, the report has.
pub fn parse(text: &str) -> Vec<Report> {
    let mut found = Reports::default();
    let (mut counted, mut number) = (0, 1);
    for window in lines::windows(text, wording::FRAGMENTS) {
        number += memchr::memchr_iter(b'\n', &text.as_bytes()[counted..window.start]).count();
        counted = window.start;
        found.read(&Squeezed::read(&text[window], number));
    }
    let mut reports = found.finish();
    if !reports.is_empty() {
        let ci = ci::of_log(text);
        let program = ci::program_of_log(text);
        for report in &mut reports {
            report.ci = ci;
            report.client = program.or(report.client);
        }
    }
    reports
}

/// The reports as failures of origin `reported`, without those where no request was sent.
///
/// `source` names the log. The event ID is the same whenever the same refusal is read: it is made
/// of the request ID or, where there is none, of the source, the time or else the line, and all
/// that tells refusals of one moment apart. The code of a report without one is the code that its
/// wording proves (`InvalidAccessKeyId`) or else the name of its family (`unknown-credentials`).
/// The account is the one inside the access key ID, where the log shows an ID that has one.
pub fn to_failures(reports: &[Report], source: &str) -> Vec<Failure> {
    reports
        .iter()
        .filter(|report| !report.no_request)
        .map(|report| Failure {
            origin: Origin::Reported,
            event_id: event_id(report, source),
            time: report.time,
            account: report.access_key_id.as_deref().and_then(access_key::account),
            access_key_id: report.access_key_id.clone(),
            source: source.to_owned(),
            code: code(report),
            family: report.family,
            message: report.message.clone(),
            event_source: report.event_source.clone(),
            event_name: report.operation.clone(),
            region: report.region.clone(),
            principal: None,
            user_agent: user_agent(report),
            request_id: report.request_id.clone(),
            status: report.status,
            stage: Some(report.stage.name()),
        })
        .collect()
}

/// What clients call themselves, where that is not the name people give them.
const AGENTS: [(&str, &str); 15] = [
    ("AWS CDK", "aws-cdk"),
    ("AWS CLI", "aws-cli"),
    ("AWS SDK for .NET", "aws-sdk-dotnet"),
    ("AWS SDK for Go v1", "aws-sdk-go"),
    ("AWS SDK for Go v2", "aws-sdk-go-v2"),
    ("AWS SDK for Java v1", "aws-sdk-java"),
    ("AWS SDK for Java v2", "aws-sdk-java/2.x"),
    ("AWS SDK for JavaScript v2", "aws-sdk-nodejs"),
    ("AWS SDK for JavaScript v3", "aws-sdk-js/3.x"),
    ("AWS SDK for PHP", "aws-sdk-php"),
    ("AWS SDK for Ruby", "aws-sdk-ruby"),
    ("AWS SDK for Rust", "aws-sdk-rust"),
    ("AWS Tools for PowerShell", "AWSPowerShell"),
    ("Serverless Framework", "serverless"),
    ("configure-aws-credentials", "configure-aws-credentials-for-github-actions"),
];

/// What the client would call itself: a log does not hold the user agent.
fn user_agent(report: &Report) -> String {
    let client = match report.client {
        // Without its provider, Terraform's agent is that of the S3 backend.
        Some("Terraform") if report.stage != Stage::Backend => "Terraform terraform-provider-aws",
        Some(client) => {
            let known = AGENTS.iter().find(|(name, _)| *name == client);
            known.map_or(client, |(_, agent)| *agent)
        }
        None => "",
    };
    match report.ci {
        Some(ci) => format!("{client} exec-env/{ci}").trim_start().to_owned(),
        None => client.to_owned(),
    }
}

fn event_id(report: &Report, source: &str) -> String {
    if let Some(id) = &report.request_id {
        return format!("report:{id}");
    }
    let place = report.time.map_or_else(|| report.line.to_string(), |time| time.to_rfc3339());
    let or_empty = |field: &Option<String>| field.clone().unwrap_or_default();
    format!(
        "report:{source}:{place}:{}:{}:{}:{}:{}",
        code(report),
        or_empty(&report.service),
        or_empty(&report.operation),
        report.stage.name(),
        or_empty(&report.resource),
    )
}

fn code(report: &Report) -> String {
    let proven = || {
        let message = report.message.to_ascii_lowercase();
        let mut wordings = WORDINGS.iter();
        wordings.find(|w| message.contains(&w.text.to_ascii_lowercase())).and_then(|w| w.code)
    };
    let code = report.code.as_deref().or_else(proven);
    code.unwrap_or_else(|| wording::family_name(report.family)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVALID: &str = "The security token included in the request is invalid";

    /// `report/cases.json`: what each wording must and must not show. Every stated field counts.
    #[test]
    fn reads_every_case() {
        let cases: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("report/cases.json")).unwrap();
        let mut wrong = Vec::new();
        for case in &cases {
            let text = case["text"].as_str().unwrap();
            let expected = case["expected"].as_array().unwrap();
            let found = serde_json::to_value(parse(text)).unwrap();
            let found = found.as_array().unwrap();
            let same = expected.len() == found.len()
                && expected.iter().zip(found).all(|(expected, found)| {
                    expected
                        .as_object()
                        .unwrap()
                        .iter()
                        .all(|(field, value)| found[field] == *value)
                });
            if !same {
                wrong.push(format!("{}\n  expected {expected:?}\n  found {found:?}", case["name"]));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
        let negatives = cases.iter().filter(|case| case["expected"] == serde_json::json!([]));
        assert!(cases.len() >= 45 && negatives.count() >= 10);
    }

    fn provider_error() -> String {
        format!(
            "Error: configuring Terraform AWS Provider: validating provider credentials: operation \
             error STS: GetCallerIdentity, https response error StatusCode: 403, RequestID: \
             1a2b3c4d-0001-4aaa-8bbb-0123456789ab, api error InvalidClientTokenId: {INVALID}."
        )
    }

    #[test]
    fn finds_a_refusal_whatever_the_column_it_is_wrapped_at() {
        let plain = parse(&format!("╷\n│ {}\n╵\n", provider_error()));
        for width in 32..160 {
            let text: Vec<char> = provider_error().chars().collect();
            let mut boxed = "╷\n".to_owned();
            for line in text.chunks(width) {
                boxed += &format!("│ {}\n", line.iter().collect::<String>());
            }
            let mut wrapped = parse(&(boxed + "╵\n"));
            assert_eq!(wrapped.len(), 1, "{width}");
            wrapped[0].line = plain[0].line;
            assert_eq!(wrapped, plain, "{width}");
        }
    }

    #[test]
    fn printings_of_one_refusal_are_one_report() {
        let cli = |operation: &str| {
            format!("An error occurred (ExpiredToken) when calling the {operation} operation: x\n")
        };
        let go = |id: u8| {
            format!(
                "Error: ExpiredToken: x\n\tstatus code: 403, request id: 1a2b3c4d-00{id:02}-4aaa-8bbb-0123456789ab\n"
            )
        };
        let count = |text: String| -> Vec<u32> {
            parse(&text).iter().map(|report| report.times_printed).collect()
        };
        assert_eq!(count(cli("ListQueues").repeat(3)), [3]);
        assert_eq!(count(cli("ListQueues") + &cli("ListTopics")), [1, 1]);
        assert_eq!(count(go(1) + &go(2) + &go(1)), [2, 1]);
        let boxed = format!("╷\n│ {}\n╵\n", provider_error());
        assert_eq!(count(provider_error() + "\n" + &boxed), [2]);
        let without_id = "Error: InvalidClientTokenId: ".to_owned() + INVALID + "\n";
        assert_eq!(count(without_id + &boxed), [2]);
        // More refusals in between than are compared one by one.
        let others: String = (10..60).map(go).collect();
        assert_eq!(count(cli("ListQueues") + &others + &cli("ListQueues"))[0], 2);
    }

    #[test]
    fn printings_far_apart_in_time_are_two_refusals() {
        let at = |time: &str| {
            format!(
                "2026-01-02T{time}Z An error occurred (ExpiredToken) when calling the ListQueues operation: x\n"
            )
        };
        assert_eq!(parse(&(at("03:04:05") + &at("03:09:05"))).len(), 1);
        assert_eq!(parse(&(at("03:04:05") + &at("03:09:06"))).len(), 2);
    }

    #[test]
    fn a_time_without_a_zone_is_no_time() {
        let times = [
            ("2026-01-02T03:04:05Z ", Some("2026-01-02T03:04:05+00:00")),
            ("2026-01-02T03:04:05+0130 [ERROR] ", Some("2026-01-02T01:34:05+00:00")),
            ("2026-01-02 03:04:05 UTC ", Some("2026-01-02T03:04:05+00:00")),
            ("2026-01-02 03:04:05,123 ERROR ", None),
            ("03:04:05.678 ERROR [app] terraform: ", None),
            ("2026-02-30T03:04:05Z ", None),
            ("2026-01-02T99:04:05Z ", None),
        ];
        for (prefix, expected) in times {
            let reports = parse(&format!("{prefix}{INVALID}"));
            let time = reports[0].time.map(|time| time.to_rfc3339());
            assert_eq!(time.as_deref(), expected, "{prefix}");
        }
    }

    #[test]
    fn cuts_a_long_message_between_characters() {
        let reports =
            parse(&format!("<Code>IncompleteSignature</Code><Message>{}", "€".repeat(400)));
        assert_eq!(reports[0].message.len(), 510);
        assert!(reports[0].message.ends_with('€'));
    }

    #[test]
    fn reads_a_huge_line_only_round_its_refusals() {
        let filler = "x".repeat(3 << 20);
        let text = format!("{filler} {INVALID} {filler} {INVALID}. {filler}");
        let windows = lines::windows(&text, wording::FRAGMENTS);
        assert_eq!(windows.len(), 2);
        assert!(windows.iter().all(|window| window.len() < 70 << 10));
        assert_eq!(parse(&text)[0].line, 1);
        assert!(lines::windows(&filler, wording::FRAGMENTS).is_empty());
    }

    #[test]
    fn dense_hostile_text_is_read_to_the_end() {
        for piece in [
            "InvalidClientTokenId: ",
            "(ExpiredToken)",
            "\u{1b}]0;x The provided token has expired",
            "│ Error: The provided token has expired\n",
            "An error occurred (ExpiredToken) when calling the ",
            "with[[[InvalidClientTokenId: operation error calling (service:",
            "{\"code\":\"InvalidClientTokenId\\\\\\n\"",
        ] {
            parse(&piece.repeat(5_000));
        }
    }

    #[test]
    fn controls_and_line_ends_do_not_hide_a_refusal() {
        for text in [
            "progress 1%\rprogress 2%\rThe security token included in the request is invalid\r\n",
            "The secu\0rity token\u{1b}[31m included in the request is\u{1b}[0m invalid",
            "The security token included\u{a0}in the\r\nrequest is invalid",
            "\u{feff}The security token \u{1b}]8;;https://example.com\u{7}included\u{1b}]8;;\u{1b}\\ in the request is invalid",
            "\u{1b}_bk;t=1767322800000\u{7}The security token included in the request is invalid",
        ] {
            let reports = parse(text);
            assert_eq!(reports.len(), 1, "{text:?}");
            assert_eq!(reports[0].message, INVALID, "{text:?}");
        }
    }

    #[test]
    fn counts_lines_across_windows() {
        let filler = "a line of a log\n".repeat(20_000);
        let text = format!("{filler}Error: {INVALID}\n{filler}{}\n", provider_error());
        let lines: Vec<usize> = parse(&text).iter().map(|report| report.line).collect();
        assert_eq!(lines, [20_001, 40_002]);
    }

    #[test]
    fn failures_have_stable_ids_and_proven_codes() {
        let text = "aws s3 ls\nS3ServiceException: The AWS Access Key Id you provided does not exist \
                    in our records.\n  AWSAccessKeyId: 'ASIAVJ2E6QGR2WZILJFM'\n\
                    Unable to locate credentials\n";
        let reports = parse(&format!("{text}{}\nError: {INVALID}\n", provider_error()));
        let failures = to_failures(&reports, "build.log");
        assert_eq!(
            failures.len(),
            2,
            "the last line repeats the one before it; one sent no request"
        );
        assert_eq!(failures[0].event_id, "report:build.log:2:InvalidAccessKeyId:::other:");
        assert_eq!(failures[0].code, "InvalidAccessKeyId");
        assert_eq!(failures[0].account.as_deref(), Some("364679954851"));
        assert_eq!(failures[1].event_id, "report:1a2b3c4d-0001-4aaa-8bbb-0123456789ab");
        assert_eq!(failures[1].stage, Some("provider"));
        assert_eq!(failures[1].user_agent, "Terraform terraform-provider-aws");
        assert_eq!(to_failures(&parse(INVALID), "x")[0].code, "unknown-credentials");
        let timed = |before: &str| {
            let text = format!("{before}2026-01-02T03:04:05Z {INVALID}");
            to_failures(&parse(&text), "stream")[0].event_id.clone()
        };
        assert_eq!(timed(""), timed("a line\n"), "with a time, the line does not matter");
    }

    #[test]
    fn a_stage_is_named_as_it_is_serialised() {
        use Stage::{Backend, Other, Provider, Refresh, Resource};
        for stage in [Provider, Backend, Refresh, Resource, Other] {
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.name());
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(pieces in proptest::collection::vec(0..PIECES.len(), 0..60), any in ".*") {
            let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
            let mut found = parse(&text);
            found.extend(parse(&format!("{text}{any}{text}")));
            for report in &found {
                proptest::prop_assert!(report.line >= 1 && report.message.len() <= 512);
            }
            to_failures(&found, "log");
        }
    }

    const PIECES: [&str; 58] = [
        "InvalidClientTokenId",
        "Client.AuthFailure",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        INVALID,
        "Signature expired:",
        "No valid credential sources found",
        "The provided token has expired",
        "\n",
        "\r",
        " ",
        "\t",
        ":",
        "(",
        ")",
        "'",
        "\"",
        "\\",
        "\\n",
        "\\u001b[0m",
        "\\u00e",
        "{",
        "}",
        "<Code>",
        "</Code>",
        "│ ",
        "╷\n",
        "╵\n",
        "|",
        "â”‚",
        "ä",
        "🔑",
        "\u{1b}[31m",
        "\u{1b}]",
        "\u{7}",
        "\u{1b}",
        "[3",
        "operation error STS: GetCallerIdentity,",
        "error calling sts:",
        "RequestID: ",
        "1a2b3c4d-0001-4aaa-8bbb-0123456789ab",
        "1a2b",
        "status code: 403",
        "when calling the ",
        " operation",
        ".amazonaws.com",
        "sts.eu-west-1",
        "(Service: ",
        "$metadata",
        "requestId",
        "::Errors::",
        "with aws_s3_bucket.logs",
        "on main.tf line 1, in resource \"a\"",
        "* provider.aws: ",
        "2026-01-02T03:04:05.123Z ",
        "[ERROR] ",
        "atde_",
        "Some(\"",
    ];
}
