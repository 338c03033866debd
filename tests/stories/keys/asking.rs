//! Who is asked before a secret is forgotten, or devices are cut off, and what they are told then.

use std::net::TcpListener;
use std::process::{Output, Stdio};
use std::sync::Arc;

use endo::cli::Exit;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

use crate::support::fake_api::Answer as ApiAnswer;
use crate::support::provider::FakeProvider;
use crate::support::shell::{Shell, ended, stderr, stdout};
use crate::support::terminal::{self, said_until, terminal};

/// A shell with credentials of octocat and a device that uses them.
fn with_account() -> (Shell, String) {
    let shell = Shell::with_key();
    let credentials = added(&shell);
    assert!(ended(&shell.run(&["devices", "add"]), Exit::Ok));
    (shell, credentials)
}

fn added(shell: &Shell) -> String {
    let add = ["credentials", "add", "--id", "583231", "--username", "octocat"];
    let added = shell.run_with(&add, "canary-token\n");
    assert!(ended(&added, Exit::Ok), "{}", stderr(&added));
    stdout(&added).split_whitespace().last().unwrap().to_owned()
}

/// Types `answer` when asked whether to forget; what was said, and how it ended.
fn answered(shell: &Shell, credentials: &str, answer: &str) -> Output {
    terminal::answered(shell.command(&["credentials", "forget", credentials]), answer)
}

#[test]
fn whoever_forgets_a_secret_at_a_terminal_is_asked_first() {
    let (shell, credentials) = with_account();
    let question = "The secret of octocat (id 583231) is forgotten for ever, and 1 device stops working. Forget it? [y/N] ";
    let declined = answered(&shell, &credentials, "\n");
    assert!(ended(&declined, Exit::Failure) && stdout(&declined).is_empty(), "{declined:?}");
    assert_eq!(stderr(&declined), format!("{question}endo: left as it is\n"));
    assert!(ended(&shell.run(&["credentials", "show", &credentials]), Exit::Ok));
    let agreed = answered(&shell, &credentials, "y\n");
    assert!(ended(&agreed, Exit::Ok) && stderr(&agreed) == question, "{agreed:?}");
    assert!(stdout(&agreed).contains("  forgotten  "), "{agreed:?}");
}

#[test]
fn whoever_said_yes_before_is_not_asked() {
    let (shell, credentials) = with_account();
    let (_ours, theirs) = terminal();
    let forgotten =
        shell.command(&["credentials", "forget", "--yes", &credentials]).stdin(theirs).output().unwrap();
    assert!(ended(&forgotten, Exit::Ok) && stderr(&forgotten).is_empty(), "{forgotten:?}");
}

#[test]
fn whoever_cuts_all_devices_off_at_a_terminal_is_asked_first() {
    let (shell, credentials) = with_account();
    let all = ["devices", "revoke", "--credentials", &credentials];
    let question = "1 device that uses the secret of octocat (id 583231) stops working. Cut it off? [y/N] ";
    let declined = terminal::answered(shell.command(&all), "\n");
    assert!(ended(&declined, Exit::Failure) && stdout(&declined).is_empty(), "{declined:?}");
    assert_eq!(stderr(&declined), format!("{question}endo: left as it is\n"));
    let agreed = terminal::answered(shell.command(&all), "y\n");
    assert!(ended(&agreed, Exit::Ok) && stderr(&agreed) == question, "{agreed:?}");
    assert!(stdout(&agreed).contains("  cut-off-all  "), "{agreed:?}");
    let unasked = |words: &[&str]| {
        let (_ours, theirs) = terminal();
        let output = shell.command(words).stdin(theirs).output().unwrap();
        assert!(ended(&output, Exit::Ok) && stderr(&output).is_empty(), "{output:?}");
        output
    };
    assert!(stdout(&unasked(&all)).starts_with("no device uses the credentials of "));
    assert!(ended(&shell.run(&["devices", "add"]), Exit::Ok));
    let said = unasked(&[&all[..], &["--yes"]].concat());
    assert!(stdout(&said).contains("  cut-off-all  "), "{said:?}");
}

