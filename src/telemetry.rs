//! Logs: lines on standard error, for people or as JSON. Fields are dotted, with units: `job.type`, `duration_ms`.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, Write};
use std::iter::successors;

use thiserror::Error;
use tracing::dispatcher::{Dispatch, set_global_default};
use tracing::field::{DisplayValue, display};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::config::{Log, LogFormat};

/// The program's own code, which alone knows what of strangers may be logged.
const OWN: &str = "endo";
/// The server's own troubles, such as too many open files; it says more about every start.
const SERVER: &str = "actix_server";

/// Why nothing would be logged.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The level is none.
    #[error("the log level can not be read")]
    Level(#[source] ParseError),
    /// Somebody else in this process logs already.
    #[error("logging is set up already")]
    Installed,
}

/// Sends what this process logs to standard error, from now on. Of a panic only its place is logged.
///
/// # Errors
/// [`TelemetryError`] when the level can not be read, or on the second call in one process.
pub fn install(log: &Log) -> Result<(), TelemetryError> {
    set_global_default(to(io::stderr, log)?).map_err(|_| TelemetryError::Installed)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        // What it says may hold whatever was in hand, a secret too.
        tracing::error!(panic.place = place, "a thread panicked");
    }));
    Ok(())
}

/// A log that goes to `writer`. Whatever the level, libraries are kept out of it: they print headers, addresses and bodies.
///
/// # Errors
/// [`TelemetryError::Level`] when the level can not be read.
pub fn to<W>(writer: W, log: &Log) -> Result<Dispatch, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(&log.level).map_err(TelemetryError::Level)?;
    let filter = filter.and(filter_fn(is_fit));
    // A line that cannot be written is lost: saying so would go the same way, by a print that panics.
    let lines = tracing_subscriber::fmt::layer().log_internal_errors(false);
    let log_of = tracing_subscriber::registry();
    Ok(match log.format {
        LogFormat::Text => {
            let lines = lines.with_ansi(false).with_writer(OneLineEach(writer));
            Dispatch::new(log_of.with(lines.with_filter(filter)))
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_writer(writer);
            Dispatch::new(log_of.with(lines.with_filter(filter)))
        }
    })
}

/// Whether those who say this know what of strangers may be logged.
fn is_fit(said: &Metadata<'_>) -> bool {
    let part = said.target().split("::").next();
    part == Some(OWN) || (part == Some(SERVER) && *said.level() <= Level::WARN)
}

/// What a line says of an error: what happened, and after a colon each what that came from.
pub fn with_causes<'a>(error: &'a (dyn StdError + 'static)) -> DisplayValue<WithCauses<'a>> {
    display(WithCauses(error))
}

/// An error and all that it came from.
#[derive(Debug)]
pub struct WithCauses<'a>(&'a (dyn StdError + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        successors(self.0.source(), |&cause| cause.source()).try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// Keeps every event on one line, and control characters out of it: what strangers say may be in its fields, and makes
/// no line of its own and steers no terminal.
struct OneLineEach<W>(W);

/// Takes one event, which comes whole and ends with a line break.
struct OneLine<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for OneLineEach<W> {
    type Writer = OneLine<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLine(self.0.make_writer())
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Self::Writer {
        OneLine(self.0.make_writer_for(meta))
    }
}

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let (line, end) = text.strip_suffix('\n').map_or((&*text, ""), |line| (line, "\n"));
        if line.contains(char::is_control) {
            let plain =
                line.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() });
            self.0.write_all((plain.collect::<String>() + end).as_bytes())?;
        } else {
            self.0.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
