//! Where a client ran: its execution environment and operating system.
//!
//! Knows the values of `AWS_EXECUTION_ENV` and the names of systems in user agents. Must not know
//! the tools.

use serde::{Deserialize, Serialize};

use super::product::keep;

/// Where a client ran, by what it says of its `AWS_EXECUTION_ENV`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// A Lambda function.
    Lambda,
    /// An ECS task on Fargate.
    Fargate,
    /// An ECS task on EC2.
    EcsOnEc2,
    /// CloudShell.
    CloudShell,
    /// A GitHub Actions workflow.
    GithubActions,
    /// Whatever else the variable held: anybody may set it.
    #[serde(untagged)]
    Other(String),
}

/// The system a client ran on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperatingSystem {
    /// Linux, among it Windows Subsystem for Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

/// The runtime that an `exec-env/` product names.
pub(super) fn runtime(value: &str) -> Option<Runtime> {
    Some(match value {
        "AWS_ECS_FARGATE" => Runtime::Fargate,
        "AWS_ECS_EC2" => Runtime::EcsOnEc2,
        "CloudShell" => Runtime::CloudShell,
        "GitHubActions" => Runtime::GithubActions,
        lambda if lambda.starts_with("AWS_Lambda_") => Runtime::Lambda,
        other => Runtime::Other(keep(other)?),
    })
}

/// The operating system: `os/linux#6.1`, `Linux/6.1`, `(go1.23; linux; amd64)`, `(Windows NT 10.0;`.
pub(super) fn operating_system(agent: &str) -> Option<OperatingSystem> {
    const SYSTEMS: [(&str, OperatingSystem); 6] = [
        ("linux", OperatingSystem::Linux),
        ("x11", OperatingSystem::Linux),
        ("darwin", OperatingSystem::Macos),
        ("macos", OperatingSystem::Macos),
        ("macintosh", OperatingSystem::Macos),
        ("windows", OperatingSystem::Windows),
    ];
    let of = |word: &str| {
        SYSTEMS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, system)| *system)
    };
    agent.split_whitespace().find_map(|token| {
        let token = token.trim_matches(['(', ')', ';']);
        let mut parts = token.split(['/', '#', '_']);
        let first = parts.next()?;
        if first.eq_ignore_ascii_case("os") { parts.find_map(of) } else { of(first) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_runtimes() {
        let cases = [
            ("AWS_Lambda_python3.8", Runtime::Lambda),
            ("AWS_Lambda_Image", Runtime::Lambda),
            ("AWS_ECS_FARGATE", Runtime::Fargate),
            ("AWS_ECS_EC2", Runtime::EcsOnEc2),
            ("CloudShell", Runtime::CloudShell),
            ("GitHubActions", Runtime::GithubActions),
            ("aws_lambda_python3.8", Runtime::Other("aws_lambda_python3.8".to_owned())),
            ("build\u{202e}er", Runtime::Other("builder".to_owned())),
        ];
        for (value, expected) in cases {
            assert_eq!(runtime(value), Some(expected), "{value}");
        }
        assert_eq!(runtime("\u{7}"), None);
    }

    #[test]
    fn a_runtime_of_its_own_name_is_that_text_in_json() {
        for (runtime, json) in
            [(Runtime::EcsOnEc2, r#""ecs-on-ec2""#), (Runtime::Other("x".to_owned()), r#""x""#)]
        {
            assert_eq!(serde_json::to_string(&runtime).unwrap(), json);
            assert_eq!(serde_json::from_str::<Runtime>(json).unwrap(), runtime);
        }
    }

    #[test]
    fn reads_systems() {
        use OperatingSystem::*;
        let cases = [
            ("aws-cli/2.17.32 os/linux#6.1.0 md/arch#x86_64", Some(Linux)),
            ("aws-sdk-go-v2/1.36.0 os/macos lang/go#1.23", Some(Macos)),
            ("aws-cli/2.2.16 Python/3.8.8 Darwin/20.5.0", Some(Macos)),
            ("aws-cli/2.4.23 Python/3.8.8 Windows/10 exe/AMD64", Some(Windows)),
            ("aws-sdk-go/1.44.0 (go1.19.3; linux; amd64)", Some(Linux)),
            ("AWSPowerShell.Common/4.1.0 OS/Microsoft_Windows_10.0.17763", Some(Windows)),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", Some(Macos)),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", Some(Windows)),
            ("os/other", None),
            ("os/", None),
            ("", None),
        ];
        for (agent, expected) in cases {
            assert_eq!(operating_system(agent), expected, "{agent}");
        }
    }
}
