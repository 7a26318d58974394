//! Log files in S3: which there are, and fetching one.
//!
//! Knows the folders of a trail
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-log-files.html>),
//! and lists of them only the days that are needed. Must not know what is in a file: fetched
//! objects are read as files are, by `local_file`.

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::{Context, bail};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use chrono::{DateTime, TimeDelta, Utc};
use failure_monitor_core::settings::Settings;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::local_file::{Input, Listing, Remote};
use super::s3_log_file::is_passed_over;
use crate::aws;

/// How many listings are under way at once.
const LISTINGS: usize = 16;

/// How long after an event its record may be delivered and still be found.
const LATE: TimeDelta = TimeDelta::days(1);

/// The days to list, as folders name them (`2025/01/31`); `None` is without end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Days {
    first: Option<String>,
    last: Option<String>,
}

impl Days {
    /// The days that the filter needs: from the look-back before its beginning, in which the uses
    /// of a key lie that was turned off at once, to a day after its end.
    pub fn needed(settings: &Settings) -> Days {
        let folder = |time: DateTime<Utc>| time.format("%Y/%m/%d").to_string();
        let filter = &settings.filter;
        Days {
            first: filter.since.and_then(|s| s.checked_sub_signed(settings.look_back)).map(folder),
            last: filter.until.and_then(|until| until.checked_add_signed(LATE)).map(folder),
        }
    }

    fn all(&self) -> bool {
        self.first.is_none() && self.last.is_none()
    }
}

/// Adds what lies below the URLs to a listing.
pub fn list(urls: &[String], days: &Days, listing: &mut Listing) -> anyhow::Result<()> {
    let runtime = Arc::new(
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the client for S3")?,
    );
    let config = runtime.block_on(aws::load(None, None));
    // Where no region is set any will do: S3 says which is the bucket's.
    let region = config.region().cloned().unwrap_or(Region::from_static("us-east-1"));
    let config = aws_sdk_s3::config::Builder::from(&config).region(region).build();
    for url in urls {
        let (name, prefix) = parts(url)?;
        let lister = Lister {
            client: runtime.block_on(in_own_region(&config, name, prefix)),
            bucket: name.to_owned(),
            days: days.clone(),
        };
        let found = runtime
            .block_on(Arc::new(lister.clone()).below(prefix))
            .with_context(|| format!("cannot list {url}"))?;
        let bucket: Arc<dyn Remote> = Arc::new(Bucket {
            client: lister.client,
            name: name.to_owned(),
            runtime: runtime.clone(),
        });
        listing.passed_over += found.passed_over;
        listing.inputs.extend(found.objects.into_iter().map(|(key, size)| {
            Input::remote(format!("s3://{name}/{key}"), size, bucket.clone(), &key)
        }));
    }
    Ok(())
}

/// Bucket and prefix of `s3://BUCKET/PREFIX`.
fn parts(url: &str) -> anyhow::Result<(&str, &str)> {
    let rest = url.strip_prefix("s3://").unwrap_or("");
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        bail!("{url:?} is not of the form s3://BUCKET/PREFIX");
    }
    Ok((bucket, prefix))
}

/// A client for the region that the bucket is in, which S3 tells those who ask elsewhere.
async fn in_own_region(config: &aws_sdk_s3::Config, bucket: &str, prefix: &str) -> Client {
    let client = Client::from_conf(config.clone());
    let asked = client.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(1).send().await;
    let told = asked.err().and_then(|err| {
        let region = err.raw_response()?.headers().get("x-amz-bucket-region")?;
        Some(Region::new(region.to_owned()))
    });
    match told {
        Some(region) => Client::from_conf(config.to_builder().region(region).build()),
        None => client,
    }
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    objects: Vec<(String, u64)>,
    passed_over: u64,
}

#[derive(Debug, Clone)]
struct Lister {
    client: Client,
    bucket: String,
    days: Days,
}

/// Where in the folders of a trail a prefix leads.
#[derive(Debug, PartialEq, Eq)]
enum Level<'a> {
    /// Not into them, or nobody knows.
    Elsewhere,
    /// To folders above those of the regions.
    Above,
    /// To the folder of accounts' services.
    Service,
    /// To a region's folder or into it; the region's folder ends here.
    Region(&'a str),
}

