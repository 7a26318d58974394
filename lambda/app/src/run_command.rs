//! Runs a command as if nobody were in between: its output goes through live and unchanged, its
//! exit code stays, and signals reach it. What it printed is kept.
//!
//! Must not know what the output says.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::Context;

/// How much of the output is kept, from its end back: the error comes last.
const KEPT: usize = 64 << 20;

/// How long to wait for the rest of the output once the command has ended: something that it left
/// running may hold its streams open for ever.
const REST: Duration = Duration::from_secs(2);

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code as a shell gives it: 128 + n where signal n ended it, 127 where it was not
    /// found, 126 where it could not be run.
    pub code: u8,
    /// What it printed to both streams, line by line in the order in which it came.
    pub text: String,
}

/// Runs a command to its end. Standard input is the program's own.
///
/// # Errors
/// Where its output cannot be connected. A command that cannot be started is no error but a code.
pub fn run(program: &OsStr, arguments: &[OsString]) -> anyhow::Result<Ended> {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(err) => {
            let text = format!("{}: {err}\n", program.to_string_lossy());
            let _ = io::stderr().write_all(text.as_bytes());
            let code = if err.kind() == ErrorKind::NotFound { 127 } else { 126 };
            return Ok(Ended { code, text });
        }
    };
    let stdout = child.stdout.take().context("the command has no standard output")?;
    let stderr = child.stderr.take().context("the command has no standard error")?;
    let kept = Arc::new(Kept::default());
    let (done, copied) = mpsc::channel();
    let copier = |from: Box<dyn Read + Send>, to: Box<dyn Write + Send>| {
        let (kept, done) = (Arc::clone(&kept), done.clone());
        thread::spawn(move || {
            copy(from, to, &kept);
            let _ = done.send(());
        })
    };
    copier(Box::new(stdout), Box::new(io::stdout()));
    copier(Box::new(stderr), Box::new(io::stderr()));
    let status = wait(&mut child)
        .with_context(|| format!("cannot wait for {}", program.to_string_lossy()))?;
    for _ in 0..2 {
        if copied.recv_timeout(REST).is_err() {
            break;
        }
    }
    Ok(Ended { code: code(status), text: kept.text() })
}

/// Passes a stream on until it ends or its reader has gone away.
fn copy(mut from: impl Read, mut to: impl Write, kept: &Kept) {
    let mut buffer = vec![0; 64 << 10];
    let mut line = Vec::new();
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(err) if err.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let bytes = &buffer[..read];
        // Then the command must notice, as it would have done by itself: its pipe is closed.
        let gone = to.write_all(bytes).and_then(|()| to.flush()).is_err();
        line.extend_from_slice(bytes);
        if let Some(newline) = memchr::memrchr(b'\n', &line) {
            kept.add(&line[..=newline]);
            line.drain(..=newline);
        }
        if gone {
            break;
        }
    }
    kept.add(&line);
}

/// The end of what both streams said.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<u8>>);

impl Kept {
    fn add(&self, lines: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(lines);
        // Seldom, so that it costs nothing.
        if kept.len() > 2 * KEPT {
            let from = kept.len() - KEPT;
            kept.drain(..from);
        }
    }

    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}

#[cfg(not(unix))]
fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    child.wait()
}

/// Waits for the command, and passes on the signals that ask it to end.
///
/// A terminal sends Ctrl-C to the command itself; passing it on again would be a second one, which
/// tells Terraform to stop without saving. Without a terminal nobody else tells the command.
#[cfg(unix)]
fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    use std::io::IsTerminal;

    use rustix::process::{Pid, Signal, kill_process};
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut ended = signal(SignalKind::child())?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let by_terminal = io::stdin().is_terminal() || io::stderr().is_terminal();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            let pass_on = tokio::select! {
                _ = interrupt.recv() => (!by_terminal).then_some(Signal::INT),
                _ = terminate.recv() => Some(Signal::TERM),
                _ = hang_up.recv() => (!by_terminal).then_some(Signal::HUP),
                _ = ended.recv() => None,
                // A child that ended before its signal was listened for.
                () = tokio::time::sleep(Duration::from_millis(500)) => None,
            };
            if let (Some(signal), Some(pid)) = (pass_on, pid) {
                // It may have ended meanwhile.
                let _ = kill_process(pid, signal);
            }
        }
    })
}

fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(255);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let kept = Kept::default();
        let line = vec![b'x'; KEPT];
        for _ in 0..3 {
            kept.add(&line);
        }
        kept.add(b"the error\n");
        let text = kept.text();
        assert!(text.len() <= 2 * KEPT && text.ends_with("the error\n"));
    }

    #[test]
    fn a_command_that_is_not_there_has_the_shells_code() {
        let ended = run(OsStr::new("no-such-command-anywhere"), &[]).unwrap();
        assert_eq!(ended.code, 127);
        assert!(ended.text.starts_with("no-such-command-anywhere: "));
    }
}
