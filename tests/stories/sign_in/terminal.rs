//! The program itself: it prints the link at a terminal, and nowhere else.

use std::io::Read;
use std::process::Stdio;

use endo::cli::Exit;

use super::must_sign_in;
use crate::support::browser::Browser;
use crate::support::shell::{Served, Shell, ended, stderr};
use crate::support::terminal::{AtTerminal, terminal};

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
    assert!(!log.contains(secret) && !log.contains(&browser.cookies[&browser.session_cookie()]), "{log}");
}

#[test]
fn the_program_prints_no_link_where_there_is_no_terminal() {
    let shell = Shell::with_key();
    let served = shell.serve(&[]);
    assert!(served.said.contains("gateway") && !served.said.contains("once="), "{}", served.said);
}

#[tokio::test]
async fn a_new_link_is_printed_at_a_terminal_while_the_gateway_runs_and_the_one_before_ends() {
    let shell = Shell::with_key();
    let mut first = AtTerminal::start(shell.command(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--bus-listen",
        "127.0.0.1:0",
    ]));
    let again = AtTerminal::start(shell.command(&["sign-in-link"]));
    let mut browser = Browser::at(again.link.split("/sign-in").next().unwrap());
    assert_eq!(browser.get(&first.link).await.status, 403);

    let output = shell.run(&["sign-in-link"]);
    assert!(ended(&output, Exit::Failure) && output.stdout.is_empty(), "{output:?}");
    let page = browser.get(&again.link).await;
    let answer = browser.submit(&page, "/sign-in", &[]).await;
    assert_eq!(browser.follow(answer).await.status, 200, "what made no link ended none");
    assert_eq!(browser.get(&again.link).await.status, 403);

    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let (_terminal, theirs) = terminal();
    let output = shell.command(&["sign-in-link"]).stdout(theirs).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    assert!(ended(&output, Exit::Unreachable), "{output:?}");
}

#[test]
fn a_gateway_that_others_reach_makes_no_link() {
    let shell = Shell::with_key();
    let mut command = shell.command(&["serve", "--listen", "0.0.0.0:0", "--bus-listen", "127.0.0.1:0"]);
    let served = Served::ready(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let (_terminal, theirs) = terminal();
    let output = shell.command(&["sign-in-link"]).stdout(theirs).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    assert!(ended(&output, Exit::Failure), "{output:?}");
    assert!(stderr(&output).contains("this gateway signs nobody in by a link"), "{output:?}");
    drop(served);
}
