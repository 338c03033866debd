//! How a command ends, as the shell sees it.

use std::fmt::Write;
use std::process::ExitCode;

/// The exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Not done, for a reason that has no code of its own.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The settings make no sense.
    Configuration = 3,
    /// Another process uses the data directory.
    DataDirectoryInUse = 4,
    /// The database is damaged.
    CorruptDatabase = 5,
    /// A newer version made the data directory.
    NewerDataDirectory = 6,
    /// The key does not open what is stored.
    WrongKey = 7,
    /// An address to listen on is taken or not ours.
    Listen = 8,
    /// No gateway or bus answers where one was expected.
    Unreachable = 9,
    /// No reply came in time.
    NoReply = 10,
    /// The message was answered with an error.
    ErrorReply = 11,
    /// The doctor found something wrong.
    Unwell = 12,
}

impl Exit {
    /// Every way to end, in the order of the codes.
    pub const ALL: [Self; 13] = [
        Self::Ok,
        Self::Failure,
        Self::Usage,
        Self::Configuration,
        Self::DataDirectoryInUse,
        Self::CorruptDatabase,
        Self::NewerDataDirectory,
        Self::WrongKey,
        Self::Listen,
        Self::Unreachable,
        Self::NoReply,
        Self::ErrorReply,
        Self::Unwell,
    ];

    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it means, in one line.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Failure => "not done; standard error says why",
            Self::Usage => "the command line makes no sense",
            Self::Configuration => "a setting is unknown or has a wrong value",
            Self::DataDirectoryInUse => "another process uses the data directory",
            Self::CorruptDatabase => "the database is damaged",
            Self::NewerDataDirectory => "the data directory was made by a newer version",
            Self::WrongKey => "the key does not open what is stored",
            Self::Listen => "an address to listen on is taken or not this machine's",
            Self::Unreachable => "no gateway or bus answers",
            Self::NoReply => "no reply came in time",
            Self::ErrorReply => "the message was answered with an error",
            Self::Unwell => "the doctor found something wrong",
        }
    }

    /// All codes with their meanings, for `--help`.
    pub fn table() -> String {
        Self::ALL.into_iter().fold("Exit codes:".to_owned(), |mut table, exit| {
            let _ = write!(table, "\n  {:>2}  {}", exit.code(), exit.meaning());
            table
        })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
