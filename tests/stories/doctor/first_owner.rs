//! The first owner, of whom the bus knows nothing any more, or another token.

use std::process::{Output, Stdio};

use endo::cli::Exit;
use serde_json::Value;

use super::ward::checks;
use crate::support::browser::Browser;
use crate::support::bus::send;
use crate::support::shell::{Served, Shell, ended, stderr, stdout};
use crate::support::terminal::{AtTerminal, terminal};

/// A gateway that runs, at which nothing but its first owner can ail.
struct Home {
    shell: Shell,
    served: Served,
}

impl Home {
    fn open() -> Self {
        let shell = Shell::with_key();
        assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
        let served = shell.serve(&[]);
        Self { shell, served }
    }

    /// Has the bus do this to the first owner, as them; answers who that is.
    async fn harm(&self, method: reqwest::Method, path: &str) -> String {
        let text = std::fs::read_to_string(self.shell.data().join("owner.json")).unwrap();
        let owner: Value = serde_json::from_str(&text).unwrap();
        let (uuid, token) = (owner["uuid"].as_str().unwrap(), owner["token"].as_str());
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let url = format!("{}/devices/{uuid}{path}", self.served.told("bus"));
        assert_eq!(send(client.request(method, url).basic_auth(uuid, token)).await.status, 200);
        uuid.to_owned()
    }

    fn ails(&self) -> Vec<String> {
        let checks = checks(&self.shell.run(&["doctor", "--json"]));
        let wrong = checks.into_iter().filter(|check| check["verdict"] == "wrong");
        wrong.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
    }

    /// What comes of a command that would print a link.
    fn at_a_terminal(&self, words: &[&str]) -> Output {
        let (_terminal, theirs) = terminal();
        let program = self.shell.command(words).stdout(theirs).stderr(Stdio::piped()).spawn();
        program.unwrap().wait_with_output().unwrap()
    }
}

#[tokio::test]
async fn a_first_owner_whose_token_was_reset_gets_another_and_the_links_work_again() {
    let home = Home::open();
    assert_eq!(home.ails(), [""; 0]);
    home.harm(reqwest::Method::POST, "/token").await;
    assert_eq!(home.ails(), ["first owner"]);
    let refused = home.at_a_terminal(&["sign-in-link"]);
    assert!(ended(&refused, Exit::Failure), "{refused:?}");
    assert!(
        stderr(&refused).contains("no link would sign anybody in; `endo doctor` says what to do"),
        "{refused:?}"
    );

    assert!(ended(&home.shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
    let again = AtTerminal::start(home.shell.command(&["sign-in-link"]));
    let mut browser = Browser::at(again.link.split("/sign-in").next().unwrap());
    let page = browser.get(&again.link).await;
    let answer = browser.submit(&page, "/sign-in", &[]).await;
    assert_eq!(browser.follow(answer).await.status, 200);
}

#[tokio::test]
async fn a_first_owner_who_is_gone_is_named_and_left_to_the_operator() {
    let home = Home::open();
    let uuid = home.harm(reqwest::Method::DELETE, "").await;
    for words in [&["doctor"][..], &["doctor", "--fix", "--yes"]] {
        let output = home.shell.run(words);
        assert!(ended(&output, Exit::Unwell), "{output:?}");
        let says = format!("wrong first owner        the device {uuid} in owner.json is gone from the bus");
        assert!(stdout(&output).contains(&says), "{output:?}");
    }
    let output = home.shell.run_with(&["credentials", "add", "--id", "42"], "secret");
    assert!(ended(&output, Exit::Failure), "{output:?}");
    assert!(stderr(&output).contains(&format!("the first owner {uuid} is gone from the bus")), "{output:?}");
    let Home { shell, served } = home;
    drop(served);
    let again = shell.serve(&[]);
    assert!(again.said.contains("The bus does not know the first owner"), "{}", again.said);
    drop(again);
    std::fs::rename(shell.data().join("owner.json"), shell.data().join("owner.old")).unwrap();
    let anew = shell.serve(&[]);
    assert!(!anew.said.contains("does not know"), "{}", anew.said);
}

#[tokio::test]
async fn an_owner_s_file_that_is_away_or_says_nothing_is_one_finding_of_several_and_shows_no_token() {
    let home = Home::open();
    let file = home.shell.data().join("owner.json");
    let before = std::fs::read(&file).unwrap();
    for (text, says) in [
        (None, "there is no owner.json"),
        (Some("{"), "owner.json says nothing: "),
        (Some("\"a-canary\""), "owner.json says nothing: "),
    ] {
        std::fs::remove_file(&file).unwrap();
        text.iter().for_each(|text| std::fs::write(&file, text).unwrap());
        assert_eq!(home.ails(), ["first owner"], "{text:?}");
        let output = home.shell.run(&["doctor", "--fix", "--yes"]);
        let said = format!("{}{}", stdout(&output), stderr(&output));
        assert!(said.contains(&format!("wrong first owner        {says}")), "{said}");
        assert!(said.contains("identity           the bus knows") && !said.contains("a-canary"), "{said}");
        let link = home.at_a_terminal(&["sign-in-link"]);
        assert!(stderr(&link).contains("no link would sign anybody in; `endo doctor` says"), "{link:?}");
        std::fs::write(&file, &before).unwrap();
    }
    assert_eq!(home.ails(), [""; 0]);
}
