//! A deployed function from its start to its answers.
//!
//! Puts together settings, clients and handler, each once. Must not know what a handler does.

use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use chrono::TimeDelta;
use failure_monitor_core::render::message::slack;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{self, function};
use crate::notify::slack::Webhook;
use crate::run::{Invocation, Monitor};
use crate::store::Typed;
use crate::store::dynamodb::DynamoDb;
use crate::{aws, summary_handler};

/// What is kept of the time of an invocation for its answer.
const RESERVE: Duration = Duration::from_secs(2);

/// Runs until the Lambda service ends it.
pub fn main() -> ExitCode {
    let filter = config::log_filter();
    let targets = filter.parse::<Targets>();
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(std::io::stdout);
    let fallback = Targets::new().with_default(tracing::Level::INFO);
    let understood = targets.is_ok();
    tracing_subscriber::registry().with(layer).with(targets.unwrap_or(fallback)).init();
    let mut settings = config::of_function();
    if !understood {
        let wrong = format!(
            "FAILURE_MONITOR_LOG is {filter:?}: it must be a level (error, warn, info, debug), \
             or levels by target such as failure_monitor=debug,info"
        );
        settings = Err(settings.err().into_iter().flatten().chain([wrong]).collect());
    }
    let settings = match settings {
        Ok(settings) => settings,
        Err(wrong) => {
            for line in &wrong {
                tracing::error!("{line}");
            }
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(serve(settings)),
        Err(err) => Err(err.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            tracing::error!("{err:#}");
            ExitCode::FAILURE
        }
    }
}

/// What answers an invocation.
type Answer<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Value>> + 'a>>;

async fn serve(settings: function::Function) -> anyhow::Result<()> {
    let config = aws::load(None, None).await;
    match settings {
        function::Function::Monitor(settings) => {
            let client = aws_sdk_dynamodb::Client::new(&config);
            let store = DynamoDb::new(&client, &settings.table);
            let monitor = Monitor::new(*settings, config, store);
            let monitor = &monitor;
            run(&|payload, context| {
                Box::pin(async move {
                    let run = Invocation::new(&context.invoked_function_arn, context.deadline);
                    let left = run.deadline.saturating_duration_since(Instant::now());
                    let until = run.deadline - RESERVE.min(left / 4);
                    let monitor = monitor.clone().with_store(|store| store.until(until));
                    monitor.handle(&payload, &run).await
                })
            })
            .await
        }
        function::Function::Summary(settings) => {
            let client = aws_sdk_dynamodb::Client::new(&config);
            let typed = &Typed {
                store: DynamoDb::new(&client, &settings.table).eventually_consistent(),
                // Nothing is written.
                marks_for: TimeDelta::zero(),
                findings_for: TimeDelta::zero(),
            };
            run(&|payload, context| {
                Box::pin(async move {
                    let context = summary_handler::Context {
                        now: crate::clock::now(),
                        unmask: settings.unmask,
                        function_arn: Some(context.invoked_function_arn),
                    };
                    summary_handler::handle(typed, payload, &context).await
                })
            })
            .await
        }
        function::Function::Slack(settings) => {
            let webhook = webhook(&config, &settings.webhook_parameter).await?;
            let webhook = &webhook;
            let unmask = settings.unmask;
            run(&|payload, context| {
                Box::pin(async move {
                    let left = context.deadline.saturating_sub(crate::clock::millis());
                    let left = Duration::from_millis(left).saturating_sub(RESERVE);
                    post(webhook, &payload, unmask, Instant::now() + left).await
                })
            })
            .await
        }
    }
}

/// Answers invocations with a handler; an error is the invocation's, not the function's.
///
/// Takes the handler by its table: one of a type of its own would bring another copy of all that
/// the runtime does.
async fn run<'a>(
    handler: &(dyn Fn(Value, lambda_runtime::Context) -> Answer<'a> + 'a),
) -> anyhow::Result<()> {
    let served = lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let span =
            tracing::info_span!("invocation", request_id = event.context.request_id.as_str());
        let answer = handler(event.payload, event.context);
        tracing::Instrument::instrument(
            async move {
                answer.await.map_err(|err| {
                    tracing::error!("{err:#}");
                    Diagnostic {
                        error_type: "FailureMonitorError".to_owned(),
                        error_message: format!("{err:#}"),
                    }
                })
            },
            span,
        )
    }))
    .await;
    served.map_err(|err| anyhow::anyhow!("the Lambda runtime API does not answer: {err}"))
}

/// The webhook whose address a parameter holds.
async fn webhook(config: &aws_config::SdkConfig, name: &str) -> anyhow::Result<Webhook> {
    let client = aws_sdk_ssm::Client::new(config);
    let answer = client.get_parameter().name(name).with_decryption(true).send().await;
    let answer = answer.map_err(|err| {
        let code = aws_sdk_ssm::error::ProvideErrorMetadata::code(&err).unwrap_or("no answer");
        anyhow::anyhow!(
            "the parameter {name} that holds the Slack webhook's address cannot be read ({code}): \
             make it as a SecureString, and allow ssm:GetParameter and kms:Decrypt"
        )
    })?;
    let value = answer.parameter.and_then(|parameter| parameter.value).unwrap_or_default();
    Webhook::new(&value).with_context(|| format!("the parameter {name}"))
}

/// Posts the messages of an SNS event.
async fn post(
    webhook: &Webhook,
    payload: &Value,
    unmask: bool,
    deadline: Instant,
) -> anyhow::Result<Value> {
    let records = payload["Records"].as_array().context("an event that holds no Records of SNS")?;
    let mut posted = 0;
    for record in records {
        let message =
            record["Sns"]["Message"].as_str().context("a record without an SNS message")?;
        let subject = record["Sns"]["Subject"].as_str();
        for body in slack::blocks(message, subject, unmask) {
            webhook.post(&body, deadline).await?;
            posted += 1;
        }
    }
    tracing::info!(posted, "posted to Slack");
    Ok(json!({ "posted": posted }))
}
