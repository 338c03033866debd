//! Programs that are not ours, which know the same rules. `scripts/test` switches them on.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
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

/// An old service, with packages that every one of them has: `lodash`, `coffee-script`, `fs-cson`.
pub(crate) struct OldService {
    home: TempDir,
}

/// The host of old jobs that the README shows; it ends when dropped.
pub(crate) struct NodeHost(Child);

impl OldService {
    /// One with these files in its directory of jobs.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let packages = home.path().join("node_modules");
        std::os::unix::fs::symlink(format!("{TESTS}/node_modules"), packages).unwrap();
        let service = Self { home };
        for (name, text) in files {
            let file = service.jobs().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        service
    }

    fn jobs(&self) -> PathBuf {
        self.home.path().join("src/jobs")
    }

    /// Where its host listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.home.path().join("jobs.sock")
    }

    /// Where its host answers.
    pub(crate) fn address(&self) -> String {
        format!("unix:{}:/jobs", self.socket().display())
    }

    /// A host of its jobs.
    pub(crate) fn host(&self) -> NodeHost {
        self.host_with_default(None)
    }

    /// The same, with the job type of messages that name none of these jobs.
    pub(crate) fn host_with_default(&self, job_type: Option<&str>) -> NodeHost {
        let socket = self.socket();
        let words: Vec<_> = [socket.to_str().unwrap()].into_iter().chain(job_type).collect();
        let mut host = NodeHost(self.started(&words));
        let mut line = String::new();
        BufReader::new(host.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        host
    }

    /// The host, started with these words after the directory of the jobs, whatever comes of it.
    pub(crate) fn started(&self, words: &[&str]) -> Child {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/handler-host.cjs");
        let mut node = Command::new("node");
        node.arg(script).arg(self.jobs()).args(words);
        node.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

impl Drop for NodeHost {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
