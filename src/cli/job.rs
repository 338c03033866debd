//! `endo job`: what authors of job directories need.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Subcommand;
use serde_json::Value;

use super::CommandError;
use crate::job::job_file_schema;

/// npm's program that turns CSON into JSON; fetched by npm where it is not installed.
const CSON: &str = "cson@8.4.0";

/// What `endo job` can do.
#[derive(Debug, Subcommand)]
pub(super) enum JobCommand {
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

/// Does one of the commands.
///
/// # Errors
/// [`CommandError`]: no Node.js, a document that is no CSON, or a file that cannot be used.
pub(super) fn run(command: &JobCommand, out: &mut dyn Write) -> Result<(), CommandError> {
    match command {
        JobCommand::Convert { directory } => convert(directory, out),
        JobCommand::Schema => Ok(out.write_all(job_file_schema().as_bytes())?),
    }
}

/// Writes a `.json` beside every `.cson` of the directory and of those in it. What is there already stays; what cannot
/// be read keeps nothing else from being converted.
fn convert(directory: &Path, out: &mut dyn Write) -> Result<(), CommandError> {
    let mut documents = documents_in(directory)?;
    documents.sort();
    let mut unread = Vec::new();
    for cson in &documents {
        let json = cson.with_extension("json");
        if json.exists() {
            writeln!(out, "{} is there already", json.display())?;
            continue;
        }
        match as_json(cson) {
            Ok(text) => {
                fs::write(&json, text)
                    .map_err(|source| CommandError::Write { path: json.clone(), source })?;
                writeln!(out, "{}", json.display())?;
            }
            Err(broken @ CommandError::Cson { .. }) => unread.push(broken),
            Err(error) => return Err(error),
        }
    }
    if documents.is_empty() {
        writeln!(out, "no CSON in {}", directory.display())?;
    }
    let last = unread.pop();
    for error in unread {
        writeln!(out, "{error}")?;
    }
    last.map_or(Ok(()), Err)
}

fn documents_in(directory: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let (directories, mut files): (Vec<_>, Vec<_>) =
        entries(directory)?.into_iter().partition(|path| path.is_dir());
    for directory in directories {
        files.extend(entries(&directory)?);
    }
    files.retain(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "cson"));
    Ok(files)
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let unreadable = |source| CommandError::File { path: directory.to_owned(), source };
    let entries = directory.read_dir().map_err(unreadable)?;
    entries.map(|entry| Ok(entry.map_err(unreadable)?.path())).collect()
}

fn as_json(cson: &Path) -> Result<Vec<u8>, CommandError> {
    let file = cson.canonicalize().map_err(|source| CommandError::File { path: cson.to_owned(), source })?;
    let mut command = Command::new("npx");
    command.args(["--yes", "--package", CSON, "--", "cson2json"]).arg(file);
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => CommandError::NoNode,
        _ => CommandError::Npx(error),
    })?;
    let mut text = output.stdout;
    let said = serde_json::from_slice::<Value>(&text).ok().filter(|_| output.status.success());
    let reason = match said {
        Some(Value::Object(_)) => {
            text.push(b'\n');
            return Ok(text);
        }
        Some(_) => "it holds no object, and every schema and form is one".to_owned(),
        None => reason(&String::from_utf8_lossy(&output.stderr)),
    };
    Err(CommandError::Cson { file: cson.to_owned(), reason })
}

/// The line that names the error: a program that Node.js ends prints where it was before and which Node.js after it.
fn reason(said: &str) -> String {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines.clone().next_back();
    let reason = lines.find(|line| line.contains("rror: ")).or(last).unwrap_or("it says nothing");
    reason.trim_start_matches("[[stdin]:").to_owned()
}
