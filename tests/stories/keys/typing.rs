//! A secret is typed at a terminal that does not show it, and shows again what is typed whatever ends that.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use endo::cli::Exit;
use rustix::termios::{LocalModes, tcgetattr};

use crate::support::shell::{Shell, ended, stdout};
use crate::support::terminal::{said_until, terminal};

/// Somebody whom the program asks for a secret.
struct Asked {
    program: Child,
    terminal: File,
    _shell: Shell,
}

impl Asked {
    fn for_a_secret() -> Self {
        let shell = Shell::with_key();
        let (terminal, theirs) = terminal();
        let mut command = shell.command(&["credentials", "add", "--id", "1"]);
        let command = command.stdin(theirs).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = command.spawn().unwrap();
        said_until("then Enter: ", program.stderr.as_mut().unwrap());
        Self { program, terminal, _shell: shell }
    }

    fn sees_what_is_typed(&self) -> bool {
        tcgetattr(&self.terminal).unwrap().local_modes.contains(LocalModes::ECHO)
    }
}

#[test]
fn a_secret_is_not_shown_while_it_is_typed() {
    let mut asked = Asked::for_a_secret();
    assert!(!asked.sees_what_is_typed());
    asked.terminal.write_all(b"canary\n").unwrap();
    let shown = said_until("\n", &mut asked.terminal);
    assert_eq!(String::from_utf8(shown).unwrap(), "\r\n");
    let Asked { program, terminal, .. } = asked;
    let added = program.wait_with_output().unwrap();
    assert!(ended(&added, Exit::Ok) && stdout(&added).starts_with("credentials device "), "{added:?}");
    assert!(tcgetattr(&terminal).unwrap().local_modes.contains(LocalModes::ECHO));
}

#[test]
fn who_interrupts_the_typing_sees_again_what_is_typed() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("QUIT", 3), ("HUP", 1)] {
        let mut asked = Asked::for_a_secret();
        let id = asked.program.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
        assert_eq!(asked.program.wait().unwrap().signal(), Some(number));
        assert!(asked.sees_what_is_typed(), "{name}");
    }
}
