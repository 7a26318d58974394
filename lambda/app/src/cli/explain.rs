//! `failure-monitor explain`: a client's own output in, what its refusals mean out.
//!
//! Exit codes: with COMMAND, that of the command (128 + n where signal n ended it, 127 where it was
//! not found, 126 where it could not be run); otherwise those of the program.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use failure_monitor_core::explain::{self, Explanation, excerpt};
use failure_monitor_core::render::{json, markdown, terminal};
use terminal_size::{Width, terminal_size, terminal_size_of};

use crate::clock;
use crate::config::Environment;
use crate::run_command::{self, Ended};
use crate::send;

/// The width of text where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 80;

/// Explain why AWS refused credentials, from the output of the client that was refused.
///
/// Reads the output of Terraform, OpenTofu, Terragrunt, Pulumi, the AWS CLI, SDKs and CI jobs, with
/// colours and time stamps as they come; or runs COMMAND, passes its output and exit code on, and
/// explains on standard error what was refused, if anything was. AWS is not asked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  failure-monitor explain terraform.log
  kubectl logs job/deploy | failure-monitor explain -
  failure-monitor explain -- terraform plan -no-color
  failure-monitor explain --format markdown --output \"$GITHUB_STEP_SUMMARY\" -- terraform plan

Exit codes: that of COMMAND, or 0 done; 1 refusals, with --exit-code; 2 not read, not written or
not sent.")]
pub(super) struct Arguments {
    /// The output of a client; `-` for standard input.
    #[arg(value_name = "FILE", required_unless_present = "command", conflicts_with = "command")]
    file: Option<PathBuf>,
    /// How to print the explanation.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the explanation into this file, in the place of what is in it.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print whole access key IDs in text and Markdown.
    #[arg(long)]
    unmask: bool,
    /// Exit with 1 when AWS refused credentials; not with COMMAND.
    #[arg(long, conflicts_with = "command")]
    exit_code: bool,
    /// The name of the text in the explanation; the file's or the command's by default.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Hand the refusals, without secrets, to a deployed monitor, which counts them and alerts.
    #[arg(long)]
    send: bool,
    /// The monitor's function.
    #[arg(long, value_name = "NAME", default_value = "failure-monitor-monitor", requires = "send")]
    function: String,
    /// A profile with working credentials for --send; they come before any in the environment.
    #[arg(long, value_name = "PROFILE", requires = "send")]
    profile: Option<String>,
    /// The Region of the monitor's function; the profile's by default.
    #[arg(long, value_name = "REGION", requires = "send")]
    region: Option<String>,
    /// A command to run and to explain.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<std::ffi::OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for a person, as wide as the terminal.
    Text,
    /// One JSON document (docs/explain.schema.json).
    Json,
    /// For tickets and CI job summaries.
    Markdown,
}

pub(super) fn run(arguments: &Arguments, environment: Environment) -> anyhow::Result<u8> {
    if let Some((program, rest)) = arguments.command.split_first() {
        return of_command(arguments, environment, program, rest);
    }
    let path = arguments.file.as_deref().context("name a FILE or a COMMAND")?;
    let (name, text) = read(path)?;
    let explanation = explained(arguments, &name, &text);
    let found = u8::from(arguments.exit_code && !explanation.failures.is_empty());
    match &arguments.output {
        Some(path) => write(path, &rendered(&explanation, arguments, plain()))?,
        None => {
            let style = Style::of(&io::stdout(), terminal_size(), environment);
            super::print(&rendered(&explanation, arguments, style))?;
        }
    }
    send(arguments, &explanation, &text)?;
    Ok(found)
}

