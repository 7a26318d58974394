//! Makes the calls, looks for their records, and removes what it made, whatever happens in between.
//!
//! Order: the user is known to the cleaning before it is made, and the cleaning runs after success,
//! error and Ctrl-C alike. Calls with one key ID and different secrets are a pause apart, because
//! STS refuses even a good one within 5 s of a bad one.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail};
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use aws_sdk_iam::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_iam::types::{StatusType, Tag};
use aws_sdk_sts::config::{Credentials, Region};
use aws_sdk_sts::operation::RequestId;
use chrono::{DateTime, TimeDelta, Utc};

use super::cleanup::remove;
use super::{Call, Case, NotMade, Outcome};
use crate::clock;

/// What the operator's credentials have to be allowed.
pub const ACTIONS: [&str; 8] = [
    "cloudtrail:LookupEvents",
    "iam:CreateAccessKey",
    "iam:CreateUser",
    "iam:DeleteAccessKey",
    "iam:DeleteUser",
    "iam:ListAccessKeys",
    "iam:TagUser",
    "iam:UpdateAccessKey",
];
/// The shortest session that STS gives.
pub const SESSION: Duration = Duration::from_secs(900);
/// What a session is given to be refused everywhere, after its end.
const EXPIRY_MARGIN: TimeDelta = TimeDelta::seconds(5);
/// Two requests a second are allowed in each Region.
const BETWEEN_LOOKUPS: Duration = Duration::from_millis(600);
/// More pages than this of one question are not read in one round.
const PAGES: usize = 20;

/// How to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The Regions to call.
    pub regions: Vec<String>,
    /// The user to make.
    pub user_name: String,
    /// How long to look for records.
    pub wait: Duration,
    /// What lies between calls of one key ID with different secrets; more than 5 s.
    pub pause: Duration,
    /// How long a change of the key is given to spread.
    pub propagation: Duration,
    /// What lies between two rounds of LookupEvents.
    pub poll: Duration,
    /// How long a session lives, where its end is waited for.
    pub session: Option<Duration>,
}

/// What has been done so far; it outlives an interruption.
#[derive(Debug, Default)]
struct Progress {
    account: String,
    access_key_id: Option<String>,
    calls: Vec<Call>,
    not_made: Vec<NotMade>,
    warnings: Vec<String>,
    removed: bool,
    /// Set before anything is made, so that the cleaning never misses it.
    made_user: bool,
    complete: bool,
    /// The Regions whose last look was answered in full.
    looked_in: BTreeSet<String>,
}

/// Measures, then cleans up; an error or an interruption leaves what was measured until then.
///
/// # Errors
///
/// Where the user or the key cannot be made, and nothing was measured.
pub async fn measure(config: &SdkConfig, options: &Options) -> anyhow::Result<Outcome> {
    let started = clock::now();
    let iam = aws_sdk_iam::Client::new(config);
    let mut progress = Progress::default();
    let result = tokio::select! {
        result = steps(config, &iam, options, &mut progress) => result,
        () = interrupted() => {
            tracing::warn!("stopped: removing what was made");
            // A request that was under way may still take effect.
            tokio::time::sleep(options.pause.min(Duration::from_secs(3))).await;
            Ok(())
        }
    };
    let left_behind = if progress.removed || !progress.made_user {
        Vec::new()
    } else {
        remove(&iam, &options.user_name).await
    };
    if let Err(err) = result {
        for command in &left_behind {
            tracing::error!("not removed; to finish: {command}");
        }
        if progress.calls.is_empty() {
            return Err(err);
        }
        progress.warnings.push(format!("{err:#}"));
    }
    Ok(Outcome {
        schema: "failure-monitor/canary/1",
        started,
        ended: clock::now(),
        account: progress.account,
        user_name: options.user_name.clone(),
        wait: options.wait.as_secs(),
        complete: progress.complete,
        regions: options.regions.clone(),
        looked_in: options
            .regions
            .iter()
            .filter(|region| progress.looked_in.contains(*region))
            .cloned()
            .collect(),
        calls: progress.calls,
        not_made: progress.not_made,
        access_key_id: progress.access_key_id,
        monitor: None,
        warnings: progress.warnings,
        left_behind,
    })
}

/// Ends at Ctrl-C, and where a system asks a program to end.
async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut ends) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = ends.recv() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