/// Where a prefix leads. What is not between two slashes may be half a name.
fn level(prefix: &str) -> Level<'_> {
    let root = match prefix.find("AWSLogs/") {
        Some(0) => 0,
        Some(at) if prefix.as_bytes()[at - 1] == b'/' => at,
        _ => return Level::Elsewhere,
    };
    let inside = root + "AWSLogs/".len();
    let Some((folders, half)) = prefix[inside..].rsplit_once('/') else {
        return if prefix.len() == inside { Level::Above } else { Level::Elsewhere };
    };
    let mut names: Vec<&str> = folders.split('/').collect();
    let mut end = inside;
    if names[0].starts_with("o-") {
        end += names.remove(0).len() + 1;
    }
    match names.as_slice() {
        [] if half.is_empty() => Level::Above,
        [_account] if half.is_empty() => Level::Service,
        [_account, "CloudTrail"] if half.is_empty() => Level::Above,
        [account, "CloudTrail", region, ..] => {
            end += account.len() + "/CloudTrail/".len() + region.len() + 1;
            Level::Region(&prefix[..end])
        }
        _ => Level::Elsewhere,
    }
}

/// Whether to look for the folders of a trail below a prefix: they may lie a few folders deep.
fn may_hold_trail(prefix: &str) -> bool {
    (prefix.is_empty() || prefix.ends_with('/'))
        && !prefix.contains("AWSLogs/")
        && prefix.matches('/').count() <= 3
}

impl Lister {
    /// Everything below a prefix that is needed.
    async fn below(self: Arc<Self>, prefix: &str) -> anyhow::Result<Found> {
        let mut found = Found::default();
        let permits = Arc::new(Semaphore::new(LISTINGS));
        let mut open = JoinSet::new();
        let begin = |open: &mut JoinSet<_>, prefix: String| {
            let (lister, permits) = (self.clone(), permits.clone());
            open.spawn(async move {
                let _permit = permits.acquire_owned().await;
                lister.folder(&prefix).await
            });
        };
        begin(&mut open, prefix.to_owned());
        while let Some(one) = open.join_next().await {
            let (here, deeper) = one.context("a listing ended early")??;
            found.objects.extend(here.objects);
            found.passed_over += here.passed_over;
            deeper.into_iter().for_each(|prefix| begin(&mut open, prefix));
        }
        Ok(found)
    }

    /// The objects at a prefix, and the folders to go on with.
    async fn folder(&self, prefix: &str) -> anyhow::Result<(Found, Vec<String>)> {
        let mut found = Found::default();
        let mut deeper = Vec::new();
        // The days of a region's folder are next to each other in the order of keys.
        let mut region = None;
        let mut by_folder = false;
        if !self.days.all() {
            match level(prefix) {
                Level::Region(root) => region = Some(root),
                Level::Above | Level::Service => by_folder = true,
                Level::Elsewhere => by_folder = may_hold_trail(prefix),
            }
        }
        let day = |day: &Option<String>| Some(format!("{}{}", region?, day.as_deref()?));
        let (after, last) = (day(&self.days.first), day(&self.days.last));
        let mut token = None;
        loop {
            let page = self.page(prefix, by_folder, after.as_deref(), token).await?;
            for folder in page.common_prefixes().iter().filter_map(|folder| folder.prefix()) {
                if is_passed_over(folder.trim_end_matches('/')) {
                    found.passed_over += 1;
                } else if level(prefix) != Level::Service || folder.ends_with("/CloudTrail/") {
                    deeper.push(folder.to_owned());
                }
            }
            for object in page.contents() {
                let key = object.key().unwrap_or_default();
                // All keys of the last day are behind its folder, and begin with it.
                if last.as_ref().is_some_and(|last| key > last.as_str() && !key.starts_with(last)) {
                    return Ok((found, deeper));
                }
                let size = u64::try_from(object.size().unwrap_or(0)).unwrap_or(0);
                // What stands for a folder holds nothing.
                if size == 0 || key.ends_with('/') {
                    continue;
                }
                if is_passed_over(key) {
                    found.passed_over += 1;
                } else {
                    found.objects.push((key.to_owned(), size));
                }
            }
            token = page.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                return Ok((found, deeper));
            }
        }
    }

    async fn page(
        &self,
        prefix: &str,
        by_folder: bool,
        after: Option<&str>,
        token: Option<String>,
    ) -> anyhow::Result<ListObjectsV2Output> {
        self.client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_delimiter(by_folder.then(|| "/".to_owned()))
            .set_start_after(after.map(str::to_owned))
            .set_continuation_token(token)
            .send()
            .await
            .map_err(|err| anyhow::anyhow!(described(&err, "s3:ListBucket")))
    }
}