/// Runs the command, explains, and leaves with the command's exit code: what goes wrong afterwards
/// is said, and must not hide how the command ended.
fn of_command(
    arguments: &Arguments,
    environment: Environment,
    program: &std::ffi::OsStr,
    rest: &[std::ffi::OsString],
) -> anyhow::Result<u8> {
    let Ended { code, text } = run_command::run(program, rest)?;
    let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy();
    let explanation = explained(arguments, &name, &text);
    let nothing = explanation.failures.is_empty() && explanation.not_sent.is_empty();
    let told = match &arguments.output {
        // A program that reads the file wants a document, whatever is in it.
        Some(path) if !nothing || arguments.format == Format::Json => {
            write(path, &rendered(&explanation, arguments, plain()))
        }
        None if !nothing => {
            let stderr = io::stderr();
            let style = Style::of(&stderr, terminal_size_of(&stderr), environment);
            let text = rendered(&explanation, arguments, style);
            let gap = if arguments.format == Format::Json { "" } else { "\n" };
            // A reader that has gone away is no error.
            let _ = write!(stderr.lock(), "{gap}{text}");
            Ok(())
        }
        _ => Ok(()),
    };
    for err in [told.err(), send(arguments, &explanation, &text).err()].into_iter().flatten() {
        tracing::warn!("{}", terminal::escape(&format!("{err:#}")));
    }
    Ok(code)
}

/// Hands the refusals on, if that is asked for and there are any: the lines round them only, and
/// without secrets.
fn send(arguments: &Arguments, explanation: &Explanation, text: &str) -> anyhow::Result<()> {
    if !arguments.send || explanation.failures.is_empty() {
        return Ok(());
    }
    let lines: Vec<usize> = explanation.failures.iter().map(|failure| failure.line).collect();
    let (text, secrets) = excerpt::redact(&excerpt::of(text, &lines));
    let target = send::Target {
        function: &arguments.function,
        profile: arguments.profile.as_deref(),
        region: arguments.region.as_deref(),
    };
    let answer = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(send::report(target, &text, &explanation.source))?;
    let secrets = match secrets {
        0 => String::new(),
        count => format!(", {count} secrets taken out"),
    };
    let answer: String = terminal::escape(&answer).chars().take(300).collect();
    let count = explanation.failures.len();
    tracing::info!(
        "sent {count} refusals to {}{secrets}; it answered {answer}",
        arguments.function
    );
    Ok(())
}

fn explained(arguments: &Arguments, name: &str, text: &str) -> Explanation {
    let name = arguments.source.as_deref().unwrap_or(name);
    explain::explain(text, name, clock::now())
}

fn read(path: &Path) -> anyhow::Result<(String, String)> {
    let mut bytes = Vec::new();
    let name = if path == Path::new("-") {
        if io::stdin().is_terminal() {
            tracing::info!("reading what you paste; end it with Ctrl-D");
        }
        io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        "stdin".to_owned()
    } else {
        let name = path.display().to_string();
        bytes = fs::read(path).with_context(|| format!("cannot read {name}"))?;
        name
    };
    Ok((name, text_of(&bytes)))
}

/// The text in bytes, which PowerShell writes in UTF-16.
fn text_of(bytes: &[u8]) -> String {
    let units = |read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|b| read([b[0], b[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[derive(Debug, Clone, Copy)]
struct Style {
    width: usize,
    colour: bool,
}

fn plain() -> Style {
    Style { width: DEFAULT_WIDTH, colour: false }
}

impl Style {
    fn of<T>(
        stream: &impl IsTerminal,
        size: Option<(Width, T)>,
        environment: Environment,
    ) -> Style {
        match size {
            Some((Width(width), _)) if stream.is_terminal() => {
                Style { width: usize::from(width), colour: !environment.no_colour }
            }
            _ => plain(),
        }
    }
}

fn rendered(explanation: &Explanation, arguments: &Arguments, style: Style) -> String {
    let (now, unmask): (DateTime<Utc>, bool) = (clock::now(), arguments.unmask);
    match arguments.format {
        Format::Text => terminal::explain::render(
            explanation,
            &terminal::Options { width: style.width, colour: style.colour, unmask, now },
        ),
        Format::Json => json::explanation(explanation),
        Format::Markdown => {
            markdown::explain::render(explanation, &markdown::Options { unmask, now })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_may_be_utf_16() {
        let utf_16: Vec<u8> =
            "\u{feff}Fehler: ü".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text_of(&utf_16), "Fehler: ü");
        let big: Vec<u8> = "\u{feff}ü".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text_of(&big), "ü");
        assert_eq!(text_of("ü".as_bytes()), "ü");
        assert_eq!(text_of(&[0xff, 0xfe]), "");
        assert_eq!(text_of(&[]), "");
    }
}
