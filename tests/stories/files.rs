//! What holds secrets in a data directory that other users of the machine can enter.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use endo::cli::Exit;
use serde_json::Value;

use crate::support::shell::{Served, Shell, ended, stderr, stdout};

const ENTERED: &str = "can enter the data directory; what is in it is kept from them";

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A directory at which nothing ails, with a client's secret among its settings; others may enter it.
fn home() -> Shell {
    let shell = Shell::with_key();
    assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
    let settings = shell.data().join("endo.toml");
    fs::write(&settings, "[source]\nclient_id = \"id\"\nclient_secret = \"canary\"\n").unwrap();
    allow(&settings, 0o600);
    allow(&shell.data(), 0o755);
    shell
}

/// What a start logs until the gateway is ready.
fn logged(shell: &Shell, words: &[&str]) -> String {
    let log = shell.home.path().join("log");
    let listen = ["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"];
    let mut command = shell.command(&[words, &listen].concat());
    let command = command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
    drop(Served::ready(command.spawn().unwrap()));
    fs::read_to_string(log).unwrap()
}

#[test]
fn a_file_that_is_gone_and_made_anew_is_told_with_what_that_means() {
    let shell = Shell::with_key();
    for (name, meaning) in [
        ("webhooks-rsa.pem", "whoever checks webhooks by the public key of before refuses them"),
        ("webhooks-ed25519.pem", "whoever checks webhooks by the public key of before refuses them"),
        ("handlers.pem", "external handlers refuse requests until they read the new handlers.pub.pem"),
        ("owner.json", "the first owner is another device, which owns nothing"),
    ] {
        assert!(!logged(&shell, &[]).contains("is made anew"), "{name}");
        fs::remove_file(shell.data().join(name)).unwrap();
        let log = logged(&shell, &[]);
        let told: Vec<_> = log.lines().filter(|line| line.contains("is made anew")).collect();
        let [told] = told[..] else { panic!("{log}") };
        assert!(told.contains(meaning) && told.contains(&format!("/{name}")), "{told}");
        assert!(shell.data().join(name).exists());
    }
}

/// The check of the files.
fn found(output: &Output) -> Value {
    let checks = stdout(output).lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut checks = checks.filter(|check| check["name"] == "files");
    checks.next().unwrap_or_else(|| panic!("no check: {}", stderr(output)))
}

#[test]
fn a_file_with_a_secret_that_others_may_use_is_named_at_the_start_and_closed_by_the_doctor() {
    let shell = home();
    assert!(logged(&shell, &[]).contains(ENTERED));
    for (name, open) in [
        ("records.pem", 0o644),
        ("records-old.pem", 0o604),
        ("webhooks-rsa.pem", 0o640),
        ("webhooks-ed25519.pem", 0o644),
        ("handlers.pem", 0o666),
        ("owner.json", 0o644),
        ("endo.toml", 0o644),
    ] {
        let file = shell.data().join(name);
        if !file.exists() {
            fs::copy(shell.data().join("records.pem"), &file).unwrap();
        }
        allow(&file, open);
        let log = logged(&shell, &[]);
        let says = format!(
            "read or change {} (mode {open:04o}), which holds a secret: run `chmod 600 {}`",
            file.display(),
            file.display()
        );
        assert!(log.contains(&says) && !log.contains(ENTERED) && !log.contains("canary"), "{log}");

        let output = shell.run(&["doctor", "--json"]);
        assert!(ended(&output, Exit::Unwell), "{output:?}");
        let check = found(&output);
        let named = format!("{} (mode {open:04o})", file.display());
        assert!(check["verdict"] == "wrong" && check["wrong"].as_str().unwrap().ends_with(&named), "{check}");
        let told = shell.run(&["doctor"]);
        let change = format!("change  chmod 600 {}\n", file.display());
        assert!(stdout(&told).contains(&change), "{told:?}");
        assert_eq!(mode(&file), open, "only looked at");
        assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
        assert_eq!(mode(&file), 0o600);
        assert_eq!(found(&shell.run(&["doctor", "--json"]))["verdict"], "well");
    }
}

