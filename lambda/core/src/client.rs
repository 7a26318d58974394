//! What a user agent says of the client: the tool, its version, where its credentials came from and
//! which run it belongs to.
//!
//! Knows the formats of user agents as CloudTrail shows them. Must not know records, keys or
//! failures. A user agent is written by the caller: all of this is a hint, never proof, and the text
//! is hostile. What is kept of it is short and has no control or direction characters; escaping for
//! a medium is not done here.

mod added;
mod features;
mod host;
mod product;
mod tool;

use serde::{Deserialize, Serialize};

pub use features::CredentialSource;
pub use host::{OperatingSystem, Runtime};
pub use tool::Tool;

use added::{TERRAFORM_EXEC, added, github_run, is_provider};
use product::{Product, keep, products};

/// How much of a user agent is read; no tool writes nearly as much.
const READ_BYTES: usize = 4096;
/// How many characters a name of the client's own takes in a label.
const LABEL_CHARS: usize = 40;

/// A client, as its user agent describes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Client {
    /// The tool that made the call.
    pub tool: Tool,
    /// What the agent calls itself, where the tool alone does not say it: the service, the browser,
    /// the HTTP library or a name of the client's own.
    pub name: Option<String>,
    /// The tool's version.
    pub version: Option<String>,
    /// The version of the AWS provider (Terraform, Pulumi).
    pub provider_version: Option<String>,
    /// Whether this is the S3 backend and not the AWS provider: Terraform or OpenTofu without a
    /// provider. Old releases of the AWS provider did not name themselves and read as this, too.
    pub s3_backend: bool,
    /// The program that ran the tool (`HashiCorp-terraform-exec/0.17.3`).
    pub wrapper: Option<String>,
    /// The application on top of an SDK: its `app/` ID, else the product it adds to the SDK's own.
    pub application: Option<String>,
    /// Where the credentials came from.
    pub credential_source: Option<CredentialSource>,
    /// For an assumed role, where the credentials that assumed it came from.
    pub base_credential_source: Option<CredentialSource>,
    /// Where the client ran.
    pub runtime: Option<Runtime>,
    /// Which run made the call: the GitHub run ID and attempt (`123 attempt 2`), else what
    /// `TF_APPEND_USER_AGENT` or the provider's `user_agent` added to Terraform's own agent.
    pub ci_run: Option<String>,
    /// The system the client ran on.
    pub operating_system: Option<OperatingSystem>,
}

/// Reads a user agent, with or without the `[ ]` that S3 puts round it.
pub fn parse(user_agent: &str) -> Client {
    let agent = &user_agent[..user_agent.floor_char_boundary(READ_BYTES)];
    let agent = agent.trim();
    let agent = agent.strip_prefix('[').unwrap_or(agent);
    let agent = agent.strip_suffix(']').unwrap_or(agent).trim();
    let products = products(agent);
    let (tool, version) = tool_and_version(agent, &products);

    let value = |key: &str| products.iter().find(|p| p.name == key && !p.version.is_empty());
    let (credential_source, base_credential_source) =
        value("m").map_or((None, None), |p| features::credential_sources(p.version));
    let provider = products.iter().find(|p| is_provider(p.name));
    let wrapper = products.iter().find(|p| p.name.eq_ignore_ascii_case(TERRAFORM_EXEC));
    let added = added(tool, &products);
    let terraform = matches!(tool, Tool::Terraform | Tool::OpenTofu | Tool::Pulumi);
    let action = tool == Tool::GithubActionsCredentials;
    Client {
        tool,
        name: name(tool, agent, &products),
        version,
        s3_backend: matches!(tool, Tool::Terraform | Tool::OpenTofu) && provider.is_none(),
        provider_version: provider.and_then(|p| keep(p.version)),
        wrapper: wrapper.and_then(|p| keep(p.text)),
        application: value("app")
            .and_then(|p| keep(p.version))
            .or_else(|| added.clone().filter(|_| !terraform)),
        credential_source,
        base_credential_source,
        runtime: value("exec-env")
            .and_then(|p| host::runtime(p.version))
            .or(action.then_some(Runtime::GithubActions)),
        ci_run: if action { github_run(&products) } else { added.filter(|_| terraform) },
        operating_system: host::operating_system(agent),
    }
}

impl Default for Client {
    /// A client that says nothing of itself.
    fn default() -> Client {
        parse("")
    }
}