async fn steps(
    config: &SdkConfig,
    iam: &aws_sdk_iam::Client,
    options: &Options,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let who = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    let who = who.map_err(|err| explained("sts:GetCallerIdentity", &err))?;
    progress.account = who.account().unwrap_or_default().to_owned();

    let user = &options.user_name;
    progress.made_user = true;
    let tag = Tag::builder().key("made-by").value("failure-monitor canary").build()?;
    let made = iam.create_user().user_name(user).tags(tag).send().await;
    if let Err(err) = made {
        progress.made_user = err.code().is_none();
        return Err(explained("iam:CreateUser", &err));
    }
    let key = iam.create_access_key().user_name(user).send().await;
    let key = key.map_err(|err| explained("iam:CreateAccessKey", &err))?;
    let key = key.access_key().context("iam:CreateAccessKey gave no key")?;
    let id = key.access_key_id();
    progress.access_key_id = Some(id.to_owned());
    let good = Credentials::new(id, key.secret_access_key(), None, None, "canary");
    let caller = Caller { config, options };
    caller.until_it_works(&good).await?;

    let session = session(config, &good, options).await;
    caller.everywhere(Case::Good, &good, progress).await;
    let wrong: String = key.secret_access_key().chars().rev().collect();
    let wrong = Credentials::new(id, wrong, None, None, "canary");
    tokio::time::sleep(options.pause).await;
    caller.everywhere(Case::WrongSecret, &wrong, progress).await;
    match &session {
        Ok((id, secret, ..)) => {
            let bare = Credentials::new(id, secret, None, None, "canary");
            caller.everywhere(Case::TokenMissing, &bare, progress).await;
        }
        Err(reason) => {
            progress.not_made.push(NotMade { case: Case::TokenMissing, reason: reason.clone() })
        }
    }
    tokio::time::sleep(options.pause).await;

    let change = iam.update_access_key().user_name(user).access_key_id(id);
    let changed = change.status(StatusType::Inactive).send().await;
    changed.map_err(|err| explained("iam:UpdateAccessKey", &err))?;
    tokio::time::sleep(options.propagation).await;
    caller.everywhere(Case::Inactive, &good, progress).await;
    let deleted = iam.delete_access_key().user_name(user).access_key_id(id).send().await;
    deleted.map_err(|err| explained("iam:DeleteAccessKey", &err))?;
    tokio::time::sleep(options.propagation).await;
    caller.everywhere(Case::Deleted, &good, progress).await;

    let mut waits = match (session, options.session) {
        (Ok((id, secret, token, ends)), Some(_)) => {
            Some((Credentials::new(id, secret, Some(token), None, "canary"), ends))
        }
        (Ok(_), None) => {
            let reason = "a session lives for 15 minutes at least, longer than --wait".to_owned();
            progress.not_made.push(NotMade { case: Case::TokenExpired, reason });
            None
        }
        (Err(reason), _) => {
            progress.not_made.push(NotMade { case: Case::TokenExpired, reason });
            None
        }
    };
    let begun = tokio::time::Instant::now();
    loop {
        // The user has to live until its session has ended: without it, the session would end in
        // another way.
        if let Some((credentials, ends)) = &waits
            && clock::now() > *ends + EXPIRY_MARGIN
        {
            caller.everywhere(Case::TokenExpired, credentials, progress).await;
            waits = None;
        }
        if waits.is_none() && !progress.removed {
            progress.removed = remove(iam, user).await.is_empty();
        }
        caller.look(progress).await;
        let all = waits.is_none() && progress.calls.iter().all(|call| call.seen);
        if all || begun.elapsed() + options.poll > options.wait {
            break;
        }
        tokio::time::sleep(options.poll).await;
    }
    if waits.is_some() {
        let reason = "the wait was over before the session was".to_owned();
        progress.not_made.push(NotMade { case: Case::TokenExpired, reason });
    }
    progress.complete = true;
    Ok(())
}

/// A session of the key: ID, secret, token and end. No permission is needed for it.
async fn session(
    config: &SdkConfig,
    good: &Credentials,
    options: &Options,
) -> Result<(String, String, String, DateTime<Utc>), String> {
    let config = aws_sdk_sts::config::Builder::from(config).credentials_provider(good.clone());
    let sts = aws_sdk_sts::Client::from_conf(config.build());
    let seconds = options.session.unwrap_or(SESSION).as_secs();
    let seconds = i32::try_from(seconds).unwrap_or(900);
    let answer = sts.get_session_token().duration_seconds(seconds).send().await;
    let answer = answer.map_err(|err| format!("{:#}", explained("sts:GetSessionToken", &err)))?;
    let session = answer.credentials().ok_or("sts:GetSessionToken gave nothing")?;
    let ends = clock::now() + TimeDelta::seconds(i64::from(seconds));
    Ok((
        session.access_key_id().to_owned(),
        session.secret_access_key().to_owned(),
        session.session_token().to_owned(),
        ends,
    ))
}

/// What the steps share.
struct Caller<'a> {
    config: &'a SdkConfig,
    options: &'a Options,
}

