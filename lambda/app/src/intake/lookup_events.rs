//! Records by the LookupEvents API, page by page, newest first.
//!
//! Knows the API's limits (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>):
//! two requests a second per account and region, 50 records a page, tokens that go stale. Must not
//! know what the records are wanted for. What was not reached is said, never left out in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsOutput;
use aws_sdk_cloudtrail::primitives::DateTime as SdkTime;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use chrono::{DateTime, Utc};
use failure_monitor_core::record::Record;
use failure_monitor_core::state::TimeRange;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::aws;

/// The time between two requests to one account and region, with a hair to spare.
const GAP: Duration = Duration::from_millis(510);
/// The longest pause after throttling.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// LookupEvents in one account, region by region.
#[derive(Debug)]
pub struct LookupEvents {
    regions: BTreeMap<String, Region>,
}

#[derive(Debug)]
struct Region {
    client: Client,
    /// When the next request may be sent.
    next: Mutex<Instant>,
}

/// What is asked for: everything, or what has one attribute.
#[derive(Debug, Clone)]
pub struct Query {
    /// The attribute and its value.
    pub attribute: Option<(LookupAttributeKey, String)>,
    /// When, both ends inclusive.
    pub range: TimeRange,
}

/// The pages of a query.
#[derive(Debug)]
pub struct Pages<'a> {
    region: &'a Region,
    query: Query,
    /// The latest moment still to be read.
    to: DateTime<Utc>,
    /// The end that is asked for: a token is good only with the parameters that it was given for.
    end: DateTime<Utc>,
    token: Option<String>,
    deadline: Instant,
    /// Records of the earliest second read: a second may be cut by the end of a page.
    edge: BTreeSet<String>,
    ended: bool,
    problem: Option<String>,
}

/// One page.
#[derive(Debug, Default)]
pub struct Page {
    /// Its records, or why one could not be read.
    pub records: Vec<Result<Record, String>>,
    /// The span that is read completely with this page, and was not with the one before.
    pub read: Option<TimeRange>,
}

impl LookupEvents {
    /// Clients for these regions; nothing is asked yet.
    pub fn new(config: &SdkConfig, regions: &[String]) -> LookupEvents {
        let region = |name: &String| {
            let client = Client::new(&aws::in_region(config, name));
            (name.clone(), Region { client, next: Mutex::new(Instant::now()) })
        };
        LookupEvents { regions: regions.iter().map(region).collect() }
    }

    /// The regions that can be asked.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.keys().map(String::as_str)
    }

    /// The pages of a query; `None` for a region that is not among those given.
    pub fn pages(&self, region: &str, query: Query, deadline: Instant) -> Option<Pages<'_>> {
        let region = self.regions.get(region)?;
        Some(Pages {
            region,
            to: query.range.to,
            end: query.range.to,
            query,
            token: None,
            deadline,
            edge: BTreeSet::new(),
            ended: false,
            problem: None,
        })
    }
}

/// What an error asks for.
enum Trouble {
    /// Wait, then ask again.
    Throttled,
    /// Ask anew for what is left.
    StaleToken,
    /// It will not help to ask again.
    Refused(String),
}

