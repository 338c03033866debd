//! An old key that records still need is not here: whoever may put it back is told wherever they look.

use std::path::PathBuf;

use endo::cli::Exit;
use serde_json::Value;

use crate::sign_in::at_the_bus;
use crate::support::browser::Browser;
use crate::support::bus::{Device, send};
use crate::support::shell::{Shell, ended, stderr, stdout};

/// A directory with a record that an old key sealed and one of the newest; the old key is put aside.
struct Home {
    shell: Shell,
    /// The name of the old key.
    old: String,
    /// The credentials device whose record needs it.
    closed: String,
}

impl Home {
    fn with_old_record_in_format(format: &str) -> Self {
        let shell = Shell::with_key();
        assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
        let add = |id: &str| {
            let words = ["--set", &format!("records.write={format}"), "credentials", "add", "--id", id];
            let added = shell.run_with(&words, "canary-token\n");
            assert!(ended(&added, Exit::Ok), "{}", stderr(&added));
            stdout(&added).split_whitespace().last().unwrap().to_owned()
        };
        let closed = add("1");
        let old = keys(&shell)[0]["kid"].as_str().unwrap().to_owned();
        assert!(ended(&shell.run(&["keys", "rotate"]), Exit::Ok));
        add("2");
        let home = Self { shell, old, closed };
        std::fs::rename(home.file(), home.aside()).unwrap();
        home
    }

    fn file(&self) -> PathBuf {
        self.shell.data().join("records.pem")
    }

    fn aside(&self) -> PathBuf {
        self.shell.home.path().join("aside.pem")
    }

    /// The check of the doctor.
    fn check(&self) -> Value {
        let output = self.shell.run(&["doctor", "--json"]);
        let mut checks = stdout(&output).lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        checks.find(|check| check["name"] == "keys of records").unwrap()
    }

    /// Moving the records leaves what is closed, and says so.
    fn moves_in_vain(&self) {
        let migrated = self.shell.run(&["keys", "migrate"]);
        assert!(ended(&migrated, Exit::WrongKey), "{migrated:?}");
        let says = format!("{} stays as it is: no key here opens it\n", self.closed);
        assert!(stdout(&migrated).contains(&says), "{migrated:?}");
        assert!(stderr(&migrated).contains("1 of the records stay as they are: "), "{migrated:?}");
    }
}

fn keys(shell: &Shell) -> Vec<Value> {
    let output = shell.run(&["keys", "ls", "--json"]);
    assert!(ended(&output, Exit::Ok), "{}", stderr(&output));
    stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_key_that_a_record_names_has_a_row_a_finding_and_a_warning_until_it_is_back() {
    let home = Home::with_old_record_in_format("2");
    let Home { shell, old, closed } = &home;
    let rows = keys(shell);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!([&rows[0]["missing"], &rows[0]["seals"]], [false, true]);
    assert_eq!([&rows[1]["missing"], &rows[1]["seals"]], [true, false]);
    assert_eq!((&rows[1]["kid"], &rows[1]["neededBy"]), (&old.as_str().into(), &vec![closed.clone()].into()));
    let listed = shell.run(&["keys", "ls"]);
    let row =
        format!("{old}  1        not here, needed by {closed}: put records-{old}.pem back, or records.pem");
    assert!(stdout(&listed).contains(&row), "{listed:?}");

    let check = home.check();
    assert_eq!(check["verdict"], "wrong");
    assert_eq!(check["wrong"], format!("records that no key here opens: 1, which need {old}"));
    let mut served = shell.serve(&[]);
    served.logs("records were sealed with a key that is not here");
    drop(served);
    home.moves_in_vain();

    std::fs::rename(home.aside(), home.file()).unwrap();
    assert_eq!(home.check()["verdict"], "well");
    assert!(ended(&shell.run(&["keys", "migrate"]), Exit::Ok));
    std::fs::remove_file(home.file()).unwrap();
    assert_eq!(keys(shell).len(), 1);
    assert_eq!(home.check()["verdict"], "well");
}

#[test]
fn a_row_says_how_many_records_it_does_not_name() {
    let shell = Shell::with_key();
    for id in ["1", "2", "3", "4", "5"] {
        assert!(ended(&shell.run_with(&["credentials", "add", "--id", id], "canary-token\n"), Exit::Ok));
    }
    assert!(ended(&shell.run(&["keys", "rotate"]), Exit::Ok));
    let listed = shell.run(&["keys", "ls"]);
    assert!(stdout(&listed).contains(" and 2 more, which --json names"), "{listed:?}");
    assert!(keys(&shell).iter().any(|row| row["neededBy"].as_array().unwrap().len() == 5));
}

#[test]
fn records_that_do_not_name_their_key_are_counted_as_those_of_an_unknown_one() {
    let home = Home::with_old_record_in_format("1");
    let Home { shell, closed, .. } = &home;
    let rows = keys(shell);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!((&rows[1]["kid"], &rows[1]["missing"]), (&Value::Null, &true.into()));
    assert_eq!(rows[1]["neededBy"], Value::from(vec![closed.clone()]));
    let row = format!("unknown  {:36}1        not here, needed by {closed}, which do not name it", "");
    let listed = shell.run(&["keys", "ls"]);
    assert!(stdout(&listed).contains(&row), "{listed:?}");
    assert_eq!(
        home.check()["wrong"],
        "records that no key here opens: 1, which need one that they do not name"
    );
    home.moves_in_vain();
}

impl Home {
    fn add(&self, id: &str) -> std::process::Output {
        self.shell.run_with(&["credentials", "add", "--id", id], "canary-newer\n")
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.shell.data().join("endo.db")).unwrap()
    }
}

