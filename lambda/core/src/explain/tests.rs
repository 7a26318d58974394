//! The corpus: what each wording must be explained as.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-07-10T13:00:00Z".parse().unwrap()
}

fn explained(text: &str) -> Explanation {
    explain(text, "terraform.log", now())
}

/// `corpus.json`: wordings of many clients with what each refusal must be explained as.
#[test]
fn explains_every_wording() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("corpus.json")).unwrap();
    let (mut wrong, mut refusals, mut harmless) = (Vec::new(), 0, 0);
    for case in &cases {
        let found = explained(case["text"].as_str().unwrap());
        let shown: Vec<Value> = found
            .failures
            .iter()
            .map(|one| {
                let (stage, operation) = (one.stage.name(), &one.operation);
                serde_json::json!({
                    "stage": stage, "operation": operation, "cause": one.causes[0].id,
                })
            })
            .collect();
        let (expected, not_sent) = (case["expected"].as_array().unwrap(), &case["not_sent"]);
        if *expected != shown || *not_sent != serde_json::json!(found.not_sent.len()) {
            wrong.push(format!("{}: {shown:?}, {} not sent", case["name"], found.not_sent.len()));
        }
        refusals += usize::from(!expected.is_empty());
        harmless += usize::from(expected.is_empty() && *not_sent == 0);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refusals >= 60 && harmless >= 10, "{refusals} {harmless}");
    let names: BTreeSet<&str> = cases.iter().filter_map(|case| case["name"].as_str()).collect();
    assert_eq!(names.len(), cases.len());
}

/// What a person reads is told for each refusal, whatever the client.
#[test]
fn every_refusal_has_steps_questions_and_causes() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("corpus.json")).unwrap();
    for case in &cases {
        for one in explained(case["text"].as_str().unwrap()).failures {
            assert!(!one.causes.is_empty() && one.next_steps.len() >= 2, "{}", case["name"]);
            assert!(one.ask.len() >= 3 && one.ask[0].contains("Region"), "{}", case["name"]);
            let lookups = one.ask.iter().filter(|step| step.contains("lookup-events"));
            assert!(lookups.count() >= 1, "{}", case["name"]);
        }
    }
}

#[test]
fn the_lookups_are_of_the_time_region_and_key_of_the_refusal() {
    let text = "2026-01-02T03:04:05Z <Error><Code>InvalidAccessKeyId</Code><Message>The AWS Access Key Id \
                you provided does not exist in our records.</Message><AWSAccessKeyId>\
                AKIADEPLOYCI1EXAMPLE</AWSAccessKeyId></Error>";
    let found = explained(text);
    let ask = found.failures[0].ask.join("\n");
    for part in [
        "AttributeKey=AccessKeyId,AttributeValue=AKIADEPLOYCI1EXAMPLE --start-time \
         2026-01-01T03:04:05Z --end-time 2026-01-02T03:19:05Z",
        "--region us-east-1 --lookup-attributes AttributeKey=EventName,AttributeValue=DeleteAccessKey \
         --start-time 2025-12-26T03:04:05Z",
        "get-access-key-last-used --access-key-id AKIADEPLOYCI1EXAMPLE",
    ] {
        assert!(ask.contains(part), "{part}\n{ask}");
    }
    let china = "request to https://sts.cn-north-1.amazonaws.com.cn/: operation error STS: \
                 GetCallerIdentity, https response error StatusCode: 403, RequestID: \
                 1a2b3c4d-0001-4aaa-8bbb-0123456789ab, api error InvalidClientTokenId: The security \
                 token included in the request is invalid";
    let ask = explained(china).failures[0].ask.join("\n");
    assert!(ask.contains("--region cn-north-1") && !ask.contains("us-east-1"), "{ask}");
}

