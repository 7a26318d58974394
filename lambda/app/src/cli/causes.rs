//! `failure-monitor causes`: what the tool can explain.

use clap::Args;
use failure_monitor_core::render;

/// List the causes that can be told apart.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print Markdown (docs/causes.md is this output).
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print the guide from a message to its fix (docs/troubleshooting.md is this output).
    #[arg(long, conflicts_with_all = ["json", "markdown"])]
    troubleshooting: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    super::print(&if arguments.json {
        render::causes::json()
    } else if arguments.troubleshooting {
        render::troubleshooting::markdown()
    } else if arguments.markdown {
        render::causes::markdown()
    } else {
        render::causes::text()
    })?;
    Ok(0)
}
