//! A scan of files on this machine, on all cores.
//!
//! Two looks (see `scan` in the core): the second reads only files that may hold a key in question,
//! and is taken again for sessions that it brings to light.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use failure_monitor_core::find::{self, KeyIds};
use failure_monitor_core::scan::Scan;

use crate::intake::local_file::{Input, Listing, Reader};
use crate::progress;

/// The fingerprints of the keys in use in each file.
type Indexes = Vec<Mutex<Box<[u32]>>>;

/// Reads everything that was listed into a scan.
pub fn scan(listing: &Listing, mut scan: Scan, max_inflated: u64) -> Scan {
    let inputs = &listing.inputs;
    let indexes: Indexes = inputs.iter().map(|_| Mutex::default()).collect();
    let shared = Mutex::new(&mut scan);
    let all: Vec<usize> = (0..inputs.len()).collect();
    each_file(inputs, &all, max_inflated, "reading", |reader, at| {
        let mut look = reader.first_look(&inputs[at]);
        look.keys.sort_unstable();
        look.keys.dedup();
        *locked(&indexes[at]) = std::mem::take(&mut look.keys).into_boxed_slice();
        locked(&shared).add(&inputs[at].name, look);
    });

    let mut looked: BTreeSet<String> = BTreeSet::new();
    loop {
        let fresh: BTreeSet<String> = scan.interest().difference(&looked).cloned().collect();
        if fresh.is_empty() {
            return scan;
        }
        let prints: Vec<u32> = fresh.iter().map(|id| find::fingerprint(id.as_bytes())).collect();
        let may_hold = |at: &usize| {
            let index = locked(&indexes[*at]);
            prints.iter().any(|print| index.binary_search(print).is_ok())
        };
        let files: Vec<usize> = (0..inputs.len()).filter(may_hold).collect();
        let keys: KeyIds = fresh.iter().map(String::as_str).collect();
        let shared = Mutex::new(&mut scan);
        each_file(inputs, &files, max_inflated, "who used the keys", |reader, at| {
            let (look, trouble) = reader.second_look(&inputs[at], &keys);
            let mut scan = locked(&shared);
            if let Some(trouble) = trouble {
                scan.warn(inputs[at].name.clone(), trouble);
            }
            scan.add_mints(look.mints);
            scan.add_uses(look.uses);
        });
        looked.extend(fresh);
    }
}

/// Runs through files on all cores, with one reader a thread.
fn each_file(
    inputs: &[Input],
    files: &[usize],
    max_inflated: u64,
    what: &'static str,
    work: impl Fn(&mut Reader, usize) + Sync,
) {
    let bytes = files.iter().map(|at| inputs[*at].size).sum();
    let bar = progress::bar(bytes, what);
    let next = AtomicUsize::new(0);
    rayon::broadcast(|_| {
        let mut reader = Reader::new(max_inflated);
        while let Some(at) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(&mut reader, *at);
            bar.inc(inputs[*at].size);
            bar.set_message(format!(
                "{}/{} files",
                next.load(Ordering::Relaxed).min(files.len()),
                files.len()
            ));
        }
    });
    bar.finish_and_clear();
}

/// The value behind a lock; a thread that panicked has already ended the run.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
