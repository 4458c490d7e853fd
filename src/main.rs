//! Arguments to subcommand to exit status; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    sendvia::cli::run(std::env::args_os().collect()).into()
}
