//! What people and build systems add to the user agents of their tools.
//!
//! Knows the products that tools and SDKs write of themselves, to tell them from the rest. Must not
//! know what an addition means, but for the GitHub action's.

use super::product::{Product, keep};
use super::tool::{self, Tool};

/// Added by HashiCorp's library for programs that run Terraform.
pub(super) const TERRAFORM_EXEC: &str = "HashiCorp-terraform-exec";

/// Whether a product is the AWS provider of Terraform or Pulumi.
pub(super) fn is_provider(name: &str) -> bool {
    const PROVIDERS: [&str; 4] =
        ["terraform-provider-aws", "terraform-provider-awscc", "Pulumi-Aws", "PulumiAwsNative"];
    PROVIDERS.iter().any(|provider| name.eq_ignore_ascii_case(provider))
}

/// The products that somebody added to what the SDK for Go and the tools built on it say anyway;
/// for the other SDKs, only a product before the SDK's own.
pub(super) fn added(tool: Tool, products: &[Product<'_>]) -> Option<String> {
    const FIXED: [&str; 23] = [
        "APN",
        "HashiCorp",
        "OpenTofu-S3-Backend",
        "Pulumi",
        TERRAFORM_EXEC,
        // Keys of the SDKs.
        "api",
        "app",
        "cfg",
        "exec-env",
        "ft",
        "lang",
        "lib",
        "m",
        "md",
        "os",
        "sid",
        "ua",
        "vendor",
        // What version 1 of the SDK for Go calls its helpers.
        "Paginator",
        "S3Manager",
        "S3UploadManager",
        "UploadManager",
        "Waiter",
    ];
    let own = |product: &&Product<'_>| {
        tool::of_product(product.name, product.version).is_none()
            && !is_provider(product.name)
            && !FIXED.iter().any(|fixed| product.name.eq_ignore_ascii_case(fixed))
    };
    match tool {
        Tool::Pulumi | Tool::OpenTofu | Tool::Terraform | Tool::SdkGoV1 | Tool::SdkGoV2 => {
            let own: Vec<&str> = products.iter().filter(own).map(|product| product.text).collect();
            keep(&own.join(" "))
        }
        tool if tool.is_sdk() => {
            products.first().filter(own).and_then(|product| keep(product.text))
        }
        _ => None,
    }
}

/// The run ID and attempt that the GitHub action adds, whichever way their keys are written
/// (`md/run_id#1`, `run-id/1`).
pub(super) fn github_run(products: &[Product<'_>]) -> Option<String> {
    let number = |wanted: &str| {
        products.iter().find_map(|product| {
            let at = product.text.rfind(['/', '#'])?;
            let (key, digits) = (&product.text[..at], &product.text[at + 1..]);
            let key: String = key.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            (key.to_ascii_lowercase().ends_with(wanted) && is_number).then(|| keep(digits))?
        })
    };
    let run = number("runid")?;
    Some(match number("attempt") {
        Some(attempt) => format!("{run} attempt {attempt}"),
        None => run,
    })
}

#[cfg(test)]
mod tests {
    use super::super::product::products;
    use super::*;

    #[test]
    fn reads_the_run_of_the_github_action() {
        let cases = [
            ("md/run_id#5559927029 md/run_attempt#2", Some("5559927029 attempt 2")),
            ("md/attempt#1 run-id/5559927029", Some("5559927029 attempt 1")),
            ("md/GITHUB_RUN_ID/5559927029", Some("5559927029")),
            ("md/run_id#x", None),
            ("md/run_id#", None),
            ("md/attempt#1", None),
            ("", None),
        ];
        for (agent, run) in cases {
            assert_eq!(github_run(&products(agent)).as_deref(), run, "{agent}");
        }
    }

    #[test]
    fn tells_additions_from_what_tools_say_anyway() {
        let cases = [
            (Tool::Terraform, "APN/1.0 Terraform/1 aws-sdk-go/1 m/g ci/7 Waiter", Some("ci/7")),
            (Tool::Terraform, "APN/1.0 Terraform/1 terraform-provider-aws/5 api/sts#1", None),
            (
                Tool::SdkGoV2,
                "aws-sdk-go-v2/1 os/linux api/ecr/1 crossplane/2",
                Some("crossplane/2"),
            ),
            (Tool::Boto3, "export/1 Boto3/1 Python/3", Some("export/1")),
            (Tool::Boto3, "Boto3/1 Python/3 Linux/6 anything/1", None),
            (Tool::AwsCli, "anything/1 aws-cli/2", None),
        ];
        for (tool, agent, expected) in cases {
            assert_eq!(added(tool, &products(agent)).as_deref(), expected, "{agent}");
        }
    }
}
