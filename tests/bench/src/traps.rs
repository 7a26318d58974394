//! Records that resemble a failure or a use of a key, and are none, at a realistic rate.
//!
//! Knows where the same bytes occur with another meaning. Must not know how a scanner searches.

use crate::callers::{Caller, Population};
use crate::json::Json;
use crate::object;
use crate::random::Random;
use crate::record::Draft;

type Trap = fn(&mut Random, &mut Draft, &Context<'_>);

pub struct Context<'a> {
    pub population: &'a Population,
    /// Keys that are turned off somewhere in the corpus.
    pub dying: &'a [String],
}

/// How many of a million ordinary records become each trap.
const TRAPS: [(u64, Trap); 11] = [
    (1_300, queue_batch),
    (1_200, partition_batch),
    (700, workflow_input),
    (500, metric_filter),
    (400, near_miss),
    (150, image_not_shared),
    (60, closed_account),
    (200, console_login),
    (80, denied_key_change),
    (300, lookup_events),
    (12, last_used),
];

const CODES: [&str; 4] =
    ["InvalidClientTokenId", "UnrecognizedClientException", "ExpiredToken", "InvalidAccessKeyId"];

const NEAR: [(&str, &str, &str); 6] = [
    ("ExpiredIteratorException", "kinesis", "GetRecords"),
    ("CloudTrailInvalidClientTokenIdException", "cloudtrail", "UpdateTrail"),
    ("InvalidTokenId.NotFound", "ec2", "DescribeInstances"),
    ("ExpiredNextTokenException", "cloudtrail", "LookupEvents"),
    ("TokenRefreshRequired", "s3", "ListBuckets"),
    ("OptInRequired", "ec2", "DescribeRegions"),
];

/// Now and then makes an ordinary record look like one that matters.
pub fn disguise(random: &mut Random, draft: &mut Draft, context: &Context<'_>) {
    let mut at = random.below(1_000_000);
    for (share, trap) in TRAPS {
        match at.checked_sub(share) {
            Some(rest) => at = rest,
            None => {
                draft.error = None;
                draft.additional = None;
                draft.resources = None;
                return trap(random, draft, context);
            }
        }
    }
}

fn name(draft: &mut Draft, service: &'static str, event_name: &'static str) {
    draft.service = service;
    draft.event_name = event_name.into();
    draft.read_only = false;
}

fn queue_batch(random: &mut Random, draft: &mut Draft, _: &Context<'_>) {
    name(draft, "sqs", "ChangeMessageVisibilityBatch");
    let entry = |random: &mut Random| {
        let code = random.pick(&CODES);
        object! { "id": random.uuid(), "errorCode": code, "errorMessage": "refused", "senderFault": true }
    };
    let failed: Vec<Json> = (0..1 + random.below(3)).map(|_| entry(random)).collect();
    draft.response = object! { "successful": Vec::new(), "failed": failed };
}

fn partition_batch(random: &mut Random, draft: &mut Draft, _: &Context<'_>) {
    name(draft, "glue", "BatchCreatePartition");
    let error = |random: &mut Random| {
        let day: Json = format!("2026-01-{:02}", 1 + random.below(28)).into();
        let code = random.pick(&CODES);
        object! {
            "partitionValues": vec![day],
            "errorDetail": object! { "errorCode": code, "errorMessage": "refused" },
        }
    };
    let errors: Vec<Json> = (0..1 + random.below(3)).map(|_| error(random)).collect();
    draft.response = object! { "errors": errors };
}

fn workflow_input(random: &mut Random, draft: &mut Draft, _: &Context<'_>) {
    name(draft, "states", "StartExecution");
    let code = random.pick(&CODES);
    let key = random.access_key_id("AKIA");
    let input = object! {
        "detail": object! {
            "eventVersion": "1.08",
            "errorCode": code,
            "userIdentity": object! { "accessKeyId": key },
            "sourceIPAddress": random.address(),
        },
    };
    draft.request = object! { "name": random.uuid(), "input": input.embedded() };
    draft.response = object! { "startDate": draft.time() };
}

