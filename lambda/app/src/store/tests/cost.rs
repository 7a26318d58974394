//! What counting costs on DynamoDB, in its units, counted by a store that keeps a bill.
//!
//! Prints the table of docs/state.md:
//! `cargo test -p failure-monitor --lib cost_of_a_thousand -- --nocapture`
//!
//! Units: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use failure_monitor_core::cause::Situation;
use failure_monitor_core::causes::diagnose;
use failure_monitor_core::failure::Failure;
use failure_monitor_core::state::StoredFinding;

use super::counting::{batch, failure, now, typed};
use crate::store::memory::Memory;
use crate::store::{Item, Key, Raised, Refused, Store, Write, count};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Bill {
    requests: u64,
    writes: u64,
    write_units: u64,
    read_units: u64,
    largest: u64,
}

/// A store in memory with the bill that DynamoDB would write.
#[derive(Debug, Default)]
struct Billed {
    inner: Memory,
    bill: Mutex<Bill>,
}

impl Billed {
    fn read(&self, sizes: impl Iterator<Item = u64>) {
        let mut bill = self.bill.lock().unwrap();
        bill.requests += 1;
        // Strongly consistent; what is not there costs a unit, too.
        bill.read_units += sizes.map(|bytes| bytes.div_ceil(4096).max(1)).sum::<u64>();
    }

    async fn bytes(&self, write: &Write) -> u64 {
        let text = |key: &Key| 4 + key.partition.len() + key.sort.len();
        let (expires, by, version) = (7 + 6, 2 + 32, 7 + 2);
        let bytes = match write {
            Write::Claim { key, .. } => text(key) + expires + by,
            Write::Put(item) => text(&item.key) + 4 + item.json.len() + expires + by + version,
            Write::Raise { key, json, .. } => {
                let raised =
                    self.inner.counters(&key.partition, &key.sort, &key.sort).await.unwrap();
                let counters = raised[0].counts.len();
                text(key) + 4 + json.len() + expires + counters * (12 + 3)
            }
            Write::Delete { key } => text(key),
        };
        bytes as u64
    }
}

impl Store for Billed {
    async fn get(&self, keys: &[Key]) -> anyhow::Result<Vec<Item>> {
        let found = self.inner.get(keys).await?;
        let missing = keys.len() - found.len();
        let sizes = found.iter().map(|item| item.json.len() as u64 + 150);
        self.read(sizes.chain(std::iter::repeat_n(0, missing)));
        Ok(found)
    }

    async fn list(&self, _: &str, _: &str, _: &str) -> anyhow::Result<Vec<Item>> {
        anyhow::bail!("counting lists nothing")
    }

    async fn counters(&self, _: &str, _: &str, _: &str) -> anyhow::Result<Vec<Raised>> {
        anyhow::bail!("counting reads no counters")
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), Refused> {
        self.inner.transact(writes).await?;
        // A write on its own is no transaction, and costs half.
        let factor = if writes.len() == 1 { 1 } else { 2 };
        for write in writes {
            let bytes = self.bytes(write).await;
            let mut bill = self.bill.lock().unwrap();
            bill.writes += 1;
            bill.write_units += factor * bytes.div_ceil(1024);
            bill.largest = bill.largest.max(bytes);
        }
        self.bill.lock().unwrap().requests += 1;
        Ok(())
    }
}

fn explain(finding: &mut StoredFinding) {
    finding.causes = diagnose(&Situation {
        group: &finding.group,
        left_behind: finding.left_behind.as_ref(),
        key: &Default::default(),
        keys_tried: &Default::default(),
        now: now(),
    });
}

/// A thousand failures of an hour, in so many groups, handed over in batches of this size.
async fn bill(groups: u32, size: usize) -> Bill {
    let hour: DateTime<Utc> = "2026-01-02T03:00:00Z".parse().unwrap();
    let one = |n: u32| Failure {
        time: Some(hour + chrono::TimeDelta::milliseconds(i64::from(n) * 3_599)),
        event_id: format!("10000000-0000-4000-8000-{n:012}"),
        ..failure(n % groups, 0)
    };
    let failures: Vec<Failure> = (0..1_000).map(one).collect();
    let typed = typed(Billed::default());
    for failures in failures.chunks(size) {
        let counted = count(&typed, &batch(failures.to_vec()), false, now(), &explain).await;
        assert!(counted.error.is_none(), "{:?}", counted.error);
        assert_eq!(counted.counted.len(), failures.len());
    }
    *typed.store.bill.lock().unwrap()
}

#[tokio::test]
async fn cost_of_a_thousand_failures() {
    println!("| groups | failures a batch | requests | writes | write units | read units |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for groups in [1, 20, 1_000] {
        for size in [10, 100, 1_000] {
            let Bill { requests, writes, write_units, read_units, largest } =
                bill(groups, size).await;
            println!(
                "| {groups} | {size} | {requests} | {writes} | {write_units} | {read_units} |"
            );
            // A mark for each failure; a finding and an hour for each group that a batch, or a
            // transaction of a large one, holds.
            let parts = writes - 1_000;
            assert_eq!(parts % 2, 0);
            let batches = 1_000 / size as u64;
            let least = batches * u64::from(groups).min(size as u64);
            let split = 1_000 / 33 + batches;
            assert!((least..=least + split).contains(&(parts / 2)), "{groups} {size} {writes}");
            // Marks are of the smallest size there is: 1 KiB, twice in a transaction.
            assert!(write_units >= 2 * writes && largest < 10_000, "{write_units} {largest}");
        }
    }
}
