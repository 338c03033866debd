//! A proof of the account is one caller's, for one credential, and is forgotten in time.

use std::time::Duration;

use super::{NOW, fresh, open, read, uuid, write};

const HOUR: Duration = Duration::from_secs(60 * 60);
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[tokio::test]
async fn a_proof_counts_for_its_caller_and_its_credential_alone_also_after_a_restart() {
    let (directory, store) = fresh();
    write(&store, |transaction| {
        transaction.note_proof(&uuid("ada"), &uuid("credentials"), NOW.minus(HOUR))?;
        transaction.note_proof(&uuid("ada"), &uuid("credentials"), NOW)
    })
    .await
    .unwrap();
    drop(store);
    let store = open(directory.path());
    let proofs = read(&store, |view| {
        let of = |caller: &str, credentials: &str| view.proof(&uuid(caller), &uuid(credentials));
        Ok([of("ada", "credentials")?, of("ada", "others")?, of("bob", "credentials")?])
    });
    assert_eq!(proofs.await, [Some(NOW), None, None]);
}

#[tokio::test]
async fn old_proofs_and_all_but_the_newest_are_forgotten() {
    let (_directory, store) = fresh();
    write(&store, |transaction| {
        for month in 0..30 {
            transaction.note_proof(&uuid(&format!("caller-{month}")), &uuid("c"), NOW.plus(MONTH * month))?;
        }
        Ok(())
    })
    .await
    .unwrap();
    let known = || {
        read(&store, |view| {
            let proofs = (0..30).map(|month| view.proof(&uuid(&format!("caller-{month}")), &uuid("c")));
            Ok(proofs.collect::<Result<Vec<_>, _>>()?.iter().flatten().count())
        })
    };
    assert_eq!(known().await, 13, "those of the last year");
    write(&store, |transaction| transaction.forget_proofs(NOW, 3)).await.unwrap();
    assert_eq!(known().await, 3);
}