/// The link is in a directory that nobody else enters.
#[test]
fn a_key_behind_a_link_is_closed_where_it_lies() {
    let shell = home();
    allow(&shell.data(), 0o700);
    let shared = shell.home.path().join("shared");
    fs::create_dir(&shared).unwrap();
    allow(&shared, 0o755);
    let (link, key) = (shell.data().join("records.pem"), shared.join("key"));
    fs::rename(&link, &key).unwrap();
    std::os::unix::fs::symlink(&key, &link).unwrap();
    allow(&key, 0o644);
    let key = fs::canonicalize(key).unwrap();
    assert!(logged(&shell, &[]).contains(&format!("read or change {} (mode 0644)", key.display())));
    assert!(ended(&shell.run(&["doctor"]), Exit::Unwell));
    assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
    assert_eq!(mode(&key), 0o600);
}

#[test]
fn a_directory_that_others_may_change_is_named_and_closed() {
    let shell = home();
    allow(&shell.data(), 0o777);
    let directory = shell.data().display().to_string();
    let log = logged(&shell, &[]);
    let says = format!(
        "put other keys and another database into {directory} (mode 0777): run `chmod 700 {directory}`"
    );
    assert!(log.contains(&says) && !log.contains(ENTERED), "{log}");
    // A gateway that runs closes it, too.
    let _served = shell.serve(&[]);
    assert!(ended(&shell.run(&["doctor"]), Exit::Unwell));
    assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
    assert_eq!(mode(&shell.data()), 0o700);
}

#[test]
fn what_nobody_reaches_or_holds_no_secret_is_left_as_it_is() {
    let shell = home();
    let settings = shell.data().join("endo.toml");
    allow(&shell.data().join("handlers.pub.pem"), 0o644);
    fs::write(&settings, "[source]\nname = \"github\"\n").unwrap();
    allow(&settings, 0o644);
    assert!(logged(&shell, &[]).contains(ENTERED));
    assert_eq!(found(&shell.run(&["doctor", "--json"]))["verdict"], "well");
    allow(&shell.data(), 0o700);
    ["records.pem", "owner.json"].iter().for_each(|file| allow(&shell.data().join(file), 0o644));
    assert!(!logged(&shell, &[]).contains("other users of this machine"));
    assert_eq!(found(&shell.run(&["doctor", "--json"]))["verdict"], "well");
}

#[test]
fn settings_are_looked_at_wherever_they_are_and_also_where_another_place_tells_the_secret() {
    let shell = home();
    let elsewhere = shell.home.path().join("my settings");
    fs::create_dir(&elsewhere).unwrap();
    allow(&elsewhere, 0o755);
    let settings = elsewhere.join("e.toml");
    fs::write(&settings, "[github]\ntoken = \"canary\"\n").unwrap();
    allow(&settings, 0o644);
    let words = ["--config", settings.to_str().unwrap(), "--set", "github.token=another"];
    let log = logged(&shell, &words);
    assert!(log.contains(&format!("run `chmod 600 '{}'`", settings.display())), "{log}");
    assert!(ended(&shell.run(&[&words[..], &["doctor", "--fix", "--yes"]].concat()), Exit::Ok));
    assert_eq!(mode(&settings), 0o600);
}

#[test]
fn a_missing_key_keeps_no_file_from_being_looked_at_and_closed() {
    let shell = home();
    let owner = shell.data().join("owner.json");
    allow(&owner, 0o644);
    fs::write(shell.data().join("records.pem"), "no key").unwrap();
    assert_eq!(found(&shell.run(&["doctor", "--json"]))["verdict"], "wrong");
    assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Unwell));
    assert_eq!(mode(&owner), 0o600);
}
