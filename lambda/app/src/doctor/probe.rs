//! Asks AWS: who each key belongs to, what time it is, and what IAM says of keys that were refused.
//!
//! Knows how to ask gently: two calls with one key ID are at least 5 s apart, because STS refuses
//! even a good second one within that time, and no key is judged by one refusal. Must not judge.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types::StatusType;
use aws_sdk_sts::config::{
    BehaviorVersion, Credentials, ProvideCredentials, Region, SharedHttpClient,
};
use aws_sdk_sts::error::{DisplayErrorContext, SdkError};
use failure_monitor_core::access_key;
use failure_monitor_core::causes::must_be_enabled;
use failure_monitor_core::failure::{Family, classify};

use super::chain::{self, CREDENTIAL_PROCESS, How, Keys};
use super::connection::{Dates, http, timeouts, trouble};
use super::machine::{Answer, KeyState, Live, Machine, Metadata, Outcome, Trouble};
use crate::aws;

/// What lies between two calls with one key ID.
pub const PAUSE: Duration = Duration::from_millis(5500);
/// The Region asked where none is set.
const DEFAULT_REGION: &str = "us-east-1";

/// Asks everything that helps to judge this machine.
pub async fn ask(machine: &Machine, pause: Duration) -> Live {
    let region = machine.region().map_or(DEFAULT_REGION, |(region, _)| region).to_owned();
    let caller = Caller::new(machine, pause);
    let mut live =
        Live { region: region.clone(), overridden: caller.sts.is_some(), ..Live::default() };
    let mut tasks = tokio::task::JoinSet::new();
    for (id, sets) in by_key_id(machine, caller.sts.is_some()) {
        let (caller, region) = (caller.clone(), region.clone());
        tasks.spawn(async move { caller.about(&id, sets, &region).await });
    }
    while let Some(answers) = tasks.join_next().await {
        live.answers.extend(answers.unwrap_or_default());
    }
    live.answers.sort_by(|a, b| {
        a.names.cmp(&b.names).then_with(|| (a.region != region).cmp(&(b.region != region)))
    });
    live.clock = *caller.clock.lock().unwrap_or_else(PoisonError::into_inner);
    live.chain = chain(machine, &caller, &region).await;
    caller.ask_iam(machine, &mut live).await;
    live.metadata = metadata(machine).await;
    live
}

/// Distinct complete keys by ID: a secret and token with the names of the places they stand in.
type Sets = Vec<(Keys, Vec<String>)>;

fn by_key_id(machine: &Machine, overridden: bool) -> BTreeMap<String, Sets> {
    let mut all: BTreeMap<String, Sets> = BTreeMap::new();
    for (name, keys) in chain::written_down(machine) {
        let Some(id) = keys.id.clone().filter(|_| keys.complete()) else { continue };
        // What AWS cannot have issued is not worth a call, unless an emulator is asked. Nor may
        // everything stand in a header.
        let sendable = [&keys.id, &keys.token]
            .into_iter()
            .flatten()
            .all(|value| value.chars().all(|c| c.is_ascii_graphic()));
        if !sendable || access_key::malformed(&id).is_some() && !overridden {
            continue;
        }
        let sets = all.entry(id).or_default();
        match sets.iter_mut().find(|(known, _)| *known == keys) {
            Some((_, names)) => names.push(name),
            None => sets.push((keys, vec![name])),
        }
    }
    all
}

/// What all calls share.
#[derive(Clone)]
struct Caller {
    http: SharedHttpClient,
    sts: Option<String>,
    iam: Option<String>,
    pause: Duration,
    proxied: bool,
    clock: Arc<Mutex<Option<i64>>>,
}

impl Caller {
    fn new(machine: &Machine, pause: Duration) -> Caller {
        let variables = &machine.variables;
        let (profile, _) = machine.profile_in_use();
        let endpoint = |service: &str| {
            variables
                .filled(&format!("AWS_ENDPOINT_URL_{service}"))
                .or_else(|| variables.filled("AWS_ENDPOINT_URL"))
                .or_else(|| machine.profile_setting(profile, "endpoint_url"))
                .map(str::to_owned)
        };
        let proxied = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
            .iter()
            .any(|name| variables.has(name));
        Caller {
            http: http(variables.filled("AWS_CA_BUNDLE")),
            sts: endpoint("STS"),
            iam: endpoint("IAM"),
            pause,
            proxied,
            clock: Arc::default(),
        }
    }

