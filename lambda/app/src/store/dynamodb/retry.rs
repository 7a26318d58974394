//! Trying again until a moment: what is worth it, and after which pause.
//!
//! Pauses grow and have random length, from nothing to the whole ("full jitter"), so that many
//! functions in conflict do not meet again
//! (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).

use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use tokio::time::{Instant, sleep_until, timeout_at};

/// The longest first pause.
const FIRST: Duration = Duration::from_millis(40);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(2);

/// Errors that pass, by code. The pages of the operations list them; 5xx answers pass, too.
const PASSING: [&str; 9] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "Throttling",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Why a request did not succeed.
#[derive(Debug)]
pub(super) enum Trouble<E> {
    /// It was refused, or was not answered.
    Sdk(Box<SdkError<E, HttpResponse>>),
    /// The time was up.
    Late,
}

/// The tries of one call.
#[derive(Debug)]
pub(super) struct Tries {
    deadline: Instant,
    made: u32,
    before: Option<String>,
}

impl Tries {
    /// Tries that end at a moment.
    pub(super) fn until(deadline: Instant) -> Tries {
        Tries { deadline, made: 0, before: None }
    }

    /// The answer to a request, if it comes in time.
    pub(super) async fn limit<T, E>(
        &self,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Trouble<E>> {
        match timeout_at(self.deadline, answer).await {
            Ok(answer) => answer.map_err(|err| Trouble::Sdk(Box::new(err))),
            Err(_) => Err(Trouble::Late),
        }
    }

    /// Waits before the next try; an error where there must be none.
    pub(super) async fn again_after<E>(&mut self, trouble: Trouble<E>) -> anyhow::Result<()>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match trouble {
            Trouble::Late => {
                let before = self.before.iter().map(|why| format!("; before that: {why}"));
                let before: String = before.collect();
                Err(anyhow::anyhow!("no answer in time at try {}{before}", self.made + 1))
            }
            Trouble::Sdk(err) if passes(&err) => self.again(told(*err)).await,
            Trouble::Sdk(err) => Err(told(*err)),
        }
    }

    /// Waits before the next try; an error where no time is left for it.
    pub(super) async fn again(&mut self, why: anyhow::Error) -> anyhow::Result<()> {
        self.made += 1;
        let most = FIRST.saturating_mul(1 << self.made.min(16)) / 2;
        let pause = most.min(LONGEST).mul_f64(fastrand::f64());
        let next = Instant::now() + pause;
        if next >= self.deadline {
            return Err(why.context(format!("the time is up after try {}", self.made)));
        }
        tracing::debug!(error = format!("{why:#}"), tries = self.made, "the table is tried again");
        self.before = Some(format!("{why:#}"));
        sleep_until(next).await;
        Ok(())
    }
}

fn passes<E: ProvideErrorMetadata>(err: &SdkError<E, HttpResponse>) -> bool {
    match err {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::DispatchFailure(failure) => !failure.is_user(),
        SdkError::ServiceError(answer) => {
            answer.raw().status().is_server_error()
                || answer.err().code().is_some_and(|code| PASSING.contains(&code))
        }
        _ => false,
    }
}

/// The error as DynamoDB told it; otherwise with all that led to it.
fn told<E>(err: SdkError<E, HttpResponse>) -> anyhow::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match (err.code(), err.message()) {
        (Some(code), Some(message)) => anyhow::anyhow!("{code}: {message}"),
        _ => anyhow::Error::new(err),
    }
}

/// A name for one write, unlike all others: 32 hexadecimal digits.
pub(super) fn token() -> String {
    format!("{:032x}", fastrand::u128(..))
}
