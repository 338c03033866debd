//! `endo serve`: the gateway and its bus, until a signal ends them.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use tokio::task::JoinHandle;

use super::CommandError;
use super::operation::{Addresses, Answer, DeviceRows, Operation};
use super::perform::Holder;
use super::program::Program;
use super::signals::Signals;
use super::socket::{Answerer, Socket};
use crate::bus::meshblu::Meshblu;
use crate::config::{Config, Effective, Flag, Intake, Origin};
use crate::gateway::{Ambient, Gateway, Listeners, OwnerStanding, Running, url_of};
use crate::http::MESSAGES;
use crate::source::Way;
use crate::telemetry;

/// What `endo serve` takes.
#[derive(Debug, Default, Args)]
pub(super) struct ServeArguments {
    /// Listen for the gateway's callers on ADDRESS
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Listen for the callers of the embedded bus on ADDRESS
    #[arg(long, value_name = "ADDRESS")]
    bus_listen: Option<SocketAddr>,
    /// Load the jobs in DIR too, beside the built-in ones; may be repeated
    #[arg(long = "jobs", value_name = "DIR")]
    jobs: Vec<String>,
}

impl ServeArguments {
    /// The settings among these words.
    pub(super) fn flags(&self) -> Vec<Flag> {
        let listen = self.listen.map(|address| Flag::of("--listen", "listen.gateway", &address.to_string()));
        let bus = self.bus_listen.map(|address| Flag::of("--bus-listen", "listen.bus", &address.to_string()));
        let jobs = toml::Value::from(self.jobs.clone()).to_string();
        let jobs = (!self.jobs.is_empty()).then(|| Flag::of("--jobs", "jobs.directories", &jobs));
        listen.into_iter().chain(bus).chain(jobs).collect()
    }
}

/// Serves until SIGTERM, SIGINT or SIGHUP, then finishes what is in hand.
///
/// # Errors
/// [`CommandError`] when the gateway does not start; [`CommandError::CutShort`] at a second signal, but for SIGHUP.
pub(super) async fn run(
    program: &Program,
    settings: Effective,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    telemetry::install(&settings.config.log)?;
    settings.notices().iter().for_each(|notice| tracing::warn!("{notice}"));
    let mut signals = Signals::take()?;
    let usual = *settings.origin("data_dir") == Origin::Default;
    let command = program.command((!usual).then_some(&settings.config.data_dir));
    let service = Service::start(settings.config).await?;
    service.note_provider();
    service.announce(&command, out).await?;
    tokio::select! {
        _ = signals.next() => {}
        // It would refuse everything from now on; the next process may not.
        () = service.gateway().store.closed() => return Err(CommandError::StoreClosed),
    }
    tracing::info!("stopping; what is in hand is finished first, unless a second signal comes");
    tokio::select! {
        () = service.stop() => Ok(()),
        _ = signals.next_that_insists() => Err(CommandError::CutShort),
    }
}

/// A gateway that listens, works, and answers on its local socket.
pub(super) struct Service {
    holder: Arc<Holder>,
    running: Running,
    socket: JoinHandle<()>,
}

impl Service {
    /// Starts a gateway with these settings; its directory first, so that a second one says that it is in use.
    pub(super) async fn start(config: Config) -> Result<Self, CommandError> {
        let gateway = Gateway::open(config, Ambient::system()).await?;
        let running = gateway.start(Listeners::open(&gateway.config)?).await?;
        let bus = match (running.bus(), gateway.bus.meshblu()) {
            (Some(address), _) => url_of(address),
            (None, bus) => bus.map(|bus| bus.url().to_owned()).unwrap_or_default(),
        };
        let addresses = Addresses { gateway: url_of(running.gateway()), bus };
        let socket = Socket::open(&gateway.config.data_dir).map_err(CommandError::Socket)?;
        let holder = Arc::new(Holder { gateway, addresses, links: running.sign_in_links() });
        let socket = tokio::spawn(socket.serve(Answerer::new(Arc::clone(&holder))));
        Ok(Self { holder, running, socket })
    }

    /// Where it listens.
    pub(super) fn addresses(&self) -> &Addresses {
        &self.holder.addresses
    }

    /// The gateway itself.
    pub(super) fn gateway(&self) -> &Gateway {
        &self.holder.gateway
    }

    /// What it answers to this.
    pub(super) async fn perform(&self, operation: Operation) -> Answer {
        self.holder.perform(operation).await
    }

    /// Ends it: what is in hand is finished within the limit of the settings, the rest is left for the next start.
    pub(super) async fn stop(self) {
        self.running.stop().await;
        self.socket.abort();
        // Its socket is gone once the task is.
        let _ = self.socket.await;
    }

