//! What a line of the log looks like, and which are written.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use endo::config::{Log, LogFormat};
use endo::telemetry::{TelemetryError, to, with_causes};
use serde_json::Value;
use thiserror::Error;
use tracing::dispatcher::with_default;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(level: &str, format: LogFormat, work: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = to(move || writer.clone(), &Log { level: level.to_owned(), format }).unwrap();
    with_default(&log, work);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_json_line_carries_dotted_fields_beside_the_message() {
    let text = logged("info", LogFormat::Json, || {
        tracing::info!(target: "endo", { job.type = "ListEventsByUser", duration_ms = 12 }, "job ended");
    });
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["message"], "job ended");
    assert_eq!(line["job.type"], "ListEventsByUser");
    assert_eq!(line["duration_ms"], 12);
    assert_eq!(line["level"], "INFO");
}

#[derive(Debug, Error)]
#[error("the message was not kept")]
struct NotKept(#[source] NotWritten);

#[derive(Debug, Error)]
#[error("the store was not written")]
struct NotWritten(#[source] io::Error);

#[test]
fn a_line_says_of_an_error_also_what_it_came_from() {
    let error = NotKept(NotWritten(io::Error::other("no space left")));
    let log = || tracing::warn!(target: "endo", error = with_causes(&error), "failed");
    let line: Value = serde_json::from_str(&logged("info", LogFormat::Json, log)).unwrap();
    let all = "the message was not kept: the store was not written: no space left";
    assert_eq!(line["error"], all);
    assert!(logged("info", LogFormat::Text, log).contains(&format!("error={all}")));
}

#[test]
fn a_text_line_is_one_line_without_colours() {
    let name = "a\nb\u{1b}[31m\r\u{9b}";
    let text = logged("info", LogFormat::Text, || {
        tracing::info!(target: "endo", { device.uuid = name }, "arrived");
        tracing::info!(target: "endo", { device.uuid = %name }, "arrived");
        tracing::info!(target: "endo", error = with_causes(&io::Error::other(name)), "{name}");
    });
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("arrived") && !text.contains(|c: char| c.is_control() && c != '\n'), "{text}");
}

#[test]
fn only_what_the_level_asks_for_is_written() {
    let text = logged("warn,endo::bus=debug", LogFormat::Text, || {
        tracing::info!(target: "endo", "unwanted");
        tracing::warn!(target: "endo", "wanted");
        tracing::debug!(target: "endo::bus", "wanted too");
    });
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains("unwanted"));
}

#[test]
fn what_libraries_say_is_written_at_no_level() {
    let text = logged("trace,hyper_util=trace,actix_http=trace", LogFormat::Json, || {
        let span = tracing::info_span!(target: "tower_http", "request", url = "a secret");
        let _entered = span.entered();
        tracing::trace!(target: "hyper_util::client::legacy", "a secret");
        tracing::error!(target: "actix_http::h1", "a secret");
        tracing::info!(target: "actix_server", "a start");
        tracing::warn!(target: "actix_server::accept", "too many open files");
        tracing::trace!(target: "endo::bus", "its own");
    });
    assert!(text.lines().count() == 2 && !text.contains("secret") && !text.contains("start"), "{text}");
}

#[test]
fn a_level_that_is_none_is_an_error() {
    let log = Log { level: "endo=loud".to_owned(), format: LogFormat::Text };
    assert!(matches!(to(io::sink, &log), Err(TelemetryError::Level(_))));
}
