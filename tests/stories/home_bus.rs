//! A data directory belongs to one kind of bus: what is there would be refused on another, and ends told that nobody was told of.

use std::path::Path;
use std::process::Output;

use endo::cli::{CommandError, Exit};
use endo::config::Config;
use endo::gateway::GatewayError;
use endo::store::{NewDelivery, StoreError, StoredRecord, Transaction};

use serde_json::json;

use crate::support::fake_api::Answer;
use crate::support::meshblu::{FakeMeshblu, RemoteGateway, json_answer, settings};
use crate::support::shell::{Shell, ended, stderr, stdout};
use crate::support::store;

/// The variables of a gateway on a Meshblu.
const ON_A_MESHBLU: [(&str, &str); 5] = [
    ("MESHBLU_UUID", "a1111111-1111-4111-8111-111111111111"),
    ("MESHBLU_TOKEN", "service-token"),
    ("MESHBLU_HOSTNAME", "127.0.0.1"),
    ("MESHBLU_PORT", "9"),
    ("MESHBLU_PROTOCOL", "http"),
];

/// Writes into the shell's database what a gateway would.
async fn write<F>(shell: &Shell, change: F)
where
    F: FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send + 'static,
{
    store::open(&shell.data()).write::<_, StoreError, _>(change).await.unwrap();
}

fn keep_a_record(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let record = StoredRecord { generation: 1, endo: "x".into(), signature: "x".into(), source: None };
    transaction.store_record(&"device".into(), &record).map(drop)
}

fn accept_a_message(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    accept_a_message_for(transaction, "device")
}

fn accept_a_message_for(transaction: &Transaction<'_>, device: &str) -> Result<(), StoreError> {
    let new = NewDelivery { device: device.into(), ..store::delivery("message") };
    transaction.accept(&new, endo::ambient::Timestamp::from_millis(0)).map(drop)
}

/// What the doctor says, who begins a directory where there is none.
fn look(shell: &Shell, is_on_a_meshblu: bool) -> Output {
    let mut command = shell.command(&["doctor"]);
    if is_on_a_meshblu {
        command.envs(ON_A_MESHBLU);
    }
    command.output().unwrap()
}

fn is_refused(output: &Output) -> bool {
    ended(output, Exit::Configuration) && stderr(output).contains("belongs to another bus than bus.kind")
}

#[tokio::test]
async fn what_a_gateway_on_one_bus_left_is_not_touched_on_another() {
    for begins_on_a_meshblu in [false, true] {
        for change in [keep_a_record, accept_a_message] {
            let shell = Shell::with_key();
            assert!(!is_refused(&look(&shell, begins_on_a_meshblu)));
            write(&shell, change).await;
            assert!(!is_refused(&look(&shell, begins_on_a_meshblu)));
            let refused = look(&shell, !begins_on_a_meshblu);
            assert!(is_refused(&refused), "{}", stderr(&refused));
        }
    }
}

#[tokio::test]
async fn a_directory_in_which_nothing_is_kept_goes_over_to_another_bus() {
    for ends_on_a_meshblu in [false, true] {
        let shell = Shell::with_key();
        for is_on_a_meshblu in [ends_on_a_meshblu, !ends_on_a_meshblu, ends_on_a_meshblu] {
            let looked = look(&shell, is_on_a_meshblu);
            assert!(!is_refused(&looked), "{}", stderr(&looked));
        }
        write(&shell, keep_a_record).await;
        assert!(!is_refused(&look(&shell, ends_on_a_meshblu)));
        assert!(is_refused(&look(&shell, !ends_on_a_meshblu)));
    }
}

/// The settings of a service of this name.
fn of_service(uuid: &str, directory: &Path, meshblu: &FakeMeshblu) -> Config {
    meshblu.answer("GET /v2/whoami", [json_answer(200, &json!({"uuid": uuid}))]);
    let mut config = settings(directory, &meshblu.url());
    config.bus.uuid = Some(uuid.to_owned());
    config
}

