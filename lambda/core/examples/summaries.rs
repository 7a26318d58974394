//! Writes summaries of invented accounts in every form, for the tests in a browser and for pictures:
//! `cargo run -p failure-monitor-core --example summaries -- FOLDER [NAME…]`
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "an example that fails says why, and stops"
)]

use std::path::PathBuf;
use std::{env, fs};

#[path = "summaries/material.rs"]
mod material;

fn main() {
    let mut arguments = env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder to write to"));
    fs::create_dir_all(&folder).expect("the folder can be made");
    let wanted: Vec<_> = arguments.collect();
    for name in material::NAMES {
        if !wanted.is_empty() && !wanted.iter().any(|other| other == name) {
            continue;
        }
        let summary = material::summary(name);
        let write = |ending: &str, text: &str| {
            let path = folder.join(format!("{name}.{ending}"));
            fs::write(&path, text).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        };
        write("json", &serde_json::to_string_pretty(&summary).expect("a summary is JSON"));
    }
}
