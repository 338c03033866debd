//! The demonstration from its beginning to its end.

use std::io::Write;

use clap::Args;

use super::acts;
use super::directory::OwnDirectory;
use super::stage::{Api, Stage, add_device};
use crate::ambient::Random;
use crate::cli::CommandError;
use crate::cli::program::Program;
use crate::cli::signals::Signals;
use crate::config::{Effective, Flag, Origin, Secret};
use crate::telemetry;

/// What `endo demo` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct DemoArguments {
    /// Talk to GitHub with TOKEN instead of a stand-in on this machine. ENDO_GITHUB_TOKEN is better: other users
    /// of the machine can read a command line
    #[arg(long, value_name = "TOKEN")]
    github_token: Option<Secret>,
    /// Go on serving when the demonstration is over
    #[arg(long)]
    keep: bool,
}

impl DemoArguments {
    /// The settings among these words.
    pub(in crate::cli) fn flags(&self) -> Vec<Flag> {
        self.github_token
            .iter()
            .map(|token| Flag::of("--github-token", "github.token", token.expose()))
            .collect()
    }
}

/// Plays the main job on gateway and bus of its own, and tells what happens.
///
/// # Errors
/// [`CommandError::Demonstration`] when something does not end as it should; else what kept it from being played.
pub(in crate::cli) async fn run(
    command: &DemoArguments,
    program: &Program,
    settings: Effective,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let mut log = settings.config.log.clone();
    if *settings.origin("log.level") == Origin::Default {
        // What goes wrong on purpose is told in the demonstration's own words.
        log.level = "off".to_owned();
    }
    telemetry::install(&log)?;
    let mut signals = Signals::take()?;
    let random = Random::system();
    let directory = OwnDirectory::new(&random, command.keep);
    let (api, secret) = Api::choose(&settings, &random).await?;
    introduce(&api, out)?;
    let mut stage = Stage::set(&settings, directory.path(), api, secret).await?;
    present(&stage, out)?;
    let played = tokio::select! {
        played = acts::play(&mut stage, out) => played,
        _ = signals.next() => Err(CommandError::Demonstration("it was stopped".to_owned())),
    };
    if played.is_ok() {
        if command.keep {
            keep(&stage, &program.command(Some(directory.path())), out).await?;
            signals.next().await;
        } else {
            writeln!(
                out,
                "\nAll as it should be. Now start a gateway that stays, with `{} serve`: it prints what to type next.",
                program.command(None)
            )?;
        }
    }
    stage.clear().await;
    played
}

fn introduce(api: &Api, out: &mut dyn Write) -> Result<(), CommandError> {
    writeln!(out, "Endo's main job, on this machine, over HTTP.\n")?;
    match api {
        Api::StandIn(stand_in) => {
            writeln!(
                out,
                "  There is no GitHub token, so a stand-in for GitHub's API answers at {}:",
                stand_in.url()
            )?;
            writeln!(
                out,
                "  what follows is real but for GitHub. With ENDO_GITHUB_TOKEN or --github-token it is GitHub itself."
            )?;
        }
        Api::Real => writeln!(out, "  There is a GitHub token, so the jobs talk to GitHub itself.")?,
    }
    Ok(out.flush()?)
}

fn present(stage: &Stage, out: &mut dyn Write) -> Result<(), CommandError> {
    let addresses = stage.service.addresses();
    writeln!(out)?;
    writeln!(out, "  gateway             {}", addresses.gateway)?;
    writeln!(out, "  bus                 {}", addresses.bus)?;
    writeln!(
        out,
        "  flow                {}  sends the messages below and receives the replies",
        stage.flow.uuid
    )?;
    writeln!(out, "  user device         {}  what the flow talks to", stage.user_device.uuid)?;
    writeln!(out, "  credentials device  {}  keeps octocat's token, sealed", stage.user_device.credentials)?;
    Ok(out.flush()?)
}

async fn keep(stage: &Stage, command: &str, out: &mut dyn Write) -> Result<(), CommandError> {
    let device = add_device(&stage.service).await?;
    writeln!(
        out,
        "\nAll as it should be. Gateway and bus go on serving until Ctrl-C; here is a new user device to try:"
    )?;
    writeln!(out, "  {command} send ListEventsByUser username=octocat --to {}", device.uuid)?;
    writeln!(out, "The directory stays; remove it when you are done.")?;
    Ok(out.flush()?)
}
