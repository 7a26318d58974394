//! The one place that reads the environment.

use std::collections::BTreeMap;
use std::fmt;

pub mod function;

/// Reads the settings of a deployed function, or says everything that is wrong with them.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn of_function() -> Result<function::Function, Vec<String>> {
    function::read(|name| std::env::var(name).ok())
}

/// What the environment says about the log: a filter as `tracing` reads it.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn log_filter() -> String {
    std::env::var("FAILURE_MONITOR_LOG").unwrap_or_else(|_| "info".to_owned())
}

/// The name of the deployed function that the command line asks for a summary.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn summary_function() -> String {
    let named = std::env::var("FAILURE_MONITOR_FUNCTION").ok().filter(|name| !name.is_empty());
    named.unwrap_or_else(|| "failure-monitor-summary".to_owned())
}

/// What the environment says about output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Environment {
    /// `NO_COLOR` is set and not empty (<https://no-color.org>), or `TERM` is `dumb`.
    pub no_colour: bool,
}

impl Environment {
    /// Reads it.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn read() -> Environment {
        Environment::of(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into()))
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Environment {
        Environment {
            no_colour: variable("NO_COLOR").is_some_and(|value| !value.is_empty())
                || variable("TERM").is_some_and(|value| value == "dumb"),
        }
    }
}

/// What the environment says of credentials and of the place that a program runs in: one snapshot,
/// for those who explain it. Printing it with `{:?}` shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

/// Beginnings of the names of interest: AWS, Terraform, CI systems and containers.
const PREFIXES: [&str; 14] = [
    "ACTIONS_",
    "AWS_",
    "BITBUCKET_",
    "BUILDKITE",
    "CI_",
    "CIRCLE",
    "CODEBUILD_",
    "ECS_",
    "GITHUB_",
    "GITLAB_",
    "JENKINS_",
    "KUBERNETES_",
    "RUNNER_",
    "TF_",
];
/// Names of interest that have none of these beginnings.
const NAMES: [&str; 16] = [
    "ALL_PROXY",
    "BUILD_TAG",
    "CI",
    "CURL_CA_BUNDLE",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "USERPROFILE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

impl Variables {
    /// Takes the snapshot.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn read() -> Variables {
        let all = std::env::vars_os();
        all.map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into()))
            .collect()
    }

    /// The value, empty ones too.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value, unless it is empty: the AWS SDKs take an empty variable for an unset one.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Whether a variable has a value that is not empty.
    pub fn has(&self, name: &str) -> bool {
        self.filled(name).is_some()
    }

    /// All of the snapshot, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Variables {
    /// Keeps those of interest.
    fn from_iter<T: IntoIterator<Item = (String, String)>>(all: T) -> Variables {
        let wanted = |name: &str| {
            NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        };
        Variables(all.into_iter().filter(|(name, _)| wanted(name)).collect())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_holds_what_is_of_interest_and_prints_no_values() {
        let all = [("AWS_SECRET_ACCESS_KEY", "hidden"), ("PATH", "/bin"), ("AWS_PROFILE", "")];
        let variables: Variables =
            all.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        assert_eq!(variables.get("PATH"), None);
        assert_eq!(variables.get("AWS_PROFILE"), Some(""));
        assert!(!variables.has("AWS_PROFILE"));
        assert_eq!(format!("{variables:?}"), r#"{"AWS_PROFILE", "AWS_SECRET_ACCESS_KEY"}"#);
    }

    #[test]
    fn an_empty_no_color_does_not_count() {
        let of = |name: &'static str, value: &'static str| {
            Environment::of(move |asked| (asked == name).then(|| value.to_owned())).no_colour
        };
        assert!(of("NO_COLOR", "1"));
        assert!(!of("NO_COLOR", ""));
        assert!(of("TERM", "dumb"));
        assert!(!of("TERM", "xterm"));
    }
}
