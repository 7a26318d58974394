//! Where the logs lie and what part of them is asked for, checked before it becomes SQL.

use std::fmt;

use chrono::{NaiveDate, TimeDelta};

use super::IAM_REGIONS;
use super::sql::{list, literal};

/// More accounts than this are not listed in the table: AWS advises a few dozen values
/// (<https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html>).
const MOST_LISTED: usize = 50;

/// The Regions of the AWS partition, where none are named
/// (<https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>).
const REGIONS: [&str; 34] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Where the logs lie, and the part of them that is asked for.
#[derive(Debug, Clone)]
pub struct Place {
    /// The bucket; needed for the table only.
    pub bucket: Option<String>,
    /// What comes before `AWSLogs/` in it; may be empty.
    pub prefix: String,
    /// The organisation (`o-…`), for the trail of an organisation.
    pub organization: Option<String>,
    /// The accounts; where none are named, each query asks for one.
    pub accounts: Vec<String>,
    /// The Regions; where none are named, those of the AWS partition.
    pub regions: Vec<String>,
    /// The first day; three years ago in the table and 30 days ago in queries where it is not said.
    pub from: Option<NaiveDate>,
    /// The last day; today where it is not said.
    pub to: Option<NaiveDate>,
    /// The database in the Glue Data Catalog.
    pub database: String,
    /// The table's name.
    pub table: String,
    /// How long before a key was turned off a use counts.
    pub look_back: TimeDelta,
}

/// Why no SQL was made: a value that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid(String);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

impl Place {
    /// Checks everything that becomes part of a path or a table property, where quoting alone does
    /// not help: a comma ends a value of a list, `${` begins a column of the template.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bucket = self.bucket.as_deref().unwrap_or("bucket");
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
        require(
            (3..=63).contains(&bucket.len())
                && bucket.bytes().all(|byte| lower(byte) || matches!(byte, b'.' | b'-')),
            "the bucket",
            bucket,
            "3 to 63 of a-z, 0-9, . and -",
        )?;
        require(
            self.prefix
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"/!-_.*()&@:,=+ ".contains(&byte)),
            "the prefix",
            &self.prefix,
            "letters, digits and /!-_.*()&@:,=+",
        )?;
        if let Some(id) = &self.organization {
            // https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
            let rest = id.strip_prefix("o-").unwrap_or("");
            require(
                (10..=32).contains(&rest.len()) && rest.bytes().all(lower),
                "the organisation",
                id,
                "o- and 10 to 32 of a-z and 0-9",
            )?;
        }
        for id in &self.accounts {
            require(id.len() == 12 && digits(id), "the account", id, "12 digits")?;
        }
        for region in &self.regions {
            let known = region.bytes().all(|byte| lower(byte) || byte == b'-');
            require(known && region.contains('-'), "the region", region, "a name like us-east-1")?;
        }
        if !self.regions.is_empty()
            && !self.regions.iter().any(|region| IAM_REGIONS.contains(&region.as_str()))
        {
            return Err(Invalid(format!(
                "none of the regions is {}: IAM's records, and with them all key changes, lie there \
                 only; add the one of your partition",
                IAM_REGIONS.join(", ")
            )));
        }
        for (what, name) in [("the database", &self.database), ("the table", &self.table)] {
            require(
                !name.is_empty() && !name.chars().any(char::is_control),
                what,
                name,
                "a name without control characters",
            )?;
        }
        require(
            self.look_back > TimeDelta::zero(),
            "the look-back",
            &self.look_back.to_string(),
            "more than nothing",
        )?;
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(Invalid(format!("{from} is later than {to}: no day is between them")));
        }
        Ok(())
    }

    /// Where the accounts' folders lie.
    pub(super) fn root(&self) -> Result<String, Invalid> {
        let Some(bucket) = &self.bucket else {
            return Err(Invalid("the table needs the name of the bucket".to_owned()));
        };
        let mut root = format!("s3://{bucket}/");
        let prefix = self.prefix.trim_matches('/');
        if !prefix.is_empty() {
            root += &format!("{prefix}/");
        }
        root += "AWSLogs/";
        if let Some(organization) = &self.organization {
            root += &format!("{organization}/");
        }
        Ok(root)
    }

    /// The accounts that the table lists; `None` where each query must name its accounts.
    pub(super) fn accounts_listed(&self) -> Option<String> {
        (1..=MOST_LISTED).contains(&self.accounts.len()).then(|| self.accounts.join(","))
    }

    /// The condition that names accounts, where the table does not list them.
    pub(super) fn accounts_asked(&self) -> Option<String> {
        if self.accounts.is_empty() {
            return Some("account = ?".to_owned());
        }
        let accounts = self.accounts.iter().map(String::as_str);
        self.accounts_listed().is_none().then(|| format!("account IN ({})", list(accounts)))
    }

    /// The Regions that the table lists.
    pub(super) fn regions_listed(&self) -> String {
        if self.regions.is_empty() { REGIONS.join(",") } else { self.regions.join(",") }
    }

    /// The days of the table.
    pub(super) fn days(&self) -> String {
        let from = self.from.map_or("NOW-3YEARS".to_owned(), folder);
        format!("{from},NOW")
    }

    /// The first day that a query reads.
    pub(super) fn first_day(&self) -> String {
        match self.from {
            Some(day) => literal(&folder(day)),
            None => "date_format(current_date - INTERVAL '30' DAY, '%Y/%m/%d')".to_owned(),
        }
    }

    /// The last day that a query reads, where one is said.
    pub(super) fn last_day(&self) -> Option<String> {
        self.to.map(|day| literal(&folder(day)))
    }
}

fn require(good: bool, what: &str, value: &str, expected: &str) -> Result<(), Invalid> {
    if good { Ok(()) } else { Err(Invalid(format!("{what} {value:?} is not {expected}"))) }
}

/// A day as the folders of a trail write it.
fn folder(day: NaiveDate) -> String {
    day.format("%Y/%m/%d").to_string()
}
