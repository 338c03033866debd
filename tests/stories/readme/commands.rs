//! The commands: each runs, and prints what the README says it prints.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use endo::cli::StandIn;
use regex::Regex;

use super::readme;
use crate::support::shell::{Served, Shell, stderr, stdout};

/// A command as the README shows it, and what it prints.
struct Shown {
    command: String,
    output: String,
}

/// What stands in the README's blocks of the kind `console`.
fn shown() -> Vec<Shown> {
    let readme = readme();
    let blocks = readme.split("```console\n").skip(1).map(|rest| rest.split_once("\n```").unwrap().0);
    let commands =
        blocks.flat_map(|block| format!("\n{block}\n").split("\n$ ").skip(1).map(one).collect::<Vec<_>>());
    commands.collect()
}

fn one(text: &str) -> Shown {
    let (command, output) = text.split_once('\n').unwrap_or((text, ""));
    Shown { command: command.to_owned(), output: format!("{}\n", output.trim_end()).trim_start().to_owned() }
}

/// The text without what differs from run to run.
fn constant(text: &str, home: &str) -> String {
    let text = text.replace(home, "/home/you");
    let patterns = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "DATE"),
        (r"\d+\.\d ms", "TIME"),
        (r"(?m) +$", ""),
    ];
    patterns.iter().fold(text, |text, (pattern, word)| {
        Regex::new(pattern).unwrap().replace_all(&text, *word).into_owned()
    })
}

/// A home with the program where `cargo build --release` would put it.
fn checkout() -> Shell {
    let shell = Shell::with_key();
    let release = shell.home.path().join("target/release");
    fs::create_dir_all(&release).unwrap();
    symlink(env!("CARGO_BIN_EXE_endo"), release.join("endo")).unwrap();
    shell
}

fn sh(shell: &Shell, command: &str, api: &str) -> Command {
    let command = command.replace("cargo run --release --", "target/release/endo");
    let command = command.replace("cargo run --release", "target/release/endo");
    let mut sh = Command::new("/bin/sh");
    sh.args(["-c", &format!("exec {command}")]).current_dir(shell.home.path()).stdin(Stdio::null());
    sh.env_clear().env("HOME", shell.home.path()).env("ENDO_LISTEN_GATEWAY", "127.0.0.1:0");
    sh.env("ENDO_LISTEN_BUS", "127.0.0.1:0").env("ENDO_SOURCE_BASE_URL", api);
    sh
}

#[tokio::test]
async fn the_commands_that_the_readme_shows_print_what_it_says() {
    let stand_in = StandIn::start("the-token").await.unwrap();
    let shell = checkout();
    let home = shell.home.path().to_str().unwrap().to_owned();
    fs::write(shell.home.path().join("token"), "the-token\n").unwrap();
    let mut served = None;
    let shown = shown();
    assert!(shown.len() > 5, "{}", shown.len());
    for Shown { command, output } in shown {
        let mut sh = sh(&shell, &command, &stand_in.url());
        let printed = if command == "cargo run --release" {
            let child = sh.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            served.insert(Served::ready(child)).said.clone()
        } else {
            let run = sh.output().unwrap();
            assert!(run.status.success(), "{command}: {}", stderr(&run));
            stdout(&run).to_owned()
        };
        assert_eq!(constant(&printed, &home), constant(&output, &home), "$ {command}\n{printed}");
    }
    drop(served);
    stand_in.stop().await;
}