impl Client {
    /// The client in a few words for a table: `Terraform 1.9.5 (provider 5.67.0)`.
    pub fn label(&self) -> String {
        let title = self.tool.title();
        match self.tool {
            Tool::Console | Tool::GithubActionsCredentials => title.to_owned(),
            Tool::AwsService | Tool::Browser | Tool::HttpClient | Tool::Other => {
                let name = self.name.as_deref().unwrap_or(title);
                name.chars().take(LABEL_CHARS).collect()
            }
            _ => {
                let version = self.version.iter().map(|version| format!(" {version}"));
                let detail = if self.s3_backend {
                    Some("S3 backend".to_owned())
                } else if let Some(version) = &self.provider_version {
                    Some(format!("provider {version}"))
                } else {
                    self.application.clone()
                };
                let detail = detail.into_iter().map(|detail| format!(" ({detail})"));
                [title.to_owned()].into_iter().chain(version).chain(detail).collect()
            }
        }
    }

    /// Whether the tool is known. A browser is: that it is one says who sits before it.
    pub fn is_recognised(&self) -> bool {
        self.tool != Tool::Other
    }
}

/// The tool, and its version where the tool has one.
fn tool_and_version(agent: &str, products: &[Product<'_>]) -> (Tool, Option<String>) {
    if let Some(tool) = whole(agent) {
        return (tool, None);
    }
    let known = products
        .iter()
        .filter_map(|product| Some((tool::of_product(product.name, product.version)?, product)));
    match known.min_by_key(|(tool, _)| *tool) {
        None => (Tool::Other, None),
        // `RDS Console, aws-internal/3 …`, `EC2ConsoleFrontend, aws-internal/3 …`
        Some((Tool::AwsService, _)) if agent.contains("Console") => (Tool::Console, None),
        Some((tool @ (Tool::AwsService | Tool::Console), _)) => (tool, None),
        Some((Tool::Browser, _)) => {
            (Tool::Browser, browser(products).and_then(|product| keep(product.version)))
        }
        // The format of the AWS partner network has `Pulumi/1.0` whatever the version.
        Some((Tool::Pulumi, product)) if product.version == "1.0" => (Tool::Pulumi, None),
        Some((tool, product)) => (tool, keep(product.version)),
    }
}

/// The tool of agents that are one phrase and have no products.
fn whole(agent: &str) -> Option<Tool> {
    const SERVICES: [&str; 3] = ["AWS Internal", "aws.internal", "elasticfilesystem"];
    let host = agent.strip_suffix(".cn").unwrap_or(agent).strip_suffix(".amazonaws.com");
    let hostname = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if let Some(service) = host.filter(|s| !s.is_empty() && s.chars().all(hostname)) {
        let console = service == "signin" || service.split('.').any(|part| part == "console");
        return Some(if console { Tool::Console } else { Tool::AwsService });
    }
    if SERVICES.contains(&agent) {
        return Some(Tool::AwsService);
    }
    (agent.starts_with("AWS ") && agent.ends_with(" Console")).then_some(Tool::Console)
}

/// What an agent calls itself, for the tools that have no name of their own.
fn name(tool: Tool, agent: &str, products: &[Product<'_>]) -> Option<String> {
    match tool {
        Tool::AwsService => match products.first() {
            Some(first) if first.name == "aws-internal" => Some("AWS Internal".to_owned()),
            _ if matches!(agent, "AWS Internal" | "aws.internal") => {
                Some("AWS Internal".to_owned())
            }
            first => first.and_then(|product| keep(product.text)),
        },
        Tool::Browser => browser(products)
            .and_then(|product| match product.name {
                "Edg" => Some("Edge"),
                "OPR" => Some("Opera"),
                known => BROWSERS.iter().copied().find(|name| *name == known),
            })
            .map(str::to_owned),
        Tool::HttpClient => products.first().and_then(|product| keep(product.name)),
        Tool::Other => agent.split_whitespace().next().and_then(keep),
        _ => None,
    }
}

/// The tokens of browsers, those that others imitate last.
const BROWSERS: [&str; 5] = ["Edg", "OPR", "Firefox", "Chrome", "Safari"];

fn browser<'a, 'p>(products: &'p [Product<'a>]) -> Option<&'p Product<'a>> {
    BROWSERS.iter().find_map(|name| products.iter().find(|product| product.name == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tools() {
        let cases = [
            (
                "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io) \
                 terraform-provider-aws/5.67.0 (+https://registry.terraform.io/providers/hashicorp/aws) \
                 aws-sdk-go-v2/1.30.5 os/linux lang/go#1.22.7 md/GOOS#linux api/sts#1.30.7 m/g",
                Tool::Terraform,
                "Terraform 1.9.5 (provider 5.67.0)",
            ),
            (
                "[APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io) \
                 aws-sdk-go-v2/1.25.3 os/linux lang/go#1.22.1 api/s3#1.51.4 m/n]",
                Tool::Terraform,
                "Terraform 1.9.5 (S3 backend)",
            ),
            (
                "aws-sdk-go/1.10.18 (go1.8; linux; amd64) APN/1.0 HashiCorp/1.0 Terraform/0.9.8",
                Tool::Terraform,
                "Terraform 0.9.8 (S3 backend)",
            ),
            (
                "APN/1.0 HashiCorp/1.0 Terraform/1.0.8 (+https://www.terraform.io) \
                 terraform-provider-awscc/1.2.0 (+https://registry.terraform.io) aws-sdk-go-v2/1.9.1",
                Tool::Terraform,
                "Terraform 1.0.8 (provider 1.2.0)",
            ),
            (
                "aws-sdk-go-v2/1.36.3 os/linux lang/go#1.24 api/s3#1.79.2 APN/1.0 \
                 OpenTofu-S3-Backend/1.0 OpenTofu/1.10.1",
                Tool::OpenTofu,
                "OpenTofu 1.10.1 (S3 backend)",
            ),
            (
                "APN/1.0 OpenTofu/1.6.0 aws-sdk-go/1.44.122 (go1.20; linux; amd64)",
                Tool::OpenTofu,
                "OpenTofu 1.6.0 (S3 backend)",
            ),
            (
                "APN/1.0 Pulumi/1.0 Pulumi/1.0 Pulumi-Aws/6.52.0 (+https://www.pulumi.com) \
                 aws-sdk-go-v2/1.30.5 os/linux lang/go#1.22.7",
                Tool::Pulumi,
                "Pulumi (provider 6.52.0)",
            ),
            (
                "aws-sdk-go-v2/1.30.5 os/linux APN/1.0 Pulumi/3.100.0 PulumiAwsNative/1.12.0",
                Tool::Pulumi,
                "Pulumi 3.100.0 (provider 1.12.0)",
            ),
            ("aws-sdk-go-v2/1.30.0 os/linux eksctl/0.190.0", Tool::Eksctl, "eksctl 0.190.0"),
            (
                "aws-sdk-js/3.699.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#20.1 aws-cdk/2.170.0",
                Tool::Cdk,
                "AWS CDK 2.170.0",
            ),
            (
                "aws-sdk-js/3.699.0 ua/2.1 os/linux configure-aws-credentials-for-github-actions",
                Tool::GithubActionsCredentials,
                "GitHub action configure-aws-credentials",
            ),
            (
                "CloudCustodian(some-policy)/0.9.2 Python/3.8.3 Botocore/1.15.49",
                Tool::CloudCustodian,
                "Cloud Custodian 0.9.2",
            ),
            (
                "c7n/0.9.40 md/Botocore#1.34.0 ua/2.0 c7n/policy#some-policy",
                Tool::CloudCustodian,
                "Cloud Custodian 0.9.40",
            ),
            (
                "aws-sdk-go/1.41.4 (go1.18.3; linux; amd64) amazon-ssm-agent/",
                Tool::SsmAgent,
                "SSM Agent",
            ),
            (
                "aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/linux#6.1 md/command#sts.get-caller-identity",
                Tool::AwsCli,
                "AWS CLI 2.17.32",
            ),
            (
                "aws-cli/1.18.136 Python/3.8.5 Darwin/19.5.0 botocore/1.17.59",
                Tool::AwsCli,
                "AWS CLI 1.18.136",
            ),
            (
                "Boto3/1.26.165 Python/3.10.6 Linux/5.19.0-46-generic Botocore/1.29.165",
                Tool::Boto3,
                "Boto3 1.26.165",
            ),
            (
                "Boto3/1.34.12 md/Botocore#1.34.12 ua/2.0 os/linux#5.15 app/nightly-export",
                Tool::Boto3,
                "Boto3 1.34.12 (nightly-export)",
            ),
            ("Botocore/1.29.165 Python/3.10.6", Tool::Botocore, "Botocore 1.29.165"),
            ("Boto/2.23.0 Python/2.7.6 Linux/2.6.32", Tool::Boto, "Boto 2.23.0"),
            ("aws-sdk-go/1.44.0 (go1.19; linux; amd64)", Tool::SdkGoV1, "AWS SDK for Go v1 1.44.0"),
            (
                "kubernetes/v1.15.3 aws-sdk-go/1.16.26 (go1.12.9; linux; amd64)",
                Tool::SdkGoV1,
                "AWS SDK for Go v1 1.16.26 (kubernetes/v1.15.3)",
            ),
            (
                "aws-sdk-go-v2/1.17.0 os/linux lang/go/1.18.10 md/GOOS/linux api/sts/1.16.19",
                Tool::SdkGoV2,
                "AWS SDK for Go v2 1.17.0",
            ),
            (
                "aws-sdk-go-v2/1.11.2 os/linux api/ecr/1.9.0 crossplane-provider-aws/v0.26.0",
                Tool::SdkGoV2,
                "AWS SDK for Go v2 1.11.2 (crossplane-provider-aws/v0.26.0)",
            ),
            (
                "aws-sdk-java/1.12.488 Linux/5.4 java/1.8.0_372",
                Tool::SdkJavaV1,
                "AWS SDK for Java v1 1.12.488",
            ),
            (
                "Hadoop 3.3.1, aws-sdk-java/1.11.901 Linux/5.4",
                Tool::SdkJavaV1,
                "AWS SDK for Java v1 1.11.901 (Hadoop)",
            ),
            (
                "aws-sdk-java/2.29.0 md/io#sync ua/2.1 os/Linux#6.1 lang/java#17",
                Tool::SdkJavaV2,
                "AWS SDK for Java v2 2.29.0",
            ),
            (
                "aws-sdk-nodejs/2.804.0 linux/v12.20.1 promise",
                Tool::SdkJsV2,
                "AWS SDK for JavaScript v2 2.804.0",
            ),
            (
                "aws-sdk-js/3.699.0 ua/2.1 os/linux",
                Tool::SdkJsV3,
                "AWS SDK for JavaScript v3 3.699.0",
            ),
            (
                "aws-sdk-dotnet-coreclr/3.7.400 .NET_Core/8.0 OS/Linux",
                Tool::SdkDotnet,
                "AWS SDK for .NET 3.7.400",
            ),
            ("aws-sdk-php/3.300.0 OS/Linux#6.1", Tool::SdkPhp, "AWS SDK for PHP 3.300.0"),
            ("aws-sdk-ruby3/3.190.0 ua/2.0", Tool::SdkRuby, "AWS SDK for Ruby 3.190.0"),
            (
                "aws-sdk-rust/1.3.9 os/linux lang/rust/1.87.0",
                Tool::SdkRust,
                "AWS SDK for Rust 1.3.9",
            ),
            ("aws-sdk-cpp/1.11.400 ua/2.1", Tool::SdkCpp, "AWS SDK for C++ 1.11.400"),
            ("aws-sdk-kotlin/1.3.0 ua/2.1", Tool::SdkKotlin, "AWS SDK for Kotlin 1.3.0"),
            ("aws-sdk-swift/1.0.0 ua/2.1", Tool::SdkSwift, "AWS SDK for Swift 1.0.0"),
            (
                "AWSPowerShell.Common/4.1.90.0 .NET_Core/6.0.5 OS/Microsoft_Windows_10.0.17763",
                Tool::PowerShell,
                "AWS Tools for PowerShell 4.1.90.0",
            ),
            ("console.amazonaws.com", Tool::Console, "AWS console"),
            ("console.ec2.amazonaws.com", Tool::Console, "AWS console"),
            ("signin.amazonaws.com", Tool::Console, "AWS console"),
            ("AWS CloudWatch Console", Tool::Console, "AWS console"),
            ("[S3Console/0.4]", Tool::Console, "AWS console"),
            ("RDS Console, aws-internal/3 aws-sdk-java/1.11.975", Tool::Console, "AWS console"),
            ("cloudtrail.amazonaws.com", Tool::AwsService, "cloudtrail.amazonaws.com"),
            (
                "ec2.cn-north-1.amazonaws.com.cn",
                Tool::AwsService,
                "ec2.cn-north-1.amazonaws.com.cn",
            ),
            ("AWS Internal", Tool::AwsService, "AWS Internal"),
            ("aws.internal", Tool::AwsService, "AWS Internal"),
            ("aws-internal/3 aws-sdk-java/1.11.802", Tool::AwsService, "AWS Internal"),
            (
                "[AWSCloudTrail, aws-internal/3 aws-sdk-java/1.12]",
                Tool::AwsService,
                "AWSCloudTrail",
            ),
            ("python-requests/2.27.1", Tool::HttpClient, "python-requests"),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:68.0) Gecko/20100101 Firefox/68.0",
                Tool::Browser,
                "Firefox",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0",
                Tool::Browser,
                "Edge",
            ),
            (
                "Mozilla/5.0 (Macintosh) AppleWebKit/605.1 (KHTML, like Gecko) Version/17 Safari/605.1",
                Tool::Browser,
                "Safari",
            ),
            ("Mozilla/5.0", Tool::Browser, "browser"),
            ("acme-deployer/7 (nightly)", Tool::Other, "acme-deployer/7"),
            ("evil.example/amazonaws.com", Tool::Other, "evil.example/amazonaws.com"),
            ("a b.amazonaws.com", Tool::Other, "a"),
            (".amazonaws.com", Tool::Other, ".amazonaws.com"),
            ("", Tool::Other, "unknown"),
        ];
        for (agent, tool, label) in cases {
            let client = parse(agent);
            assert_eq!((client.tool, client.label().as_str()), (tool, label), "{agent}");
            assert_eq!(client.is_recognised(), tool != Tool::Other, "{agent}");
            if !agent.starts_with('[') {
                assert_eq!(parse(&format!("[{agent}]")), client, "{agent}");
            }
        }
    }

    #[test]
    fn reads_where_credentials_and_client_are() {
        let client = parse(
            "aws-cli/2.31.1 md/awscrt#0.27.6 ua/2.1 os/linux#6.1.147 md/arch#x86_64 \
             exec-env/CloudShell m/E,z,b cfg/retry-mode#standard md/command#sts.get-caller-identity",
        );
        assert_eq!(client.credential_source, Some(CredentialSource::Container));
        assert_eq!(client.runtime, Some(Runtime::CloudShell));
        assert_eq!(client.operating_system, Some(OperatingSystem::Linux));

        let client = parse("Boto3/1.40.0 md/Botocore#1.40.0 ua/2.1 m/n,D,o,i exec-env/AWS_ECS_EC2");
        assert_eq!(client.credential_source, Some(CredentialSource::AssumeRole));
        assert_eq!(client.base_credential_source, Some(CredentialSource::Profile));
        assert_eq!(client.runtime, Some(Runtime::EcsOnEc2));

        let client = parse(
            "aws-sdk-js/3.699.0 ua/2.1 os/linux md/nodejs#20.1 \
             configure-aws-credentials-for-github-actions md/run_id#5559927029 md/attempt#2",
        );
        assert_eq!(client.runtime, Some(Runtime::GithubActions));
        assert_eq!(client.ci_run.as_deref(), Some("5559927029 attempt 2"));
        assert_eq!(client.application, None);
    }

    #[test]
    fn reads_what_runs_terraform() {
        let client = parse(
            "APN/1.0 HashiCorp/1.0 Terraform/1.1.2 (+https://www.terraform.io) \
             terraform-provider-aws/4.67.0 (+https://registry.terraform.io/providers/hashicorp/aws) \
             aws-sdk-go/1.44.261 (go1.19.8; linux; amd64) gitlab-pipeline/81 (job 5) team/billing \
             HashiCorp-terraform-exec/0.17.3 Waiter",
        );
        assert_eq!(client.wrapper.as_deref(), Some("HashiCorp-terraform-exec/0.17.3"));
        assert_eq!(client.ci_run.as_deref(), Some("gitlab-pipeline/81 team/billing"));
        assert_eq!(client.application, None);
        assert!(!client.s3_backend);
    }

    #[test]
    fn hostile_text_is_cut_and_cleaned() {
        let long = "x".repeat(10_000);
        let wide = "й🔑".repeat(5_000);
        let agents = [
            long.clone(),
            wide.clone(),
            format!("Terraform/{long} terraform-provider-aws/{wide} app/{long} exec-env/{wide}"),
            format!("aws-sdk-go/{wide} {long} m/{}", "g,".repeat(5_000)),
            format!("aws-sdk-go/1 {}", "\u{202e}/\u{7}#й ".repeat(2_000)),
            "( ".repeat(5_000),
            "m/ ".repeat(5_000),
            "[".to_owned(),
            "]".to_owned(),
            "[]".to_owned(),
            "[[aws-cli/2.1 ".to_owned(),
            "(((aws-cli/2.1".to_owned(),
            ")".to_owned(),
            "/ # /# #/ m/ m/, exec-env/ app/ os/ Terraform/".to_owned(),
            "\0\u{1b}[31m\u{202e}\u{feff}\u{e0041}".to_owned(),
        ];
        for agent in agents {
            let client = parse(&agent);
            let json = serde_json::to_string(&client).unwrap();
            assert_eq!(serde_json::from_str::<Client>(&json).unwrap(), client);
            assert!(json.len() < 2_000, "{}", json.len());
            assert!(client.label().chars().count() <= 160);
            for text in [json, client.label()] {
                assert!(!text.chars().any(char::is_control), "{text:?}");
                assert!(!text.contains(['\u{202e}', '\u{feff}', '\u{e0041}']), "{text:?}");
            }
        }
        assert_eq!(parse(&long).label(), "x".repeat(40));
        assert_eq!(parse(&wide).label(), "й🔑".repeat(20));
        assert_eq!(parse("[aws-cli/2.1.0").label(), "AWS CLI 2.1.0");
        assert_eq!(parse("aws-cli/2.1.0]").label(), "AWS CLI 2.1.0");
        assert_eq!(parse("Terraform/").label(), "Terraform (S3 backend)");
        assert_eq!(parse("m/").credential_source, None);
        assert_eq!(parse("\u{202e}a\u{1b}[31m").label(), "a[31m");
    }

    #[test]
    fn the_fields_in_json() {
        let client = parse("Boto3/1.40.0 os/linux m/g exec-env/AWS_Lambda_python3.13 app/export");
        insta::assert_snapshot!(serde_json::to_string_pretty(&client).unwrap(), @r#"
        {
          "tool": "boto3",
          "name": null,
          "version": "1.40.0",
          "provider_version": null,
          "s3_backend": false,
          "wrapper": null,
          "application": "export",
          "credential_source": "environment",
          "base_credential_source": null,
          "runtime": "lambda",
          "ci_run": null,
          "operating_system": "linux"
        }
        "#);
    }

    /// Reads real user agents where they are at hand: they are public, but not this project's.
    #[test]
    fn real_user_agents_are_recognised() {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Sample {
            user_agent: String,
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/user_agents.json");
        let Ok(json) = std::fs::read(path) else {
            eprintln!("skipped: there are no real user agents at {path}");
            return;
        };
        let samples: Vec<Sample> = serde_json::from_slice(&json).unwrap();
        let clients: Vec<Client> = samples.iter().map(|s| parse(&s.user_agent)).collect();
        let browsers = clients.iter().filter(|c| c.tool == Tool::Browser).count();
        let recognised = clients.iter().filter(|c| c.is_recognised()).count();
        assert_eq!((recognised, browsers, clients.len()), (387, 10, 389));
        // Both are names that a program gave itself.
        let others: Vec<String> =
            clients.iter().filter(|c| !c.is_recognised()).map(Client::label).collect();
        assert_eq!(
            others,
            [
                "stratus-red-team_39f95f43-cd2f-4beb-b69e",
                "stratus-red-team_4990da05-9399-449e-b49f",
            ]
        );
        let count = |is: fn(&Client) -> bool| clients.iter().filter(|c| is(c)).count();
        assert_eq!(count(|c| c.tool == Tool::Terraform), 19);
        assert_eq!(count(|c| c.s3_backend), 0);
        assert_eq!(count(|c| c.ci_run.is_some()), 9);
        assert_eq!(count(|c| c.credential_source == Some(CredentialSource::Environment)), 23);
        assert_eq!(count(|c| c.runtime == Some(Runtime::CloudShell)), 23);
    }
}
