//! The flags that may stand before and after every command.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::config::Flag;

// A line of documentation here would be the help of every command.
#[derive(Debug, Default, Args)]
pub(super) struct Everywhere {
    /// Read settings from FILE instead of `endo.toml` in the data directory; once at most
    #[arg(long = "config", value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Keep the database and the keys in DIR; once at most
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Change any setting, such as `log.level=debug`; may be repeated, and the last word on a setting counts
    #[arg(long, value_name = "SETTING=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

fn assignment(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("write it as SETTING=VALUE, such as log.level=debug")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

impl Everywhere {
    /// The command, and every command below it, with these flags. What clap calls global would not do: of those that
    /// stand in several places it keeps the last place alone, and says nothing of the others.
    pub(super) fn taken_by(command: Command) -> Command {
        Self::augment_args(command).mut_subcommands(Self::taken_by)
    }

    /// All that were given, in the order in which they stand.
    ///
    /// # Errors
    /// For what may stand once and stands in several places.
    pub(super) fn among(matches: &ArgMatches, command: &mut Command) -> Result<Self, clap::Error> {
        let mut all = Self::from_arg_matches(matches)?;
        if let Some((_, below)) = matches.subcommand() {
            let Self { file, data_dir, set } = Self::among(below, command)?;
            all.file = only(all.file, file).map_err(|Twice| twice(command, "--config <FILE>"))?;
            all.data_dir =
                only(all.data_dir, data_dir).map_err(|Twice| twice(command, "--data-dir <DIR>"))?;
            all.set.extend(set);
        }
        Ok(all)
    }

    /// The settings among them.
    pub(super) fn flags(&self) -> impl Iterator<Item = Flag> {
        let set = self.set.iter().map(|(name, value)| Flag::of("--set", name, value));
        set.chain(self.data_dir.iter().map(|directory| Flag::of("--data-dir", "data_dir", directory)))
    }
}

struct Twice;

fn only<T>(one: Option<T>, other: Option<T>) -> Result<Option<T>, Twice> {
    match (one, other) {
        (Some(_), Some(_)) => Err(Twice),
        (one, other) => Ok(one.or(other)),
    }
}

/// In the words that clap has for it where both stand in one place.
fn twice(command: &mut Command, argument: &str) -> clap::Error {
    let says = format!("the argument '{argument}' cannot be used multiple times");
    command.error(ErrorKind::ArgumentConflict, says)
}
