//! An owner leaves, and records move to another key, on a Meshblu while the secret is being renewed.

use std::sync::Arc;

use endo::credentials::{CredentialsError, Health, Rekeyed, Renewed};
use endo::message::DeviceUuid;
use reqwest::Method;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::owners::{FIRST, SECOND, Scene, ask, owners_told_to, prove};
use crate::renewing::until;
use crate::support::meshblu::RemoteGateway;
use crate::support::provider::Fault;

/// A gateway with credentials of two owners, whose secret is `access-2`.
async fn two_owners(scene: &Scene) -> (RemoteGateway, DeviceUuid) {
    let gateway = scene.gateway().await;
    for owner in [FIRST, SECOND] {
        scene.sign_in(&gateway, owner).await;
    }
    (gateway, "new-cred".into())
}

/// The API refused this secret.
fn refused(
    gateway: &RemoteGateway,
    device: &DeviceUuid,
    generation: u64,
) -> JoinHandle<Result<Renewed, CredentialsError>> {
    let (credentials, device) = (gateway.gateway.credentials.clone(), device.clone());
    tokio::spawn(async move { credentials.renew_refused(&device, generation).await })
}

/// The second owner leaves, and the record moves to another key.
async fn leave_and_move(gateway: &RemoteGateway, device: &DeviceUuid) {
    prove(gateway, SECOND, "new-cred").await;
    ask(gateway, Method::DELETE, "/owners/me", SECOND).await.is(204, "");
    gateway.gateway.begin_migration().await.unwrap();
    assert_eq!(gateway.gateway.credentials.rekey(device).await.unwrap(), Rekeyed::Done);
    assert_eq!(owners_told_to(gateway, FIRST).await, json!([{"uuid": FIRST}]));
}

#[tokio::test]
async fn a_doubt_keeps_nobody_from_leaving_and_no_record_from_moving() {
    let scene = Scene::set().await;
    let (gateway, device) = two_owners(&scene).await;
    let credentials = &gateway.gateway.credentials;
    scene.provider.plan([Fault::RotateAndSay(502)]);
    let outcome = refused(&gateway, &device, 2).await.unwrap();
    assert!(matches!(outcome, Ok(Renewed::StillGood)), "{outcome:?}");
    leave_and_move(&gateway, &device).await;
    assert_eq!(credentials.standing(&device).await.unwrap().health, Health::InDoubt);
    // It ends as it would have without them: the token is not sent again, and the secret is over with the access token.
    scene.provider.expire("access-2");
    let outcome = refused(&gateway, &device, 4).await.unwrap();
    assert!(matches!(outcome, Err(CredentialsError::SignInAgain { .. })), "{outcome:?}");
    assert_eq!(scene.provider.token_requests(), 3);
}

#[tokio::test]
async fn what_a_renewal_brings_after_an_owner_left_and_the_record_moved_is_kept() {
    let scene = Scene::set().await;
    let (gateway, device) = two_owners(&scene).await;
    let gate = Arc::new(Semaphore::new(0));
    scene.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    let renewing = refused(&gateway, &device, 2);
    until(|| scene.provider.token_requests() == 3).await;
    leave_and_move(&gateway, &device).await;
    gate.add_permits(1);
    let outcome = renewing.await.unwrap();
    assert!(matches!(outcome, Ok(Renewed::New)), "{outcome:?}");
    assert_eq!(owners_told_to(&gateway, FIRST).await, json!([{"uuid": FIRST}]));
    // The next one sends what this one brought.
    let outcome = refused(&gateway, &device, 4).await.unwrap();
    assert!(matches!(outcome, Ok(Renewed::Newer)), "{outcome:?}");
    assert!(scene.provider.takes("refresh-3"));
}
