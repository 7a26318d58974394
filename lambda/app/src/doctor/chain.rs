//! Which credentials each client would use here, and which it would never come to see.
//!
//! Knows the orders of the AWS CLI, the AWS SDKs and Terraform
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>,
//! <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-authentication.html>,
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs#authentication-and-configuration>).
//! Must not judge.

use failure_monitor_core::access_key;

use super::machine::Machine;
use super::terraform::{Block, Terraform};

/// How credentials are got of which a program of the user's is asked.
pub(super) const CREDENTIAL_PROCESS: &str = "credential_process";

/// Credentials that are written down as such.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) id: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) token: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.id)
    }
}

impl Keys {
    /// Whether a client would try to sign with them.
    pub(super) fn complete(&self) -> bool {
        self.id.is_some() && self.secret.is_some()
    }

    fn any(&self) -> bool {
        self.id.is_some() || self.secret.is_some() || self.token.is_some()
    }
}

/// How credentials are got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// They stand there.
    Keys(Keys),
    /// In some other way, said in words.
    Other(String),
}

/// A place that credentials come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// As told to people: `environment variables`, `profile deploy`.
    pub(super) name: String,
    pub(super) how: How,
}

impl Source {
    fn keys(name: impl Into<String>, keys: Keys) -> Source {
        Source { name: name.into(), how: How::Keys(keys) }
    }

    fn other(name: impl Into<String>, how: impl Into<String>) -> Source {
        Source { name: name.into(), how: How::Other(how.into()) }
    }

    /// The key ID, where it is known without asking.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.how {
            How::Keys(keys) => keys.id.as_deref(),
            How::Other(_) => None,
        }
    }

    /// Name and key ID: `environment variables (AKIA****MPLE)`.
    pub(super) fn shown(&self) -> String {
        match &self.how {
            How::Keys(keys) => match &keys.id {
                Some(id) => format!("{} ({})", self.name, access_key::mask(id)),
                None => self.name.clone(),
            },
            How::Other(how) => format!("{} ({how})", self.name),
        }
    }
}

/// The sources of one client, the one that wins first.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// Who: `AWS CLI`, `provider aws.west`.
    pub(super) client: String,
    /// File and line, where a configuration asks for it.
    pub(super) place: Option<String>,
    pub(super) sources: Vec<Source>,
    /// Whether it assumes a role with what it found.
    pub(super) assumes_role: bool,
}

/// Whose order is followed where orders differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// The AWS CLI and boto3: SSO before keys in a profile.
    Python,
    /// The SDK for Go, so Terraform: keys in a profile before SSO.
    Go,
}

/// The keys in the environment.
pub(super) fn environment_keys(machine: &Machine) -> Keys {
    let get = |name: &str| machine.variables.filled(name).map(str::to_owned);
    Keys {
        id: get("AWS_ACCESS_KEY_ID"),
        secret: get("AWS_SECRET_ACCESS_KEY"),
        token: get("AWS_SESSION_TOKEN").or_else(|| get("AWS_SECURITY_TOKEN")),
    }
}

/// The keys in a profile.
pub(super) fn profile_keys(machine: &Machine, profile: &str) -> Keys {
    let get = |key: &str| machine.profile_setting(profile, key).map(str::to_owned);
    Keys {
        id: get("aws_access_key_id"),
        secret: get("aws_secret_access_key"),
        token: get("aws_session_token").or_else(|| get("aws_security_token")),
    }
}

/// The keys in a block of Terraform.
fn block_keys(block: &Block, terraform: &Terraform) -> Keys {
    let get = |name: &str| {
        block.value(name, terraform).filter(|value| !value.is_empty()).map(str::to_owned)
    };
    Keys { id: get("access_key"), secret: get("secret_key"), token: get("token") }
}

/// The chains of all clients here.
pub(super) fn chains(machine: &Machine) -> Vec<Chain> {
    let mut all = vec![
        Chain {
            client: "AWS CLI and boto3".to_owned(),
            place: None,
            sources: default_sources(machine, Order::Python),
            assumes_role: false,
        },
        Chain {
            client: "AWS SDKs (Go, and so Terraform's default)".to_owned(),
            place: None,
            sources: default_sources(machine, Order::Go),
            assumes_role: false,
        },
    ];
    let terraform = &machine.terraform;
    for provider in &terraform.providers {
        all.push(Chain {
            client: provider.provider_name(),
            place: Some(format!("{}:{}", provider.file, provider.line)),
            sources: block_sources(
                machine,
                provider,
                &format!("{} block", provider.provider_name()),
            ),
            assumes_role: provider.assumes_role,
        });
    }
    all.extend(backend(machine));
    all
}