/// A bucket whose objects are fetched.
#[derive(Debug)]
struct Bucket {
    client: Client,
    name: String,
    runtime: Arc<Runtime>,
}

impl Remote for Bucket {
    fn fetch(&self, key: &str, out: &mut dyn Write) -> io::Result<()> {
        self.runtime.block_on(async {
            let asked = self.client.get_object().bucket(&self.name).key(key).send().await;
            let mut answer =
                asked.map_err(|err| io::Error::other(described(&err, "s3:GetObject")))?;
            while let Some(piece) = answer.body.next().await {
                out.write_all(&piece.map_err(io::Error::other)?)?;
            }
            Ok(())
        })
    }
}

/// An error of S3 in words, with the permission that is missing.
fn described<E: ProvideErrorMetadata + std::fmt::Debug, R: std::fmt::Debug>(
    err: &SdkError<E, R>,
    action: &str,
) -> String {
    let (code, message) = (err.code(), err.message().unwrap_or("no reason given"));
    match (err, code) {
        (_, Some("AccessDenied")) => format!(
            "AccessDenied: {message} ({action} is needed, and kms:Decrypt for files under a key)"
        ),
        (_, Some(code)) => format!("{code}: {message}"),
        (SdkError::ServiceError(_) | SdkError::ResponseError(_), None) => {
            format!("S3 answered what is no answer ({action})")
        }
        (SdkError::TimeoutError(_), None) => "S3 did not answer in time".to_owned(),
        (SdkError::DispatchFailure(failure), None) if failure.is_io() => {
            "S3 cannot be reached".to_owned()
        }
        _ => format!("the request could not be sent; are there credentials? ({action})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_placed_in_the_folders_of_a_trail() {
        let account = "AWSLogs/111122223333/";
        let region = "x/AWSLogs/o-exampleorg1/111122223333/CloudTrail/us-east-1/";
        for (prefix, expected) in [
            ("", Level::Elsewhere),
            ("AWSLogs", Level::Elsewhere),
            ("MyAWSLogs/", Level::Elsewhere),
            ("AWSLogs/", Level::Above),
            ("AWSLogs/1111", Level::Elsewhere),
            ("AWSLogs/o-exampleorg1/", Level::Above),
            (account, Level::Service),
            ("AWSLogs/111122223333/CloudTrail/", Level::Above),
            ("AWSLogs/111122223333/CloudTrail/us-", Level::Elsewhere),
            ("AWSLogs/111122223333/Config/us-east-1/", Level::Elsewhere),
            (region, Level::Region(region)),
            (&format!("{region}2025/0"), Level::Region(region)),
        ] {
            assert_eq!(level(prefix), expected, "{prefix}");
        }
    }

    #[test]
    fn the_days_reach_back_by_the_look_back_and_on_by_a_day() {
        let mut settings = Settings::default();
        assert!(Days::needed(&settings).all());
        settings.filter.since = "2025-01-01T12:00:00Z".parse().ok();
        settings.filter.until = "2025-01-31T12:00:00Z".parse().ok();
        let days = Days::needed(&settings);
        assert_eq!(days.first.as_deref(), Some("2024/12/31"));
        assert_eq!(days.last.as_deref(), Some("2025/02/01"));
    }

    #[test]
    fn a_url_names_bucket_and_prefix() {
        assert_eq!(parts("s3://a/b/c/").unwrap(), ("a", "b/c/"));
        assert_eq!(parts("s3://a").unwrap(), ("a", ""));
        for bad in ["", "a/b", "s3://", "s3:///b", "https://a/b"] {
            assert!(parts(bad).is_err(), "{bad}");
        }
    }
}
