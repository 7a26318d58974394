//! A store in a DynamoDB table: partition key `pk`, sort key `sk`, time to live `expires`.
//!
//! Must not know what is kept. Every call ends in time: what is throttled, in conflict or without an
//! answer is tried again, with growing pauses of random length, until the time that was given is
//! used up.
//!
//! A change whose answer was lost may have been made. Sent again, it must not be refused because of
//! itself, nor made twice:
//! - All tries of one transaction carry one `ClientRequestToken`: for ten minutes DynamoDB answers
//!   a transaction that it made already with success
//!   (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>).
//! - The same token is written into marks and items, as `by`. A condition that fails on an item
//!   which bears it failed because of an earlier try. That holds for single writes, too, which have
//!   no token of DynamoDB's but cost half of a transaction.
//!
//! A call that gives up without an answer reports an error although the change may have been made.
//! Counting stays exact: counters rise only together with marks, so the second delivery of the same
//! failures finds the marks and raises nothing.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use anyhow::Context;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use tokio::time::Instant;

use super::{Item, Key, Raised, Refused, Store, Write, limits};

mod attributes;
mod retry;
mod verdict;

use attributes::Attributes;
use retry::{Tries, Trouble};
use verdict::Verdict;

/// For how long a call is tried where nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest that one request may take; a slower one is given up and sent again.
const REQUEST: Duration = Duration::from_secs(5);
/// How many keys `BatchGetItem` takes.
const KEYS: usize = 100;

/// A table and how long to wait for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    client: Client,
    table: String,
    patience: Patience,
    consistent: bool,
}

#[derive(Debug, Clone, Copy)]
enum Patience {
    For(Duration),
    Until(Instant),
}

