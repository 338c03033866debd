//! Sign-ins of one account are kept one after the other.

use std::pin::Pin;
use std::task::{Context, Waker};

use endo::credentials::CredentialsError;

use crate::support::meshblu::{FakeMeshblu, RemoteGateway, settings};

fn is_pending(waiting: Pin<&mut impl Future>) -> bool {
    waiting.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn two_hundred_wait_for_an_account_and_whoever_comes_then_is_refused_at_once() {
    let (meshblu, directory) = (FakeMeshblu::start().await, tempfile::tempdir().unwrap());
    let gateway = RemoteGateway::with(settings(directory.path(), &meshblu.url())).await.unwrap();
    let devices = &gateway.gateway.credentials;
    let first = devices.turn_of("an account").await.unwrap();
    let mut line: Vec<_> = (0..200).map(|_| Box::pin(devices.turn_of("an account"))).collect();
    assert!(line.iter_mut().all(|waiting| is_pending(waiting.as_mut())));
    assert!(matches!(devices.turn_of("an account").await, Err(CredentialsError::Busy)));
    devices.turn_of("another").await.unwrap();

    drop(first);
    for waiting in line {
        assert!(waiting.await.is_ok());
    }
    devices.turn_of("an account").await.unwrap();
}
