//! What is called: ordinary operations with requests and responses of real size, and their errors.
//!
//! Knows the mix of a busy account. Must not know what a scan looks for: see `failures` and `traps`.

use crate::bodies::*;
use crate::callers::Caller;
use crate::json::{Json, Text};
use crate::random::Random;
use crate::record::{Draft, Place};

type Part = fn(&mut Random, &Place) -> Json;

struct Call {
    service: &'static str,
    name: &'static str,
    weight: u64,
    request: Part,
    response: Part,
    resource: Option<Part>,
}

const fn read(service: &'static str, name: &'static str, weight: u64, request: Part) -> Call {
    Call { service, name, weight, request, response: null, resource: None }
}

const fn write(
    service: &'static str,
    name: &'static str,
    weight: u64,
    request: Part,
    response: Part,
) -> Call {
    Call { service, name, weight, request, response, resource: None }
}

const BY_PEOPLE: [Call; 38] = [
    read("ec2", "DescribeRouteTables", 50, filters),
    read("ec2", "DescribeInstances", 110, instances),
    read("ec2", "DescribeSecurityGroups", 50, filters),
    read("ec2", "DescribeVpcs", 30, filters),
    read("ec2", "DescribeSubnets", 30, filters),
    read("ec2", "DescribeVolumes", 20, instances),
    read("ec2", "DescribeNetworkInterfaces", 40, filters),
    read("ec2", "DescribeImages", 15, filters),
    read("ec2", "DescribeAccountAttributes", 15, empty),
    write("ec2", "RunInstances", 5, run_instances, run_instances_answer),
    write("ec2", "CreateTags", 10, tags, succeeded),
    write("ec2", "CreateNetworkInterface", 8, filters, network_interface),
    write("ec2", "AuthorizeSecurityGroupIngress", 3, filters, security_group_rules),
    read("sts", "GetCallerIdentity", 60, null),
    Call { resource: Some(role), ..write("sts", "AssumeRole", 30, assume_role, new_session) },
    Call { resource: Some(kms_key), ..read("kms", "Decrypt", 120, encryption_context) },
    Call { resource: Some(kms_key), ..read("kms", "GenerateDataKey", 50, encryption_context) },
    Call { resource: Some(bucket), ..read("s3", "GetBucketAcl", 30, bucket_request) },
    Call { resource: Some(bucket), ..read("s3", "GetBucketLocation", 30, bucket_request) },
    Call { resource: Some(bucket), ..read("s3", "GetBucketPolicy", 12, bucket_request) },
    Call { resource: Some(bucket), ..read("s3", "ListObjects", 12, bucket_request) },
    Call { resource: Some(bucket), ..write("s3", "PutBucketPolicy", 3, bucket_policy, null) },
    read("ssm", "GetParameter", 60, parameter),
    read("ssm", "DescribeParameters", 30, filters),
    write("ssm", "UpdateInstanceInformation", 60, instance_information, null),
    write("ssm", "PutParameter", 8, parameter, version),
    read("secretsmanager", "GetSecretValue", 40, secret),
    read("secretsmanager", "DescribeSecret", 20, secret),
    read("iam", "GetRole", 30, role_name),
    read("iam", "ListAttachedRolePolicies", 30, role_name),
    read("iam", "GetUser", 15, null),
    write("iam", "CreatePolicy", 4, policy, policy_answer),
    write("iam", "PutRolePolicy", 4, policy, null),
    read("rds", "DescribeDBInstances", 30, database),
    read("cloudformation", "DescribeStacks", 20, stack),
    read("ecr", "BatchGetImage", 30, images),
    write("logs", "CreateLogStream", 60, log_stream, null),
    read("ecs", "DescribeTasks", 30, tasks),
];

const BY_SERVICES: [Call; 6] = [
    Call { resource: Some(role), ..write("sts", "AssumeRole", 45, assume_role, new_session) },
    Call { resource: Some(kms_key), ..read("kms", "GenerateDataKey", 60, encryption_context) },
    Call { resource: Some(kms_key), ..read("kms", "Decrypt", 60, encryption_context) },
    Call { resource: Some(bucket), ..read("s3", "GetBucketAcl", 30, bucket_request) },
    write("logs", "CreateLogStream", 40, log_stream, null),
    write("ec2", "CreateNetworkInterface", 8, filters, network_interface),
];

/// Errors that are not about credentials, with texts of their real length.
const ERRORS: [(&str, &str); 9] = [
    (
        "AccessDenied",
        "is not authorized to perform this action on the resource because no identity-based policy allows it",
    ),
    ("AccessDenied", "Access Denied"),
    (
        "Client.UnauthorizedOperation",
        "You are not authorized to perform this operation. Encoded authorization failure message: ",
    ),
    ("ThrottlingException", "Rate exceeded"),
    ("NoSuchBucketPolicy", "The bucket policy does not exist"),
    ("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
    ("Client.InvalidInstanceID.NotFound", "The instance ID does not exist"),
    ("NoSuchEntityException", "The role with name prod-payments-app cannot be found."),
    ("ParameterNotFound", ""),
];

/// An ordinary record: a call that its caller could make, one in ten refused for other reasons.
pub fn ordinary(random: &mut Random, place: Place, caller: Caller) -> Draft {
    let mut draft = call(random, place, caller);
    if random.percent(10) {
        let (code, message) = random.pick(&ERRORS);
        let message: Text = match code {
            "Client.UnauthorizedOperation" => format!("{message}{}", random.base64(480)).into(),
            _ => message.into(),
        };
        let keep_request = random.percent(50);
        draft.refuse(code, message, keep_request);
    }
    draft
}

/// A call that went well.
pub fn call(random: &mut Random, place: Place, caller: Caller) -> Draft {
    let calls: &[Call] = if caller.is_service { &BY_SERVICES } else { &BY_PEOPLE };
    let mut at = random.below(calls.iter().map(|call| call.weight).sum());
    let call = calls
        .iter()
        .find(|call| match at.checked_sub(call.weight) {
            Some(rest) => {
                at = rest;
                false
            }
            None => true,
        })
        .unwrap_or(&calls[0]);
    // IAM lives in one region.
    let call = if call.service == "iam" && place.region != "us-east-1" { &calls[0] } else { call };
    let request = (call.request)(random, &place);
    let response = (call.response)(random, &place);
    let resources = call.resource.map(|resource| vec![resource(random, &place)].into());
    let additional = (call.service == "s3").then(|| s3_details(random));
    Draft {
        caller,
        service: call.service,
        event_name: call.name.into(),
        event_type: "AwsApiCall",
        read_only: std::ptr::fn_addr_eq(call.response, null as Part) || call.name == "AssumeRole",
        error: None,
        request,
        response,
        additional,
        resources,
        service_details: None,
        place,
    }
}
