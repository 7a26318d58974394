//! The program of the deployed functions; `_HANDLER` says which one it is.

fn main() -> std::process::ExitCode {
    failure_monitor::function::main()
}