impl Caller<'_> {
    fn sts(&self, credentials: &Credentials, region: &str) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::config::Builder::from(self.config)
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials.clone())
            .retry_config(RetryConfig::disabled());
        aws_sdk_sts::Client::from_conf(config.build())
    }

    /// A new key is refused for some seconds.
    async fn until_it_works(&self, good: &Credentials) -> anyhow::Result<()> {
        const TRIES: usize = 12;
        let region = self.options.regions.first().context("no Region is given")?;
        for _ in 0..TRIES {
            if self.sts(good, region).get_caller_identity().send().await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(self.options.pause).await;
        }
        bail!("the new key does not work in {region} after {TRIES} tries");
    }

    /// Calls each Region once.
    async fn everywhere(&self, case: Case, credentials: &Credentials, progress: &mut Progress) {
        tracing::info!("calling {}", case.title());
        for region in &self.options.regions {
            let time = clock::now();
            let answer = self.sts(credentials, region).get_caller_identity().send().await;
            let (request_id, status, code) = match &answer {
                Ok(answer) => (answer.request_id().map(str::to_owned), Some(200), None),
                Err(err) => (
                    err.request_id().map(str::to_owned),
                    err.raw_response().map(|raw| raw.status().as_u16()),
                    Some(err.code().unwrap_or("no answer").to_owned()),
                ),
            };
            progress.calls.push(Call {
                case,
                region: region.clone(),
                time,
                request_id,
                status,
                code,
                seen: false,
                seen_after: None,
                event_id: None,
            });
        }
    }

    /// One round of LookupEvents in each Region that still misses a call.
    async fn look(&self, progress: &mut Progress) {
        for region in &self.options.regions {
            let open =
                |call: &&Call| !call.seen && call.region == *region && call.request_id.is_some();
            let times = progress.calls.iter().filter(open).map(|call| call.time);
            let Some((first, last)) = times.clone().min().zip(times.max()) else { continue };
            if let Err(err) = self.look_in(region, first, last, progress).await {
                progress.looked_in.remove(region);
                let warning = format!("{region}: {err:#}");
                if !progress.warnings.contains(&warning) {
                    progress.warnings.push(warning);
                }
            } else {
                progress.looked_in.insert(region.clone());
            }
        }
    }

    async fn look_in(
        &self,
        region: &str,
        first: DateTime<Utc>,
        last: DateTime<Utc>,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let client = aws_sdk_cloudtrail::Client::new(&crate::aws::in_region(self.config, region));
        let time = |time: DateTime<Utc>| {
            aws_sdk_cloudtrail::primitives::DateTime::from_secs(time.timestamp())
        };
        // By name, because a refused call need not carry the key ID into its record.
        let name = LookupAttribute::builder()
            .attribute_key(LookupAttributeKey::EventName)
            .attribute_value("GetCallerIdentity")
            .build()?;
        let mut token = None;
        for _ in 0..PAGES {
            tokio::time::sleep(BETWEEN_LOOKUPS).await;
            let page = client
                .lookup_events()
                .lookup_attributes(name.clone())
                .start_time(time(first - TimeDelta::minutes(2)))
                .end_time(time(last + TimeDelta::minutes(2)))
                .set_next_token(token)
                .send()
                .await
                .map_err(|err| explained("cloudtrail:LookupEvents", &err))?;
            for event in page.events() {
                note(event.cloud_trail_event(), region, progress);
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(());
            }
        }
        bail!("more than {PAGES} pages of GetCallerIdentity: not all of them were read")
    }
}

/// Notes the call that a record is of, by its request ID.
fn note(record: Option<&str>, region: &str, progress: &mut Progress) {
    let Some(record) = record.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok())
    else {
        return;
    };
    let Some(request_id) = record["requestID"].as_str() else { return };
    let now = clock::now();
    let call = progress.calls.iter_mut().find(|call| {
        call.region == region && !call.seen && call.request_id.as_deref() == Some(request_id)
    });
    if let Some(call) = call {
        call.seen = true;
        call.seen_after = Some((now - call.time).num_seconds());
        call.event_id = record["eventID"].as_str().map(str::to_owned);
    }
}

/// An error of AWS with what was asked.
fn explained<E, R>(what: &str, err: &SdkError<E, R>) -> anyhow::Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
    SdkError<E, R>: std::error::Error,
{
    match (err.code(), err.message()) {
        (Some(code), message) => anyhow::anyhow!("{what}: {code}: {}", message.unwrap_or_default()),
        _ => {
            let text = format!("{}", DisplayErrorContext(err));
            let text = text.split(" (").next().unwrap_or_default().to_owned();
            anyhow::anyhow!("{what}: {text}")
        }
    }
}