#[test]
fn while_a_key_is_missing_no_account_gets_a_second_place() {
    let home = Home::with_old_record_in_format("2");
    for id in ["1", "3"] {
        let refused = home.add(id);
        assert!(ended(&refused, Exit::Failure), "{refused:?}");
        assert!(
            stderr(&refused).contains("records that no key here opens may be of this account"),
            "{refused:?}"
        );
    }
    assert!(ended(&home.add("2"), Exit::Ok), "its place is known");
    std::fs::rename(home.aside(), home.file()).unwrap();
    let added = home.add("1");
    assert!(ended(&added, Exit::Ok) && stdout(&added).contains(&home.closed), "{added:?}");
}

#[test]
fn the_doctor_finds_an_account_with_two_places() {
    let home = Home::with_old_record_in_format("2");
    let noted = "UPDATE records SET source = 'https://elsewhere.example/token' WHERE credentials = ?1";
    home.database().execute(noted, [&home.closed]).unwrap();
    let added = home.add("1");
    assert!(ended(&added, Exit::Ok), "what is of another API is no place of it: {added:?}");
    std::fs::rename(home.aside(), home.file()).unwrap();
    let check = || {
        let output = home.shell.run(&["doctor", "--json"]);
        let mut checks = stdout(&output).lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        checks.find(|check| check["name"] == "accounts").unwrap()
    };
    let found = check();
    let wrong = found["wrong"].as_str().unwrap_or_default();
    let newer = stdout(&added).split_whitespace().last().unwrap();
    assert!(wrong.contains("several credentials devices: 1 ("), "{found}");
    assert!(wrong.contains(&home.closed) && wrong.contains(newer), "{found}");
}

#[tokio::test]
async fn an_owner_whose_credentials_no_key_opens_is_told_so_and_of_none_that_are_there_not() {
    let home = Home::with_old_record_in_format("2");
    let text = std::fs::read_to_string(home.shell.data().join("owner.json")).unwrap();
    let owner: Value = serde_json::from_str(&text).unwrap();
    let text = |name: &str| owner[name].as_str().unwrap().to_owned();
    let owner = Device { uuid: text("uuid"), token: text("token") };
    let served = home.shell.serve(&[]);
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = format!("{}/credentials/{}", served.told("gateway"), home.closed);
    let ask = async || send(client.get(&url).basic_auth(&owner.uuid, Some(&owner.token))).await;
    assert_eq!(ask().await.status, 404, "nobody knows whose they are");
    let proved = "INSERT INTO proofs (caller, credentials, proved_at) VALUES (?1, ?2, ?3)";
    let now = endo::ambient::Clock::system().now().as_millis();
    home.database().execute(proved, (&owner.uuid, &home.closed, now)).unwrap();
    let told = ask().await;
    assert_eq!(told.status, 503, "{told:?}");
    assert!(told.text.contains("cannot be opened now: a key of this gateway is missing"), "{told:?}");

    let mut browser = Browser::at(served.told("gateway"));
    let start = browser.get("/auth/octoblu?next=/console").await;
    let mut at_bus = Browser::at(served.told("bus"));
    let back = at_the_bus(&mut at_bus, start.header("location").unwrap(), &owner).await;
    let answer = browser.get(&back).await;
    let console = browser.follow(answer).await;
    let says = format!(
        "cannot be opened now: a key of this gateway is missing.</p><ul><li><code>{}</code>",
        home.closed
    );
    assert!(console.text.contains(&says), "{console:?}");
    assert!(!console.text.contains("no credentials here yet"), "{console:?}");
    let page = browser.get(&format!("/console/credentials/{}", home.closed)).await;
    assert!(page.status == 503 && page.text.contains("a key of this gateway is missing"), "{page:?}");
}

#[test]
fn what_a_lost_key_sealed_is_needed_no_more_once_it_is_forgotten() {
    let home = Home::with_old_record_in_format("2");
    let forgotten = home.shell.run(&["credentials", "forget", "--yes", &home.closed]);
    assert!(ended(&forgotten, Exit::Ok), "{forgotten:?}");
    assert_eq!(home.check()["verdict"], "well");
}
