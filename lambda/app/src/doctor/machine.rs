//! Everything that was gathered from this machine: plain data for the checks to judge.
//!
//! Must not read anything itself. Values that may be secrets do not show in `{:?}`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::ini::Ini;
use super::jwt::Claims;
use super::terraform::Terraform;
use crate::config::Variables;

/// The machine.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// The time of the run.
    pub now: DateTime<Utc>,
    /// The environment.
    pub variables: Variables,
    /// The directory that was looked at.
    pub directory: PathBuf,
    /// `--profile`.
    pub profile: Option<String>,
    /// `~/.aws/credentials` or what takes its place.
    pub credentials_file: ProfileFile,
    /// `~/.aws/config` or what takes its place.
    pub config_file: ProfileFile,
    /// The caches below `~/.aws/sso/cache` and `~/.aws/cli/cache`.
    pub caches: Vec<Cache>,
    /// The Terraform directory.
    pub terraform: Terraform,
    /// Compose files beside it.
    pub compose: Vec<Document>,
    /// Workflow files of CI systems.
    pub workflows: Vec<Document>,
    /// Marks of a container.
    pub container: Option<&'static str>,
    /// The web identity token file that the environment names.
    pub web_identity: Option<TokenFile>,
    /// Files of certificates that variables name: variable, path and what is there.
    pub certificates: Vec<(String, String, FileState)>,
    /// What the `credential_process` of the profile in use answered.
    pub process: Option<Process>,
    /// The payload of the event that started a GitHub job.
    pub github_event: Option<Json>,
    /// What AWS answered; `None` when nothing was asked.
    pub live: Option<Live>,
}

/// Whether a file could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FileState {
    /// It is not there.
    #[default]
    Absent,
    /// It is there and cannot be read: why.
    Unreadable(String),
    /// It was read.
    Read,
}

/// A file of profiles.
#[derive(Debug, Clone, Default)]
pub struct ProfileFile {
    /// As shown to people: `~/.aws/credentials`.
    pub name: String,
    /// As written in commands.
    pub path: String,
    /// Whether it could be read.
    pub state: FileState,
    /// What is in it.
    pub ini: Ini,
    /// Its permission bits, where the system has them.
    pub mode: Option<u32>,
}

/// Which of the caches a file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKind {
    /// `~/.aws/sso/cache`: tokens of IAM Identity Center.
    Sso,
    /// `~/.aws/cli/cache`: sessions of the AWS CLI.
    Cli,
}

/// A cached token or session.
#[derive(Clone)]
pub struct Cache {
    /// Which cache.
    pub kind: CacheKind,
    /// The name of the file, without its folder.
    pub file: String,
    /// When it ends.
    pub expires: Option<DateTime<Utc>>,
    /// The start URL of an SSO token.
    pub start_url: Option<String>,
    /// Whether it can be renewed without the user.
    pub renewable: bool,
    /// The key ID of a session.
    pub access_key_id: Option<String>,
    /// The token of a session.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}", self.kind, self.file)
    }
}

/// A YAML file of somebody else.
#[derive(Debug, Clone)]
pub struct Document {
    /// Relative to the directory.
    pub file: String,
    /// Its content, or why there is none.
    pub content: Result<Json, String>,
}

/// A file with a web identity token.
#[derive(Debug, Clone)]
pub struct TokenFile {
    /// Where.
    pub path: String,
    /// Whether it could be read.
    pub state: FileState,
    /// What the token says of itself.
    pub claims: Option<Claims>,
}

/// What a `credential_process` answered.
#[derive(Debug, Clone)]
pub struct Process {
    /// The profile that names it.
    pub profile: String,
    /// The key ID and the end that it gave, or what went wrong.
    pub outcome: Result<(String, Option<DateTime<Utc>>), String>,
}

/// What AWS answered.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// The answers, one per credentials and Region.
    pub answers: Vec<Answer>,
    /// What the credentials of the profile in use came to, where they are not static.
    pub chain: Option<Result<String, String>>,
    /// The clock of AWS minus ours, in seconds.
    pub clock: Option<i64>,
    /// What IAM says of key IDs, with the permissions found here.
    pub keys: Vec<(String, KeyState)>,
    /// `GlobalEndpointTokenVersion` of the account summary.
    pub token_version: Option<i32>,
    /// What the instance metadata service does, where it was asked.
    pub metadata: Option<Metadata>,
    /// The Region whose endpoint was asked.
    pub region: String,
    /// Whether an endpoint override was in use.
    pub overridden: bool,
}

