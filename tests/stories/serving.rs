//! The gateway as a process, and the commands beside it.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::{Mutex, mpsc};

use endo::ambient::Timestamp;
use endo::cli::{Exit, StandIn};
use endo::store::{Death, NewDelivery, StoreError, Transaction, Work};
use serde_json::Value;

use crate::support::bus;
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::shell::{Served, Shell, ended, stderr, stdout};
use crate::support::store;

fn add_credentials(shell: &Shell, id: &str, secret: &str) -> String {
    let output = shell.run_with(&["credentials", "add", "--id", id], secret);
    assert!(ended(&output, Exit::Ok), "{}", stderr(&output));
    stdout(&output).trim().strip_prefix("credentials device ").unwrap().to_owned()
}

fn add_device(shell: &Shell) -> String {
    let output = shell.run(&["devices", "add", "--name", "octo"]);
    assert!(ended(&output, Exit::Ok), "{}", stderr(&output));
    let line = stdout(&output).lines().next().unwrap();
    line.strip_prefix("user device").unwrap().trim().to_owned()
}

fn devices(shell: &Shell) -> Vec<Value> {
    let output = shell.run(&["devices", "ls", "--json"]);
    assert!(ended(&output, Exit::Ok), "{}", stderr(&output));
    stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_first_start_says_where_it_is_and_what_to_type() {
    let shell = Shell::with_key();
    let served = shell.serve(&[]);
    for name in ["gateway", "bus"] {
        assert!(served.told(name).starts_with("http://127.0.0.1:"), "{}", served.said);
    }
    assert_eq!(served.told("data"), shell.data().to_str().unwrap());
    assert!(served.said.contains("endo credentials add --id"), "{}", served.said);
    let last = served.said.lines().last().unwrap();
    assert!(last.ends_with(" send ListEventsByUser username=octocat"), "{last}");
}

#[test]
fn a_later_start_names_the_device_to_send_to() {
    let shell = Shell::with_key();
    add_credentials(&shell, "1", "secret");
    let device = add_device(&shell);
    let served = shell.serve(&[]);
    let last = served.said.lines().last().unwrap();
    assert!(last.ends_with(&format!(" send ListEventsByUser username=octocat --to {device}")), "{last}");
    assert!(!served.said.contains("credentials add"));
}

#[tokio::test]
async fn a_user_device_that_its_owner_removed_is_listed_as_gone_and_sent_to_by_nobody() {
    let shell = Shell::with_key();
    add_credentials(&shell, "1", "secret");
    let device = add_device(&shell);
    let served = shell.serve(&[]);
    let owner: Value = serde_json::from_slice(&fs::read(shell.data().join("owner.json")).unwrap()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let remove = client.delete(format!("{}/devices/{device}", served.told("bus")));
    let remove = remove.basic_auth(owner["uuid"].as_str().unwrap(), owner["token"].as_str());
    assert_eq!(remove.send().await.unwrap().status(), 200);
    drop(served);
    assert_eq!(devices(&shell)[0]["gone"], true);
    let listed = shell.run(&["devices", "ls"]);
    assert!(stdout(&listed).contains("gone: its owner removed it from the bus"), "{}", stdout(&listed));
    let served = shell.serve(&[]);
    assert!(!served.said.contains(&device), "{}", served.said);
    drop(served);
    assert!(ended(&shell.run(&["devices", "revoke", &device]), Exit::Ok));
    let receipts = stdout(&shell.run(&["receipts"])).to_owned();
    assert!(receipts.contains(&format!("the device {device} ended")), "{receipts}");
}

#[test]
fn a_name_that_is_typed_in_at_the_terminal_is_one_that_people_see() {
    let shell = Shell::with_key();
    for words in [
        &["credentials", "add", "--id", "1", "--username", "octo\u{200b}cat"][..],
        &["devices", "add", "--name", "\u{202e}otco"],
    ] {
        let output = shell.run_with(words, "secret");
        assert!(ended(&output, Exit::Usage), "{}", stderr(&output));
        assert!(stderr(&output).contains("shows nothing or turns the direction of text"), "{words:?}");
    }
    let name = "👩\u{200d}💻 می\u{200c}خواهم";
    add_credentials(&shell, "1", "secret");
    assert!(ended(&shell.run(&["devices", "add", "--name", name]), Exit::Ok));
    let output = shell.run(&["devices", "ls"]);
    assert!(stdout(&output).contains(name), "{}", stdout(&output));
}

#[test]
fn a_signal_ends_it_and_leaves_nothing_locked() {
    let shell = Shell::with_key();
    for signal in ["TERM", "INT", "HUP"] {
        let served = shell.serve(&[]);
        assert!(shell.data().join("endo.sock").exists());
        served.signal(signal);
        assert_eq!(served.end().code(), Some(0), "{signal}");
        assert!(!shell.data().join("endo.sock").exists());
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_the_work_is_taken_up_at_the_next_start() {
    let (asked, wait) = mpsc::channel();
    let asked = Mutex::new(asked);
    let script = move |_: &_| {
        asked.lock().unwrap().send(()).unwrap();
        Answer::Stall(Vec::new())
    };
    let api = FakeApi::start(script).await;
    let shell = Shell::with_key();
    let setting = format!("source.base_url={}", api.url(""));
    let mut served = shell.serve(&[&setting]);
    add_credentials(&shell, "1", "secret");
    add_device(&shell);
    let mut send = shell.command(&["send", "ListReposByUser", "username=octocat"]);
    let mut send = send.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let wait = tokio::task::spawn_blocking(move || wait.recv().map(|()| wait)).await.unwrap().unwrap();
    served.signal("TERM");
    served.logs("stopping");
    served.signal("TERM");
    assert_eq!(served.end().code(), Some(Exit::Failure.code().into()));
    assert_eq!(send.wait().unwrap().code(), Some(Exit::Unreachable.code().into()));
    let served = shell.serve(&[&setting]);
    tokio::task::spawn_blocking(move || wait.recv()).await.unwrap().unwrap();
    drop(served);
}

#[test]
fn a_second_gateway_on_the_same_directory_says_so_and_leaves_the_first_alone() {
    let shell = Shell::with_key();
    let served = shell.serve(&[]);
    let sentence =
        format!("endo: the data directory {} is in use by another endo process\n", shell.data().display());
    for _ in 0..2 {
        let output = shell.run(&["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
        assert!(ended(&output, Exit::DataDirectoryInUse), "{}", stderr(&output));
        assert_eq!(stderr(&output), sentence);
        assert!(devices(&shell).is_empty());
        // As somebody does who takes it for one that a crash left behind.
        std::fs::remove_file(shell.data().join("lock")).unwrap();
        std::fs::write(shell.data().join("lock"), "").unwrap();
    }
    served.signal("TERM");
    assert_eq!(served.end().code(), Some(0));
}

#[test]
fn a_socket_that_a_killed_gateway_left_behind_blocks_nothing() {
    let shell = Shell::with_key();
    let served = shell.serve(&[]);
    served.signal("KILL");
    assert_eq!(served.end().code(), None);
    assert!(shell.data().join("endo.sock").exists());
    add_credentials(&shell, "1", "secret");
    let served = shell.serve(&[]);
    add_device(&shell);
    assert_eq!(devices(&shell).len(), 1);
    drop(served);
}

#[test]
fn what_is_in_a_directory_that_others_can_enter_is_kept_from_them() {
    let shell = Shell::with_key();
    fs::set_permissions(shell.data(), fs::Permissions::from_mode(0o755)).unwrap();
    let files = ["endo.db", "endo.db-wal", "endo.db-shm"];
    let modes = || {
        let mode = |file: &&str| fs::metadata(shell.data().join(file)).unwrap().permissions().mode() & 0o777;
        files.iter().map(mode).collect::<Vec<_>>()
    };
    let mut served = shell.serve(&[]);
    assert_eq!(modes(), [0o600; 3]);
    served.logs("other users of this machine can enter the data directory");
    served.signal("KILL");
    served.end();
    // As a version of before left them.
    for file in files {
        fs::set_permissions(shell.data().join(file), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let served = shell.serve(&[]);
    assert_eq!(modes(), [0o600; 3]);
    drop(served);
}

#[test]
fn the_first_steps_are_those_of_the_api_that_is_set() {
    let said = |source: &str| {
        let shell = Shell::with_key();
        fs::write(shell.data().join("endo.toml"), format!("[source]\n{source}")).unwrap();
        let words = ["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"];
        let mut child = shell.command(&words).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let said: Vec<_> = lines.by_ref().take_while(|line| !line.contains(" send ")).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        said.join("\n")
    };
    assert!(said("").contains("First store a GitHub token"));
    let handed = said("name = \"acme\"\nbase_url = \"https://acme.test\"\n");
    assert!(handed.contains("credentials add --id ACCOUNT") && !handed.contains("octocat"), "{handed}");
    let signed_in = said("client_id = \"id\"\nclient_secret = \"secret\"\n");
    assert!(signed_in.contains("connect GitHub") && signed_in.contains("/sign-in"), "{signed_in}");
}

#[test]
fn the_start_names_the_address_that_others_know_and_says_where_they_cannot_sign_in() {
    let shell = Shell::with_key();
    let settings = "[source]\nclient_id = \"id\"\nclient_secret = \"secret\"\n";
    fs::write(shell.data().join("endo.toml"), settings).unwrap();
    let mut served = shell.serve(&["listen.public_url=https://endo.example.org"]);
    assert!(served.said.contains("  https://endo.example.org/sign-in, then"), "{}", served.said);
    served.logs(
        "people elsewhere cannot sign in with the bus: they are sent to this machine; set bus.oauth_url",
    );
}

#[test]
fn the_start_warns_of_addresses_at_which_browsers_are_overheard() {
    let shell = Shell::with_key();
    let warns = |public: &str, bus: &str, settings: &str| {
        let set = [format!("listen.public_url={public}"), format!("bus.oauth_url={bus}")];
        let mut served = shell.serve(&[&set[0], &set[1], "source.redirect_url=http://localhost:8080/x"]);
        served.logs(&format!(
            "WARN endo::gateway::in_the_clear: {settings} sends browsers to another machine by http: "
        ));
    };
    warns("http://127.0.0.1:8080", "http://192.0.2.2:3000", "bus.oauth_url");
    warns("http://192.0.2.2:8080", "http://bus.example.org", "listen.public_url and bus.oauth_url");
}

#[test]
fn nothing_but_what_keeps_something_makes_a_directory_that_is_not_there() {
    let shell = Shell::new();
    for words in [
        &["devices", "add"][..],
        &["devices", "ls"],
        &["devices", "revoke", "nobody"],
        &["credentials", "ls"],
        &["credentials", "show", "none"],
        &["credentials", "forget", "none"],
        &["receipts"],
        &["keys", "ls"],
        &["keys", "rotate"],
        &["keys", "migrate"],
        &["dead-letters", "ls"],
    ] {
        let output = shell.run(&[&["--data-dir", "mistyped/path"], words].concat());
        assert!(ended(&output, Exit::Failure) && stdout(&output).is_empty(), "{words:?}");
        let says = "endo: no gateway has kept anything in mistyped/path: check --data-dir, or begin with ";
        assert!(stderr(&output).starts_with(says), "{words:?}: {}", stderr(&output));
        assert!(!shell.home.path().join("mistyped").exists(), "{words:?}");
    }
}

#[test]
fn only_its_user_can_open_the_socket_and_the_keys() {
    let shell = Shell::new();
    let served = shell.serve(&[]);
    let keys = ["records.pem", "webhooks-rsa.pem", "webhooks-ed25519.pem", "handlers.pem"];
    for file in [&["endo.sock", "owner.json"], &keys[..]].concat() {
        let mode = fs::metadata(shell.data().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    drop(served);
    let keys: HashSet<_> = keys.map(|file| fs::read_to_string(shell.data().join(file)).unwrap()).into();
    assert_eq!(keys.len(), 4);
}

#[test]
fn commands_do_the_same_with_and_without_a_gateway() {
    let shell = Shell::with_key();
    for id in ["1", "2"] {
        let served = (id == "2").then(|| shell.serve(&[]));
        let credentials = add_credentials(&shell, id, "secret\n");
        let output = shell.run(&["devices", "add", "--credentials", &credentials]);
        assert!(ended(&output, Exit::Ok), "{}", stderr(&output));
        let row = devices(&shell).pop().unwrap();
        assert_eq!(row["credentials"], credentials);
        let device = row["uuid"].as_str().unwrap();
        let output = shell.run(&["devices", "revoke", device]);
        assert!(stdout(&output).starts_with(&format!("{device} is cut off from {credentials} since ")));
        let revoked = devices(&shell).into_iter().find(|row| row["uuid"] == device).unwrap();
        assert!(revoked["revoked"].is_string());
        drop(served);
    }
    assert_eq!(devices(&shell).len(), 2);
}

#[test]
fn an_account_keeps_its_credentials_device() {
    let shell = Shell::with_key();
    let first = add_credentials(&shell, "583231", "old");
    assert_eq!(add_credentials(&shell, "583231", "new"), first);
    assert_ne!(add_credentials(&shell, "octocat", "other"), first);
}

/// Anybody would own what it owns.
#[tokio::test]
async fn a_device_that_everybody_has_in_their_hands_becomes_no_owner_of_credentials() {
    let shell = Shell::with_key();
    let served = shell.serve(&[]);
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let device = bus::send(client.post(format!("{}/devices", served.told("bus")))).await.json();
    let uuid = device["uuid"].as_str().unwrap();
    let output = shell.run_with(&["credentials", "add", "--id", "1", "--owner", uuid], "secret");
    assert!(ended(&output, Exit::Failure), "{output:?}");
    let says = format!("everybody on the bus may change the device {uuid}");
    let closing = format!(r#"PUT /v2/devices/{uuid} with {{"$pull":{{"configureWhitelist":"*"}}}} first"#);
    assert!(stderr(&output).contains(&says) && stderr(&output).contains(&closing), "{output:?}");
}

#[test]
fn what_cannot_be_done_is_one_sentence() {
    let shell = Shell::with_key();
    let refused = |words: &[&str], sentence: &str| {
        let output = shell.run(words);
        assert!(ended(&output, Exit::Failure), "{words:?}");
        assert_eq!(stderr(&output), format!("endo: {sentence}\n"));
    };
    refused(&["credentials", "add", "--id", "1"], "the secret is empty; give it on standard input");
    refused(&["devices", "add"], "no credentials are kept yet: keep some by `endo credentials add`");
    refused(
        &["devices", "revoke", "nobody"],
        "nobody is not a user device of this gateway; `endo devices ls` lists them",
    );
    refused(
        &["dead-letters", "show", "none"],
        "there is no dead letter none; `endo dead-letters ls` lists them",
    );
    add_credentials(&shell, "1", "secret");
    refused(&["devices", "add", "--credentials", "none"], "none keeps no credentials");
    refused(&["devices", "add", "--owner", "nobody"], "there is no device nobody to be the owner");
    add_credentials(&shell, "2", "secret");
    let output = shell.run(&["devices", "add"]);
    assert!(
        stderr(&output).starts_with("endo: several credentials are kept; choose with --credentials among ")
    );
}

#[test]
fn a_typo_is_answered_with_the_right_word() {
    let shell = Shell::new();
    for (word, right) in [("sevre", "serve"), ("devcies", "devices"), ("dead-leters", "dead-letters")] {
        let output = shell.run(&[word]);
        assert!(ended(&output, Exit::Usage) && stderr(&output).contains(&format!("'{right}'")), "{word}");
    }
}

#[tokio::test]
async fn send_prints_the_reply_and_tells_an_error_by_its_exit_code() {
    let stand_in = StandIn::start("the-token").await.unwrap();
    let shell = Shell::with_key();
    let served = shell.serve(&[&format!("source.base_url={}", stand_in.url())]);
    let output = shell.run(&["send", "ListReposByUser", "username=octocat"]);
    assert!(ended(&output, Exit::Failure) && stderr(&output).contains("owns no user device"));
    add_credentials(&shell, "1", "the-token");
    let device = add_device(&shell);
    let output = shell.run(&["send", "ListReposByUser", "username=octocat"]);
    assert!(ended(&output, Exit::Ok), "{}", stderr(&output));
    let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&reply["metadata"]["code"], &reply["fromUuid"]), (&200.into(), &device.clone().into()));
    assert!(reply["data"].as_array().is_some_and(|repos| !repos.is_empty()));
    let output = shell.run(&["send", "ListReposByUser", "--data", r#"{"username": 42}"#]);
    assert!(ended(&output, Exit::ErrorReply));
    assert_eq!(stderr(&output), "endo: the reply is an error: 422 Unprocessable Entity\n");
    assert!(stdout(&output).contains("message.data.username is not of a type(s) string"));
    add_device(&shell);
    let output = shell.run(&["send", "ListReposByUser", "username=octocat"]);
    assert!(ended(&output, Exit::Failure) && stderr(&output).contains("choose with --to among "));
    drop(served);
    stand_in.stop().await;
}

#[test]
fn a_message_that_nobody_answers_has_a_code_of_its_own() {
    let shell = Shell::with_key();
    let output = shell.run(&["send", "Anything"]);
    assert!(ended(&output, Exit::Unreachable));
    let served = shell.serve(&[]);
    let output = shell.run(&["send", "Anything", "--to", "nobody", "--timeout", "1"]);
    assert!(ended(&output, Exit::NoReply));
    assert_eq!(stderr(&output), "endo: no reply from nobody within 1 second\n");
    drop(served);
}

#[test]
fn what_was_cut_off_is_not_waited_for() {
    let shell = Shell::with_key();
    add_credentials(&shell, "1", "secret");
    let device = add_device(&shell);
    assert!(ended(&shell.run(&["devices", "revoke", &device]), Exit::Ok));
    let served = shell.serve(&[]);
    let output = shell.run(&["send", "ListEventsByUser", "username=octocat", "--to", &device]);
    assert!(ended(&output, Exit::Failure), "{output:?}");
    assert!(stderr(&output).starts_with(&format!("endo: nothing was sent: {device} was cut off at 20")));
    drop(served);
}

#[test]
fn a_device_of_one_s_own_sends_with_the_token_in_a_file() {
    let shell = Shell::with_key();
    let served = shell.serve(&[]);
    let owner: Value = serde_json::from_slice(&fs::read(shell.data().join("owner.json")).unwrap()).unwrap();
    fs::write(shell.home.path().join("token"), format!("{}\n", owner["token"].as_str().unwrap())).unwrap();
    add_credentials(&shell, "1", "secret");
    add_device(&shell);
    let uuid = owner["uuid"].as_str().unwrap();
    let output = shell.run(&["send", "Nonsense", "--as-device", uuid, "--token-file", "token"]);
    assert!(ended(&output, Exit::ErrorReply), "{}", stderr(&output));
    fs::write(shell.home.path().join("token"), "wrong").unwrap();
    let output = shell.run(&["send", "Nonsense", "--to", "x", "--as-device", uuid, "--token-file", "token"]);
    assert!(ended(&output, Exit::Failure));
    assert_eq!(stderr(&output), "endo: the bus does not let this device read its messages: status 403\n");
    drop(served);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_many_replies_at_once_is_told_how_many_one_device_may() {
    let shell = Shell::with_key();
    let served = shell.serve(&[]);
    let owner: Value = serde_json::from_slice(&fs::read(shell.data().join("owner.json")).unwrap()).unwrap();
    let [uuid, token] = ["uuid", "token"].map(|name| owner[name].as_str().unwrap());
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let mut open = Vec::new();
    for _ in 0..16 {
        let stream = client.get(format!("{}/subscribe", served.told("bus")));
        open.push(stream.basic_auth(uuid, Some(token)).send().await.unwrap());
    }
    assert!(open.iter().all(|stream| stream.status() == 200));
    let refused = shell.run(&["send", "Anything", "--to", "nobody"]);
    assert_eq!(
        stderr(&refused),
        "endo: the bus can take nothing now: status 503; one device reads along 16 times at most, each running \
         `endo send` of it included; end one of those\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_would_not_hear_the_reply_sends_nothing() {
    let shell = Shell::with_key();
    let served = shell.serve(&[]);
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let address = served.told("bus");
    let flow = bus::send(client.post(format!("{address}/devices"))).await.json();
    let [uuid, token] = ["uuid", "token"].map(|name| flow[name].as_str().unwrap());
    fs::write(shell.home.path().join("token"), token).unwrap();
    let send = || {
        let words = ["send", "Anything", "--to", "nobody", "--as-device", uuid, "--token-file", "token"];
        shell.run(&[&words[..], &["--timeout", "1"]].concat())
    };
    let refused = send();
    let call = format!("{address}/v2/devices/{uuid}/subscriptions/{uuid}/message.received");
    assert!(ended(&refused, Exit::Failure), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&format!("not subscribed to what it receives, which `POST {call}` ")));
    bus::send(client.post(call).basic_auth(uuid, Some(token))).await.is(204, "");
    assert!(ended(&send(), Exit::NoReply));
    drop(served);
}

/// Leaves as many dead letters, `d-1` and so on, in the shell's data directory.
async fn leave_dead_letters(shell: &Shell, many: i64) {
    leave_dead_letters_called(shell, (1..=many).map(|number| format!("d-{number}")).collect()).await;
}

/// Leaves a dead letter for each of these delivery ids in the shell's data directory.
async fn leave_dead_letters_called(shell: &Shell, ids: Vec<String>) {
    let store = store::open(&shell.data());
    let give_up = |transaction: &Transaction<'_>, number: i64, id: &str| {
        let body = r#"{"z": 1, "a": 2}"#.to_owned();
        let delivery = NewDelivery { work: Work::Webhook, body, ..store::delivery(id) };
        transaction.accept(&delivery, Timestamp::from_millis(0))?;
        transaction.give_up(number, &Death::of("timeout", Timestamp::from_millis(60_000)))
    };
    let give_all_up = move |transaction: &Transaction<'_>| {
        (1..).zip(&ids).try_for_each(|(number, id)| give_up(transaction, number, id))
    };
    store.write::<_, StoreError, _>(give_all_up).await.unwrap();
}

#[tokio::test]
async fn a_dead_letter_can_be_seen_and_tried_again() {
    let shell = Shell::with_key();
    leave_dead_letters(&shell, 1).await;
    let output = shell.run(&["dead-letters", "ls"]);
    assert!(stdout(&output).contains("d-1"), "{}", stderr(&output));
    let in_the_log = "84765028fa003b2d";
    assert!(stdout(&output).contains(in_the_log), "{output:?}");
    let output = shell.run(&["dead-letters", "ls", "--json"]);
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(row["fingerprint"], in_the_log);
    assert_eq!((&row["work"], &row["reason"]), (&"webhook".into(), &"timeout".into()));
    let output = shell.run(&["dead-letters", "show", "d-1"]);
    let letter: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(letter["died"], "1970-01-01T00:01:00Z");
    assert_eq!(letter["body"].to_string(), r#"{"z":1,"a":2}"#);
    let output = shell.run(&["dead-letters", "replay", "d-1"]);
    assert_eq!(stdout(&output), "d-1: it will be tried again\n");
    let output = shell.run(&["dead-letters", "ls", "--json"]);
    assert_eq!(stdout(&output), "");
}

#[tokio::test]
async fn several_dead_letters_are_tried_again_by_one_command_and_the_doctor_tells_of_the_others() {
    let shell = Shell::with_key();
    leave_dead_letters(&shell, 3).await;
    let told = |says: &str| {
        let output = shell.run(&["doctor"]);
        assert!(stdout(&output).contains(says), "{says}: {output:?}");
    };
    told("nothing waits; given up and kept: 3, the newest 1970-01-01T00:01:00Z (`endo dead-letters ls` says");
    let output = shell.run(&["dead-letters", "replay", "d-3", "d-1"]);
    assert_eq!(stdout(&output), "d-3: it will be tried again\nd-1: it will be tried again\n");
    told("2 deliveries wait; given up and kept: 1, ");
    let output = shell.run(&["dead-letters", "replay", "d-1", "d-2"]);
    assert!(stderr(&output).starts_with("endo: there is no dead letter d-1; "), "{output:?}");
    told("given up and kept: 1, ");
    shell.run(&["dead-letters", "replay", "d-2"]);
    told("3 deliveries wait; nothing was given up");
}

/// Whoever posts a message chooses its delivery id.
#[tokio::test]
async fn a_dead_letter_is_listed_in_its_columns_whatever_its_id_holds() {
    let shell = Shell::with_key();
    let id = "d-\t1\u{202e}\n";
    leave_dead_letters_called(&shell, vec![id.to_owned()]).await;
    let output = shell.run(&["dead-letters", "ls"]);
    let lines: Vec<_> = stdout(&output).lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].starts_with("d-?1??    webhook  ") && lines[0].starts_with("DELIVERY  WORK     "),
        "{lines:?}"
    );
    let output = shell.run(&["dead-letters", "ls", "--json"]);
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(row["id"], id, "programs get it as it is");
    let output = shell.run(&["dead-letters", "replay", id]);
    assert_eq!(stdout(&output), "d-?1??: it will be tried again\n");
    let output = shell.run(&["dead-letters", "show", id]);
    assert!(stderr(&output).starts_with("endo: there is no dead letter d-?1??; "), "{}", stderr(&output));
}

#[tokio::test]
async fn every_dead_letter_is_listed_however_many_there_are() {
    let shell = Shell::with_key();
    leave_dead_letters(&shell, 1234).await;
    let all: Vec<_> = (1..=1234).rev().map(|number| format!("d-{number}")).collect();
    let output = shell.run(&["dead-letters", "ls"]);
    let rows: Vec<_> = stdout(&output).lines().skip(1).map(first_word).collect();
    assert_eq!(rows, all);
    let output = shell.run(&["dead-letters", "ls", "--json"]);
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(stdout(&output).lines().map(id).collect::<Vec<_>>(), all);
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap()
}

#[test]
fn what_keeps_a_gateway_from_starting_is_one_sentence_and_its_own_code() {
    let start = |shell: &Shell, exit: Exit, sentence: &str| {
        let output = shell.run(&["--set", "listen.bus=127.0.0.1:0", "serve", "--listen", "127.0.0.1:0"]);
        assert!(ended(&output, exit), "{exit:?}: {}", stderr(&output));
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
        assert!(stderr(&output).contains(sentence), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    };
    let shell = Shell::with_key();
    fs::write(shell.data().join("endo.db"), vec![0x5a; 8192]).unwrap();
    start(&shell, Exit::CorruptDatabase, "is damaged or is not a database of endo");

    let shell = Shell::with_key();
    // Something is sealed.
    let added = shell.run_with(&["credentials", "add", "--id", "1"], "canary-token\n");
    assert!(ended(&added, Exit::Ok), "{}", stderr(&added));
    let other = include_str!("../fixtures/vault-other-key.pem");
    fs::write(shell.data().join("records.pem"), other).unwrap();
    start(&shell, Exit::WrongKey, "put its file back");
    fs::write(shell.data().join("records.pem"), "no key").unwrap();
    start(&shell, Exit::WrongKey, "holds no private key");
    fs::remove_file(shell.data().join("records.pem")).unwrap();
    start(&shell, Exit::WrongKey, "put its file back");

    let shell = Shell::with_key();
    for (file, kind) in
        [("webhooks-rsa.pem", "RSA"), ("webhooks-ed25519.pem", "Ed25519"), ("handlers.pem", "Ed25519")]
    {
        fs::write(shell.data().join(file), "no key").unwrap();
        start(
            &shell,
            Exit::Failure,
            &format!("{file} holds no {kind} key; without the file, the next start makes one"),
        );
        fs::remove_file(shell.data().join(file)).unwrap();
    }

    let shell = Shell::with_key();
    drop(shell.serve(&[]));
    for file in ["endo.db", "endo.db-wal", "endo.db-shm"] {
        let _ = fs::remove_file(shell.data().join(file));
    }
    start(&shell, Exit::CorruptDatabase, "is gone or empty");
    start(&shell, Exit::CorruptDatabase, "is gone or empty");

    let shell = Shell::with_key();
    drop(shell.serve(&[]));
    let database = rusqlite::Connection::open(shell.data().join("endo.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    start(&shell, Exit::NewerDataDirectory, "holds format 999");
}

#[test]
fn an_address_that_is_taken_has_a_code_of_its_own() {
    let shell = Shell::with_key();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = TcpListener::bind(taken).unwrap();
    let output = shell.run(&["serve", "--listen", &taken.to_string(), "--bus-listen", "127.0.0.1:0"]);
    assert!(ended(&output, Exit::Listen));
    assert!(stderr(&output).starts_with(&format!("endo: cannot listen on {taken}: ")));
    drop(holder);
}

#[test]
fn the_demo_shows_the_main_job_and_cleans_up_after_itself() {
    let shell = Shell::new();
    let output = shell.command(&["demo"]).env("TMPDIR", shell.home.path()).output().unwrap();
    assert!(ended(&output, Exit::Ok), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    for line in [
        "a stand-in for GitHub's API",
        r#"metadata   {"to":"message 1","code":200,"status":"OK"}"#,
        "message.data.username is not of a type(s) string",
        r#"metadata   {"to":"message 3","code":404,"status":"Not Found"}"#,
        r#"message    "GitHub answered 500""#,
        "no reply, nothing opened",
        "All as it should be.",
    ] {
        assert!(stdout(&output).contains(line), "{line}: {}", stdout(&output));
    }
    assert_eq!(fs::read_dir(shell.home.path()).unwrap().count(), 0);
}

#[test]
fn a_demo_that_is_kept_goes_on_serving_until_a_signal() {
    let shell = Shell::new();
    let mut demo = shell.command(&["demo", "--keep"]);
    let demo = demo.env("TMPDIR", shell.home.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let served = Served::ready(demo.spawn().unwrap());
    let line = served.said.lines().last().unwrap().trim().to_owned();
    let words: Vec<_> = line.split(' ').skip(1).collect();
    let output = shell.run(&words);
    assert!(ended(&output, Exit::Ok), "{line}: {}", stderr(&output));
    let directory = words[words.iter().position(|word| *word == "--data-dir").unwrap() + 1];
    served.signal("INT");
    assert_eq!(served.end_after("The directory stays; remove it when you are done.\n").code(), Some(0));
    assert!(fs::metadata(directory).unwrap().is_dir());
}

#[test]
fn a_demo_that_cannot_reach_its_api_says_so() {
    let shell = Shell::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let api = format!("source.base_url=http://{nobody}");
    let output = shell.run(&["demo", "--github-token", "ghp_canary77", "--set", &api]);
    assert!(ended(&output, Exit::Failure), "{}", stdout(&output));
    let sentence = "endo: the demonstration failed: GitHub cannot be reached; \
                    without a GitHub token the demonstration needs no network\n";
    assert_eq!(stderr(&output), sentence);
    assert!(!stdout(&output).contains("ghp_canary77"));
}

#[test]
fn a_full_database_is_told_by_the_health_check_and_to_who_sends() {
    let shell = Shell::with_key();
    add_credentials(&shell, "1", "secret");
    add_device(&shell);
    let served = shell.serve(&["store.max_pages=1"]);
    let gateway = served.told("gateway").strip_prefix("http://").unwrap().to_owned();
    let health = shell.run(&["--set", &format!("listen.gateway={gateway}"), "health"]);
    assert!(stderr(&health).contains("is not ready"), "{}", stderr(&health));
    let sent = shell.run(&["send", "ListEventsByUser", "username=octocat"]);
    assert!(stderr(&sent).contains("the bus can take nothing now"), "{}", stderr(&sent));
}

#[test]
fn it_goes_on_where_nothing_can_be_logged() {
    let shell = Shell::with_key();
    let nowhere = fs::File::options().write(true).open("/dev/full").unwrap();
    let settings = ["listen.gateway=127.0.0.1:0", "listen.bus=127.0.0.1:0", "log.level=debug"];
    let words = settings.into_iter().flat_map(|setting| ["--set", setting]).chain(["serve"]);
    let mut command = shell.command(&words.collect::<Vec<_>>());
    let child = command.stdout(Stdio::piped()).stderr(nowhere).spawn().unwrap();
    let served = Served::ready(child);
    let gateway = served.told("gateway").strip_prefix("http://").unwrap().to_owned();
    assert!(shell.run(&["--set", &format!("listen.gateway={gateway}"), "health"]).status.success());
    served.signal("TERM");
    assert_eq!(served.end().code(), Some(0));
}

#[test]
fn a_disk_that_is_nearly_full_takes_nothing_new_and_devices_can_still_be_cut_off() {
    let shell = Shell::with_key();
    add_credentials(&shell, "1", "secret");
    let device = add_device(&shell);
    let served = shell.serve(&["store.keep_free_mib=4294967295"]);
    let gateway = served.told("gateway").strip_prefix("http://").unwrap().to_owned();
    let health = shell.run(&["--set", &format!("listen.gateway={gateway}"), "health"]);
    assert!(stderr(&health).contains("is not ready"), "{}", stderr(&health));
    let sent = shell.run(&["send", "ListEventsByUser", "username=octocat"]);
    assert!(stderr(&sent).contains("the bus can take nothing now"), "{}", stderr(&sent));
    let cut = shell.run(&["devices", "revoke", &device]);
    assert!(cut.status.success(), "{}", stderr(&cut));
}

#[test]
fn a_secret_comes_with_its_life_and_its_refresh_token_where_somebody_knows_them() {
    let shell = Shell::with_key();
    let words = ["credentials", "add", "--id", "1", "--with-refresh-token", "--expires-in", "3600"];
    let alone = shell.run_with(&words, "access\n");
    assert!(ended(&alone, Exit::Failure));
    assert!(stderr(&alone).contains("there is no refresh token on the second line of standard input"));
    assert!(shell.run_with(&words, "access\nrefresh\n").status.success());
    assert!(shell.run_with(&["credentials", "add", "--id", "2", "--expires-in", "60"], "x").status.success());
    let over = shell.run_with(&["credentials", "add", "--id", "3", "--expires-in", "-5"], "x");
    assert!(stderr(&over).contains("invalid value '-5' for '--expires-in <SECONDS>'"), "{over:?}");
    let database = rusqlite::Connection::open(shell.data().join("endo.db")).unwrap();
    let lives = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(lives("SELECT count(*) FROM renewals WHERE expires_at > 0"), 2);
    assert_eq!(
        lives("SELECT count(*) FROM renewals WHERE renew_at > 0"),
        1,
        "without a refresh token there is nothing to do"
    );
}