/// A cause is the same, with the same evidence, as a scan would give for the same text.
#[test]
fn causes_are_those_of_a_scan() {
    let text = "Error: error configuring S3 Backend: error validating provider credentials: error \
                calling sts:GetCallerIdentity: InvalidClientTokenId: The security token included in \
                the request is invalid.\n\tstatus code: 403, request id: \
                1a2b3c4d-0001-4aaa-8bbb-0123456789ab\n";
    let mut scan = crate::scan::Scan::new(crate::settings::Settings::default(), now());
    for failure in report::to_failures(&report::parse(text), "terraform.log") {
        scan.add_failure(&failure);
    }
    assert_eq!(explained(text).failures[0].causes, scan.finish().findings[0].causes);
}

#[test]
fn forty_resources_of_one_run_are_one_section_and_forty_failures() {
    let text: String = (10..50)
        .map(|n| {
            format!(
                "╷\n│ Error: creating SNS Topic (t{n}): operation error SNS: CreateTopic, https \
                 response error StatusCode: 403, RequestID: 1a2b3c4d-00{n}-4aaa-8bbb-0123456789ab, \
                 api error InvalidClientTokenId: The security token included in the request is \
                 invalid.\n│ \n│   with aws_sns_topic.t{n},\n│   on main.tf line {n}, in resource \
                 \"aws_sns_topic\" \"t{n}\":\n╵\n"
            )
        })
        .collect();
    let found = explained(&text);
    assert_eq!((found.failures.len(), found.sections.len()), (40, 1));
    assert_eq!(found.sections[0].finding.origins.reported, 40);
}

#[test]
fn no_credentials_are_no_refusal() {
    let found = explained(
        "╷\n│ Error: No valid credential sources found\n│ \n│   with provider[\"registry.terraform.io/hashicorp/aws\"],\n╵\n",
    );
    assert!(found.failures.is_empty() && found.sections.is_empty());
    assert_eq!(found.not_sent.len(), 1);
    assert_eq!(found.not_sent[0].stage, Stage::Provider);
}

/// What a CI log prints of its variables is evidence, and no proof.
#[test]
fn settings_in_the_text_are_evidence() {
    let refused = "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity \
                   operation: The security token included in the request is invalid.\n";
    let cause = |settings: &str| {
        let found = explained(&format!("{settings}\n{refused}"));
        assert_eq!(found.failures[0].access_key_id, None, "the refusal itself shows none");
        let cause = &found.failures[0].causes[0];
        (cause.id, cause.confidence.name(), cause.evidence.last().unwrap().fact.clone())
    };
    let (id, confidence, fact) = cause("AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID}");
    assert_eq!((id, confidence), ("key-malformed", "medium"));
    assert_eq!(fact, "Line 1 of the text sets the access key ID");
    let (id, confidence, fact) = cause("\nexport AWS_ACCESS_KEY_ID=ASIADEPLOYCI1EXAMPLE");
    assert_eq!((id, confidence), ("session-token-missing", "medium"));
    assert_eq!(fact, "Line 2 of the text sets the access key ID, and no line sets a session token");
    let github = "##[group]Run aws s3 ls\nenv:\n  AWS_ACCESS_KEY_ID: \n  AWS_SECRET_ACCESS_KEY: ";
    let (id, confidence, fact) = cause(github);
    assert_eq!((id, confidence), ("ci-secret", "medium"));
    assert_eq!(fact, "Line 3 of the text shows an access key ID without a value");
}

proptest::proptest! {
    /// Whatever a text is, it is explained and handed on without harm.
    #[test]
    fn any_text_is_explained(
        before in "(?s).{0,200}", code in "InvalidClientTokenId|ExpiredToken|AuthFailure", after in "(?s).{0,200}",
    ) {
        let text = format!("{before}\nAn error occurred ({code}) when calling the {after}\n\
                            AWS_SECRET_ACCESS_KEY={}\n", "aB3".repeat(13) + "z");
        let found = explained(&text);
        proptest::prop_assert!(found.failures.iter().all(|one| !one.causes.is_empty()));
        let lines: Vec<usize> = found.failures.iter().map(|one| one.line).collect();
        let (sent, _) = excerpt::redact(&excerpt::of(&text, &lines));
        proptest::prop_assert!(!sent.contains(&"aB3".repeat(13)));
    }
}
