//! Programs that are not ours, which know the same rules. `scripts/test` switches them on.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Set by `scripts/test`, which installs what `tests/real/package.json` names.
const REAL: &str = "ENDO_TEST_REAL";

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real");

/// Whether the tests with other programs are switched on; says so if not.
pub(crate) fn on(story: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "it switches tests, not the program")]
    let on = std::env::var_os(REAL).is_some_and(|value| value == "1");
    if !on {
        eprintln!("{story}: did nothing, because {REAL} is not 1; scripts/test sets it");
    }
    on
}

/// What a script of `tests/real` answers to `input`.
pub(crate) fn node(script: &str, input: &Value) -> Value {
    answer(Command::new("node").arg(format!("{TESTS}/{script}")), input)
}

/// What `tests/real/httpsig` answers to `input`.
pub(crate) fn httpsig(input: &Value) -> Value {
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/target/real");
    let manifest = format!("{TESTS}/httpsig/Cargo.toml");
    let arguments = ["run", "--quiet", "--locked", "--target-dir", target, "--manifest-path", &manifest];
    answer(Command::new(env!("CARGO")).args(arguments), input)
}

fn answer(program: &mut Command, input: &Value) -> Value {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program:?} failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A directory of an old service, with packages that every one of them has: `lodash`, `coffee-script`, `fs-cson`.
pub(crate) fn old_service() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(format!("{TESTS}/node_modules"), home.path().join("node_modules")).unwrap();
    home
}

/// The host of old jobs that the README shows; it ends when dropped.
pub(crate) struct NodeHost(Child);

impl NodeHost {
    /// A host of the jobs in this directory, which answers at this socket.
    pub(crate) fn start(jobs: &Path, socket: &Path) -> Self {
        Self::with_default(jobs, socket, None)
    }

    /// The same, with the job type of messages that name none of these jobs.
    pub(crate) fn with_default(jobs: &Path, socket: &Path, job_type: Option<&str>) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/handler-host.mjs");
        let mut node = Command::new("node");
        node.arg(script).arg(jobs).arg(socket).args(job_type);
        let mut host = Self(node.stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(host.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        host
    }
}

impl Drop for NodeHost {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
