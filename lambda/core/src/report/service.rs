//! The names of AWS services: one name in host names and event sources, many in clients' messages.
//!
//! Knows names only. Must not know what a message looks like.

/// Whether a label of a host name is a region, such as `us-gov-west-1`.
pub(super) fn is_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    parts.len() >= 3
        && parts[0].len() == 2
        && parts.last().is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()))
        && parts[..parts.len() - 1].iter().all(|p| p.bytes().all(|b| b.is_ascii_lowercase()))
}

/// The name of a service in host names and event sources, by any name that a client gives it.
pub(super) fn service_prefix(name: &str) -> Option<String> {
    const OTHER: [(&str, &str); 33] = [
        ("applicationautoscaling", "application-autoscaling"),
        ("apigatewayv2", "apigateway"),
        ("cloudwatch", "monitoring"),
        ("cloudwatchevents", "events"),
        ("cloudwatchlogs", "logs"),
        ("cognitoidentity", "cognito-identity"),
        ("cognitoidentityprovider", "cognito-idp"),
        ("configservice", "config"),
        ("costexplorer", "ce"),
        ("databasemigrationservice", "dms"),
        ("dynamodbv2", "dynamodb"),
        ("ecrpublic", "ecr-public"),
        ("efs", "elasticfilesystem"),
        ("elasticcontainerservice", "ecs"),
        ("elasticloadbalancingv2", "elasticloadbalancing"),
        ("elasticsearchservice", "es"),
        ("eventbridge", "events"),
        ("identitymanagement", "iam"),
        ("keymanagementservice", "kms"),
        ("kinesisfirehose", "firehose"),
        ("opensearch", "es"),
        ("queue", "sqs"),
        ("resourcegroupstaggingapi", "tagging"),
        ("securitytoken", "sts"),
        ("securitytokenservice", "sts"),
        ("sesv2", "ses"),
        ("sfn", "states"),
        ("simpleemailservice", "ses"),
        ("simplenotificationservice", "sns"),
        ("simplequeueservice", "sqs"),
        ("simplestorageservice", "s3"),
        ("simplesystemsmanagement", "ssm"),
        ("ssoadmin", "sso"),
    ];
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_prefix("amazon").or_else(|| lower.strip_prefix("aws")).unwrap_or(&lower);
    let valid = !bare.is_empty()
        && bare.len() <= 40
        && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !valid {
        return None;
    }
    let other = OTHER.iter().find(|(name, _)| *name == bare).map(|(_, prefix)| *prefix);
    Some(other.unwrap_or(bare).to_owned())
}

/// The service of an operation that only one service has.
pub(super) fn only_service(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "AssumeRole"
        | "AssumeRoleWithSAML"
        | "AssumeRoleWithWebIdentity"
        | "GetCallerIdentity"
        | "GetFederationToken"
        | "GetSessionToken" => "sts",
        "CompleteMultipartUpload"
        | "CreateMultipartUpload"
        | "GetBucketLocation"
        | "GetObject"
        | "HeadBucket"
        | "HeadObject"
        | "ListBuckets"
        | "ListObjects"
        | "ListObjectsV2"
        | "PutObject"
        | "UploadPart" => "s3",
        "DescribeSecurityGroups" | "DescribeVpcs" | "RunInstances" => "ec2",
        "CreateAccessKey" | "CreateRole" | "ListAccessKeys" | "ListRoles" => "iam",
        "BatchGetItem" | "PutItem" | "UpdateItem" => "dynamodb",
        "GetSecretValue" => "secretsmanager",
        "ReceiveMessage" | "SendMessageBatch" => "sqs",
        "GetParameter" | "GetParameters" | "GetParametersByPath" => "ssm",
        "PutLogEvents" => "logs",
        "PutMetricData" => "monitoring",
        _ => return None,
    })
}
