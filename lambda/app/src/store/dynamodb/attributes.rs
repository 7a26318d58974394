//! Items, marks and counters as attributes of DynamoDB, and back.
//!
//! Must not know requests. A counter is a number attribute of its own, `s05#recorded` for the
//! recorded failures of the sixth five minutes of the hour, because only those can be raised
//! without being read.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use anyhow::Context;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use failure_monitor_core::failure::Origin;

use crate::store::{Counter, Item, Key, Raised};

/// Attributes by name.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// The attribute with the partition key.
pub(super) const PARTITION: &str = "pk";
/// The attribute with the sort key.
pub(super) const SORT: &str = "sk";
/// The attribute with the version of an item.
pub(super) const VERSION: &str = "version";
/// The attribute with the JSON.
const JSON: &str = "json";
/// The attribute that names the time to live, in seconds since 1970.
const EXPIRES: &str = "expires";
/// The attribute with the token of the write that made what is there.
const BY: &str = "by";

/// The key of an item.
pub(super) fn of_key(key: &Key) -> Attributes {
    HashMap::from([
        (PARTITION.to_owned(), AttributeValue::S(key.partition.clone())),
        (SORT.to_owned(), AttributeValue::S(key.sort.clone())),
    ])
}

/// A mark.
pub(super) fn of_mark(key: &Key, expires: DateTime<Utc>, by: &str) -> Attributes {
    let mut attributes = of_key(key);
    attributes.insert(EXPIRES.to_owned(), seconds(expires));
    attributes.insert(BY.to_owned(), AttributeValue::S(by.to_owned()));
    attributes
}

/// An item as it is to be written: its version rises by one.
pub(super) fn of_item(item: &Item, by: &str) -> Attributes {
    let mut attributes = of_key(&item.key);
    attributes.insert(VERSION.to_owned(), number(item.version.saturating_add(1)));
    attributes.insert(JSON.to_owned(), AttributeValue::S(item.json.clone()));
    attributes.insert(BY.to_owned(), AttributeValue::S(by.to_owned()));
    if let Some(expires) = item.expires {
        attributes.insert(EXPIRES.to_owned(), seconds(expires));
    }
    attributes
}

/// Whether the write with this token made what is there.
pub(super) fn is_by(there: Option<&Attributes>, by: &str) -> bool {
    let writer = there.and_then(|there| there.get(BY)).and_then(|value| value.as_s().ok());
    writer.is_some_and(|writer| writer == by)
}

