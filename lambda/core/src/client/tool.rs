//! The programs and libraries that call AWS, by the name they give in their user agents.
//!
//! Knows product names, and nothing of the rest of a user agent.

use serde::{Deserialize, Serialize};

/// The program, library or service that made a call.
///
/// The variants stand in order of precedence: an agent names its libraries too (Terraform names the
/// SDK for Go, Boto3 names Botocore), and the first variant that occurs is the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// The GitHub action `aws-actions/configure-aws-credentials`.
    GithubActionsCredentials,
    /// Pulumi.
    Pulumi,
    /// OpenTofu's S3 backend; under OpenTofu, the AWS provider calls itself Terraform.
    OpenTofu,
    /// Terraform, or the AWS provider under OpenTofu.
    Terraform,
    /// eksctl.
    Eksctl,
    /// The AWS CDK command line.
    Cdk,
    /// Cloud Custodian.
    CloudCustodian,
    /// The Systems Manager agent.
    SsmAgent,
    /// The AWS console.
    Console,
    /// An AWS service that calls another on its own or somebody's behalf.
    AwsService,
    /// The AWS CLI.
    AwsCli,
    /// AWS Tools for PowerShell.
    PowerShell,
    /// Boto3.
    Boto3,
    /// Botocore without Boto3.
    Botocore,
    /// The old Boto.
    Boto,
    /// AWS SDK for Go, version 1.
    SdkGoV1,
    /// AWS SDK for Go, version 2.
    SdkGoV2,
    /// AWS SDK for Java, version 1.
    SdkJavaV1,
    /// AWS SDK for Java, version 2.
    SdkJavaV2,
    /// AWS SDK for JavaScript, version 2.
    SdkJsV2,
    /// AWS SDK for JavaScript, version 3.
    SdkJsV3,
    /// AWS SDK for .NET.
    SdkDotnet,
    /// AWS SDK for PHP.
    SdkPhp,
    /// AWS SDK for Ruby.
    SdkRuby,
    /// AWS SDK for Rust.
    SdkRust,
    /// AWS SDK for C++.
    SdkCpp,
    /// AWS SDK for Kotlin.
    SdkKotlin,
    /// AWS SDK for Swift.
    SdkSwift,
    /// A general HTTP library or program: the caller signs requests without an SDK.
    HttpClient,
    /// A web browser.
    Browser,
    /// A name of its own, or none.
    Other,
}

impl Tool {
    /// Whether the tool is a library: the program that made the call is somebody's own.
    pub fn is_sdk(self) -> bool {
        (Tool::Boto3..Tool::HttpClient).contains(&self)
    }

    /// The name of the tool as people write it.
    pub fn title(self) -> &'static str {
        match self {
            Tool::GithubActionsCredentials => "GitHub action configure-aws-credentials",
            Tool::Pulumi => "Pulumi",
            Tool::OpenTofu => "OpenTofu",
            Tool::Terraform => "Terraform",
            Tool::Eksctl => "eksctl",
            Tool::Cdk => "AWS CDK",
            Tool::CloudCustodian => "Cloud Custodian",
            Tool::SsmAgent => "SSM Agent",
            Tool::Console => "AWS console",
            Tool::AwsService => "AWS service",
            Tool::AwsCli => "AWS CLI",
            Tool::PowerShell => "AWS Tools for PowerShell",
            Tool::Boto3 => "Boto3",
            Tool::Botocore => "Botocore",
            Tool::Boto => "Boto",
            Tool::SdkGoV1 => "AWS SDK for Go v1",
            Tool::SdkGoV2 => "AWS SDK for Go v2",
            Tool::SdkJavaV1 => "AWS SDK for Java v1",
            Tool::SdkJavaV2 => "AWS SDK for Java v2",
            Tool::SdkJsV2 => "AWS SDK for JavaScript v2",
            Tool::SdkJsV3 => "AWS SDK for JavaScript v3",
            Tool::SdkDotnet => "AWS SDK for .NET",
            Tool::SdkPhp => "AWS SDK for PHP",
            Tool::SdkRuby => "AWS SDK for Ruby",
            Tool::SdkRust => "AWS SDK for Rust",
            Tool::SdkCpp => "AWS SDK for C++",
            Tool::SdkKotlin => "AWS SDK for Kotlin",
            Tool::SdkSwift => "AWS SDK for Swift",
            Tool::HttpClient => "HTTP client",
            Tool::Browser => "browser",
            Tool::Other => "unknown",
        }
    }
}

