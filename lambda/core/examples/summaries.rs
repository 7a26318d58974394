//! Writes summaries of invented accounts in every form, for the tests in a browser and for pictures:
//! `cargo run -p failure-monitor-core --example summaries -- FOLDER [NAME…]`
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "an example that fails says why, and stops"
)]

use std::path::PathBuf;
use std::{env, fs};

use failure_monitor_core::render::summary::widget::{Theme, WidgetContext};
use failure_monitor_core::render::summary::{
    Options, csv, digest, html, markdown, terminal, widget,
};

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
        let now = material::now();
        let options = |width| Options { width, colour: false, unmask: name == "story", now };
        write("html", &html::html(&summary, &options(80)));
        write("md", &markdown::markdown(&summary, &options(80)));
        write("csv", &csv::csv(&summary));
        write("80.txt", &terminal::terminal(&summary, &options(80)));
        write("160.txt", &terminal::terminal(&summary, &options(160)));
        let colour = Options { colour: true, ..options(100) };
        write("ansi", &terminal::terminal(&summary, &colour));
        let digest = digest::digest(&summary, &options(80));
        write("digest.txt", &format!("{}\n\n{}", digest.subject, digest.text));
        for (theme, ending) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
            for width in [380, 900] {
                let context = WidgetContext {
                    theme,
                    width,
                    height: 700,
                    endpoint: Some(ENDPOINT.to_owned()),
                    unmask: name == "story",
                    now,
                };
                write(
                    &format!("widget-{ending}-{width}.html"),
                    &widget::widget(&summary, &context),
                );
            }
        }
    }
}

/// What the widgets call when they are clicked.
const ENDPOINT: &str = "arn:aws:lambda:us-east-1:111122223333:function:failure-monitor-summary";