impl DynamoDb {
    /// The table of this name. The client's connections are used, its retries are not: they know no
    /// deadline.
    pub fn new(client: &Client, table: impl Into<String>) -> DynamoDb {
        let connect = client.config().timeout_config().and_then(|config| config.connect_timeout());
        let mut timeouts = TimeoutConfig::builder().operation_attempt_timeout(REQUEST);
        timeouts.set_connect_timeout(connect);
        let config = client
            .config()
            .to_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build());
        DynamoDb {
            client: Client::from_conf(config.build()),
            table: table.into(),
            patience: Patience::For(PATIENCE),
            consistent: true,
        }
    }

    /// The same table; each call may take this long.
    #[must_use]
    pub fn within(self, each: Duration) -> DynamoDb {
        DynamoDb { patience: Patience::For(each), ..self }
    }

    /// The same table; all calls end at this moment, successful or not.
    #[must_use]
    pub fn until(self, deadline: Instant) -> DynamoDb {
        DynamoDb { patience: Patience::Until(deadline), ..self }
    }

    /// The same table, read at half the price: what was written within the last second may be
    /// missing. Right for summaries, wrong before a write.
    #[must_use]
    pub fn eventually_consistent(self) -> DynamoDb {
        DynamoDb { consistent: false, ..self }
    }

    fn tries(&self) -> Tries {
        Tries::until(match self.patience {
            Patience::For(time) => Instant::now() + time,
            Patience::Until(deadline) => deadline,
        })
    }

    /// Everything of a partition between two sort keys.
    async fn query(
        &self,
        partition: &str,
        from: &str,
        to: &str,
    ) -> anyhow::Result<Vec<Attributes>> {
        if from > to || to.is_empty() {
            return Ok(Vec::new());
        }
        // An empty text is no value for a key.
        let condition = match from {
            "" => "#pk = :pk AND #sk <= :to",
            _ => "#pk = :pk AND #sk BETWEEN :from AND :to",
        };
        let mut request = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(self.consistent)
            .key_condition_expression(condition)
            .expression_attribute_names("#pk", attributes::PARTITION)
            .expression_attribute_names("#sk", attributes::SORT)
            .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
            .expression_attribute_values(":to", AttributeValue::S(to.to_owned()));
        if !from.is_empty() {
            let from = AttributeValue::S(from.to_owned());
            request = request.expression_attribute_values(":from", from);
        }
        let mut found = Vec::new();
        let mut start = None;
        let mut tries = self.tries();
        loop {
            let page = request.clone().set_exclusive_start_key(start.clone());
            match tries.limit(page.send()).await {
                Ok(page) => {
                    found.extend(page.items.into_iter().flatten());
                    start = page.last_evaluated_key.filter(|key| !key.is_empty());
                    if start.is_none() {
                        return Ok(found);
                    }
                }
                Err(trouble) => tries
                    .again_after(trouble)
                    .await
                    .with_context(|| format!("cannot read table {}", self.table))?,
            }
        }
    }

    /// One write on its own, at half the price of a transaction.
    async fn put(&self, item: Attributes, condition: Condition, by: &str) -> Result<(), Refused> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values(condition.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut tries = self.tries();
        loop {
            let trouble = match tries.limit(request.clone().send()).await {
                Ok(_) => return Ok(()),
                Err(trouble) => trouble,
            };
            if let Trouble::Sdk(err) = &trouble
                && let Some(PutItemError::ConditionalCheckFailedException(failed)) =
                    err.as_service_error()
            {
                return match attributes::is_by(failed.item.as_ref(), by) {
                    true => Ok(()),
                    false => Err(Refused::Unfit(vec![0])),
                };
            }
            tries.again_after(trouble).await.with_context(|| self.cannot_write())?;
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), Refused> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(attributes::of_key(key)));
        let mut tries = self.tries();
        loop {
            match tries.limit(request.clone().send()).await {
                Ok(_) => return Ok(()),
                Err(trouble) => {
                    tries.again_after(trouble).await.with_context(|| self.cannot_write())?;
                }
            }
        }
    }

    async fn transaction(&self, writes: &[Write], by: &str) -> Result<(), Refused> {
        let marks = writes.iter().any(|write| matches!(write, Write::Claim { .. }));
        let items: Result<Vec<TransactWriteItem>, _> =
            writes.iter().map(|write| self.change(write, by, marks)).collect();
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items.context("a change is not complete")?))
            .client_request_token(by);
        let mut tries = self.tries();
        loop {
            let trouble = match tries.limit(request.clone().send()).await {
                Ok(_) => return Ok(()),
                Err(trouble) => trouble,
            };
            let service_error = match &trouble {
                Trouble::Sdk(err) => err.as_service_error(),
                Trouble::Late => None,
            };
            let verdict = match service_error {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    verdict::of(cancelled.cancellation_reasons(), by)
                }
                _ => Verdict::Unknown,
            };
            match verdict {
                Verdict::Made => return Ok(()),
                Verdict::Unfit(places) => return Err(Refused::Unfit(places)),
                Verdict::Again(why) => tries.again(anyhow::anyhow!(why)).await,
                Verdict::Never(why) => Err(anyhow::anyhow!(why)),
                Verdict::Unknown => tries.again_after(trouble).await,
            }
            .with_context(|| self.cannot_write())?;
        }
    }

    /// A write as part of a transaction. With `marks`, only they are asked for what they hold: they
    /// are small, and one answer tells of the whole transaction.
    fn change(
        &self,
        write: &Write,
        by: &str,
        marks: bool,
    ) -> Result<TransactWriteItem, BuildError> {
        let item = TransactWriteItem::builder();
        let put = |attributes, condition: Condition, tell: bool| {
            Put::builder()
                .table_name(&self.table)
                .set_item(Some(attributes))
                .condition_expression(condition.expression)
                .set_expression_attribute_names(Some(condition.names))
                .set_expression_attribute_values(condition.values)
                .set_return_values_on_condition_check_failure(
                    tell.then_some(ReturnValuesOnConditionCheckFailure::AllOld),
                )
                .build()
        };
        Ok(match write {
            Write::Claim { key, expires } => {
                item.put(put(attributes::of_mark(key, *expires, by), Condition::absent(), true)?)
            }
            Write::Put(new) => item.put(put(
                attributes::of_item(new, by),
                Condition::version(new.version),
                !marks,
            )?),
            Write::Raise { key, json, by, expires } => {
                let raise = attributes::raise(json, by, *expires);
                let update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(attributes::of_key(key)))
                    .update_expression(raise.expression)
                    .set_expression_attribute_names(Some(raise.names))
                    .set_expression_attribute_values(raise.values);
                item.update(update.build()?)
            }
            Write::Delete { key } => {
                let delete = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(attributes::of_key(key)));
                item.delete(delete.build()?)
            }
        }
        .build())
    }

    fn cannot_write(&self) -> String {
        format!("cannot write to table {}", self.table)
    }
}

