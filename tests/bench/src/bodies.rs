//! Requests, responses and resources of ordinary operations, of real shape and size.
//!
//! Knows what single operations carry. Must not know how often they are called or by whom.

use crate::calendar::{self, HOUR};
use crate::json::Json;
use crate::object;
use crate::random::Random;
use crate::record::Place;

pub(crate) fn null(_: &mut Random, _: &Place) -> Json {
    Json::Null
}

pub(crate) fn empty(_: &mut Random, _: &Place) -> Json {
    object! { "accountAttributeNameSet": object! {}, "filterSet": object! {} }
}

pub(crate) fn succeeded(random: &mut Random, _: &Place) -> Json {
    object! { "requestId": random.uuid(), "_return": true }
}

pub(crate) fn version(_: &mut Random, _: &Place) -> Json {
    object! { "version": 1, "tier": "Standard" }
}

fn items(items: Vec<Json>) -> Json {
    object! { "items": items }
}

pub(crate) fn filters(random: &mut Random, _: &Place) -> Json {
    let filter = |name: &'static str, value: String| {
        object! { "name": name, "valueSet": items(vec![object! { "value": value }]) }
    };
    let vpc = random.known("vpc", 12);
    let name = format!("prod-{}", random.below(40));
    object! {
        "maxResults": 1000,
        "filterSet": items(vec![filter("vpc-id", vpc), filter("tag:Name", name)]),
    }
}

pub(crate) fn instances(random: &mut Random, _: &Place) -> Json {
    let count = 1 + random.below(6);
    let ids = (0..count).map(|_| object! { "instanceId": random.known("i", 600) });
    object! { "instancesSet": items(ids.collect()), "filterSet": object! {} }
}

pub(crate) fn run_instances(random: &mut Random, _: &Place) -> Json {
    object! {
        "instancesSet": items(vec![object! {
            "imageId": random.known("ami", 15), "minCount": 1, "maxCount": 1,
        }]),
        // CloudTrail hides what the caller passed, with its brackets escaped.
        "userData": "<sensitiveDataRemoved>",
        "instanceType": random.pick(&["m7g.large", "c7i.xlarge", "t3.medium"]),
        "blockDeviceMapping": object! {},
        "monitoring": object! { "enabled": false },
        "subnetId": random.known("subnet", 40),
        "disableApiTermination": false,
        "clientToken": random.uuid(),
        "tagSpecificationSet": items(vec![object! {
            "resourceType": "instance",
            "tags": vec![object! { "key": "Name", "value": format!("node-{}", random.below(99)) }],
        }]),
    }
}

pub(crate) fn run_instances_answer(random: &mut Random, place: &Place) -> Json {
    object! {
        "requestId": random.uuid(),
        "reservationId": format!("r-0{}", random.hex(16)),
        "ownerId": place.account,
        "groupSet": object! {},
        "instancesSet": items(vec![object! {
            "instanceId": random.known("i", 600),
            "imageId": random.known("ami", 15),
            "instanceState": object! { "code": 0, "name": "pending" },
            "privateDnsName": format!("ip-10-0-{}-{}.ec2.internal", random.below(256), random.below(256)),
            "amiLaunchIndex": 0,
            "launchTime": place.time * 1000,
            "placement": object! { "availabilityZone": format!("{}a", place.region), "tenancy": "default" },
            "subnetId": random.known("subnet", 40),
            "vpcId": random.known("vpc", 12),
            "stateReason": object! { "code": "pending", "message": "pending" },
            "architecture": "arm64",
            "rootDeviceType": "ebs",
            "virtualizationType": "hvm",
            "hypervisor": "xen",
            "ebsOptimized": true,
            "cpuOptions": object! { "coreCount": 2, "threadsPerCore": 1 },
            "metadataOptions": object! { "state": "pending", "httpTokens": "required", "httpPutResponseHopLimit": 2 },
        }]),
    }
}

pub(crate) fn tags(random: &mut Random, place: &Place) -> Json {
    let id = random.known("i", 600);
    object! {
        "resourcesSet": items(vec![object! { "resourceId": id }]),
        "tagSet": items(vec![
            object! { "key": "kubernetes.io/cluster/prod", "value": "owned" },
            object! { "key": "launched", "value": calendar::rfc3339(place.time) },
        ]),
    }
}

