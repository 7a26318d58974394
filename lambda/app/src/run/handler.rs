//! What a payload asks the monitor for.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Counts, Invocation, Monitor, metrics};
use crate::notify::Notifier;
use crate::store::Store;

/// The tasks that there are.
const TASKS: &str = "sweep, deliver, digest, test-alert, explain, report";

impl Invocation {
    /// An invocation that ends at a deadline of the Lambda service, in milliseconds since 1970, and
    /// whose function has this ARN.
    pub fn new(function_arn: &str, deadline_ms: u64) -> Invocation {
        let now = crate::clock::now();
        let left = deadline_ms.saturating_sub(crate::clock::millis());
        // arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME
        let parts: Vec<&str> = function_arn.split(':').collect();
        let part = |at: usize| parts.get(at).copied().unwrap_or_default().to_owned();
        Invocation {
            now,
            deadline: Instant::now() + Duration::from_millis(left),
            account: part(4),
            region: part(3),
            partition: part(1),
        }
    }
}

impl<S: Store, N: Notifier> Monitor<S, N> {
    /// Does what a payload asks for, and emits the numbers of it.
    ///
    /// # Errors
    ///
    /// Where the payload is unknown, or where what it holds must be handed over again.
    pub async fn handle(&self, payload: &Value, run: &Invocation) -> anyhow::Result<Value> {
        self.forget().await;
        let (counts, answer) = self.dispatch(payload, run).await?;
        tracing::info!(
            seen = counts.read.seen,
            counted = counts.counted.total(),
            duplicates = counts.duplicates,
            skipped = counts.read.skipped,
            not_counted = counts.failed.len(),
            writes = counts.writes,
            sent = counts.sent,
            pending = counts.pending,
            "done"
        );
        metrics::emit(&self.settings.name, &counts, run.now);
        Ok(answer)
    }

    async fn dispatch(&self, payload: &Value, run: &Invocation) -> anyhow::Result<(Counts, Value)> {
        if let Some(data) = payload["awslogs"]["data"].as_str() {
            let counts = self.client_log(data, run).await?;
            let answer = counts.answer("client-log");
            return Ok((counts, answer));
        }
        if !payload["awslogs"].is_null() {
            bail!("awslogs.data is not text");
        }
        if let Some(messages) = payload["Records"].as_array() {
            return self.queue(messages, run).await;
        }
        let Some(task) = payload["task"].as_str() else {
            bail!(
                "a payload in no known form: it must be a batch of an SQS queue, a CloudWatch Logs \
                 subscription event, or an object with a task ({TASKS})"
            );
        };
        match task {
            "sweep" => {
                let mut counts = self.sweep(run).await?;
                self.deliver(run, &mut counts).await?;
                let answer = counts.answer(task);
                Ok((counts, answer))
            }
            "deliver" => {
                let mut counts = Counts::default();
                self.deliver(run, &mut counts).await?;
                let answer = counts.answer(task);
                Ok((counts, answer))
            }
            "digest" => self.digest_task(payload, run).await,
            "test-alert" => self.test_alert(run).await,
            "explain" => {
                let text = text(payload, "text")?;
                Ok((Counts::default(), Self::explain(text, run)?))
            }
            "report" => {
                let text = text(payload, "text")?;
                let source = payload["source"].as_str().unwrap_or("report");
                let counts = self.report(text, source, run).await?;
                let answer = counts.answer(task);
                Ok((counts, answer))
            }
            other => bail!("there is no task {other:?}: the tasks are {TASKS}"),
        }
    }

    async fn queue(&self, messages: &[Value], run: &Invocation) -> anyhow::Result<(Counts, Value)> {
        if messages.iter().any(|message| message["eventSource"] != "aws:sqs") {
            bail!("Records that are not messages of an SQS queue");
        }
        let (counts, back) =
            self.batch(messages, run).await.context("the whole batch goes back")?;
        let failures: Vec<Value> =
            back.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
        Ok((counts, json!({ "batchItemFailures": failures })))
    }
}

fn text<'a>(payload: &'a Value, name: &str) -> anyhow::Result<&'a str> {
    payload[name].as_str().with_context(|| format!("the task needs {name:?}, a text"))
}
