//! The table over the log files of a trail.
//!
//! Knows the folders of a trail, and how Athena projects partitions from a path
//! (<https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-partition-projection.html>).

use super::place::{Invalid, Place};
use super::sql::{hive_identifier, hive_literal};

/// The type of `userIdentity`.
const USER_IDENTITY: &str = "struct<
    type: string,
    principalid: string,
    arn: string,
    accountid: string,
    invokedby: string,
    accesskeyid: string,
    username: string,
    sessioncontext: struct<
      attributes: struct<mfaauthenticated: string, creationdate: string>,
      sessionissuer: struct<
        type: string, principalid: string, arn: string, accountid: string, username: string>>>";

/// The columns: the members of a record. Those whose shape differs from call to call are JSON text.
pub(super) const COLUMNS: [(&str, &str); 22] = [
    ("eventversion", "string"),
    ("useridentity", USER_IDENTITY),
    ("eventtime", "string"),
    ("eventsource", "string"),
    ("eventname", "string"),
    ("awsregion", "string"),
    ("sourceipaddress", "string"),
    ("useragent", "string"),
    ("errorcode", "string"),
    ("errormessage", "string"),
    ("requestparameters", "string"),
    ("responseelements", "string"),
    ("additionaleventdata", "string"),
    ("requestid", "string"),
    ("eventid", "string"),
    ("readonly", "string"),
    ("eventtype", "string"),
    ("managementevent", "string"),
    ("recipientaccountid", "string"),
    ("sharedeventid", "string"),
    ("vpcendpointid", "string"),
    ("eventcategory", "string"),
];

const HEAD: &str = "\
-- The table over a trail's log files. Nothing is loaded and no crawler runs: the partitions are
-- projected from the path. The database must exist; DROP TABLE leaves the files alone.
--
-- The input format takes the records out of {\"Records\":[…]}. They are read with the Hive JSON
-- SerDe, as AWS's own definition for CloudTrail does, not with the older CloudTrail SerDe
-- (com.amazon.emr.hive.serde.CloudTrailSerde): that one knows a fixed set of members, while here a
-- member that CloudTrail adds is one more column. A general JSON SerDe without this input format
-- would see one row per file. Digest and Insights files lie in other folders and are not read.
";

const LISTED: &str = "\
-- The accounts are listed: a query reads all of them unless it names some. Add a new account here.
";
const INJECTED: &str = "\
-- The accounts are not listed: each query must name those it reads (account = '…' or IN (…)), or
-- Athena refuses it. So new accounts of an organisation need no change here.
";
const REGIONS: &str = "\
-- Regions that are not listed are not read, and neither are days outside the range.
";

/// The statement that makes the table.
pub(super) fn definition(place: &Place) -> Result<String, Invalid> {
    let root = place.root()?;
    let listed = place.accounts_listed();
    let mut properties = vec![
        ("projection.enabled", "true".to_owned()),
        ("projection.account.type", if listed.is_some() { "enum" } else { "injected" }.to_owned()),
    ];
    properties.extend(listed.clone().map(|accounts| ("projection.account.values", accounts)));
    properties.extend([
        ("projection.region.type", "enum".to_owned()),
        ("projection.region.values", place.regions_listed()),
        ("projection.day.type", "date".to_owned()),
        ("projection.day.range", place.days()),
        ("projection.day.format", "yyyy/MM/dd".to_owned()),
        ("projection.day.interval", "1".to_owned()),
        ("projection.day.interval.unit", "DAYS".to_owned()),
        (
            "storage.location.template",
            format!("{root}${{account}}/CloudTrail/${{region}}/${{day}}"),
        ),
    ]);
    let columns: Vec<String> =
        COLUMNS.iter().map(|(name, kind)| format!("  {} {kind}", hive_identifier(name))).collect();
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("  {} = {}", hive_literal(name), hive_literal(value)))
        .collect();
    Ok(format!(
        "{HEAD}{accounts}{REGIONS}\
         CREATE EXTERNAL TABLE IF NOT EXISTS {database}.{table} (\n{columns}\n)\n\
         PARTITIONED BY (`account` string, `region` string, `day` string)\n\
         ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'\n\
         STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'\n\
         OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'\n\
         LOCATION {root}\n\
         TBLPROPERTIES (\n{properties}\n)",
        accounts = if listed.is_some() { LISTED } else { INJECTED },
        database = hive_identifier(&place.database),
        table = hive_identifier(&place.table),
        columns = columns.join(",\n"),
        root = hive_literal(&root),
        properties = properties.join(",\n"),
    ))
}
