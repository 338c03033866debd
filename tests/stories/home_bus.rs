//! A data directory belongs to one bus: what is there would be refused on another, and ends told that nobody was told of.

use std::process::Output;

use endo::cli::Exit;
use endo::store::{NewDelivery, Store, StoreError, StoreSettings, StoredRecord, Transaction, Work};

use crate::support::shell::{Shell, ended, stderr};

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
    let settings = StoreSettings { directory: shell.data(), max_pages: None, keep_free_mib: 0 };
    Store::open(&settings).unwrap().write::<_, StoreError, _>(change).await.unwrap();
}

fn keep_a_record(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let record = StoredRecord { generation: 1, endo: "x".into(), signature: "x".into(), source: None };
    transaction.store_record(&"device".into(), &record).map(drop)
}

fn accept_a_message(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let new = NewDelivery {
        id: "message".into(),
        work: Work::Job,
        device: "device".into(),
        event: "message.received".into(),
        route: None,
        target: None,
        body: "{}".into(),
    };
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
    let shell = Shell::with_key();
    for is_on_a_meshblu in [false, true, false] {
        let looked = look(&shell, is_on_a_meshblu);
        assert!(!is_refused(&looked), "{}", stderr(&looked));
    }
}

/// Versions of before did not note which bus it was.
#[tokio::test]
async fn what_an_earlier_version_left_is_a_meshblu_s_where_no_bus_was_ever_begun() {
    let shell = Shell::with_key();
    write(&shell, keep_a_record).await;
    assert!(is_refused(&look(&shell, false)));
    assert!(!is_refused(&look(&shell, true)));
}
