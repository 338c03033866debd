//! The command line's entry.

use std::process::ExitCode;

fn main() -> ExitCode {
    endo::cli::run(std::env::args_os())
}
