//! The program as a shell runs it, in a home of its own.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use endo::cli::Exit;
use tempfile::TempDir;

use super::keys::place_keys;

/// The program with an environment of its own, in an empty home.
pub(crate) struct Shell {
    pub(crate) home: TempDir,
}

impl Shell {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// A home whose data directory has its keys already, which saves the time to make them.
    pub(crate) fn with_key() -> Self {
        let shell = Self::new();
        std::fs::create_dir_all(shell.data()).unwrap();
        std::fs::set_permissions(shell.data(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        place_keys(&shell.data());
        shell
    }

    /// The usual data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join(".local/share/endo")
    }

    /// The program with these words; it listens on whatever ports are free.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
        command.args(words).env_clear().env("HOME", self.home.path()).current_dir(self.home.path());
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// The program with this text on its standard input.
    pub(crate) fn run_with(&self, words: &[&str], input: &str) -> Output {
        let mut command = self.command(words);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that refuses its arguments reads nothing; what it says is looked at.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    }

    /// A gateway that is ready.
    pub(crate) fn serve(&self, settings: &[&str]) -> Served {
        let mut words = vec!["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"];
        settings.iter().for_each(|setting| words.extend(["--set", setting]));
        let mut command = self.command(&words);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Served::ready(child)
    }
}

/// A running gateway; it is killed when dropped.
pub(crate) struct Served {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// What it printed when it was ready.
    pub(crate) said: String,
}

impl Served {
    /// Waits until the last line of what it says at its start.
    pub(crate) fn ready(mut child: Child) -> Self {
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains(" send ListEventsByUser ") {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        Self { child, lines, said }
    }

    /// What stands behind `name` in what it said.
    pub(crate) fn told(&self, name: &str) -> &str {
        let line = self.said.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim()
    }

    /// By what the system knows it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, `TERM` or `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits until it logs a line with this text.
    pub(crate) fn logs(&mut self, text: &str) {
        let log = BufReader::new(self.child.stderr.take().unwrap());
        let mut lines = log.lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains(text)), "{text}");
        // What it logs from now on goes nowhere, and blocks nothing.
        std::thread::spawn(move || lines.count());
    }

    /// Waits for its end; it prints nothing more.
    pub(crate) fn end(self) -> ExitStatus {
        self.end_after("")
    }

    /// Waits for its end, before which it prints this.
    pub(crate) fn end_after(mut self, last: &str) -> ExitStatus {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut rest).unwrap();
        assert_eq!(rest, last);
        self.child.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

pub(crate) fn ended(output: &Output, exit: Exit) -> bool {
    output.status.code() == Some(exit.code().into())
}
