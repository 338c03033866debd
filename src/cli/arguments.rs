//! The words of the command line: every command and its help. What one command takes stands with what it does.

use std::ffi::OsString;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::Exit;
use super::config::ConfigArguments;
use super::credentials::CredentialsCommand;
use super::dead_letters::DeadLettersCommand;
use super::demo::DemoArguments;
use super::devices::DevicesCommand;
use super::doctor::DoctorArguments;
use super::everywhere::Everywhere;
use super::job::JobCommand;
use super::jobs::JobsArguments;
use super::keys::KeysCommand;
use super::providers::ProvidersArguments;
use super::receipts::ReceiptsArguments;
use super::send::SendArguments;
use super::serve::ServeArguments;
use crate::config::Flag;

/// A gateway that runs jobs with stored credentials.
///
/// A device sends a message that names a job. Endo opens the credentials that belong to the
/// device, runs the job with them, and answers as the device.
#[derive(Debug, Parser)]
#[command(name = "endo", version, verbatim_doc_comment, after_help = Exit::table(), after_long_help = after_help())]
pub(super) struct Arguments {
    /// What to do; `serve` where nothing is said.
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// What stands before or after it.
    #[arg(skip)]
    pub(super) everywhere: Everywhere,
}

fn after_help() -> String {
    format!(
        "Examples:
  endo demo                              see the main job, on this machine alone
  endo                                   start a gateway; it prints what to type next
  endo credentials add --id 583231 --username octocat < token
  endo devices add                       a user device for the only credentials there are
  endo send ListEventsByUser username=octocat
  endo jobs ListEventsByUser             what one job takes and answers
  endo providers                         the APIs whose name is all that their settings need
  endo config                            the settings in force, and where each comes from
  endo --data-dir /var/lib/endo config   the same for another data directory
  endo --set log.format=json config      the same with one setting changed
  ENDO_LISTEN_GATEWAY=127.0.0.1:9090 endo config

Settings:
  Every setting has a name such as listen.gateway. It is looked for in endo.toml (section listen, key
  gateway), then in the environment (ENDO_LISTEN_GATEWAY), then among the flags (--set
  listen.gateway=…); the last one found counts.

{}",
        Exit::table()
    )
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the gateway and its bus, until SIGTERM, Ctrl-C or the end of its terminal; the same as no command
    Serve(ServeArguments),
    /// Show the main job on this machine, in a directory of its own, and end
    Demo(DemoArguments),
    /// Keep, list and forget credentials of accounts at the API
    #[command(subcommand)]
    Credentials(CredentialsCommand),
    /// Make, list and cut off the user devices that use credentials
    #[command(subcommand)]
    Devices(DevicesCommand),
    /// See what was ended, what stayed and why, and what the API answered
    Receipts(ReceiptsArguments),
    /// See, change and migrate to the keys that seal records
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Send a message through the embedded bus and print the reply
    Send(SendArguments),
    /// See what could not be delivered, and try it again
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// List the job types with the fields of their data and of their responses
    Jobs(JobsArguments),
    /// List the APIs that are known by name, for `source.provider`
    Providers(ProvidersArguments),
    /// Prepare job directories
    #[command(subcommand)]
    Job(JobCommand),
    /// Print the settings in force, and where each value comes from
    ///
    /// The output is a valid endo.toml. Secrets are left out.
    Config(ConfigArguments),
    /// Look for what keeps messages from coming in and people from signing in
    ///
    /// Ends with 0 only if nothing is wrong. With --fix it changes the service device where that helps; it asks first.
    Doctor(DoctorArguments),
    /// Print a new link that signs the first owner in, in a browser
    ///
    /// It works once, within ten minutes, and the one before ends. It is printed at a terminal alone, and made by a gateway
    /// that listens on this machine alone.
    SignInLink,
    /// Ask the gateway at `listen.gateway` whether it is ready
    ///
    /// Ends with 0 if it is. Made for supervisors, such as Docker's HEALTHCHECK.
    Health,
}

/// What every list takes.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Print one JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

impl Arguments {
    /// What these words mean, the first of which is the name of the program.
    ///
    /// # Errors
    /// Where they mean nothing, and where they ask for help: both are clap's to print.
    pub(super) fn of(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut taken = Everywhere::taken_by(Self::command());
        let matches = taken.try_get_matches_from_mut(words)?;
        let everywhere = Everywhere::among(&matches, &mut taken)?;
        Ok(Self { everywhere, ..Self::from_arg_matches(&matches)? })
    }

    /// The settings among these words, those of the command included.
    pub(super) fn flags(&self) -> Vec<Flag> {
        self.everywhere.flags().chain(self.command.iter().flat_map(Command::flags)).collect()
    }
}

impl Command {
    /// The settings among the words of this command alone.
    fn flags(&self) -> Vec<Flag> {
        match self {
            Self::Serve(command) => command.flags(),
            Self::Demo(command) => command.flags(),
            _ => Vec::new(),
        }
    }
}
