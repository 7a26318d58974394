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
