//! `generate --out DIR [--megabytes N] [--seed N] …`: writes a corpus and `expected.json`.
//!
//! Knows the command line and the disk. Must not know what is in a file.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use failure_monitor_bench::corpus;
use failure_monitor_bench::expected::Tally;
use failure_monitor_bench::files;
use failure_monitor_bench::plan::{Options, Plan};
use rayon::prelude::*;

const USAGE: &str = "generate --out DIR [--megabytes 2000] [--seed 1] [--failures-per-thousand 1] \
                     [--key-changes 4] [--threads N] [--hostile]";

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let (out, options, threads) = arguments()?;
    if out.join("AWSLogs").exists() {
        return Err(format!("{} already holds a corpus", out.display()).into());
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let plan = Plan::new(options);
    let tally = (0..plan.files.len())
        .into_par_iter()
        .map(|at| write(&plan, at, &out))
        .try_reduce(Tally::default, |ours, theirs| Ok(ours.merge(theirs)))?;
    println!(
        "{} files, {} records, {} bytes, {:.0} a record, ratio {:.2}",
        tally.files,
        tally.seen,
        tally.bytes,
        tally.bytes as f64 / tally.seen as f64,
        tally.bytes as f64 / tally.compressed_bytes as f64,
    );
    let expected = serde_json::to_string_pretty(&tally.into_json(&plan))?;
    // Last, so that a corpus without its answer is known to be incomplete.
    fs::write(out.join("expected.json"), expected + "\n")?;
    Ok(())
}

fn write(plan: &Plan, at: usize, out: &Path) -> Outcome<Tally> {
    let mut file = corpus::file(plan, at);
    let gzip = files::compress(&file.json, &file.members)?;
    let path = out.join(&file.path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, &gzip)?;
    file.tally.compressed_bytes = gzip.len() as u64;
    Ok(file.tally)
}

fn arguments() -> Outcome<(PathBuf, Options, usize)> {
    let mut out = None;
    let mut threads = 0;
    let mut options = Options {
        megabytes: 2_000,
        seed: 1,
        failures_per_thousand: 1,
        key_changes: 4,
        hostile: false,
    };
    let mut rest = std::env::args().skip(1);
    while let Some(name) = rest.next() {
        if name == "--hostile" {
            options.hostile = true;
            continue;
        }
        let value = rest.next().ok_or(USAGE)?;
        match name.as_str() {
            "--out" => out = Some(PathBuf::from(value)),
            "--megabytes" => options.megabytes = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--failures-per-thousand" => options.failures_per_thousand = value.parse()?,
            "--key-changes" => options.key_changes = value.parse()?,
            "--threads" => threads = value.parse()?,
            _ => return Err(USAGE.into()),
        }
    }
    Ok((out.ok_or(USAGE)?, options, threads))
}