/// What STS answered to `GetCallerIdentity`.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Where the credentials are from, as the chain names them.
    pub names: Vec<String>,
    /// The key ID.
    pub access_key_id: String,
    /// The Region asked.
    pub region: String,
    /// The answer.
    pub outcome: Outcome,
}

/// An answer of AWS, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The caller.
    Accepted {
        /// Its ARN.
        arn: String,
        /// Its account.
        account: String,
        /// The code with which the first call was refused, 5 s or more before.
        after: Option<String>,
    },
    /// An error code, each time it was asked.
    Refused {
        /// The code.
        code: String,
        /// The text.
        message: String,
        /// The HTTP status.
        status: u16,
        /// How often it was asked, at least 5 s apart.
        tries: u32,
        /// The request ID of the last answer.
        request_id: Option<String>,
    },
    /// No answer.
    Unreachable(Trouble, String),
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The name is not known.
    Dns,
    /// The proxy refused or could not be reached.
    Proxy,
    /// The certificate was not trusted.
    Certificate,
    /// Nobody listens, or nothing came back in time.
    Connection,
    /// Something answered that is not AWS.
    NotAws,
}

/// What IAM says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// It is active.
    Active,
    /// It was deactivated, or IAM says it expired.
    Inactive {
        /// The user.
        user: String,
    },
    /// IAM knows no such key of this user any more.
    Absent {
        /// The user, where IAM still says.
        user: Option<String>,
    },
    /// IAM may not be asked with what is here.
    NotPermitted,
}

/// What the instance metadata service does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metadata {
    /// It gives credentials of a role.
    Role(String),
    /// It is there, without a role.
    NoRole,
    /// It takes connections and does not answer: the hop limit.
    Silent,
    /// There is none.
    Absent,
}

impl Machine {
    /// The profile that clients use here, and where its name is from.
    pub(super) fn profile_in_use(&self) -> (&str, &'static str) {
        if let Some(profile) = &self.profile {
            return (profile, "--profile");
        }
        for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            if let Some(profile) = self.variables.filled(name) {
                return (profile, name);
            }
        }
        ("default", "by default")
    }

    /// The Region that clients use here, and where it is from.
    pub(super) fn region(&self) -> Option<(&str, String)> {
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            if let Some(region) = self.variables.filled(name) {
                return Some((region, name.to_owned()));
            }
        }
        let (profile, _) = self.profile_in_use();
        let region = self.profile_setting(profile, "region")?;
        Some((region, format!("profile {profile}")))
    }

    /// A setting of a profile; the credentials file counts more, as for all SDKs.
    pub(super) fn profile_setting(&self, profile: &str, key: &str) -> Option<&str> {
        let in_config = format!("profile {profile}");
        self.credentials_file
            .ini
            .get(profile, key)
            .or_else(|| self.config_file.ini.get(&in_config, key))
            .or_else(|| {
                if profile == "default" { self.config_file.ini.get("default", key) } else { None }
            })
            .filter(|value| !value.is_empty())
    }

    /// Whether a profile is in one of the files.
    pub(super) fn has_profile(&self, profile: &str) -> bool {
        self.credentials_file.ini.has(profile)
            || self.config_file.ini.has(&format!("profile {profile}"))
            || profile == "default" && self.config_file.ini.has("default")
    }

    /// The names of all profiles, sorted.
    pub(super) fn profiles(&self) -> Vec<&str> {
        let config = self.config_file.ini.sections.iter().filter_map(|section| {
            section
                .name
                .strip_prefix("profile ")
                .or((section.name == "default").then_some("default"))
        });
        let credentials = self.credentials_file.ini.sections.iter();
        let credentials = credentials
            .map(|section| section.name.as_str())
            .filter(|name| !name.starts_with("profile "));
        let mut all: Vec<&str> = config.chain(credentials).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
