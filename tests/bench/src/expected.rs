//! The exact answer to a corpus, collected while its records are made.
//!
//! Knows what a correct scan says. Must not read the corpus: `oracle.py` does that, to check this.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::calendar::{DAY, rfc3339};
use crate::failures::Failure;
use crate::plan::{Change, DyingKey, Options, Plan};

#[derive(Default)]
pub struct Tally {
    pub files: u64,
    pub bytes: u64,
    pub compressed_bytes: u64,
    pub seen: u64,
    groups: BTreeMap<(String, Option<String>, String), Group>,
    changes: Vec<(String, Change, &'static str)>,
    uses: Vec<Use>,
}

#[derive(Default)]
struct Group {
    codes: BTreeMap<&'static str, u64>,
    first: String,
    last: String,
}

/// A successful call signed with a key of which the plan knows the end or the beginning.
pub struct Use {
    pub access_key_id: String,
    pub source: String,
    pub user_agent: String,
    pub time: i64,
}

impl Tally {
    pub fn failure(&mut self, failure: Failure) {
        let Failure { account, access_key_id, source, code, time } = failure;
        let group = self.groups.entry((account, access_key_id, source)).or_default();
        group.add(code, 1, &time, &time);
    }

    pub fn change(&mut self, time: i64, change: Change, account: &'static str) {
        self.changes.push((rfc3339(time), change, account));
    }

    pub fn used(&mut self, use_: Use) {
        self.uses.push(use_);
    }

    pub fn merge(mut self, other: Tally) -> Tally {
        self.files += other.files;
        self.bytes += other.bytes;
        self.compressed_bytes += other.compressed_bytes;
        self.seen += other.seen;
        for (key, theirs) in other.groups {
            let ours = self.groups.entry(key).or_default();
            for (code, count) in theirs.codes {
                ours.add(code, count, &theirs.first, &theirs.last);
            }
        }
        self.changes.extend(other.changes);
        self.uses.extend(other.uses);
        self
    }

    pub fn into_json(mut self, plan: &Plan) -> Value {
        let mut by_code = BTreeMap::<&str, u64>::new();
        for group in self.groups.values() {
            for (code, count) in &group.codes {
                *by_code.entry(code).or_default() += count;
            }
        }
        let groups: Vec<Value> = self
            .groups
            .iter()
            .map(|((account, key, source), group)| {
                json!({
                    "account": account,
                    "access_key_id": key,
                    "source": source,
                    "failures": group.codes.values().sum::<u64>(),
                    "codes": group.codes,
                    "first_seen": group.first,
                    "last_seen": group.last,
                })
            })
            .collect();
        self.changes.sort_by(|a, b| (&a.0, &a.1.access_key_id).cmp(&(&b.0, &b.1.access_key_id)));
        let changes: Vec<Value> = self
            .changes
            .iter()
            .map(|(time, change, account)| {
                json!({
                    "time": time,
                    "change": change.kind.name(),
                    "access_key_id": change.access_key_id,
                    "user_name": change.user_name,
                    "account": account,
                })
            })
            .collect();
        let mut left_behind: Vec<&DyingKey> = plan.dying.iter().collect();
        left_behind.sort_by_key(|dying| dying.key());
        let left_behind: Vec<Value> = left_behind.iter().map(|dying| self.callers(dying)).collect();
        json!({
            "schema": "failure-monitor/bench/1",
            "parameters": parameters(plan.options),
            "files": self.files,
            "bytes": self.bytes,
            "compressed_bytes": self.compressed_bytes,
            "seen": self.seen,
            "failures": by_code.values().sum::<u64>(),
            "failures_by_code": by_code,
            "groups": groups,
            "key_changes": changes,
            "left_behind": left_behind,
        })
    }

    fn callers(&self, dying: &DyingKey) -> Value {
        let mut callers = BTreeMap::<(&str, &str), Vec<i64>>::new();
        for use_ in &self.uses {
            let age = dying.off_at - use_.time;
            if use_.access_key_id == dying.key() && (1..=DAY).contains(&age) {
                callers.entry((&use_.source, &use_.user_agent)).or_default().push(use_.time);
            }
        }
        // The plan moves a caller to the user's second key, and to no other.
        let moved = |source: &str| {
            dying.moves
                && self.uses.iter().any(|use_| {
                    use_.access_key_id == dying.user.keys[1]
                        && use_.source == source
                        && use_.time > dying.off_at
                })
        };
        let callers: Vec<Value> = callers
            .iter()
            .map(|((source, user_agent), times)| {
                json!({
                    "source": source,
                    "user_agent": user_agent,
                    "uses": times.len(),
                    "first_used": times.iter().min().map(|&time| rfc3339(time)),
                    "last_used": times.iter().max().map(|&time| rfc3339(time)),
                    "resolved": moved(source),
                })
            })
            .collect();
        json!({
            "access_key_id": dying.key(),
            "account": dying.user.account,
            "off_at": rfc3339(dying.off_at),
            "callers": callers,
        })
    }
}

impl Group {
    fn add(&mut self, code: &'static str, count: u64, first: &str, last: &str) {
        *self.codes.entry(code).or_default() += count;
        if self.first.is_empty() || first < self.first.as_str() {
            first.clone_into(&mut self.first);
        }
        if last > self.last.as_str() {
            last.clone_into(&mut self.last);
        }
    }
}

/// What the corpus was made from, so that a cached one can be told from another.
pub fn parameters(options: Options) -> Value {
    json!({
        "megabytes": options.megabytes,
        "seed": options.seed,
        "failures_per_thousand": options.failures_per_thousand,
        "key_changes": options.key_changes,
        "hostile": options.hostile,
    })
}