pub(crate) fn network_interface(random: &mut Random, place: &Place) -> Json {
    object! {
        "requestId": random.uuid(),
        "networkInterface": object! {
            "networkInterfaceId": format!("eni-0{}", random.hex(16)),
            "subnetId": random.known("subnet", 40),
            "vpcId": random.known("vpc", 12),
            "availabilityZone": format!("{}b", place.region),
            "description": format!("AWS Lambda VPC ENI-prod-{}", random.uuid()),
            "ownerId": place.account,
            "requesterManaged": false,
            "status": "pending",
            "macAddress": format!("02:{}:{}:{}", random.hex(2), random.hex(2), random.hex(2)),
            "privateIpAddress": format!("10.0.{}.{}", random.below(256), random.below(256)),
            "sourceDestCheck": true,
            "interfaceType": "lambda",
        },
    }
}

pub(crate) fn security_group_rules(random: &mut Random, place: &Place) -> Json {
    let rules = (0..2).map(|_| {
        object! {
            "groupOwnerId": place.account,
            "groupId": random.known("sg", 80),
            "securityGroupRuleId": format!("sgr-0{}", random.hex(16)),
            "isEgress": false,
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrIpv4": format!("{}/32", random.address()),
        }
    });
    let rules = items(rules.collect());
    object! { "requestId": random.uuid(), "_return": true, "securityGroupRuleSet": rules }
}

pub(crate) fn assume_role(random: &mut Random, place: &Place) -> Json {
    let role = random.below(48);
    object! {
        "roleArn": format!("arn:aws:iam::{}:role/service-role/prod-task-{role}", place.account),
        "roleSessionName": random.hex(32),
        "durationSeconds": 3600,
    }
}

pub(crate) fn new_session(random: &mut Random, place: &Place) -> Json {
    let (role, session) = (random.below(48), random.hex(32));
    let id = format!("AROA{}", random.base32(17));
    object! {
        "credentials": object! {
            "accessKeyId": random.access_key_id("ASIA"),
            "sessionToken": format!("IQoJb3JpZ2luX2VjE{}==", random.base64(440)),
            "expiration": calendar::in_response(place.time + HOUR),
        },
        "assumedRoleUser": object! {
            "assumedRoleId": format!("{id}:{session}"),
            "arn": format!("arn:aws:sts::{}:assumed-role/prod-task-{role}/{session}", place.account),
        },
    }
}

pub(crate) fn role(random: &mut Random, place: &Place) -> Json {
    let role = random.below(48);
    resource(
        place,
        "AWS::IAM::Role",
        format!("arn:aws:iam::{}:role/service-role/prod-task-{role}", place.account),
    )
}

pub(crate) fn kms_key(random: &mut Random, place: &Place) -> Json {
    let key = random.below(12);
    let arn = format!(
        "arn:aws:kms:{}:{}:key/11112222-3333-4444-5555-66667777{key:04}",
        place.region, place.account
    );
    resource(place, "AWS::KMS::Key", arn)
}

pub(crate) fn bucket(random: &mut Random, place: &Place) -> Json {
    let arn = format!("arn:aws:s3:::{}", bucket_name(random, place));
    resource(place, "AWS::S3::Bucket", arn)
}

fn resource(place: &Place, kind: &'static str, arn: String) -> Json {
    object! { "accountId": place.account, "type": kind, "ARN": arn }
}

pub(crate) fn encryption_context(random: &mut Random, place: &Place) -> Json {
    let (secret, version) = (random.below(60), random.uuid());
    object! {
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": object! {
            "SecretARN": format!("arn:aws:secretsmanager:{}:{}:secret:prod/app-{secret}-AbCdEf", place.region, place.account),
            "SecretVersionId": version,
        },
    }
}

fn bucket_name(random: &mut Random, place: &Place) -> String {
    format!("example-prod-artifacts-{}-{}", place.account, random.below(30))
}

pub(crate) fn bucket_request(random: &mut Random, place: &Place) -> Json {
    let bucket = bucket_name(random, place);
    let host = format!("{bucket}.s3.{}.amazonaws.com", place.region);
    object! { "bucketName": bucket, "Host": host, "acl": "" }
}

pub(crate) fn bucket_policy(random: &mut Random, place: &Place) -> Json {
    let bucket = bucket_name(random, place);
    let policy = policy_document(random);
    object! { "bucketName": bucket, "bucketPolicy": policy, "policy": "" }
}

