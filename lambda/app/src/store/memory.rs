//! A store in memory, for the command line and for tests. Keeps the same promises as the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Counter, Item, Key, Raised, Refused, Store, Write, limits};

/// Everything in one map, behind one lock.
#[derive(Debug, Default)]
pub struct Memory {
    kept: Mutex<BTreeMap<Key, Kept>>,
}

#[derive(Debug, Clone)]
enum Kept {
    Mark,
    Item(Item),
    Counters { json: String, counts: BTreeMap<Counter, u64> },
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn between<T>(
        &self,
        partition: &str,
        from: &str,
        to: &str,
        pick: impl Fn(&Key, &Kept) -> Option<T>,
    ) -> Vec<T> {
        let key = |sort: &str| Key { partition: partition.to_owned(), sort: sort.to_owned() };
        if from > to {
            return Vec::new();
        }
        let kept = self.lock();
        kept.range(key(from)..=key(to)).filter_map(|(key, kept)| pick(key, kept)).collect()
    }
}

impl Store for Memory {
    async fn get(&self, keys: &[Key]) -> anyhow::Result<Vec<Item>> {
        let kept = self.lock();
        let keys: BTreeSet<&Key> = keys.iter().collect();
        let item = |key| match kept.get(key) {
            Some(Kept::Item(item)) => Some(item.clone()),
            _ => None,
        };
        Ok(keys.into_iter().filter_map(item).collect())
    }

    async fn list(&self, partition: &str, from: &str, to: &str) -> anyhow::Result<Vec<Item>> {
        Ok(self.between(partition, from, to, |_, kept| match kept {
            Kept::Item(item) => Some(item.clone()),
            _ => None,
        }))
    }

    async fn counters(&self, partition: &str, from: &str, to: &str) -> anyhow::Result<Vec<Raised>> {
        Ok(self.between(partition, from, to, |key, kept| match kept {
            Kept::Counters { json, counts } => {
                Some(Raised { key: key.clone(), json: json.clone(), counts: counts.clone() })
            }
            _ => None,
        }))
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), Refused> {
        limits::check(writes, Self::MOST_WRITES)?;
        let mut kept = self.lock();
        let fits = |write: &Write| match write {
            Write::Claim { key, .. } => !kept.contains_key(key),
            Write::Put(item) => match kept.get(&item.key) {
                Some(Kept::Item(known)) => known.version == item.version,
                _ => item.version == 0,
            },
            Write::Raise { .. } | Write::Delete { .. } => true,
        };
        let unfit: Vec<usize> = (0..writes.len()).filter(|at| !fits(&writes[*at])).collect();
        if !unfit.is_empty() {
            return Err(Refused::Unfit(unfit));
        }
        for write in writes {
            match write {
                Write::Claim { key, .. } => {
                    kept.insert(key.clone(), Kept::Mark);
                }
                Write::Put(item) => {
                    let item = Item { version: item.version + 1, ..item.clone() };
                    kept.insert(item.key.clone(), Kept::Item(item));
                }
                Write::Raise { key, json, by, .. } => {
                    let known = kept.entry(key.clone()).or_insert_with(|| Kept::Counters {
                        json: json.clone(),
                        counts: BTreeMap::new(),
                    });
                    if let Kept::Counters { counts, .. } = known {
                        for (counter, by) in by {
                            *counts.entry(*counter).or_default() += by;
                        }
                    }
                }
                Write::Delete { key } => {
                    kept.remove(key);
                }
            }
        }
        Ok(())
    }
}
