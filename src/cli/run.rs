//! From the words of the command line to the command.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use tokio::runtime::Builder;

use super::arguments::{Arguments, Command};
use super::error::sentence;
use super::program::Program;
use super::{
    CommandError, Exit, config, credentials, dead_letters, demo, devices, doctor, health, job, jobs, keys,
    providers, receipts, send, serve, sign_in_link,
};
use crate::config::{ConfigError, Effective, Sources, load};
use crate::source::Catalogue;

/// Threads beside those of the HTTP servers and the store.
const WORKERS: usize = 2;

/// Does what these words ask for, the first of which is the name of the program. Results go to standard output,
/// everything else to standard error.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<_> = words.into_iter().collect();
    let program = Program::called(words.first());
    match Arguments::of(words) {
        Ok(arguments) => ended(execute(&arguments, &program, &mut io::stdout().lock())).into(),
        Err(error) => misunderstood(&error).into(),
    }
}

fn execute(arguments: &Arguments, program: &Program, out: &mut dyn Write) -> Result<(), CommandError> {
    match &arguments.command {
        Some(Command::Config(command)) => config::run(command, || settings(arguments), out)?,
        Some(Command::Health) => health::run(&settings(arguments)?.config, out)?,
        Some(Command::Jobs(command)) => jobs::run(command, &settings(arguments)?.config, out)?,
        Some(Command::Providers(command)) => providers::run(command, out)?,
        Some(Command::Job(command)) => job::run(command, out)?,
        Some(_) | None => work(arguments, program, settings(arguments)?, out)?,
    }
    Ok(out.flush()?)
}

/// The commands that have to do with a gateway at work.
fn work(
    arguments: &Arguments,
    program: &Program,
    settings: Effective,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let told = settings.clone();
    let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let result = runtime.block_on(async {
        match &arguments.command {
            Some(Command::Send(command)) => send::run(command, &settings.config, out).await,
            Some(Command::Credentials(command)) => credentials::run(command, &settings.config, out).await,
            Some(Command::Devices(command)) => devices::run(command, &settings.config, out).await,
            Some(Command::Receipts(command)) => receipts::run(command, &settings.config, out).await,
            Some(Command::SignInLink) => sign_in_link::run(&settings.config, out).await,
            Some(Command::Keys(command)) => keys::run(command, &settings.config, out).await,
            Some(Command::Doctor(command)) => doctor::run(command, &settings.config, out).await,
            Some(Command::DeadLetters(command)) => dead_letters::run(command, &settings.config, out).await,
            Some(Command::Demo(command)) => demo::run(command, program, settings, out).await,
            _ => serve::run(program, settings, out).await,
        }
    });
    // Whatever still runs was given up: nobody waits for it.
    runtime.shutdown_background();
    result.map_err(|error| error.told_where(&told))
}

fn settings(arguments: &Arguments) -> Result<Effective, ConfigError> {
    load(&Sources::of_process(arguments.everywhere.file.clone(), arguments.flags(), provider_of))
}

fn provider_of(service: &str) -> Option<String> {
    Catalogue::embedded().of_service(service).map(|provider| provider.name.clone())
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

/// `--help` and `--version` end here too.
fn misunderstood(error: &clap::Error) -> Exit {
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Ok }
}
