//! A store that fails: before a change, after it, or from some call on.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::store::{Item, Key, Raised, Refused, Store, Write};

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is done, and an error told.
    Down,
    /// It is done, and an error told.
    LosesTheAnswer,
    /// Nothing is done from here on, until [`Faulty::restart`].
    Crash,
}

/// A store around another, with faults by the number of the call.
#[derive(Debug, Default)]
pub(crate) struct Faulty<S> {
    pub(crate) inner: S,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: u64,
    crashed: bool,
    faults: BTreeMap<u64, Fault>,
    hit: u64,
}

impl<S> Faulty<S> {
    pub(crate) fn new(inner: S, faults: impl IntoIterator<Item = (u64, Fault)>) -> Faulty<S> {
        let faults = faults.into_iter().collect();
        Faulty { inner, state: Mutex::new(State { faults, ..State::default() }) }
    }

    pub(crate) fn restart(&self) {
        self.state.lock().unwrap().crashed = false;
    }

    /// How many faults came to pass.
    pub(crate) fn hit(&self) -> u64 {
        self.state.lock().unwrap().hit
    }

    async fn call(&self) -> Result<bool, anyhow::Error> {
        // Lets another task come between any two calls.
        tokio::task::yield_now().await;
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        let call = state.calls;
        anyhow::ensure!(!state.crashed, "crashed");
        let fault = state.faults.remove(&call);
        state.hit += u64::from(fault.is_some());
        match fault {
            Some(Fault::Crash) => {
                state.crashed = true;
                anyhow::bail!("crashed")
            }
            Some(Fault::Down) => anyhow::bail!("down"),
            Some(Fault::LosesTheAnswer) => Ok(false),
            None => Ok(true),
        }
    }
}

impl<S: Store> Store for Faulty<S> {
    async fn get(&self, keys: &[Key]) -> anyhow::Result<Vec<Item>> {
        anyhow::ensure!(self.call().await?, "no answer");
        self.inner.get(keys).await
    }

    async fn list(&self, partition: &str, from: &str, to: &str) -> anyhow::Result<Vec<Item>> {
        anyhow::ensure!(self.call().await?, "no answer");
        self.inner.list(partition, from, to).await
    }

    async fn counters(&self, partition: &str, from: &str, to: &str) -> anyhow::Result<Vec<Raised>> {
        anyhow::ensure!(self.call().await?, "no answer");
        self.inner.counters(partition, from, to).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), Refused> {
        let answered = self.call().await?;
        let result = self.inner.transact(writes).await;
        match answered {
            true => result,
            false => Err(Refused::Unavailable(anyhow::anyhow!("no answer"))),
        }
    }
}
