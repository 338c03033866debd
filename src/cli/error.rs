//! Why a command ended without doing what it was asked for.

use std::error::Error as Cause;
use std::io;
use std::iter::successors;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::Exit;
use super::bus_client::BusCallError;
use super::operation::OperationError;
use crate::ambient::in_words;
use crate::config::{ConfigError, Effective, Origin};
use crate::gateway::GatewayError;
use crate::job::LoadError;
use crate::message::DeviceUuid;
use crate::source::UnknownProvider;
use crate::store::StoreError;
use crate::telemetry::TelemetryError;

/// An error with its causes, as one sentence.
pub(super) fn sentence(error: &dyn Cause) -> String {
    let causes = successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |sentence, cause| format!("{sentence}: {cause}"))
}

/// Why a command ended without doing what it was asked for: together with its causes one sentence for standard error.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The settings make no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Standard output took no more.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
    /// Standard input cannot be read.
    #[error("cannot read standard input")]
    Input(#[source] io::Error),
    /// More was given than is asked for.
    #[error(
        "there is more on standard input than {wanted}; with --with-refresh-token the second line is the refresh token"
    )]
    MoreLines {
        /// What is asked for.
        wanted: &'static str,
    },
    /// A job can not be loaded.
    #[error(transparent)]
    Jobs(#[from] LoadError),
    /// No job has this type.
    #[error("there is no job type `{0}`; `endo jobs` lists them")]
    UnknownJobType(String),
    /// No provider has this name.
    #[error(transparent)]
    Provider(#[from] UnknownProvider),
    /// Nobody answers there.
    #[error("the gateway at {address} does not answer")]
    Unreachable {
        /// Where it was expected.
        address: SocketAddr,
        /// Why it does not answer.
        #[source]
        source: io::Error,
    },
    /// The gateway answers, but takes no work.
    #[error("the gateway at {address} is not ready: {status}")]
    NotReady {
        /// Where it is.
        address: SocketAddr,
        /// The first line of its answer.
        status: String,
    },
    /// The gateway does not open or start.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The gateway does not open, for what stands at this place of the settings.
    #[error("{origin}")]
    Setting {
        /// The place.
        origin: Origin,
        /// What cannot be used.
        #[source]
        cause: Box<GatewayError>,
    },
    /// Nothing would be logged.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The local socket can not be used.
    #[error("cannot use the local socket in the data directory")]
    Socket(#[source] io::Error),
    /// The data directory is none.
    #[error(
        "no gateway has kept anything in {}: check --data-dir, or begin with `endo serve` or `endo credentials add`",
        .0.display()
    )]
    NothingThere(PathBuf),
    /// A gateway runs, and hangs or ended meanwhile.
    #[error("the gateway that runs on {} does not answer", directory.display())]
    Silent {
        /// Its data directory.
        directory: PathBuf,
        /// What came instead of an answer.
        #[source]
        cause: io::Error,
    },
    /// The same, where something was asked for that changes what is there.
    #[error(
        "the gateway that runs on {} does not answer; what was asked for may be done all the same, or still be done: once it answers, \
         `{look}` says whether it was",
        directory.display()
    )]
    SilentAtWork {
        /// Its data directory.
        directory: PathBuf,
        /// The command that shows what was done.
        look: &'static str,
        /// What came instead of an answer.
        #[source]
        cause: io::Error,
    },
    /// No gateway runs.
    #[error("no gateway runs on {}; `endo serve` starts one", .0.display())]
    NotRunning(PathBuf),
    /// What is printed would sign in whoever reads it.
    #[error("a link that signs somebody in is printed at a terminal alone, and standard output is none")]
    NoTerminal,
    /// The bus is elsewhere, and nobody's device there is the command's.
    #[error(
        "`endo send` is for the embedded bus, and bus.kind is \"meshblu\": send from a flow of that Meshblu"
    )]
    SendElsewhere,
    /// The answer of the gateway that runs makes no sense.
    #[error("the gateway that runs is another version of endo")]
    OtherVersion,
    /// What was asked for was not done.
    #[error("{0}")]
    Operation(String),
    /// A bus elsewhere gives no answer.
    #[error("{0}")]
    BusSilent(String),
    /// A device may have rights that nobody told of.
    #[error("{device} may be able to use more: {missing}; try again")]
    NotCutOffEverywhere {
        /// The device.
        device: String,
        /// Who did not tell what.
        missing: String,
    },
    /// The bus refuses or does not answer.
    #[error(transparent)]
    Bus(#[from] BusCallError),
    /// The data of a message are no JSON.
    #[error("the data are not JSON")]
    Data(#[source] serde_json::Error),
    /// A file can not be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file can not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// CSON is read by a program that is not here.
    #[error(
        "Node.js is missing: CSON is read by npm's `cson`, so install Node.js with npm (https://nodejs.org) and try again"
    )]
    NoNode,
    /// npm's program does not start.
    #[error("cannot start npx")]
    Npx(#[source] io::Error),
    /// A document is no CSON, or npm cannot fetch what reads it.
    #[error("{} was not converted: {reason}", file.display())]
    Cson {
        /// The document.
        file: PathBuf,
        /// What the program said last.
        reason: String,
    },
    /// There is no user device to send to.
    #[error("the sender owns no user device; `endo devices add` makes one, or name one with --to")]
    NoDevice,
    /// There are several user devices to send to.
    #[error("the sender owns several user devices; choose with --to among {0}")]
    SeveralDevices(String),
    /// The device to send to may use nothing any more.
    #[error(
        "nothing was sent: {device} was cut off at {since}, and nothing answers it; `endo devices ls` shows those that are not"
    )]
    CutOff {
        /// The device.
        device: String,
        /// When.
        since: String,
    },
    /// The bus would bring no reply.
    #[error(
        "nothing was sent, for {sender} would not hear the reply: it is not subscribed to what it receives, which `POST \
         {bus}/v2/devices/{sender}/subscriptions/{sender}/message.received` with its uuid and token makes it"
    )]
    Unheard {
        /// The device that was to send.
        sender: DeviceUuid,
        /// Where the bus is.
        bus: String,
    },
    /// No reply came.
    #[error("no reply from {to} within {}", in_words(*.waited))]
    NoReply {
        /// The device that was to reply.
        to: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The reply tells of an error.
    #[error("the reply is an error: {code} {text}")]
    ErrorReply {
        /// Its code.
        code: u64,
        /// Its text.
        text: String,
    },
    /// Records were to be sealed anew, and no key here opens them.
    #[error(
        "{0} of the records stay as they are: no key here opens them; `endo keys ls` says which keys they need"
    )]
    Closed(usize),
    /// The doctor found something.
    #[error("{wrong} of the checks found something wrong{}", advice(*.mendable))]
    Unwell {
        /// How many checks.
        wrong: usize,
        /// How many of them the doctor can mend.
        mendable: usize,
    },
    /// A change needs consent, and there is no terminal.
    #[error("standard input is no terminal, so nobody can be asked; `endo doctor --fix --yes` does not ask")]
    NobodyToAsk,
    /// Whoever was asked said no.
    #[error("left as it is")]
    Declined,
    /// The demonstration did not end as it should.
    #[error("the demonstration failed: {0}")]
    Demonstration(String),
    /// The database's writer ended while the gateway ran.
    #[error("the database takes no more writes")]
    StoreClosed,
    /// A second signal came.
    #[error("stopped before everything was finished; the next start takes up the rest")]
    CutShort,
}

