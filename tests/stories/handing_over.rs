//! What is handed over at the terminal can work, and all of it is kept; else nothing is.

use std::io::{Read, Write};
use std::process::Stdio;

use endo::cli::Exit;

use crate::support::shell::{Shell, ended, stderr, stdout};
use crate::support::terminal::{said_until, terminal};

/// What the program says of a secret that it does not take; it keeps nothing then.
#[track_caller]
fn refused(words: &[&str], input: &[u8]) -> String {
    let shell = Shell::with_key();
    let words = [&["credentials", "add", "--id", "1"], words].concat();
    let mut command = shell.command(&words);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It reads no more than it needs.
    drop(child.stdin.take().unwrap().write_all(input));
    let output = child.wait_with_output().unwrap();
    assert!(ended(&output, Exit::Failure), "{output:?}");
    assert_eq!(stdout(&shell.run(&["credentials", "ls", "--json"])), "", "nothing is kept");
    stderr(&output).to_owned()
}

#[test]
fn a_secret_is_one_line_of_what_headers_carry_as_on_the_page_of_a_typed_key() {
    let large = "x".repeat(200 << 10);
    for input in ["to\0ken", "two words", "töken", &large, &large[..(16 << 10) + 1]] {
        let said = refused(&[], input.as_bytes());
        assert!(said.contains("one line of letters, digits and signs, without blanks"), "{said}");
        assert!(!said.contains(input), "{said}");
        let said = refused(&["--with-refresh-token"], format!("token\n{input}\n").as_bytes());
        assert!(said.contains("one line of letters"), "{said}");
    }
    let shell = Shell::with_key();
    let largest = format!("  {}\r\n", &large[..16 << 10]);
    assert!(ended(&shell.run_with(&["credentials", "add", "--id", "1"], &largest), Exit::Ok));
}

#[test]
fn what_is_no_text_is_told_of_standard_input() {
    let said = refused(&[], b"\xff\xfe\n");
    assert_eq!(said, "endo: cannot read standard input: stream did not contain valid UTF-8\n");
}

#[test]
fn a_line_that_was_not_asked_for_is_not_dropped() {
    assert!(refused(&[], b"token\nrefresh\n").contains("more on standard input than the secret;"));
    let said = refused(&["--with-refresh-token"], b"token\nrefresh\nthird");
    assert!(said.contains("more on standard input than the secret and the refresh token;"), "{said}");
    let shell = Shell::with_key();
    assert!(ended(&shell.run_with(&["credentials", "add", "--id", "1"], "token\n\n"), Exit::Ok));
}

#[test]
fn digits_in_quotes_are_an_id_of_text_as_they_are_shown() {
    let shell = Shell::with_key();
    for id in ["583231", "\"583231\"", "\"octocat\""] {
        assert!(ended(&shell.run_with(&["credentials", "add", "--id", id], "token"), Exit::Ok));
    }
    let listed = shell.run(&["credentials", "ls", "--json"]);
    let ids = stdout(&listed);
    for id in [r#""account":583231"#, r#""account":"583231""#, r#""account":"\"octocat\"""#] {
        assert!(ids.contains(id), "{id}: {ids}");
    }
}

#[test]
fn a_name_at_the_terminal_is_one_as_on_the_pages() {
    let shell = Shell::with_key();
    assert!(ended(&shell.run_with(&["credentials", "add", "--id", "1"], "token"), Exit::Ok));
    let (longest, longer) = ("ä".repeat(100), "ä".repeat(101));
    for command in [&["devices", "add", "--name"][..], &["credentials", "add", "--id", "2", "--username"]] {
        for name in ["", " \t", &longer] {
            let output = shell.run_with(&[command, &[name]].concat(), "token");
            assert!(ended(&output, Exit::Usage), "{command:?} {name:?}: {output:?}");
            assert!(stderr(&output).contains("a name has 1 to 100 characters"), "{}", stderr(&output));
        }
        assert!(ended(&shell.run_with(&[command, &[&longest]].concat(), "token"), Exit::Ok));
    }
}

#[test]
fn a_secret_that_is_typed_at_a_terminal_is_not_shown() {
    let shell = Shell::with_key();
    let (mut ours, theirs) = terminal();
    let add = ["credentials", "add", "--id", "1", "--with-refresh-token"];
    let mut command = shell.command(&add);
    command.stdin(theirs).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It alone has the terminal from now on.
    drop(command);
    let mut dialogue = child.stderr.take().unwrap();
    for secret in ["canary-secret\n", "canary-refresh\n"] {
        said_until("then Enter: ", &mut dialogue);
        ours.write_all(secret.as_bytes()).unwrap();
    }
    assert!(child.wait().unwrap().success());
    let modes = rustix::termios::tcgetattr(&ours).unwrap().local_modes;
    assert!(modes.contains(rustix::termios::LocalModes::ECHO));
    let mut shown = Vec::new();
    // A terminal that nobody has any more ends with an error.
    let _ = ours.read_to_end(&mut shown);
    assert_eq!(String::from_utf8(shown).unwrap(), "\r\n\r\n");
}

#[test]
fn a_sign_in_is_advised_only_where_somebody_can() {
    let shell = Shell::with_key();
    drop(shell.serve(&[]));
    let said = || stderr(&shell.run(&["devices", "add"])).to_owned();
    assert_eq!(said(), "endo: no credentials are kept yet: keep some by `endo credentials add`\n");
    let settings = "[source]\nclient_id = \"id\"\nclient_secret = \"secret\"\n";
    std::fs::write(shell.data().join("endo.toml"), settings).unwrap();
    assert!(said().contains("sign in at the API on the pages of the gateway"), "{}", said());
}