    /// What the operator of a gateway at this API should know, once.
    fn note_provider(&self) {
        let source = &self.gateway().source;
        if let Some(note) = &source.note {
            tracing::info!(source = source.name, "{}: {note}", source.title);
        }
    }

    async fn announce(&self, command: &str, out: &mut dyn Write) -> Result<(), CommandError> {
        let Addresses { gateway, bus } = self.addresses();
        writeln!(out, "gateway  {gateway}")?;
        writeln!(out, "bus      {bus}")?;
        writeln!(out, "data     {}", self.gateway().config.data_dir.display())?;
        self.announce_sign_in(command, out).await?;
        match self.gateway().bus.meshblu() {
            Some(bus) => self.announce_intake(bus, out)?,
            None => self.announce_first_steps(command, out).await?,
        }
        Ok(out.flush()?)
    }

    /// What is no terminal may be a log, where a link that signs somebody in has no place.
    async fn announce_sign_in(&self, command: &str, out: &mut dyn Write) -> Result<(), CommandError> {
        let Some(links) = self.running.sign_in_links() else { return Ok(()) };
        if self.gateway().owner_standing().await? != Some(OwnerStanding::Known) {
            return Ok(writeln!(
                out,
                "\nThe bus does not know the first owner by what owner.json says, so no link signs anybody in; what to do:\n  \
                 {command} doctor"
            )?);
        }
        if io::stdout().is_terminal() {
            let link = links.make();
            writeln!(out, "\nOpen your credentials in a browser, once, within ten minutes:\n  {link}")?;
        }
        Ok(())
    }

    /// What the Meshblu has to know to send messages here.
    fn announce_intake(&self, bus: &Meshblu, out: &mut dyn Write) -> Result<(), CommandError> {
        let settings = &self.gateway().config;
        writeln!(out, "service  {}", bus.service().uuid)?;
        if settings.bus.intake == Intake::Firehose {
            return Ok(writeln!(out, "\nMessages are read off the Meshblu's firehose.")?);
        }
        writeln!(out, "\nThe Meshblu is to post messages to {}{MESSAGES}.", self.reached_at())?;
        Ok(())
    }

    async fn announce_first_steps(&self, command: &str, out: &mut dyn Write) -> Result<(), CommandError> {
        let to = self.usual_device().await?;
        if to.is_none() {
            self.announce_first_secret(command, out)?;
        }
        let to = to.map(|uuid| format!(" --to {uuid}")).unwrap_or_default();
        writeln!(out, "\nSend a message to a user device, and see its reply:")?;
        match self.is_github() {
            true => writeln!(out, "  {command} send ListEventsByUser username=octocat{to}")?,
            false => {
                writeln!(out, "  {command} send JOB name=value{to}    (`{command} jobs` lists the jobs)")?
            }
        }
        Ok(())
    }

    /// How a secret of the API that is set comes here: by a sign-in where anybody can, else from the terminal.
    fn announce_first_secret(&self, command: &str, out: &mut dyn Write) -> io::Result<()> {
        let source = &self.gateway().source;
        if source.has_sign_in() || matches!(source.way, Way::Passthru) {
            writeln!(out, "\nFirst sign in, connect {}, and make a user device for it:", source.title)?;
            return writeln!(out, "  {}/sign-in, then {command} devices add", self.reached_at());
        }
        let (secret, whose) = match self.is_github() {
            true => ("GitHub token".to_owned(), "--id 583231 --username octocat"),
            false => (format!("secret of {}", source.title), "--id ACCOUNT --username NAME"),
        };
        writeln!(out, "\nFirst store a {secret}, read from standard input, and make a user device for it:")?;
        writeln!(out, "  {command} credentials add {whose} < token && {command} devices add")
    }

    /// Where others reach the gateway, without a slash at the end.
    fn reached_at(&self) -> &str {
        let url = self.gateway().config.listen.public_url.as_deref().unwrap_or(&self.addresses().gateway);
        url.trim_end_matches('/')
    }

    fn is_github(&self) -> bool {
        self.gateway().source.is("github")
    }

    /// The newest user device of the first owner that is not cut off.
    async fn usual_device(&self) -> Result<Option<String>, CommandError> {
        let Some(owner) = &self.gateway().owner else { return Ok(None) };
        let answer = self.perform(Operation::ListDevices).await?;
        let DeviceRows { rows, .. } =
            serde_json::from_value(answer).map_err(|_| CommandError::OtherVersion)?;
        let owner = owner.uuid.as_str();
        let usable = rows.into_iter().rfind(|row| {
            row.revoked.is_none() && !row.unfinished && !row.gone && row.owner.as_deref() == Some(owner)
        });
        Ok(usable.map(|row| row.uuid.to_string()))
    }
}
