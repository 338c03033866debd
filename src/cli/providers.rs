//! `endo providers`: the catalogue, whose names are all that the settings of an API need.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::{CommandError, json_lines, table};
use crate::source::{Catalogue, Evidence, Provider};

/// What the catalogue says of a provider.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    title: &'a str,
    documentation: &'a str,
    /// What it rests on: `tried` or `documentation`.
    evidence: &'static str,
    note: Option<&'a str>,
    scopes: &'a [String],
    base_url: &'a str,
    hosts: &'a [String],
}

/// What `endo providers` takes.
#[derive(Debug, Args)]
pub(super) struct ProvidersArguments {
    /// Everything about this one, such as github
    name: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Prints every provider, or all about the one that is asked for.
///
/// # Errors
/// [`CommandError`] when there is no such provider, or the output cannot be written.
pub(super) fn run(command: &ProvidersArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    let catalogue = Catalogue::embedded();
    let entries: Vec<_> = match &command.name {
        Some(name) => vec![Entry::of(catalogue.named(name)?)],
        None => catalogue.iter().map(Entry::of).collect(),
    };
    match (command.json, &command.name) {
        (true, _) => json_lines::print(&entries, out)?,
        (false, Some(_)) => entries.iter().try_for_each(|entry| entry.tell(out))?,
        (false, None) => list(&entries, out)?,
    }
    Ok(())
}

fn list(entries: &[Entry<'_>], out: &mut dyn Write) -> io::Result<()> {
    let row =
        |entry: &Entry<'_>| [entry.name, entry.title, entry.evidence, entry.documentation].map(str::to_owned);
    let rows: Vec<_> = entries.iter().map(row).collect();
    table::print(["NAME", "API", "EVIDENCE", "DOCUMENTATION"], &rows, out)
}

impl<'a> Entry<'a> {
    fn of(provider: &'a Provider) -> Self {
        Self {
            name: &provider.name,
            title: &provider.title,
            documentation: &provider.documentation,
            evidence: match provider.evidence {
                Evidence::Tried => "tried",
                Evidence::Documentation => "documentation",
            },
            note: provider.note.as_deref(),
            scopes: &provider.scopes,
            base_url: &provider.api.base_url,
            hosts: &provider.api.hosts,
        }
    }

    fn tell(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} — {}", self.name, self.title)?;
        writeln!(out, "  documentation  {}", self.documentation)?;
        writeln!(out, "  evidence       {}", self.evidence)?;
        if let Some(note) = self.note {
            writeln!(out, "  note           {note}")?;
        }
        writeln!(out, "  scopes         {}", self.scopes.join(" "))?;
        writeln!(out, "  base_url       {}", self.base_url)?;
        writeln!(out, "  hosts          {}", self.hosts.join(", "))
    }
}