/// An update expression with its names and values.
pub(super) struct Raise {
    pub(super) expression: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

/// Raises counters, and writes what they belong to where they are new.
pub(super) fn raise(json: &str, by: &BTreeMap<Counter, u64>, expires: DateTime<Utc>) -> Raise {
    let mut expression = "SET #json = if_not_exists(#json, :json), #expires = :expires".to_owned();
    let mut names = HashMap::from([
        ("#json".to_owned(), JSON.to_owned()),
        ("#expires".to_owned(), EXPIRES.to_owned()),
    ]);
    let mut values = HashMap::from([
        (":json".to_owned(), AttributeValue::S(json.to_owned())),
        (":expires".to_owned(), seconds(expires)),
    ]);
    for (nth, (counter, by)) in by.iter().enumerate() {
        let before = if nth == 0 { " ADD" } else { "," };
        // Writing to a text does not fail.
        let _ = write!(expression, "{before} #c{nth} :c{nth}");
        names.insert(format!("#c{nth}"), counter_name(*counter));
        values.insert(format!(":c{nth}"), number(*by));
    }
    Raise { expression, names, values: Some(values) }
}

/// The item that attributes hold; `None` for marks and counters.
pub(super) fn item(attributes: &Attributes) -> anyhow::Result<Option<Item>> {
    let (Some(version), Some(json)) = (attributes.get(VERSION), attributes.get(JSON)) else {
        return Ok(None);
    };
    let expires = attributes.get(EXPIRES).map(whole::<i64>).transpose()?;
    Ok(Some(Item {
        key: key(attributes)?,
        version: whole(version)?,
        json: text(json)?.to_owned(),
        expires: expires.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
    }))
}

/// The counters that attributes hold; `None` for marks and items.
pub(super) fn raised(attributes: &Attributes) -> anyhow::Result<Option<Raised>> {
    let (None, Some(json)) = (attributes.get(VERSION), attributes.get(JSON)) else {
        return Ok(None);
    };
    let mut counts = BTreeMap::new();
    for (name, value) in attributes {
        if let Some(counter) = counter(name) {
            counts.insert(counter, whole(value)?);
        }
    }
    Ok(Some(Raised { key: key(attributes)?, json: text(json)?.to_owned(), counts }))
}

fn counter_name((slot, origin): Counter) -> String {
    format!("s{slot:02}#{}", origin.name())
}

fn counter(name: &str) -> Option<Counter> {
    let (slot, origin) = name.strip_prefix('s')?.split_once('#')?;
    let origin = Origin::ALL.into_iter().find(|known| known.name() == origin)?;
    Some((slot.parse().ok()?, origin))
}

fn key(attributes: &Attributes) -> anyhow::Result<Key> {
    let part = |name: &str| -> anyhow::Result<String> {
        Ok(text(attributes.get(name).context("an item without a key")?)?.to_owned())
    };
    Ok(Key { partition: part(PARTITION)?, sort: part(SORT)? })
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn seconds(time: DateTime<Utc>) -> AttributeValue {
    AttributeValue::N(time.timestamp().to_string())
}

fn text(value: &AttributeValue) -> anyhow::Result<&str> {
    value.as_s().map(String::as_str).map_err(|_| anyhow::anyhow!("an attribute that is no text"))
}

fn whole<T: std::str::FromStr>(value: &AttributeValue) -> anyhow::Result<T> {
    let number = value.as_n().ok().and_then(|digits| digits.parse().ok());
    number.context("an attribute that is no whole number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_names_that_read_back() {
        for slot in 0..12 {
            for origin in Origin::ALL {
                assert_eq!(counter(&counter_name((slot, origin))), Some((slot, origin)));
            }
        }
        assert_eq!(counter_name((5, Origin::Recorded)), "s05#recorded");
        for other in ["sk", "s05", "s#recorded", "s05#guessed", "json", "s300#recorded"] {
            assert_eq!(counter(other), None, "{other}");
        }
    }

    #[test]
    fn an_item_comes_back_as_it_was_written_with_the_next_version() {
        let written = Item {
            key: Key { partition: "finding#ü".to_owned(), sort: "-".to_owned() },
            version: 6,
            json: "{\"a\":\"€\"}".to_owned(),
            expires: DateTime::from_timestamp(1_770_000_000, 0),
        };
        let attributes = of_item(&written, "token");
        assert_eq!(item(&attributes).unwrap(), Some(Item { version: 7, ..written }));
        assert_eq!(raised(&attributes).unwrap(), None);
        assert!(is_by(Some(&attributes), "token"));
        assert!(!is_by(Some(&attributes), "other"));
        assert!(!is_by(None, "token"));
    }

    #[test]
    fn what_somebody_else_wrote_into_the_table_is_an_error_and_not_a_zero() {
        let mut attributes = of_key(&Key { partition: "a".to_owned(), sort: "b".to_owned() });
        attributes.insert(JSON.to_owned(), AttributeValue::S("{}".to_owned()));
        attributes.insert(VERSION.to_owned(), AttributeValue::S("1".to_owned()));
        assert!(item(&attributes).is_err());
        attributes.remove(VERSION);
        attributes.insert("s00#recorded".to_owned(), AttributeValue::N("1.5".to_owned()));
        assert!(raised(&attributes).is_err());
    }
}
