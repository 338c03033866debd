//! From the words of the command line to the command.

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::iter::successors;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use super::arguments::{Arguments, Command};
use super::{CommandError, Exit, config, health, jobs};
use crate::config::{ConfigError, Effective, Sources, load};

/// Does what these words ask for, the first of which is the name of the program. Results go to standard output,
/// everything else to standard error.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(words) {
        Ok(arguments) => ended(execute(&arguments, &mut io::stdout().lock())).into(),
        Err(error) => misunderstood(&error).into(),
    }
}

fn execute(arguments: &Arguments, out: &mut dyn Write) -> Result<(), CommandError> {
    match &arguments.command {
        Some(Command::Config(command)) => config::run(command, || settings(arguments), out)?,
        Some(Command::Health) => health::run(&settings(arguments)?.config, out)?,
        Some(Command::Jobs(command)) => jobs::run(command, &settings(arguments)?.config.jobs, out)?,
        None => write!(out, "{}", Arguments::command().render_help())?,
    }
    Ok(out.flush()?)
}

fn settings(arguments: &Arguments) -> Result<Effective, ConfigError> {
    load(&Sources::of_process(arguments.file.clone(), arguments.flags()))
}

fn ended(result: Result<(), CommandError>) -> Exit {
    let Err(error) = result else { return Exit::Ok };
    let exit = error.exit();
    if exit != Exit::Ok {
        // With standard error gone too, the exit code has to say it all.
        let _ = writeln!(io::stderr(), "endo: {}", sentence(&error));
    }
    exit
}

/// The error with its causes.
fn sentence(error: &dyn Error) -> String {
    let causes = successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |sentence, cause| format!("{sentence}: {cause}"))
}

/// `--help` and `--version` end here too.
fn misunderstood(error: &clap::Error) -> Exit {
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Ok }
}