    /// The answers about one key ID, each call a pause after the one before.
    async fn about(self, id: &str, sets: Sets, region: &str) -> Vec<Answer> {
        let mut answers = Vec::new();
        let mut first = true;
        for (keys, names) in sets {
            let mut regions = vec![region.to_owned()];
            while let Some(region) = regions.pop() {
                if !std::mem::take(&mut first) {
                    tokio::time::sleep(self.pause).await;
                }
                let outcome = self.twice(&keys, &region).await;
                // A Region that must be enabled first says nothing of the key itself.
                let refused = matches!(outcome, Outcome::Refused { .. });
                if refused && must_be_enabled(&region) && region != DEFAULT_REGION {
                    regions.push(DEFAULT_REGION.to_owned());
                }
                answers.push(Answer {
                    names: names.clone(),
                    access_key_id: id.to_owned(),
                    region,
                    outcome,
                });
            }
        }
        answers
    }

    /// Asks again where the first answer is a refusal.
    async fn twice(&self, keys: &Keys, region: &str) -> Outcome {
        let first = self.identity(credentials(keys), region).await;
        let Outcome::Refused { code: refusal, .. } = &first else { return first };
        tokio::time::sleep(self.pause).await;
        match self.identity(credentials(keys), region).await {
            Outcome::Accepted { arn, account, .. } => {
                Outcome::Accepted { arn, account, after: Some(refusal.clone()) }
            }
            Outcome::Refused { code, message, status, request_id, .. } => {
                Outcome::Refused { code, message, status, tries: 2, request_id }
            }
            Outcome::Unreachable(..) => first,
        }
    }

    async fn identity(&self, credentials: Credentials, region: &str) -> Outcome {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials)
            .http_client(self.http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts())
            .interceptor(Dates(self.clock.clone()));
        let config = match &self.sts {
            Some(url) => config.endpoint_url(url),
            None => config,
        };
        let client = aws_sdk_sts::Client::from_conf(config.build());
        match client.get_caller_identity().send().await {
            Ok(answer) => Outcome::Accepted {
                arn: answer.arn().unwrap_or_default().to_owned(),
                account: answer.account().unwrap_or_default().to_owned(),
                after: None,
            },
            Err(err) => self.refusal(&err),
        }
    }

    fn refusal<E: ProvideErrorMetadata + std::error::Error + 'static>(
        &self,
        err: &SdkError<E>,
    ) -> Outcome {
        let text = format!("{}", DisplayErrorContext(err));
        match err {
            SdkError::ServiceError(answer) => match answer.err().code() {
                Some(code) => Outcome::Refused {
                    code: code.to_owned(),
                    message: answer.err().message().unwrap_or_default().to_owned(),
                    status: answer.raw().status().as_u16(),
                    tries: 1,
                    request_id: answer.raw().headers().get("x-amzn-requestid").map(str::to_owned),
                },
                None => {
                    let status = answer.raw().status().as_u16();
                    let trouble = if status == 407 { Trouble::Proxy } else { Trouble::NotAws };
                    Outcome::Unreachable(
                        trouble,
                        format!("HTTP status {status} without an error of AWS"),
                    )
                }
            },
            SdkError::ResponseError(_) => {
                Outcome::Unreachable(Trouble::NotAws, "the answer is not one of AWS".to_owned())
            }
            _ => Outcome::Unreachable(trouble(&text, self.proxied), short(&text)),
        }
    }

    /// Asks IAM about refused keys, with other keys that were accepted.
    async fn ask_iam(&self, machine: &Machine, live: &mut Live) {
        let accepted = |answer: &&Answer| matches!(answer.outcome, Outcome::Accepted { .. });
        let good = live.answers.iter().find(accepted).map(|answer| answer.access_key_id.clone());
        let Some(good) = good else { return };
        let written = chain::written_down(machine);
        let Some((_, keys)) = written
            .iter()
            .find(|(_, keys)| keys.complete() && keys.id.as_deref() == Some(good.as_str()))
        else {
            return;
        };
        let config = aws_sdk_iam::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(aws::iam_region(&live.region)))
            .credentials_provider(credentials(keys))
            .http_client(self.http.clone())
            .timeout_config(timeouts());
        let config = match &self.iam {
            Some(url) => config.endpoint_url(url),
            None => config,
        };
        let iam = aws_sdk_iam::Client::from_conf(config.build());
        let mut refused: Vec<&str> = live
            .answers
            .iter()
            .filter(|answer| match &answer.outcome {
                Outcome::Refused { code, message, .. } => {
                    classify(code, message, "") == Some(Family::UnknownCredentials)
                }
                _ => false,
            })
            .map(|answer| answer.access_key_id.as_str())
            // IAM lists long-term keys only.
            .filter(|id| id.starts_with("AKIA") && *id != good)
            .collect();
        refused.dedup();
        for id in refused {
            live.keys.push((id.to_owned(), key_state(&iam, id).await));
        }
        if must_be_enabled(&live.region)
            && let Ok(summary) = iam.get_account_summary().send().await
        {
            let versions = summary.summary_map().and_then(|map| {
                map.iter().find(|(key, _)| key.as_str() == "GlobalEndpointTokenVersion")
            });
            live.token_version = versions.map(|(_, version)| *version);
        }
    }
}