/// Names that mean one tool, in lower case.
const NAMES: [(&str, Tool); 28] = [
    ("amazon-ssm-agent", Tool::SsmAgent),
    ("apache-httpclient", Tool::HttpClient),
    ("aws-cdk", Tool::Cdk),
    ("aws-cli", Tool::AwsCli),
    ("aws-internal", Tool::AwsService),
    ("aws-sdk-go", Tool::SdkGoV1),
    ("aws-sdk-go-v2", Tool::SdkGoV2),
    ("aws-sdk-nodejs", Tool::SdkJsV2),
    ("axios", Tool::HttpClient),
    ("boto", Tool::Boto),
    ("boto3", Tool::Boto3),
    ("botocore", Tool::Botocore),
    ("c7n", Tool::CloudCustodian),
    ("cloudcustodian", Tool::CloudCustodian),
    ("configure-aws-credentials-for-github-actions", Tool::GithubActionsCredentials),
    // Amazon's own service framework; CloudTrail shows it for calls of the console.
    ("coral", Tool::Console),
    ("curl", Tool::HttpClient),
    ("eksctl", Tool::Eksctl),
    ("go-http-client", Tool::HttpClient),
    ("jersey", Tool::HttpClient),
    ("mozilla", Tool::Browser),
    ("okhttp", Tool::HttpClient),
    ("opentofu", Tool::OpenTofu),
    ("opera", Tool::Browser),
    ("pulumi", Tool::Pulumi),
    ("python-requests", Tool::HttpClient),
    ("s3console", Tool::Console),
    ("terraform", Tool::Terraform),
];

/// Beginnings of names, in lower case, for SDKs that put a platform or version behind theirs
/// (`aws-sdk-dotnet-coreclr`, `aws-sdk-ruby3`, `AWSPowerShell.NetCore`).
const PREFIXES: [(&str, Tool); 8] = [
    ("aws-sdk-cpp", Tool::SdkCpp),
    ("aws-sdk-dotnet", Tool::SdkDotnet),
    ("aws-sdk-kotlin", Tool::SdkKotlin),
    ("aws-sdk-php", Tool::SdkPhp),
    ("aws-sdk-ruby", Tool::SdkRuby),
    ("aws-sdk-rust", Tool::SdkRust),
    ("aws-sdk-swift", Tool::SdkSwift),
    ("awspowershell", Tool::PowerShell),
];

/// The tool that a product (`name/version`) of a user agent stands for.
pub(super) fn of_product(name: &str, version: &str) -> Option<Tool> {
    // Case differs between releases: `terraform/0.7`, `botocore/1.17`.
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let begins = |known: &str| {
        name.get(..known.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(known))
    };
    if is("aws-sdk-java") {
        return Some(if version.starts_with("2.") { Tool::SdkJavaV2 } else { Tool::SdkJavaV1 });
    }
    if is("aws-sdk-js") {
        return Some(if version.starts_with("3.") { Tool::SdkJsV3 } else { Tool::SdkJsV2 });
    }
    // Old releases put the policy behind the name: `CloudCustodian(policy)/0.9`.
    if begins("cloudcustodian(") {
        return Some(Tool::CloudCustodian);
    }
    let exact = NAMES.iter().find(|(known, _)| is(known));
    exact.or_else(|| PREFIXES.iter().find(|(known, _)| begins(known))).map(|(_, tool)| *tool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_lower_case_and_have_no_name_twice() {
        for table in [&NAMES[..], &PREFIXES[..]] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
            assert!(table.iter().all(|(name, _)| *name == name.to_ascii_lowercase()));
        }
    }

    #[test]
    fn compares_whole_names_without_case() {
        assert_eq!(of_product("TERRAFORM", "1"), Some(Tool::Terraform));
        assert_eq!(of_product("botocore", "1"), Some(Tool::Botocore));
        assert_eq!(of_product("aws-sdk-java", "2.20.1"), Some(Tool::SdkJavaV2));
        assert_eq!(of_product("aws-sdk-java", "1.12.1"), Some(Tool::SdkJavaV1));
        assert_eq!(of_product("aws-sdk-js", "3.1.0"), Some(Tool::SdkJsV3));
        assert_eq!(of_product("aws-sdk-js", "2.1.0"), Some(Tool::SdkJsV2));
        for name in ["", "boto4", "my-aws-cli", "ｔerraform", "кулиса"] {
            assert_eq!(of_product(name, "1"), None, "{name}");
        }
    }
}
