//! Credentials that no key here opens: who signs in again for them is told what brings them back.

use std::time::Duration;

use endo::ambient::Random;
use endo::message::DeviceUuid;
use endo::store::{StoreError, StoredRecord};
use endo::vault::{Contents, Format, KeyRing, Owners, PrivateKey, RememberSettings, ResourceOwnerId, Vault};

use super::at_the_api::Place;
use crate::support::browser::{come_back, depart};

/// A vault with a key that the gateway does not have.
fn elsewhere() -> Vault {
    let key = include_str!("../../fixtures/vault-other-key.pem");
    let key = PrivateKey::parse(key, &Random::system()).unwrap();
    let remember = RememberSettings { capacity: 0, life: Duration::ZERO };
    Vault::new(KeyRing::new(key, vec![]), Random::system(), remember)
}

#[tokio::test]
async fn who_signs_in_again_for_what_no_key_opens_is_told_that_a_key_is_missing() {
    let place = Place::open().await;
    let gateway = &place.house.gateway.gateway;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let home = come_back(&mut browser, &state).await.header("location").unwrap().to_owned();
    let device = DeviceUuid::from(home.rsplit('/').next().unwrap());
    let contents = Contents {
        owners: Owners::named([gateway.owner.as_ref().unwrap().uuid.clone()]),
        generation: 2,
        ..Contents::new(ResourceOwnerId::Number(583_231), "canary-secret".into())
    };
    let sealed = elsewhere().seal(&device, &contents, Format::Two).unwrap();
    let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
    let record = StoredRecord { generation: 2, endo, signature, source: None };
    let name = device.clone();
    let store = gateway.store.write(move |tx| tx.store_record(&name, &record));
    assert!(store.await.map_err(|error: StoreError| error).unwrap());

    let state = depart(&mut browser, &format!("/auth/api?credentials={device}")).await;
    let told = come_back(&mut browser, &state).await;
    assert_eq!(told.status, 503, "{told:?}");
    assert!(told.text.contains("a key of this gateway is missing"), "{told:?}");
    assert_eq!(place.provider.ended().len(), 2, "what it brought is kept nowhere");
}