async fn key_state(iam: &aws_sdk_iam::Client, id: &str) -> KeyState {
    let user = match iam.get_access_key_last_used().access_key_id(id).send().await {
        Ok(used) => used.user_name().map(str::to_owned),
        Err(err) if err.code() == Some("NoSuchEntity") => return KeyState::Absent { user: None },
        Err(_) => return KeyState::NotPermitted,
    };
    let Some(user) = user else { return KeyState::NotPermitted };
    let keys = match iam.list_access_keys().user_name(&user).send().await {
        Ok(keys) => keys,
        Err(err) if err.code() == Some("NoSuchEntity") => {
            return KeyState::Absent { user: Some(user) };
        }
        Err(_) => return KeyState::NotPermitted,
    };
    let found = keys.access_key_metadata().iter().find(|key| key.access_key_id() == Some(id));
    match found.map(|key| key.status()) {
        None => KeyState::Absent { user: Some(user) },
        Some(Some(StatusType::Active)) => KeyState::Active,
        Some(_) => KeyState::Inactive { user },
    }
}

fn credentials(keys: &Keys) -> Credentials {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Credentials::new(text(&keys.id), text(&keys.secret), keys.token.clone(), None, "doctor")
}

/// The first part of an error, for a line.
fn short(text: &str) -> String {
    let text = text.split(" (").next().unwrap_or(text);
    text.chars().take(160).collect()
}

/// What the credentials come to that are not written down: a role, IAM Identity Center, a process.
async fn chain(machine: &Machine, caller: &Caller, region: &str) -> Option<Result<String, String>> {
    let chains = chain::chains(machine);
    let source = chains.first()?.sources.first()?;
    let asks_machine = source.name == "instance metadata";
    if asks_machine || matches!(source.how, How::Keys(_)) {
        return None;
    }
    let (profile, from) = machine.profile_in_use();
    // The SDK's error would quote what the program printed.
    let by_process = source.how == How::Other(CREDENTIAL_PROCESS.to_owned());
    if by_process && machine.process.as_ref().is_some_and(|process| process.outcome.is_err()) {
        return Some(Err("it gave no credentials".to_owned()));
    }
    let config = aws::load((from != "by default").then_some(profile), Some(region)).await;
    let provider = config.credentials_provider()?;
    Some(match provider.provide_credentials().await {
        Err(_) if by_process => Err("it gave no credentials".to_owned()),
        Err(err) => Err(short_chain(&format!("{}", DisplayErrorContext(&err)))),
        Ok(credentials) => match caller.identity(credentials, region).await {
            Outcome::Accepted { arn, .. } => Ok(arn),
            Outcome::Refused { code, message, .. } => Err(format!("{code}: {message}")),
            Outcome::Unreachable(_, text) => Err(text),
        },
    })
}

/// The parts of a chain of errors up to the details for debugging.
fn short_chain(text: &str) -> String {
    let text = text.split(" (").next().unwrap_or(text);
    text.chars().take(300).collect()
}

/// Asks instance metadata, where clients would come to ask it.
async fn metadata(machine: &Machine) -> Option<Metadata> {
    let last = chain::chains(machine).first()?.sources.first()?.name == "instance metadata";
    if !last {
        return None;
    }
    let client = aws_config::imds::Client::builder()
        .max_attempts(1)
        .connect_timeout(Duration::from_secs(1))
        .read_timeout(Duration::from_secs(1))
        .build();
    Some(match client.get("/latest/meta-data/iam/security-credentials/").await {
        Ok(role) => Metadata::Role(role.as_ref().lines().next().unwrap_or_default().to_owned()),
        Err(aws_config::imds::client::error::ImdsError::ErrorResponse(_)) => Metadata::NoRole,
        Err(err) => {
            let text = format!("{}", DisplayErrorContext(&err)).to_ascii_lowercase();
            // The connection stands and the answer is lost: its hops are used up.
            let silent = text.contains("read") && text.contains("timeout");
            if silent { Metadata::Silent } else { Metadata::Absent }
        }
    })
}