/// The chain of the S3 backend: block, `-backend-config`, and what `terraform init` wrote down.
pub(super) fn backend(machine: &Machine) -> Option<Chain> {
    let terraform = &machine.terraform;
    if terraform.backend.is_none() && terraform.cached.is_none() {
        return None;
    }
    let mut block = terraform.backend.clone().unwrap_or_default();
    let mut sources = Vec::new();
    for file in used_backend_files(machine) {
        let name = format!("-backend-config {}", file.file);
        sources.extend(block_sources_alone(machine, file, &name));
    }
    let given = arguments(machine);
    let get = |name: &str| given.iter().rev().find(|(key, _)| key == name).map(|(_, v)| v.clone());
    let keys = Keys { id: get("access_key"), secret: get("secret_key"), token: get("token") };
    if keys.any() {
        sources.insert(0, Source::keys("-backend-config in TF_CLI_ARGS_init", keys));
    }
    if let Some(cached) = &terraform.cached {
        let get = |name: &str| cached.settings.get(name).cloned();
        let keys = Keys { id: get("access_key"), secret: get("secret_key"), token: get("token") };
        if keys.any() {
            sources.insert(0, Source::keys(".terraform/terraform.tfstate", keys));
        }
        if let Some(profile) = get("profile")
            && !block.settings.contains_key("profile")
        {
            sources.extend(profile_sources(machine, &profile, Order::Go));
            block.settings.remove("profile");
        }
    }
    sources.extend(block_sources(machine, &block, "backend block"));
    sources.dedup();
    Some(Chain {
        client: "S3 backend".to_owned(),
        place: terraform.backend.as_ref().map(|block| format!("{}:{}", block.file, block.line)),
        sources,
        assumes_role: block.assumes_role,
    })
}

/// The files that `TF_CLI_ARGS_init` names; without it, the only one beside the configuration.
fn used_backend_files(machine: &Machine) -> Vec<&Block> {
    let files = &machine.terraform.backend_files;
    let named: Vec<&str> = arguments_text(machine)
        .filter_map(|argument| argument.strip_prefix("-backend-config="))
        .filter(|value| !value.contains('='))
        .collect();
    if named.is_empty() && files.len() == 1 {
        return files.iter().collect();
    }
    let is_named = |block: &&Block| {
        named.iter().any(|name| name.trim_matches(['"', '\'']).ends_with(&block.file))
    };
    files.iter().filter(is_named).collect()
}

fn arguments_text(machine: &Machine) -> impl Iterator<Item = &str> {
    ["TF_CLI_ARGS", "TF_CLI_ARGS_init"]
        .into_iter()
        .filter_map(|name| machine.variables.filled(name))
        .flat_map(str::split_whitespace)
}

fn arguments(machine: &Machine) -> Vec<(String, String)> {
    let unquoted = |text: &str| text.trim_matches(['"', '\'']).to_owned();
    arguments_text(machine)
        .filter_map(|argument| argument.strip_prefix("-backend-config="))
        .map(|pair| pair.trim_matches(['"', '\'']))
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (unquoted(key), unquoted(value)))
        .collect()
}

fn default_sources(machine: &Machine, order: Order) -> Vec<Source> {
    let mut sources = Vec::new();
    let environment = environment_sources(machine);
    let (profile, from) = machine.profile_in_use();
    // A profile that is asked for by an argument counts more than the environment; one that
    // AWS_PROFILE names does not.
    let of_profile = profile_sources(machine, profile, order);
    if from == "--profile" {
        sources.extend(of_profile);
        sources.extend(environment);
    } else {
        sources.extend(environment);
        sources.extend(of_profile);
    }
    sources.extend(last_resorts(machine));
    sources
}

fn environment_sources(machine: &Machine) -> Vec<Source> {
    let mut sources = Vec::new();
    let keys = environment_keys(machine);
    if keys.complete() {
        sources.push(Source::keys("environment variables", keys));
    }
    if let Some(file) = machine.variables.filled("AWS_WEB_IDENTITY_TOKEN_FILE") {
        let role = machine.variables.filled("AWS_ROLE_ARN").unwrap_or("no AWS_ROLE_ARN");
        sources.push(Source::other("web identity", format!("{role} by {file}")));
    }
    sources
}