impl Pages<'_> {
    /// The next page; `None` at the end, when the time is up, or where the service refuses: then
    /// [`Pages::problem`] says so.
    pub async fn next(&mut self) -> Option<Page> {
        let mut pause = GAP;
        while !self.ended {
            if !self.wait().await {
                self.problem = Some("the time was used up before all of it was read".to_owned());
                self.ended = true;
                break;
            }
            match self.ask().await {
                Ok(output) => return Some(self.page(output)),
                Err(Trouble::StaleToken) if self.token.is_some() => {
                    self.token = None;
                    self.end = self.to;
                }
                Err(Trouble::Throttled) => {
                    // Full jitter: others share the two requests a second.
                    tokio::time::sleep(pause.mul_f64(fastrand::f64())).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(Trouble::StaleToken) => {
                    self.problem = Some("LookupEvents refuses its own first page".to_owned());
                    self.ended = true;
                }
                Err(Trouble::Refused(why)) => {
                    self.problem = Some(why);
                    self.ended = true;
                }
            }
        }
        None
    }

    /// Whether there may be another page.
    pub fn has_more(&self) -> bool {
        !self.ended
    }

    /// Why not everything was read.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Waits for this region's turn; false where that is too late.
    async fn wait(&self) -> bool {
        let turn = {
            let mut next = self.region.next.lock().await;
            let turn = (*next).max(Instant::now());
            if turn >= self.deadline {
                return false;
            }
            *next = turn + GAP;
            turn
        };
        tokio::time::sleep_until(turn).await;
        true
    }

    async fn ask(&self) -> Result<LookupEventsOutput, Trouble> {
        let attribute = self.query.attribute.as_ref().and_then(|(key, value)| {
            LookupAttribute::builder()
                .attribute_key(key.clone())
                .attribute_value(value)
                .build()
                .ok()
        });
        let request = self
            .region
            .client
            .lookup_events()
            .set_lookup_attributes(attribute.map(|attribute| vec![attribute]))
            .start_time(SdkTime::from_secs(self.query.range.from.timestamp()))
            .end_time(SdkTime::from_secs(self.end.timestamp()))
            .max_results(50)
            .set_next_token(self.token.clone());
        let Ok(answer) = tokio::time::timeout_at(self.deadline, request.send()).await else {
            return Err(Trouble::Throttled);
        };
        answer.map_err(|err| {
            let code = err.code().unwrap_or_default().to_owned();
            match code.as_str() {
                "ThrottlingException"
                | "Throttling"
                | "TooManyRequestsException"
                | "RequestLimitExceeded" => Trouble::Throttled,
                "InvalidNextTokenException" | "InvalidNextToken" => Trouble::StaleToken,
                "AccessDeniedException" | "AccessDenied" => Trouble::Refused(format!(
                    "cloudtrail:LookupEvents is not allowed: {}",
                    err.message().unwrap_or("access denied")
                )),
                "" => Trouble::Refused(format!(
                    "LookupEvents did not answer: {}",
                    DisplayErrorContext(&err)
                )),
                code => Trouble::Refused(format!(
                    "LookupEvents answered {code}: {}",
                    err.message().unwrap_or_default()
                )),
            }
        })
    }

    fn page(&mut self, output: LookupEventsOutput) -> Page {
        let (before, from) = (self.to, self.query.range.from);
        let mut records = Vec::new();
        for event in output.events.unwrap_or_default() {
            let id = event.event_id.clone().unwrap_or_default();
            let time = event.event_time.and_then(|time| DateTime::from_timestamp(time.secs(), 0));
            // Nothing older than asked for moves the edge.
            if let Some(time) = time.filter(|time| *time >= from) {
                if time < self.to {
                    self.to = time;
                    self.edge.clear();
                }
                if time == self.to && !id.is_empty() && !self.edge.insert(id) {
                    continue;
                }
            }
            let text = event.cloud_trail_event.unwrap_or_default();
            records.push(match Record::parse(text.as_bytes()) {
                Ok(record) if record.looks_like_one() => Ok(record),
                Ok(_) => Err("a LookupEvents item without a CloudTrail record".to_owned()),
                Err(err) => Err(format!("a LookupEvents item with invalid JSON: {err}")),
            });
        }
        self.token = output.next_token.filter(|token| !token.is_empty());
        let second = chrono::TimeDelta::seconds(1);
        let read = if self.token.is_none() {
            self.ended = true;
            Some(TimeRange { from, to: before })
        } else {
            let down_to = self.to + second;
            (down_to <= before).then_some(TimeRange { from: down_to, to: before })
        };
        Page { records, read }
    }
}