#[test]
fn nobody_is_asked_about_keys_where_there_is_no_gateway_of_old_to_go_back_to() {
    let (shell, _) = with_account();
    for command in ["rotate", "migrate"] {
        let (_ours, theirs) = terminal();
        let output = shell.command(&["keys", command]).stdin(theirs).output().unwrap();
        assert!(ended(&output, Exit::Ok) && stderr(&output).is_empty(), "{output:?}");
    }
}

/// What a gateway answers that forgot a secret of which the API is still to be told.
const STILL_PENDING: &str = r#"{"Ok": {"at": "2026-03-01T09:30:00Z", "act": "forgotten", "by": "operator", "credentials": "some",
    "parts": [], "api": {"verdict": "pending", "at": "2026-03-01T09:30:00Z"}}}"#;

/// What a gateway does that was told to forget a secret.
#[derive(PartialEq)]
enum AtOnce {
    /// It ends.
    Ends,
    /// It hangs up on whoever asks what the API said, and whether it is there.
    HangsUp,
}

/// What whoever forgets a secret hears of a gateway that answers this.
async fn forgotten_at_a_gateway_that(at_once: AtOnce) -> Output {
    let shell = Shell::with_key();
    let gateway = UnixListener::bind(shell.data().join("endo.sock")).unwrap();
    let answering = tokio::spawn(async move {
        let (mut stream, _) = gateway.accept().await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        let gateway = (at_once == AtOnce::HangsUp).then_some(gateway);
        stream.write_all(STILL_PENDING.as_bytes()).await.unwrap();
        drop(stream);
        for gateway in gateway.iter().cycle().take(2) {
            drop(gateway.accept().await.unwrap());
        }
    });
    let forgetting = tokio::task::spawn_blocking(move || shell.run(&["credentials", "forget", "some"]));
    let forgotten = forgetting.await.unwrap();
    answering.await.unwrap();
    forgotten
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_gateway_that_ended_before_the_api_was_told_it_is_said_that_nobody_tells_it() {
    let forgotten = forgotten_at_a_gateway_that(AtOnce::Ends).await;
    assert!(stdout(&forgotten).contains("the API is still to be told"), "{forgotten:?}");
    assert!(stderr(&forgotten).starts_with("endo: no gateway runs, so nobody tells the API until one does"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_gateway_that_does_not_answer_nobody_says_that_there_is_none() {
    let forgotten = forgotten_at_a_gateway_that(AtOnce::HangsUp).await;
    assert!(ended(&forgotten, Exit::Ok) && stderr(&forgotten).is_empty(), "{forgotten:?}");
}

#[test]
fn with_no_gateway_and_no_api_it_is_said_who_tells_the_api() {
    let shell = Shell::with_key();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let source = format!(
        "[source]\nname = \"thing\"\nbase_url = \"http://{nobody}\"\nauthorization_url = \"http://{nobody}/a\"\n\
         token_url = \"http://{nobody}/t\"\nrevocation_url = \"http://{nobody}/r\"\nprofile_url = \"http://{nobody}/p\"\n\
         profile_id = \"/id\"\nclient_id = \"id\"\nclient_secret = \"secret\"\n"
    );
    std::fs::write(shell.data().join("endo.toml"), source).unwrap();
    let forgotten = shell.run(&["credentials", "forget", &added(&shell)]);
    assert!(ended(&forgotten, Exit::Ok), "{forgotten:?}");
    assert!(stdout(&forgotten).contains("the API is still to be told"), "{forgotten:?}");
    assert!(stderr(&forgotten).starts_with("endo: no gateway runs, so nobody tells the API until one does"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_is_said_before_the_api_answers() {
    let (shell, provider) = (Shell::with_key(), FakeProvider::start().await);
    std::fs::write(shell.data().join("endo.toml"), provider.settings_text()).unwrap();
    let credentials = added(&shell);
    let gate = Arc::new(Semaphore::new(0));
    provider.revocation_meets([ApiAnswer::new(200, &[], "").behind(&gate)]);
    let mut command = shell.command(&["credentials", "forget", "--yes", &credentials]);
    let mut program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let said = said_until("by operator\n", program.stdout.as_mut().unwrap());
    assert!(String::from_utf8(said).unwrap().contains("forgotten"));
    gate.add_permits(1);
    let forgotten = program.wait_with_output().unwrap();
    assert!(stdout(&forgotten).contains("the tokens are over at the API too"), "{forgotten:?}");
}