fn profile_sources(machine: &Machine, profile: &str, order: Order) -> Vec<Source> {
    let setting = |key: &str| machine.profile_setting(profile, key);
    let name = format!("profile {profile}");
    let mut sources = Vec::new();
    let keys = profile_keys(machine, profile);
    let keys = keys.complete().then(|| Source::keys(name.clone(), keys));
    let sso = setting("sso_session").or(setting("sso_start_url"));
    let sso = sso.map(|sso| Source::other(name.clone(), format!("IAM Identity Center {sso}")));
    if let Some(role) = setting("role_arn") {
        let by = setting("source_profile")
            .map(|source| format!("profile {source}"))
            .or_else(|| setting("credential_source").map(str::to_owned))
            .or_else(|| setting("web_identity_token_file").map(str::to_owned))
            .unwrap_or_else(|| "nothing: no source_profile and no credential_source".to_owned());
        sources.push(Source::other(name.clone(), format!("role {role} by {by}")));
    }
    match order {
        Order::Python => sources.extend(sso.into_iter().chain(keys)),
        Order::Go => sources.extend(keys.into_iter().chain(sso)),
    }
    if setting("credential_process").is_some() {
        sources.push(Source::other(name.clone(), CREDENTIAL_PROCESS));
    }
    if setting("login_session").is_some() {
        sources.push(Source::other(name, "aws login"));
    }
    sources
}

fn last_resorts(machine: &Machine) -> Vec<Source> {
    let variables = &machine.variables;
    let mut sources = Vec::new();
    for name in ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
        if variables.has(name) {
            sources.push(Source::other("container credentials", name));
        }
    }
    let off = variables.filled("AWS_EC2_METADATA_DISABLED");
    if !off.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        sources.push(Source::other("instance metadata", "if this is an EC2 instance"));
    }
    sources
}

/// What stands in a block itself: its keys, then its profile.
fn block_sources_alone(machine: &Machine, block: &Block, name: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let keys = block_keys(block, &machine.terraform);
    if keys.any() {
        sources.push(Source::keys(name, keys));
    } else if let Some(setting) = block.settings.get("access_key") {
        sources.push(Source::other(name, format!("access_key = {}", setting.expression)));
    }
    if let Some(profile) = block.value("profile", &machine.terraform) {
        sources.extend(profile_sources(machine, profile, Order::Go));
    }
    sources
}

/// A block with what follows it: a profile named in it counts more than the environment
/// (version 4 of the provider, and version 1.6 of Terraform for the backend).
fn block_sources(machine: &Machine, block: &Block, name: &str) -> Vec<Source> {
    let mut sources = block_sources_alone(machine, block, name);
    sources.extend(environment_sources(machine));
    if block.value("profile", &machine.terraform).is_none() {
        let named = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]
            .into_iter()
            .find_map(|name| machine.variables.filled(name));
        sources.extend(profile_sources(machine, named.unwrap_or("default"), Order::Go));
    }
    sources.extend(last_resorts(machine));
    sources
}

/// Every set of written-down keys on this machine, by name, those in use first.
pub(super) fn written_down(machine: &Machine) -> Vec<(String, Keys)> {
    let mut all: Vec<(String, Keys)> = Vec::new();
    let mut add = |name: String, keys: Keys| {
        if keys.any() && !all.iter().any(|(known, _)| *known == name) {
            all.push((name, keys));
        }
    };
    let chains = chains(machine);
    for source in chains.iter().flat_map(|chain| &chain.sources) {
        if let How::Keys(keys) = &source.how {
            add(source.name.clone(), keys.clone());
        }
    }
    add("environment variables".to_owned(), environment_keys(machine));
    for profile in machine.profiles() {
        add(format!("profile {profile}"), profile_keys(machine, profile));
    }
    all
}

/// The names of sources that win for some client here.
pub(super) fn winners(machine: &Machine) -> Vec<Source> {
    let mut winners: Vec<Source> =
        chains(machine).into_iter().filter_map(|chain| chain.sources.into_iter().next()).collect();
    winners.dedup();
    winners
}
