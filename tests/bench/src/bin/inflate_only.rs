//! `inflate_only [--threads N] DIR…`: reads and inflates all `.gz` files, and does nothing else.
//!
//! The physical limit: no program that reads these files can be faster than this one.

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use failure_monitor_bench::files::{self, Inflater};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut threads = thread::available_parallelism()?.get();
    let mut folders = Vec::new();
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        if argument == "--threads" {
            threads = rest.next().ok_or("--threads needs a number")?.parse()?;
        } else {
            folders.push(PathBuf::from(argument));
        }
    }
    if folders.is_empty() {
        return Err("inflate_only [--threads N] DIR…".into());
    }
    let begin = Instant::now();
    let files = files::find(&folders)?;
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    thread::scope(|scope| -> Outcome<()> {
        let work = || -> Outcome<()> {
            let mut inflater = Inflater::default();
            while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                let json =
                    inflater.inflate(path).map_err(|e| format!("{}: {e}", path.display()))?;
                bytes.fetch_add(json.len() as u64, Ordering::Relaxed);
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a thread failed")?)
    })?;
    println!(
        "{{\"files\":{},\"bytes\":{},\"seconds\":{:.4}}}",
        files.len(),
        bytes.into_inner(),
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}