#[tokio::test]
async fn what_one_service_of_a_meshblu_keeps_is_not_touched_as_another() {
    let meshblu = FakeMeshblu::start().await;
    let directory = tempfile::tempdir().unwrap();
    let is_served = async |uuid: &str| {
        let served = RemoteGateway::with(of_service(uuid, directory.path(), &meshblu)).await;
        match served {
            Ok(gateway) => {
                gateway.stop().await;
                true
            }
            Err(error) => {
                assert!(matches!(error, GatewayError::OtherService { .. }), "{error:?}");
                assert_eq!(CommandError::from(error).exit(), Exit::Configuration);
                false
            }
        }
    };
    assert!(is_served("service-a").await);
    assert!(is_served("service-b").await, "nothing is kept there yet");
    store::open(directory.path()).write::<_, StoreError, _>(keep_a_record).await.unwrap();
    assert!(is_served("SERVICE-B").await, "a uuid is the same in capitals");
    assert!(!is_served("service-a").await);
    assert!(is_served("service-b").await);
    // As versions of before left it.
    let database = rusqlite::Connection::open(directory.path().join("endo.db")).unwrap();
    database.execute("DELETE FROM facts WHERE name = 'meshblu.service'", []).unwrap();
    drop(database);
    let refused = of_service("service-b", directory.path(), &meshblu);
    meshblu.answer("GET /v2/whoami", [Answer::new(401, &[], "")]);
    assert!(RemoteGateway::with(refused).await.is_err());
    assert!(is_served("service-a").await, "whom the Meshblu refuses the directory does not remember");
    assert!(!is_served("service-b").await);
}

/// Versions of before did not note which bus it was.
async fn forget_which_bus_it_was(shell: &Shell) {
    write(shell, |transaction| transaction.remember_fact("bus.kind", b"")).await;
}

/// A directory in which an earlier version began its own bus.
async fn with_a_bus_of_before() -> Shell {
    let shell = Shell::with_key();
    look(&shell, false);
    forget_which_bus_it_was(&shell).await;
    shell
}

/// Keeps credentials on the program's own bus; answers their credentials device.
fn keep_credentials(shell: &Shell) -> String {
    let added = shell.run_with(&["credentials", "add", "--id", "1", "--username", "u"], "canary-token\n");
    assert!(ended(&added, Exit::Ok), "{}", stderr(&added));
    stdout(&added).split_whitespace().last().unwrap().to_owned()
}

#[tokio::test]
async fn what_an_earlier_version_left_is_a_meshblu_s_where_no_bus_was_ever_begun() {
    let shell = Shell::with_key();
    write(&shell, keep_a_record).await;
    assert!(is_refused(&look(&shell, false)));
    assert!(!is_refused(&look(&shell, true)));
    assert!(is_refused(&look(&shell, false)));
}

#[tokio::test]
async fn what_an_earlier_version_left_of_its_own_bus_s_devices_keeps_no_meshblu_s_gateway_out() {
    for holds_of_both in [false, true] {
        let shell = Shell::with_key();
        keep_credentials(&shell);
        if holds_of_both {
            write(&shell, keep_a_record).await;
        }
        forget_which_bus_it_was(&shell).await;
        for is_on_a_meshblu in [true, false, true] {
            assert!(!is_refused(&look(&shell, is_on_a_meshblu)));
        }
    }
}

#[tokio::test]
async fn what_an_earlier_version_left_of_forgotten_credentials_keeps_out_nobody_whose_bus_was_begun() {
    let shell = Shell::with_key();
    let credentials = keep_credentials(&shell);
    let forgotten = shell.run(&["credentials", "forget", "--yes", &credentials]);
    assert!(ended(&forgotten, Exit::Ok), "{}", stderr(&forgotten));
    forget_which_bus_it_was(&shell).await;
    std::fs::remove_file(shell.data().join("owner.json")).unwrap();
    assert!(!is_refused(&look(&shell, false)));
}

/// A message waits for the gateway's own device, which is on its bus.
#[tokio::test]
async fn what_an_earlier_version_accepted_on_a_meshblu_is_that_s_although_another_bus_was_begun_there() {
    let shell = with_a_bus_of_before().await;
    write(&shell, accept_a_message).await;
    assert!(is_refused(&look(&shell, false)));
    assert!(!is_refused(&look(&shell, true)));
}

#[tokio::test]
async fn what_an_earlier_version_accepted_on_its_own_bus_is_that_s() {
    let shell = with_a_bus_of_before().await;
    let owner = std::fs::read_to_string(shell.data().join("owner.json")).unwrap();
    let owner: serde_json::Value = serde_json::from_str(&owner).unwrap();
    let device = owner["uuid"].as_str().unwrap().to_owned();
    write(&shell, move |transaction| accept_a_message_for(transaction, &device)).await;
    assert!(is_refused(&look(&shell, true)));
    assert!(!is_refused(&look(&shell, false)));
}

/// Its own bus was begun there, and what is kept is of none of its devices: nobody can tell, and nobody is kept out.
#[tokio::test]
async fn where_nobody_can_tell_whose_it_is_neither_is_refused_for_good() {
    let shell = with_a_bus_of_before().await;
    write(&shell, keep_a_record).await;
    for is_on_a_meshblu in [false, true, false, true] {
        assert!(!is_refused(&look(&shell, is_on_a_meshblu)));
    }
}
