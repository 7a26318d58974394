//! `failure-monitor athena`: the same questions as SQL, for trails too large to read here.

use chrono::{NaiveDate, TimeDelta};
use clap::{Args, ValueEnum};
use failure_monitor_core::athena::{self, Place, Query, Statement};
use serde_json::json;

/// Print a table definition and queries for Amazon Athena.
///
/// For trails too large to read on one machine. The table needs no crawler: its partitions are
/// projected over account, region and day. The queries give recorded failures, key changes and
/// callers left behind, grouped as `scan` groups them. Nothing is run: paste the SQL into Athena.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  failure-monitor athena --bucket example-trail --accounts 111122223333 --regions us-east-1,eu-west-1
  failure-monitor athena --bucket example-trail --organization o-exampleorg1 --query table
  failure-monitor athena --accounts 111122223333 --from 2025-01-01 --query left-behind

docs/scale.md says when to use it, and what it costs.")]
pub(super) struct Arguments {
    /// The bucket with the trail's log files; needed for the table.
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,
    /// What comes before AWSLogs/ in the bucket.
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    /// The organisation (o-…) whose trail it is.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// The accounts to read; where none are named, each query asks for one.
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    accounts: Vec<String>,
    /// The regions to read; where none are named, those of the AWS partition.
    #[arg(long, value_name = "REGION,…", value_delimiter = ',')]
    regions: Vec<String>,
    /// The first day to read (2025-01-31); 30 days ago where it is not said.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// The last day to read; today where it is not said.
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    /// The database in the Glue Data Catalog.
    #[arg(long, value_name = "NAME", default_value = "default")]
    database: String,
    /// The table's name.
    #[arg(long, value_name = "NAME", default_value = "cloudtrail_failure_monitor")]
    table: String,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Printed::All)]
    query: Printed,
    /// How long before a key was turned off a use counts as depending on it.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = super::scan::duration)]
    look_back: TimeDelta,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Sql)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Printed {
    /// Recorded failures, grouped.
    Failures,
    /// What happened to access keys.
    KeyChanges,
    /// Callers left behind by key changes.
    LeftBehind,
    /// The table definition.
    Table,
    /// Everything.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Statements, each ended by a semicolon.
    Sql,
    /// One JSON document: {"schema", "columns": [{"name", "type"}], "statements": [{"name",
    /// "description", "sql"}]}.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let place = Place {
        bucket: arguments.bucket.clone(),
        prefix: arguments.prefix.clone(),
        organization: arguments.organization.clone(),
        accounts: arguments.accounts.clone(),
        regions: arguments.regions.clone(),
        from: arguments.from,
        to: arguments.to,
        database: arguments.database.clone(),
        table: arguments.table.clone(),
        look_back: arguments.look_back,
    };
    let statements = match arguments.query {
        Printed::Failures => vec![athena::query(&place, Query::Failures)?],
        Printed::KeyChanges => vec![athena::query(&place, Query::KeyChanges)?],
        Printed::LeftBehind => vec![athena::query(&place, Query::LeftBehind)?],
        Printed::Table => vec![athena::table(&place)?],
        Printed::All => athena::all(&place)?,
    };
    super::print(&match arguments.format {
        Format::Sql => sql(&statements),
        Format::Json => {
            let document = json!({
                "schema": athena::SCHEMA,
                "columns": athena::columns(),
                "statements": statements,
            });
            serde_json::to_string_pretty(&document)? + "\n"
        }
    })?;
    Ok(0)
}

fn sql(statements: &[Statement]) -> String {
    statements.iter().map(|one| format!("{};\n", one.sql)).collect::<Vec<_>>().join("\n")
}
