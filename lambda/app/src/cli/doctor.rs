//! `failure-monitor doctor`: what is wrong with the credentials on this machine.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use terminal_size::{Width, terminal_size};

use crate::clock;
use crate::config::{Environment, Variables};
use crate::doctor::check::Status;
use crate::doctor::gather::gather;
use crate::doctor::{self, probe, process, render};

/// Check which AWS credentials this machine uses, and what is wrong with them.
///
/// Looks at the environment, the files in ~/.aws, the Terraform directory, containers and CI, and
/// asks AWS who the keys belong to (sts:GetCallerIdentity, which needs no permission). Secrets are
/// never shown: only their length and which classes of characters they have.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  failure-monitor doctor                      here and now
  failure-monitor doctor --profile deploy     as the AWS CLI would with this profile
  failure-monitor doctor --offline --exit-code || exit 1

Exit codes: 0 done; 1 a check failed, with --exit-code; 2 an argument is wrong.")]
pub(super) struct Arguments {
    /// Look at this profile instead of the one in use.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The directory with the Terraform files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Send nothing and run nothing: only look at this machine.
    #[arg(long)]
    offline: bool,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Exit with 1 when a check failed.
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for a person, as wide as the terminal.
    Table,
    /// One JSON document (docs/doctor.schema.json).
    Json,
    /// For tickets and CI job summaries.
    Markdown,
}

pub(super) fn run(arguments: &Arguments, environment: Environment) -> anyhow::Result<u8> {
    let shown = arguments.dir.display();
    let directory =
        std::path::absolute(&arguments.dir).with_context(|| format!("cannot find {shown}"))?;
    if !directory.is_dir() {
        bail!("{shown} is not a directory");
    }
    let mut machine =
        gather(Variables::read(), &directory, arguments.profile.clone(), clock::now());
    if !arguments.offline {
        machine.process = process::run(&machine);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        machine.live = Some(runtime.block_on(probe::ask(&machine, probe::PAUSE)));
    }
    let report = doctor::examine(&machine);
    super::print(&match arguments.format {
        Format::Table => {
            let on_terminal = io::stdout().is_terminal();
            let width = match terminal_size() {
                Some((Width(width), _)) if on_terminal => usize::from(width).min(100),
                _ => 80,
            };
            let colour = on_terminal && !environment.no_colour;
            render::text(&report, &machine, &render::Options { width, colour })
        }
        Format::Json => render::json(&report, &machine),
        Format::Markdown => render::markdown(&report, &machine),
    })?;
    let failed = report.checks.iter().any(|(_, check)| check.status == Status::Failed);
    Ok(u8::from(arguments.exit_code && failed))
}
