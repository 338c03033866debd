//! What this program logged, for every story in it: there is one log a process.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

use endo::config::{Log, LogFormat};
use endo::telemetry;

static INSTALL: Once = Once::new();
static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Written;

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on what is logged is kept.
pub(crate) fn capture() {
    INSTALL.call_once(|| {
        let log = Log { level: "info".into(), format: LogFormat::Json };
        let dispatch = telemetry::to(|| Written, &log).expect("the level is one");
        tracing::dispatcher::set_global_default(dispatch)
            .expect("nobody else installs a log in this program");
    });
}

/// The kept lines that contain `text`, oldest first.
pub(crate) fn lines_with(text: &str) -> Vec<String> {
    let written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = String::from_utf8_lossy(&written);
    lines.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}
