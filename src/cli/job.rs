//! `endo job`: what authors of job directories need.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::CommandError;
use super::arguments::JobCommand;
use crate::job::job_file_schema;

/// npm's program that turns CSON into JSON; fetched by npm where it is not installed.
const CSON: &str = "cson@8.4.0";

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

/// Writes a `.json` beside every `.cson` of the directory and of those in it. What is there already stays.
fn convert(directory: &Path, out: &mut dyn Write) -> Result<(), CommandError> {
    let mut documents = documents_in(directory)?;
    documents.sort();
    for cson in &documents {
        let json = cson.with_extension("json");
        if json.exists() {
            writeln!(out, "{} is there already", json.display())?;
            continue;
        }
        let text = as_json(cson)?;
        fs::write(&json, text).map_err(|source| CommandError::Write { path: json.clone(), source })?;
        writeln!(out, "{}", json.display())?;
    }
    if documents.is_empty() {
        writeln!(out, "no CSON in {}", directory.display())?;
    }
    Ok(())
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
    if !output.status.success() || serde_json::from_slice::<serde_json::Value>(&text).is_err() {
        let said = String::from_utf8_lossy(&output.stderr);
        let reason =
            said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing").to_owned();
        return Err(CommandError::Cson { file: cson.to_owned(), reason });
    }
    text.push(b'\n');
    Ok(text)
}