impl From<OperationError> for CommandError {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::BusSilent(sentence) => Self::BusSilent(sentence),
            error => Self::Operation(error.to_string()),
        }
    }
}

impl CommandError {
    /// The same, with the place where the setting that is at fault was set.
    pub(super) fn told_where(self, settings: &Effective) -> Self {
        match self {
            Self::Gateway(cause) => match cause.setting().map(|name| settings.origin(name)) {
                None | Some(Origin::Default) => Self::Gateway(cause),
                Some(origin) => Self::Setting { origin: origin.clone(), cause: Box::new(cause) },
            },
            other => other,
        }
    }

    /// The exit code for it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::SendElsewhere | Self::Jobs(_) => Exit::Configuration,
            // Whoever read the output has seen enough and went: `endo config | head -1`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Gateway(error) => of_gateway(error),
            Self::Setting { cause, .. } => of_gateway(cause),
            Self::Unreachable { .. }
            | Self::NotRunning(_)
            | Self::Silent { .. }
            | Self::SilentAtWork { .. }
            | Self::BusSilent(_)
            | Self::Bus(BusCallError::Unreachable { .. } | BusCallError::Ended) => Exit::Unreachable,
            Self::NoReply { .. } => Exit::NoReply,
            Self::ErrorReply { .. } => Exit::ErrorReply,
            Self::Unwell { .. } => Exit::Unwell,
            Self::Closed(_) => Exit::WrongKey,
            _ => Exit::Failure,
        }
    }
}

/// What the doctor can do about it.
fn advice(mendable: usize) -> String {
    match mendable {
        0 => String::new(),
        mendable => format!("; `endo doctor --fix` can change {mendable}"),
    }
}

fn of_gateway(error: &GatewayError) -> Exit {
    match error {
        GatewayError::Store(StoreError::InUse(_)) => Exit::DataDirectoryInUse,
        GatewayError::Store(StoreError::Corrupt { .. }) => Exit::CorruptDatabase,
        GatewayError::Store(StoreError::Newer { .. }) => Exit::NewerDataDirectory,
        GatewayError::NoDatabase(_) => Exit::CorruptDatabase,
        GatewayError::NoKey { .. } | GatewayError::OtherKey { .. } | GatewayError::Key { .. } => {
            Exit::WrongKey
        }
        GatewayError::Listen { .. } => Exit::Listen,
        GatewayError::Meshblu { cause, .. } if cause.is_away() => Exit::Unreachable,
        GatewayError::Source(_)
        | GatewayError::Jobs(_)
        | GatewayError::StaticSchemas(_)
        | GatewayError::NoService { .. }
        | GatewayError::OtherBus { .. }
        | GatewayError::OtherService { .. }
        | GatewayError::NoImportedKey(_)
        | GatewayError::Egress(_)
        | GatewayError::Url { .. }
        | GatewayError::ImportedKey(_) => Exit::Configuration,
        _ => Exit::Failure,
    }
}
