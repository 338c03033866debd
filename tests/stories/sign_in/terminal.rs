//! The program itself: it prints the link at a terminal, and nowhere else.

use std::io::Read;
use std::process::Stdio;

use super::must_sign_in;
use crate::support::browser::Browser;
use crate::support::shell::Shell;
use crate::support::terminal::AtTerminal;

#[tokio::test]
async fn the_program_prints_a_link_at_its_terminal_that_signs_in_and_logs_it_nowhere() {
    let shell = Shell::with_key();
    let mut command = shell.command(&["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
    command.stderr(Stdio::piped());
    let mut program = AtTerminal::start(command);
    let link = program.link.clone();

    let mut browser = Browser::at(link.split("/sign-in").next().unwrap());
    must_sign_in(&browser.get("/console").await);
    let page = browser.get(&link).await;
    let answer = browser.submit(&page, "/sign-in", &[]).await;
    let console = browser.follow(answer).await;
    assert!(console.status == 200 && console.text.contains("My credentials"), "{console:?}");

    program.child.kill().unwrap();
    let mut log = String::new();
    program.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("answered a request"), "{log}");
    let secret = link.split("once=").nth(1).unwrap();
    assert!(!log.contains(secret) && !log.contains(&browser.cookies["endo_session"]), "{log}");
}

#[test]
fn the_program_prints_no_link_where_there_is_no_terminal() {
    let shell = Shell::with_key();
    let served = shell.serve(&[]);
    assert!(served.said.contains("gateway") && !served.said.contains("once="), "{}", served.said);
}