fn metric_filter(random: &mut Random, draft: &mut Draft, _: &Context<'_>) {
    name(draft, "logs", "PutMetricFilter");
    let code = random.pick(&CODES);
    draft.request = object! {
        "logGroupName": "cloudtrail",
        "filterPattern": format!("{{ ($.errorCode = \"{code}\") || ($.errorCode = \"*UnauthorizedOperation\") }}"),
        "filterName": "refused",
    };
    draft.response = Json::Null;
}

fn near_miss(random: &mut Random, draft: &mut Draft, _: &Context<'_>) {
    let (code, service, event_name) = random.pick(&NEAR);
    name(draft, service, event_name);
    draft.refuse(code, "The security token or iterator is not usable", true);
}

fn image_not_shared(random: &mut Random, draft: &mut Draft, _: &Context<'_>) {
    name(draft, "ec2", "RunInstances");
    let image = random.hex(16);
    let code = random.pick(&["Client.AuthFailure", "AuthFailure"]);
    draft.refuse(code, format!("Not authorized for images: [ami-0{image}]"), true);
}

fn closed_account(random: &mut Random, draft: &mut Draft, _: &Context<'_>) {
    let (code, service, event_name) = random.pick(&[
        ("InvalidClientTokenId", "sns", "Publish"),
        ("UnrecognizedClientException", "kms", "Decrypt"),
    ]);
    name(draft, service, event_name);
    draft.refuse(code, "No account found for the given parameters", true);
}

fn console_login(random: &mut Random, draft: &mut Draft, context: &Context<'_>) {
    name(draft, "signin", "ConsoleLogin");
    draft.event_type = "AwsConsoleSignIn";
    draft.caller = context.population.visitor(random);
    draft.refuse("", "Failed authentication", false);
    draft.response = object! { "ConsoleLogin": "Failure" };
    draft.additional = Some(object! {
        "LoginTo": "https://console.aws.amazon.com/console/home?state=a&isauthcode=true",
        "MobileVersion": "No",
        "MFAUsed": "No",
    });
}

fn denied_key_change(random: &mut Random, draft: &mut Draft, context: &Context<'_>) {
    if draft.place.region != "us-east-1" {
        return lookup_events(random, draft, context);
    }
    name(draft, "iam", "");
    draft.event_name =
        (random.pick(&["UpdateAccessKey", "DeleteAccessKey", "CreateAccessKey"])).into();
    draft.refuse("AccessDenied", "is not authorized to perform this action on this user", false);
}

fn lookup_events(random: &mut Random, draft: &mut Draft, _: &Context<'_>) {
    name(draft, "cloudtrail", "LookupEvents");
    let value = random.pick(&["UpdateAccessKey", "DeleteAccessKey", "CreateAccessKey"]);
    draft.request = object! {
        "maxResults": 50,
        "lookupAttributes": vec![object! { "attributeKey": "EventName", "attributeValue": value }],
    };
    draft.response = Json::Null;
}

/// Somebody asks about a key: the key is in the record, but did not sign it.
fn last_used(random: &mut Random, draft: &mut Draft, context: &Context<'_>) {
    if draft.place.region != "us-east-1" {
        return lookup_events(random, draft, context);
    }
    name(draft, "iam", "GetAccessKeyLastUsed");
    let key = match context.dying {
        [] => random.access_key_id("AKIA"),
        _ if random.percent(50) => random.access_key_id("AKIA"),
        keys => random.choose(keys).clone(),
    };
    draft.request = object! { "accessKeyId": key };
    draft.response = Json::Null;
}

/// A record of somebody else, to be hidden inside another one.
pub fn forged(random: &mut Random, caller: &Caller) -> Json {
    let code = random.pick(&CODES);
    object! {
        "eventVersion": "1.08",
        "userIdentity": caller.identity.clone(),
        "eventTime": "2026-01-05T00:00:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "GetCallerIdentity",
        "sourceIPAddress": caller.source.clone(),
        "errorCode": code,
        "errorMessage": "The security token included in the request is invalid",
        "requestParameters": Json::Null,
        "responseElements": Json::Null,
        "eventID": random.uuid(),
    }
}
