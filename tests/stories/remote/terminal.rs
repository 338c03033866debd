//! What the command line says of devices on a bus elsewhere.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use endo::cli::Exit;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::killed_making::Scene;
use crate::support::fake_api::Answer;
use crate::support::held_bus::HeldBus;
use crate::support::meshblu::{FakeMeshblu, SERVICE, json_answer, vectors};
use crate::support::program::Program;
use crate::support::shell::{ended, stderr};
use crate::support::terminal::{answered, terminal};

/// How long whoever asks bears with a gateway that says nothing.
const SILENCE: Duration = Duration::from_secs(10);

/// What `endo devices ls` says on this directory.
fn list(directory: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
    command.env_clear().arg("--data-dir").arg(directory).args(["devices", "ls", "--json"]).output().unwrap()
}

/// The rows of `endo devices ls` on the directory of a gateway that runs.
fn listed(scene: &Scene) -> Vec<Value> {
    let output = list(scene.directory.path());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_are_listed_with_the_names_and_owners_that_the_bus_tells() {
    let mut scene = Scene::set().await;
    let home = scene.sign_in(None).await.unwrap();
    for name in ["Lab", "Garden"] {
        let page = scene.browser.get(&home).await;
        let added = scene.browser.submit(&page, &format!("{home}/add-me"), &[("name", name)]).await;
        assert_eq!(added.status, 201, "{added:?}");
    }
    let rows = listed(&scene);
    let mut names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap_or("-")).collect();
    names.sort_unstable();
    assert_eq!(names, ["Garden", "Lab"], "{rows:?}");
    assert!(rows.iter().all(|row| row["owner"] == *scene.bus.owner.uuid), "{rows:?}");

    // A bus that is gone leaves what is known here.
    scene.bus = HeldBus::start().await;
    let rows = listed(&scene);
    assert!(rows.len() == 2 && rows.iter().all(|row| row["name"].is_null()), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_is_asked_for_many_credentials_at_a_time() {
    const MANY: usize = 32;
    let (meshblu, gate) = (FakeMeshblu::start().await, Arc::new(Semaphore::new(0)));
    let directory = hearing(&meshblu, MANY, &gate);
    meshblu.answer("POST /search/devices", [json_answer(403, &json!({"error": "Forbidden"})).behind(&gate)]);
    let data = directory.path().to_owned();
    let listing = tokio::task::spawn_blocking(move || list(&data));
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let asked = || meshblu.called().iter().filter(|call| *call == "POST /search/devices").count();
    while asked() < MANY {
        assert!(!listing.is_finished(), "{} were asked for", asked());
        ticks.tick().await;
    }
    gate.add_permits(10 * MANY);
    let output = listing.await.unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
}

/// The directory of a gateway on this Meshblu, to which the service hears so many credentials devices, none of which
/// keeps anything; each is found so, once the gate has a permit for it.
fn hearing(meshblu: &FakeMeshblu, many: usize, gate: &Arc<Semaphore>) -> TempDir {
    let hears = |device| json!({"subscriberUuid": SERVICE, "emitterUuid": format!("cred-{device:02}"), "type": "message.received"});
    let all: Vec<_> = (0..many).map(hears).collect();
    meshblu.answer(&format!("GET /v2/devices/{SERVICE}/subscriptions"), [json_answer(200, &json!(all))]);
    meshblu.answer("POST /search/devices", [json_answer(200, &json!([])).behind(gate)]);
    let directory = tempfile::tempdir().unwrap();
    let key = vectors()["servicePrivateKeyPem"].as_str().unwrap();
    let settings = format!(
        "[bus]\nkind = \"meshblu\"\nurl = \"{}\"\nuuid = \"{SERVICE}\"\ntoken = \"service-token-0001\"\n\
         [records]\nprivate_key = '''{key}'''\n",
        meshblu.url()
    );
    std::fs::write(directory.path().join("endo.toml"), settings).unwrap();
    directory
}

fn endo(directory: &TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
    command.env_clear().arg("--data-dir").arg(directory.path()).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_and_keys_are_listed_by_asking_for_many_at_a_time() {
    const MANY: usize = 32;
    for words in [&["credentials", "ls"], &["keys", "ls"]] {
        let (meshblu, gate) = (FakeMeshblu::start().await, Arc::new(Semaphore::new(0)));
        let directory = hearing(&meshblu, MANY, &gate);
        let mut listing = endo(&directory, words).spawn().unwrap();
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let asked = || meshblu.called().iter().filter(|call| *call == "POST /search/devices").count();
        while asked() < MANY {
            assert!(listing.try_wait().unwrap().is_none(), "{} were asked for", asked());
            ticks.tick().await;
        }
        gate.add_permits(10 * MANY);
        let output = listing.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_tells_how_far_it_is_while_the_bus_takes_its_time() {
    let (meshblu, gate) = (FakeMeshblu::start().await, Arc::new(Semaphore::new(4)));
    let directory = hearing(&meshblu, 5, &gate);
    let mut migrating = endo(&directory, &["keys", "migrate"]).spawn().unwrap();
    let mut lines = BufReader::new(migrating.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().map(Result::unwrap).as_deref(), Some("4 of 5: 0 sealed anew"));
    gate.add_permits(10);
    assert_eq!(lines.next().map(Result::unwrap).as_deref(), Some("5 of 5: 0 sealed anew"));
    assert!(migrating.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_leaves_the_gateway_of_old_behind_at_a_terminal_is_asked_first() {
    let (meshblu, gate) = (FakeMeshblu::start().await, Arc::new(Semaphore::new(0)));
    let directory = hearing(&meshblu, 0, &gate);
    for (command, question) in [
        (
            "rotate",
            "A gateway of old opens nothing of what is sealed from then on, and no way leads back to the old key. Make a new key?",
        ),
        (
            "migrate",
            "A gateway of old reads nothing of what is written from then on, and no way leads back. Migrate?",
        ),
    ] {
        let declined = answered(endo(&directory, &["keys", command]), "\n");
        assert!(ended(&declined, Exit::Failure) && declined.stdout.is_empty(), "{declined:?}");
        assert_eq!(stderr(&declined), format!("{question} [y/N] endo: left as it is\n"));
        let agreed = answered(endo(&directory, &["keys", command]), "y\n");
        assert!(ended(&agreed, Exit::Ok) && !agreed.stdout.is_empty(), "{agreed:?}");
        let (_ours, theirs) = terminal();
        let unasked = endo(&directory, &["keys", command, "--yes"]).stdin(theirs).output().unwrap();
        assert!(ended(&unasked, Exit::Ok) && stderr(&unasked).is_empty(), "{unasked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_says_that_it_is_at_work_on_an_answer() {
    let (meshblu, gate) = (FakeMeshblu::start().await, Arc::new(Semaphore::new(0)));
    let directory = hearing(&meshblu, 1, &gate);
    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let mut socket = UnixStream::connect(directory.path().join("endo.sock")).unwrap();
    socket.write_all(b"\"listCredentials\"").unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let mut first = [0];
    socket.read_exact(&mut first).unwrap();
    assert_eq!(first, *b" ");
    gate.add_permits(10);
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert_eq!(answer.trim_start(), "{\"Ok\":[]}");
    drop(program);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_says_so_too_to_whoever_waits_for_a_turn() {
    const MORE_THAN_TURNS: usize = 17;
    let (meshblu, gate) = (FakeMeshblu::start().await, Arc::new(Semaphore::new(0)));
    let directory = hearing(&meshblu, 1, &gate);
    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let ask = |_| {
        let mut socket = UnixStream::connect(directory.path().join("endo.sock")).unwrap();
        socket.set_read_timeout(Some(SILENCE)).unwrap();
        socket.write_all(b"\"listCredentials\"").unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        socket
    };
    let sockets: Vec<_> = (0..MORE_THAN_TURNS).map(ask).collect();
    for mut socket in &sockets {
        let mut first = [0];
        socket.read_exact(&mut first).unwrap();
        assert_eq!(first, *b" ");
    }
    // Nobody had to be answered for that.
    for mut socket in &sockets {
        socket.set_nonblocking(true).unwrap();
        let mut more = Vec::new();
        let _ = socket.read_to_end(&mut more);
        assert!(more.iter().all(|byte| *byte == b' '), "{}", String::from_utf8_lossy(&more));
    }
    drop(program);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_forgotten_at_a_terminal_also_where_the_bus_does_not_say_who_uses_it() {
    let mut scene = Scene::set().await;
    let home = scene.sign_in(None).await.unwrap();
    scene.add_device(&home, None).await.unwrap();
    let credentials = scene.credentials().await.uuid;
    scene.bus = HeldBus::start().await;
    let forgotten = answered(endo(&scene.directory, &["credentials", "forget", &credentials]), "y\n");
    assert!(ended(&forgotten, Exit::Ok), "{forgotten:?}");
    let asked = "is forgotten for ever, and every device that uses it stops working. Forget it? [y/N] ";
    assert!(stderr(&forgotten).contains(asked), "{forgotten:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_that_does_not_answer_is_told_by_the_exit_code() {
    let (meshblu, gate) = (FakeMeshblu::start().await, Arc::new(Semaphore::new(0)));
    let directory = hearing(&meshblu, 1, &gate);
    meshblu.answer("POST /search/devices", [Answer::Bytes(Vec::new())]);
    for words in [&["credentials", "ls"], &["keys", "ls"]] {
        let output = endo(&directory, words).output().unwrap();
        assert!(ended(&output, Exit::Unreachable), "{output:?}");
        assert!(stderr(&output).contains("the bus does not answer"), "{output:?}");
    }
}