/// An expression with its names and values.
struct Condition {
    expression: String,
    names: HashMap<String, String>,
    values: Option<HashMap<String, AttributeValue>>,
}

impl Condition {
    /// Nothing is there.
    fn absent() -> Condition {
        Condition {
            expression: "attribute_not_exists(#pk)".to_owned(),
            names: HashMap::from([("#pk".to_owned(), attributes::PARTITION.to_owned())]),
            values: None,
        }
    }

    /// What is there has this version; 0 for nothing.
    fn version(version: u64) -> Condition {
        let names = HashMap::from([("#version".to_owned(), attributes::VERSION.to_owned())]);
        if version == 0 {
            let expression = "attribute_not_exists(#version)".to_owned();
            return Condition { expression, names, values: None };
        }
        let version = AttributeValue::N(version.to_string());
        Condition {
            expression: "#version = :version".to_owned(),
            names,
            values: Some(HashMap::from([(":version".to_owned(), version)])),
        }
    }
}

impl Store for DynamoDb {
    async fn get(&self, keys: &[Key]) -> anyhow::Result<Vec<Item>> {
        let cannot_read = || format!("cannot read table {}", self.table);
        // The same key twice in a request is an error.
        let keys: BTreeSet<&Key> = keys.iter().collect();
        let keys: Vec<Attributes> = keys.into_iter().map(attributes::of_key).collect();
        let mut found = Vec::new();
        let mut tries = self.tries();
        for keys in keys.chunks(KEYS) {
            let mut left = keys.to_vec();
            while !left.is_empty() {
                let asked = KeysAndAttributes::builder()
                    .set_keys(Some(left.clone()))
                    .consistent_read(self.consistent)
                    .build()
                    .with_context(cannot_read)?;
                let request = self.client.batch_get_item().request_items(&self.table, asked);
                match tries.limit(request.send()).await {
                    Ok(answer) => {
                        let items = answer.responses.into_iter().flat_map(HashMap::into_values);
                        for item in items.flatten() {
                            found.extend(attributes::item(&item)?);
                        }
                        let unprocessed = answer.unprocessed_keys.into_iter().flatten();
                        left = unprocessed.flat_map(|(_, asked)| asked.keys).collect();
                        if !left.is_empty() {
                            let why = format!("{} items were held back", left.len());
                            tries.again(anyhow::anyhow!(why)).await.with_context(cannot_read)?;
                        }
                    }
                    Err(trouble) => {
                        tries.again_after(trouble).await.with_context(cannot_read)?;
                    }
                }
            }
        }
        Ok(found)
    }

    async fn list(&self, partition: &str, from: &str, to: &str) -> anyhow::Result<Vec<Item>> {
        let found = self.query(partition, from, to).await?;
        found.iter().filter_map(|item| attributes::item(item).transpose()).collect()
    }

    async fn counters(&self, partition: &str, from: &str, to: &str) -> anyhow::Result<Vec<Raised>> {
        let found = self.query(partition, from, to).await?;
        found.iter().filter_map(|item| attributes::raised(item).transpose()).collect()
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), Refused> {
        limits::check(writes, Self::MOST_WRITES)?;
        let by = retry::token();
        match writes {
            [] => Ok(()),
            [Write::Claim { key, expires }] => {
                self.put(attributes::of_mark(key, *expires, &by), Condition::absent(), &by).await
            }
            [Write::Put(item)] => {
                self.put(attributes::of_item(item, &by), Condition::version(item.version), &by)
                    .await
            }
            [Write::Delete { key }] => self.delete(key).await,
            // Also a raise alone: added twice, where an answer is lost, it would be wrong.
            writes => self.transaction(writes, &by).await,
        }
    }
}