pub(crate) fn s3_details(random: &mut Random) -> Json {
    object! {
        "SignatureVersion": "SigV4",
        "CipherSuite": "TLS_AES_128_GCM_SHA256",
        "bytesTransferredIn": 0,
        "AuthenticationMethod": "AuthHeader",
        "x-amz-id-2": format!("{}=", random.base64(75)),
        "bytesTransferredOut": random.between(200, 4000),
    }
}

pub(crate) fn parameter(random: &mut Random, _: &Place) -> Json {
    object! { "name": format!("/prod/app/{}/config", random.below(300)), "withDecryption": true }
}

pub(crate) fn instance_information(random: &mut Random, place: &Place) -> Json {
    object! {
        "instanceId": random.known("i", 600),
        "agentVersion": "3.3.1345.0",
        "agentStatus": "Active",
        "platformType": "Linux",
        "platformName": "Amazon Linux",
        "platformVersion": "2023",
        "iPAddress": format!("10.0.{}.{}", random.below(256), random.below(256)),
        "computerName": format!("ip-10-0-0-1.{}.compute.internal", place.region),
        "agentName": "amazon-ssm-agent",
        "availabilityZone": format!("{}a", place.region),
    }
}

pub(crate) fn secret(random: &mut Random, place: &Place) -> Json {
    let secret = random.below(60);
    object! {
        "secretId": format!("arn:aws:secretsmanager:{}:{}:secret:prod/app-{secret}-AbCdEf", place.region, place.account),
        "versionStage": "AWSCURRENT",
    }
}

pub(crate) fn role_name(random: &mut Random, _: &Place) -> Json {
    object! { "roleName": format!("prod-task-{}", random.below(48)) }
}

fn policy_document(random: &mut Random) -> Json {
    let statement = |random: &mut Random| {
        object! {
            "Sid": random.alphanumeric(8),
            "Effect": "Allow",
            "Action": vec!["s3:GetObject".into(), "kms:Decrypt".into(), "sqs:SendMessage".into()],
            "Resource": format!("arn:aws:s3:::example-{}/*", random.hex(8)),
            "Condition": object! { "StringNotEquals": object! { "aws:sourceVpce": format!("vpce-0{}", random.hex(16)) } },
        }
    };
    let statements: Vec<Json> = (0..3).map(|_| statement(random)).collect();
    object! { "Version": "2012-10-17", "Statement": statements }.embedded()
}

pub(crate) fn policy(random: &mut Random, _: &Place) -> Json {
    let name = format!("prod-{}", random.hex(8));
    object! { "policyName": name, "path": "/", "policyDocument": policy_document(random) }
}

pub(crate) fn policy_answer(random: &mut Random, place: &Place) -> Json {
    object! { "policy": object! {
        "policyName": format!("prod-{}", random.hex(8)),
        "policyId": format!("ANPA{}", random.base32(17)),
        "path": "/",
        "defaultVersionId": "v1",
        "attachmentCount": 0,
        "isAttachable": true,
        "createDate": calendar::in_response(place.time),
    } }
}

pub(crate) fn database(random: &mut Random, _: &Place) -> Json {
    object! { "dBInstanceIdentifier": format!("prod-db-{}", random.below(20)) }
}

pub(crate) fn stack(random: &mut Random, place: &Place) -> Json {
    let id = random.uuid();
    object! { "stackName": format!("arn:aws:cloudformation:{}:{}:stack/prod/{id}", place.region, place.account) }
}

pub(crate) fn images(random: &mut Random, place: &Place) -> Json {
    object! {
        "registryId": place.account,
        "repositoryName": format!("prod/app-{}", random.below(40)),
        "imageIds": vec![object! { "imageDigest": format!("sha256:{}", random.hex(64)) }],
        "acceptedMediaTypes": vec!["application/vnd.oci.image.index.v1+json".into(), "application/json".into()],
    }
}

pub(crate) fn log_stream(random: &mut Random, place: &Place) -> Json {
    let (function, stream) = (random.below(80), random.hex(32));
    object! {
        "logGroupName": format!("/aws/lambda/prod-function-{function}"),
        "logStreamName": format!("{}/[$LATEST]{stream}", calendar::folder(place.time)),
    }
}

pub(crate) fn tasks(random: &mut Random, place: &Place) -> Json {
    let task = random.hex(32);
    object! {
        "cluster": "prod",
        "tasks": vec![format!("arn:aws:ecs:{}:{}:task/prod/{task}", place.region, place.account).into()],
    }
}
