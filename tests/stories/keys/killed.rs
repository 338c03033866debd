//! A migration that is killed at random points ends complete.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{account, open, opened, secret};
use crate::support::chance::Chance;
use crate::support::keys::place_keys;
use crate::support::program::Program;

const ACCOUNTS: i64 = 48;
const ROUNDS: u64 = 12;

fn endo(directory: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
    command.env_clear().args(["--data-dir", directory.to_str().unwrap()]).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn done(directory: &Path, words: &[&str]) -> String {
    let output = endo(directory, words).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn kill(mut child: Child) {
    // Fails where it has ended, which is as good.
    let _ = child.kill();
    child.wait().unwrap();
}

/// How many records need a key that does not seal.
fn left(directory: &Path) -> usize {
    let listed = done(directory, &["keys", "ls", "--json"]);
    let rows = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter(|row| row["seals"] == false).map(|row| row["neededBy"].as_array().unwrap().len()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_is_killed_at_random_points_ends_complete() {
    let mut chance = Chance::new();
    let directory = tempfile::tempdir().unwrap();
    place_keys(directory.path());
    let gateway = open(directory.path()).await;
    let mut accounts = Vec::new();
    for number in 0..ACCOUNTS {
        accounts.push(account(&gateway, number).await);
    }
    drop(gateway);
    done(directory.path(), &["keys", "rotate"]);
    assert_eq!(left(directory.path()), accounts.len());
    let mut broken_off = 0;
    for _ in 0..ROUNDS {
        // The gateway that works, or the command that works by itself.
        let serving = match chance.below(2) {
            0 => Some(Program::start(directory.path(), &[], Stdio::null()).await),
            _ => None,
        };
        let migrating = endo(directory.path(), &["keys", "migrate"]).spawn().unwrap();
        tokio::time::sleep(Duration::from_micros(chance.below(250_000))).await;
        serving.into_iter().for_each(Program::kill);
        kill(migrating);
        let left = left(directory.path());
        broken_off += usize::from(left > 0 && left < accounts.len());
        if left == 0 {
            done(directory.path(), &["keys", "rotate"]);
        }
    }
    eprintln!("{broken_off} of {ROUNDS} rounds broke it off half-way");
    done(directory.path(), &["keys", "migrate"]);
    assert_eq!(left(directory.path()), 0);
    only_the_newest_key_stays(directory.path());
    let gateway = open(directory.path()).await;
    let owner = gateway.owner.as_ref().unwrap().uuid.clone();
    for (number, parties) in (0..).zip(&accounts) {
        assert_eq!(opened(&gateway, parties).await, secret(number));
        let owned = gateway.credentials.owned_by(&owner, parties.credentials.clone()).await.unwrap();
        assert_eq!(owned.owners(), std::slice::from_ref(&owner));
    }
}

fn only_the_newest_key_stays(directory: &Path) {
    let listed = done(directory, &["keys", "ls", "--json"]);
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let newest = format!("records-{}.pem", first["kid"].as_str().unwrap());
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("records") && name.ends_with(".pem") && name != newest {
            std::fs::remove_file(path).unwrap();
        }
    }
}
