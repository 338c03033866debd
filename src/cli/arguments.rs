//! The words of the command line: every command, its arguments, its help.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::Value;

use super::Exit;
use super::account_arguments::{CredentialsCommand, DevicesCommand};
use super::everywhere::Everywhere;
use crate::config::{Flag, Secret};

/// A gateway that runs jobs with stored credentials.
///
/// A device sends a message that names a job. Endo opens the credentials that belong to the
/// device, runs the job with them, and answers as the device.
#[derive(Debug, Parser)]
#[command(name = "endo", version, verbatim_doc_comment, after_help = Exit::table(), after_long_help = after_help())]
pub struct Arguments {
    /// What to do; `serve` where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What stands before or after it.
    #[arg(skip)]
    pub everywhere: Everywhere,
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
pub enum Command {
    /// Run the gateway and its bus, until SIGTERM or Ctrl-C; the same as no command
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

/// What `endo serve` takes.
#[derive(Debug, Default, Args)]
pub struct ServeArguments {
    /// Listen for the gateway's callers on ADDRESS
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Listen for the callers of the embedded bus on ADDRESS
    #[arg(long, value_name = "ADDRESS")]
    pub bus_listen: Option<SocketAddr>,
    /// Load the jobs in DIR too, beside the built-in ones; may be repeated
    #[arg(long = "jobs", value_name = "DIR")]
    pub jobs: Vec<String>,
}

/// What `endo demo` takes.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Talk to GitHub with TOKEN instead of a stand-in on this machine. ENDO_GITHUB_TOKEN is better: other users
    /// of the machine can read a command line
    #[arg(long, value_name = "TOKEN")]
    pub github_token: Option<Secret>,
    /// Go on serving when the demonstration is over
    #[arg(long)]
    pub keep: bool,
}

/// What `endo send` takes.
#[derive(Debug, Args)]
pub struct SendArguments {
    /// The job to run, such as ListEventsByUser
    pub job_type: String,
    /// Members of the job's data: `username=octocat` is text, `limit:=5` is JSON
    #[arg(value_name = "NAME=TEXT", value_parser = member, conflicts_with = "data")]
    pub members: Vec<(String, Value)>,
    /// The user device to send to; without it, the only one that the sender owns
    #[arg(long, value_name = "UUID")]
    pub to: Option<String>,
    /// All of the job's data as JSON; `-` reads them from standard input
    #[arg(long, value_name = "JSON")]
    pub data: Option<String>,
    /// Send as this device instead of the owner that was made on first start
    #[arg(long, value_name = "UUID", requires = "token_file")]
    pub as_device: Option<String>,
    /// The file with the token of that device
    #[arg(long, value_name = "FILE", requires = "as_device")]
    pub token_file: Option<PathBuf>,
    /// Wait so many seconds for the reply
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

fn member(text: &str) -> Result<(String, Value), String> {
    let wrong = || "write it as NAME=TEXT, or as NAME:=JSON".to_owned();
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    match name.strip_suffix(':') {
        Some(name) => serde_json::from_str(value)
            .map(|value| (name.to_owned(), value))
            .map_err(|error| error.to_string()),
        None => Ok((name.to_owned(), Value::from(value))),
    }
}

/// What `endo jobs` takes.
#[derive(Debug, Args)]
pub struct JobsArguments {
    /// Only this job type
    pub job_type: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What `endo providers` takes.
#[derive(Debug, Args)]
pub struct ProvidersArguments {
    /// Everything about this one, such as github
    pub name: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What `endo job` can do.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Turn the CSON documents of a job directory into JSON, or of all job directories in DIR
    ///
    /// Needs Node.js: npm's `cson` reads them. A `.json` that is there already stays as it is.
    Convert {
        /// The directory
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Print the JSON Schema of job.yaml
    Schema,
}

/// What `endo receipts` takes.
#[derive(Debug, Args)]
pub struct ReceiptsArguments {
    /// Only those of this credentials device
    #[arg(long, value_name = "UUID")]
    pub credentials: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What `endo keys` can do.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys, and how many records need each
    Ls(ListArguments),
    /// Make a new key that seals from now on; the others still open
    ///
    /// A gateway of old that has only the old key does not open what is sealed from then on.
    Rotate,
    /// Seal every record anew: in format 2, with the newest key
    ///
    /// Everything goes on meanwhile. It can be broken off at any time, and goes on where it was. On a Meshblu records are
    /// written in format 2 from then on, which a gateway of old does not read.
    Migrate,
}

/// What `endo dead-letters` can do.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List what could not be delivered, the newest first
    Ls(ListArguments),
    /// Print one dead letter with what is known about its end
    Show {
        /// Its delivery id
        id: String,
    },
    /// Try to deliver one again: the reply alone where its job has answered
    Replay {
        /// Its delivery id
        id: String,
    },
}

/// What every list takes.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What `endo doctor` takes.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Change what is wrong where this program can, one thing after the other
    #[arg(long)]
    pub fix: bool,
    /// Do not ask before each change
    #[arg(long, requires = "fix")]
    pub yes: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What `endo config` takes.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// Print the JSON Schema of endo.toml instead
    #[arg(long)]
    pub schema: bool,
}

impl Arguments {
    /// What these words mean, the first of which is the name of the program.
    ///
    /// # Errors
    /// Where they mean nothing, and where they ask for help: both are clap's to print.
    pub fn of(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut taken = Everywhere::taken_by(Self::command());
        let matches = taken.try_get_matches_from_mut(words)?;
        let everywhere = Everywhere::among(&matches, &mut taken)?;
        Ok(Self { everywhere, ..Self::from_arg_matches(&matches)? })
    }

    /// The settings among these words, those of the command included.
    pub fn flags(&self) -> Vec<Flag> {
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

impl ServeArguments {
    /// The settings among these words.
    pub fn flags(&self) -> Vec<Flag> {
        let listen = self.listen.map(|address| Flag::of("--listen", "listen.gateway", &address.to_string()));
        let bus = self.bus_listen.map(|address| Flag::of("--bus-listen", "listen.bus", &address.to_string()));
        let jobs = toml::Value::from(self.jobs.clone()).to_string();
        let jobs = (!self.jobs.is_empty()).then(|| Flag::of("--jobs", "jobs.directories", &jobs));
        listen.into_iter().chain(bus).chain(jobs).collect()
    }
}

impl DemoArguments {
    /// The settings among these words.
    pub fn flags(&self) -> Vec<Flag> {
        self.github_token
            .iter()
            .map(|token| Flag::of("--github-token", "github.token", token.expose()))
            .collect()
    }
}
