//! The command-line program.

fn main() -> std::process::ExitCode {
    failure_monitor::cli::main()
}
