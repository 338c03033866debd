//! The life of a credentials device: kept once for an account, bound, opened, revoked.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use endo::ambient::{Clock, Random, Stopwatch, Timestamp};
use endo::bus::Bus;
use endo::bus::embedded::{BusError, Caller, EmbeddedBus, Ground};
use endo::credentials::{
    self, Account, BoundDevice, CredentialsDevices, CredentialsError, NewUserDevice, Sealing,
};
use endo::egress::Url;
use endo::message::{DeviceUuid, Parties};
use endo::source::Realm;
use endo::store::{Binding, StoreError, StoredRecord, StoredSubscription, Transaction};
use endo::vault::{
    Credentials, Format, KeyRing, PrivateKey, RecordError, RememberSettings, ResourceOwnerId, Vault,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::account::octocat;
use crate::support::desk::cut_off;
use crate::support::keys::signers;
use crate::support::store;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../fixtures/endo-records.json")).unwrap()
}

/// The device of the original gateway's first recorded case, as its bus stored it.
fn original_device() -> (DeviceUuid, Value) {
    let device = vectors()["credentialsDevices"][0]["device"].clone();
    (device["uuid"].as_str().unwrap().into(), device)
}

fn vault() -> Arc<Vault> {
    vault_with(Random::system())
}

fn vault_with(random: Random) -> Arc<Vault> {
    let key = PrivateKey::parse(vectors()["privateKeyPem"].as_str().unwrap(), &random).unwrap();
    let remember = RememberSettings { capacity: 64, life: Duration::from_secs(3600) };
    Arc::new(Vault::new(KeyRing::new(key, vec![]), random, remember))
}

fn sealing(format: Format) -> Sealing {
    let realm = Realm::at(&Url::parse("https://api.test").unwrap(), None);
    Sealing { hosts: vec!["api.test".to_owned()], realm, format }
}

/// A bus with credentials devices and a clock that stands still.
struct House {
    bus: EmbeddedBus,
    vault: Arc<Vault>,
    credentials: CredentialsDevices,
    hand: Arc<AtomicI64>,
    _directory: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = store::open(directory.path());
        let hand = Arc::new(AtomicI64::new(1_000_000_000));
        let told = Arc::clone(&hand);
        let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
        let ground = Ground {
            store: store.clone(),
            clock: clock.clone(),
            random: Random::system(),
            stopwatch: Stopwatch::of_threads(),
            signers: signers(),
        };
        let bus = EmbeddedBus::open(ground).await.unwrap();
        let vault = vault();
        let ground =
            credentials::Ground { bus: Bus::Embedded(bus.clone()), store, vault: Arc::clone(&vault), clock };
        let credentials = CredentialsDevices::new(ground, sealing(Format::Two));
        Self { bus, vault, credentials, hand, _directory: directory }
    }

    /// The same after a restart: nothing is remembered.
    fn restarted(self) -> Self {
        self.writing(Format::Two)
    }

    /// The same after a restart with another setting of `records.write`.
    fn writing(self, format: Format) -> Self {
        let told = Arc::clone(&self.hand);
        let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
        self.with(vault(), clock, sealing(format))
    }

    fn with(self, vault: Arc<Vault>, clock: Clock, sealing: Sealing) -> Self {
        let (bus, store) = (Bus::Embedded(self.bus.clone()), self.bus.store().clone());
        let ground = credentials::Ground { bus, store, vault: Arc::clone(&vault), clock };
        let credentials = CredentialsDevices::new(ground, sealing);
        Self { vault, credentials, ..self }
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.bus.store().write(change).await.unwrap()
    }

    async fn document(&self, uuid: &DeviceUuid) -> Value {
        let uuid = uuid.clone();
        let look =
            self.bus.look(move |bus, view| bus.reading(view, &Caller::itself(uuid.clone())).device(&uuid));
        look.await.unwrap()
    }

    async fn record(&self, device: &DeviceUuid) -> StoredRecord {
        let device = device.clone();
        let look = self.bus.store().read(move |view| view.record(&device));
        look.await.unwrap().unwrap()
    }

    async fn keep(&self, id: &str, secret: &str, owner: &str) -> DeviceUuid {
        self.credentials.keep(account(id, secret, owner)).await.unwrap()
    }

    async fn bind(&self, credentials: &DeviceUuid, name: Option<&str>) -> BoundDevice {
        self.credentials.bind(credentials.clone(), user_device(name)).await.unwrap()
    }

    async fn open(
        &self,
        credentials: &DeviceUuid,
        user: &DeviceUuid,
    ) -> Result<Credentials, CredentialsError> {
        let parties =
            Parties { sender: "flow".into(), user_device: user.clone(), credentials: credentials.clone() };
        let record = self.credentials.open(&parties).await?;
        self.credentials.usable(&parties, record).await
    }

    /// Puts a credentials device with this document onto the bus, with a user device that may use it.
    async fn import(&self, uuid: &DeviceUuid, document: Value) {
        let uuid = uuid.clone();
        self.write(move |transaction| {
            transaction.add_device(&uuid, &document)?;
            transaction.subscribe(&StoredSubscription {
                subscriber_uuid: uuid,
                emitter_uuid: "user".into(),
                kind: "message.received".to_owned(),
            })
        })
        .await;
    }
}

fn account(id: &str, secret: &str, owner: &str) -> Account {
    Account {
        id: ResourceOwnerId::Text(id.to_owned()),
        username: Some(format!("{id} by name")),
        ..octocat(0, secret, owner)
    }
}

fn user_device(name: Option<&str>) -> NewUserDevice {
    NewUserDevice {
        name: name.map(str::to_owned),
        device_type: "endo:github".to_owned(),
        logo: Some("https://logo.test/".to_owned()),
        service_url: "https://gateway.test/".to_owned(),
        owner: "owner".into(),
        login: None,
        heard_by_owner: false,
    }
}

fn user() -> DeviceUuid {
    "user".into()
}

#[tokio::test]
async fn an_account_that_signs_in_again_keeps_its_device_its_token_and_its_owners() {
    let house = House::new().await;
    let device = house.keep("42", "first", "owner-1").await;
    let bound = house.bind(&device, None).await;
    let first = house.open(&device, &bound.uuid).await.unwrap();
    assert_eq!(house.keep("42", "second", "owner-2").await, device);
    assert_ne!(house.keep("43", "other", "owner-2").await, device);
    let second = house.open(&device, &bound.uuid).await.unwrap();
    assert_eq!((first.generation(), second.generation()), (1, 2));
    assert_eq!((first.secret().expose(), second.secret().expose()), ("first", "second"));
    assert_eq!(second.owners(), ["owner-1".into(), "owner-2".into()]);
    assert_eq!(second.hosts(), Some(&["api.test".to_owned()][..]));
    let token = |opened: &Credentials| opened.credentials_device_token().unwrap().expose().to_owned();
    assert_eq!(token(&first), token(&second));
    let document = house.document(&device).await;
    assert_eq!(document["endo"].to_string(), house.record(&device).await.endo);
    assert_eq!(document["endo"]["authorizedKey"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn records_are_written_in_the_form_of_the_original_where_that_is_asked_for() {
    let house = House::new().await.writing(Format::One);
    let device = house.credentials.keep(account("42", "first", "owner-1")).await.unwrap();
    let endo = house.document(&device).await["endo"].clone();
    assert_eq!(endo["version"], "1.0.0");
    assert!(endo["authorizedKey"].is_string());
    let house = house.restarted();
    assert_eq!(house.credentials.keep(account("42", "second", "owner-1")).await.unwrap(), device);
    assert_eq!(house.document(&device).await["endo"]["version"], "2.0.0");
    let house = house.writing(Format::One);
    assert_eq!(house.credentials.keep(account("42", "third", "owner-2")).await.unwrap(), device);
    assert_eq!(house.document(&device).await["endo"]["version"], "1.0.0");
}

#[tokio::test]
async fn an_account_that_signs_in_twice_at_once_gets_one_device() {
    let house = House::new().await;
    let keeping = (0..4).map(|n| house.credentials.keep(account("42", "secret", &format!("owner-{n}"))));
    let mut kept: Vec<_> = join_all(keeping).await.into_iter().map(Result::unwrap).collect();
    kept.dedup();
    assert_eq!(kept.len(), 1);
    assert_eq!(house.record(&kept[0]).await.generation, 4);
}

#[tokio::test]
async fn a_device_that_only_claims_to_be_an_accounts_is_passed_over() {
    let house = House::new().await;
    let device = house.keep("42", "first", "owner").await;
    let claim = house.document(&device).await;
    house
        .import(&"impostor".into(), json!({"endo": claim["endo"], "endoSignature": claim["endoSignature"]}))
        .await;
    let empty = json!({"endo": {"idKey": claim["endo"]["idKey"]}});
    house.import(&"empty".into(), empty).await;
    assert_eq!(house.keep("42", "second", "owner").await, device);
    let other = house.keep("43", "other", "owner").await;
    let wrong = house.document(&device).await;
    house.write(move |transaction| transaction.replace_device(&other, &wrong)).await;
    assert_eq!(house.keep("42", "third", "owner").await, device);
}

#[tokio::test]
async fn a_record_of_the_original_opens_and_is_taken_over_by_its_account() {
    let house = House::new().await;
    let (device, document) = original_device();
    house.import(&device, document).await;
    let opened = house.open(&device, &user()).await.unwrap();
    assert_eq!((opened.format(), opened.secret().expose()), (Format::One, "resource owner secret"));
    assert_eq!(house.keep("resource owner id", "renewed", "owner").await, device);
    let opened = house.open(&device, &user()).await.unwrap();
    assert_eq!((opened.format(), opened.secret().expose()), (Format::Two, "renewed"));
    assert_eq!(opened.credentials_device_token().unwrap().expose(), "cred-token-1");
    let bound = house.bind(&device, None).await;
    assert_eq!(house.document(&bound.uuid).await["name"], "resource owner id by name");
}

#[tokio::test]
async fn a_user_device_is_made_as_the_contract_says() {
    let house = House::new().await;
    let device = house.keep("42", "secret", "owner").await;
    let bound = house.bind(&device, Some("My device")).await;
    let document = house.document(&bound.uuid).await;
    let keys: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "online name type logo owner octoblu schemas meshblu uuid statusDevice";
    assert_eq!(keys.join(" "), expected);
    let pick =
        |names: &[&str]| names.iter().map(|name| document[*name].to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(
        pick(&["online", "name", "type", "logo", "owner", "octoblu"]),
        r#"true "My device" "endo:github" "https://logo.test/" "owner" {"flow":{"forwardMetadata":true}}"#
    );
    assert_eq!(
        document["schemas"].to_string(),
        r#"{"version":"2.0.0","form":{"$ref":"https://gateway.test/v1/form-schema"},"message":{"$ref":"https://gateway.test/v1/message-schema"},"response":{"$ref":"https://gateway.test/v1/response-schema"}}"#
    );
    let whitelists = r#"{"broadcast":{"as":[O],"received":[O],"sent":[O]},"configure":{"as":[O,C],"received":[O],"sent":[O],"update":[O]},"discover":{"view":[O,C],"as":[O]},"message":{"as":[O,C],"received":[O,C],"sent":[O],"from":[O]}}"#;
    let (owner, credentials) = (r#"{"uuid":"owner"}"#, json!({"uuid": device}).to_string());
    let whitelists = whitelists.replace('O', owner).replace('C', &credentials);
    assert_eq!(document["meshblu"]["whitelists"].to_string(), whitelists);
    assert_eq!(document["meshblu"]["version"], "2.0.0");
    assert_eq!(document["statusDevice"], json!(bound.status_device));
}

#[tokio::test]
async fn a_status_device_is_made_as_the_contract_says() {
    let house = House::new().await;
    let device = house.keep("42", "secret", "owner").await;
    let bound = house.bind(&device, Some("My device")).await;
    let status = house.document(&bound.status_device).await;
    let both = json!([{"uuid": bound.uuid}, {"uuid": "owner"}]).to_string();
    assert_eq!(
        status["meshblu"]["whitelists"].to_string(),
        r#"{"version":"2.0.0","configure":{"update":B,"sent":B},"discover":{"view":B}}"#.replace('B', &both)
    );
    let pick = [&status["type"], &status["owner"], &status["status"]];
    assert_eq!(pick, [&json!("status-device"), &json!(bound.uuid), &json!({"errors": []})]);
}

#[tokio::test]
async fn a_user_device_without_a_name_is_called_like_its_account() {
    let house = House::new().await;
    let device = house.keep("42", "secret", "owner").await;
    let bound = house.bind(&device, None).await;
    assert_eq!(house.document(&bound.uuid).await["name"], "42 by name");
    let nameless = Account { username: None, ..account("43", "secret", "owner") };
    let device = house.credentials.keep(nameless).await.unwrap();
    let bound = house.bind(&device, None).await;
    assert_eq!(house.document(&bound.uuid).await.get("name"), None);
}

#[tokio::test]
async fn nothing_is_bound_to_a_device_without_a_record() {
    let house = House::new().await;
    for name in [None, Some("name")] {
        let refused = house.credentials.bind("nobody".into(), user_device(name)).await;
        assert!(matches!(refused, Err(CredentialsError::NoRecord)));
    }
}

#[tokio::test]
async fn a_revoked_binding_opens_nothing_ever_again() {
    let house = House::new().await;
    let device = house.keep("42", "secret", "owner").await;
    let bound = house.bind(&device, None).await;
    let other = house.bind(&device, None).await;
    let binding = Binding { credentials: device.clone(), user_device: bound.uuid.clone() };
    assert!(cut_off(&house.credentials, binding.clone()).await.is_some());
    assert!(cut_off(&house.credentials, binding.clone()).await.is_none());
    let house = house.restarted();
    assert!(matches!(house.open(&device, &bound.uuid).await, Err(CredentialsError::Revoked)));
    house
        .write(move |transaction| {
            transaction.bind(&binding, Timestamp::from_millis(0))?;
            transaction.subscribe(&StoredSubscription {
                subscriber_uuid: binding.credentials.clone(),
                emitter_uuid: binding.user_device.clone(),
                kind: "message.received".to_owned(),
            })
        })
        .await;
    assert!(matches!(house.open(&device, &bound.uuid).await, Err(CredentialsError::Revoked)));
    assert_eq!(house.vault.private_key_operations(), 0, "something was opened");
    assert_eq!(house.open(&device, &other.uuid).await.unwrap().secret().expose(), "secret");
}

#[tokio::test]
async fn revoking_what_was_never_bound_says_so() {
    let house = House::new().await;
    let device = house.keep("42", "secret", "owner").await;
    let binding = Binding { credentials: device, user_device: user() };
    assert!(cut_off(&house.credentials, binding).await.is_none());
}

#[tokio::test]
async fn credentials_open_for_bound_devices_alone() {
    let house = House::new().await;
    let device = house.keep("42", "secret", "owner").await;
    let bound = house.bind(&device, None).await;
    let operations = house.vault.private_key_operations();
    assert!(matches!(house.open(&device, &user()).await, Err(CredentialsError::NotBound)));
    let unsubscribe = house.bus.change({
        let (device, emitter) = (device.clone(), bound.uuid.clone());
        move |bus, transaction| {
            let subscription = StoredSubscription {
                subscriber_uuid: device.clone(),
                emitter_uuid: emitter,
                kind: "message.received".to_owned(),
            };
            bus.changing(transaction, &Caller::itself(device)).unsubscribe(&subscription)
        }
    });
    unsubscribe.await.unwrap();
    assert!(matches!(house.open(&device, &bound.uuid).await, Err(CredentialsError::NotBound)));
    house.import(&"empty".into(), json!({})).await;
    assert!(matches!(house.open(&"empty".into(), &user()).await, Err(CredentialsError::NoRecord)));
    assert_eq!(house.vault.private_key_operations(), operations, "something was opened");
}

#[tokio::test]
async fn a_record_that_was_put_onto_another_device_is_refused() {
    let house = House::new().await;
    let device = house.keep("42", "secret", "owner").await;
    let bound = house.bind(&device, None).await;
    let other = house.keep("43", "other secret", "owner").await;
    let swapped = StoredRecord { generation: 9, ..house.record(&other).await };
    let at = device.clone();
    assert!(house.write(move |transaction| transaction.store_record(&at, &swapped)).await);
    let refused = house.open(&device, &bound.uuid).await;
    assert!(matches!(refused, Err(CredentialsError::Record(RecordError::WrongDevice))));
}

#[tokio::test]
async fn a_record_rolled_back_on_the_bus_is_ignored() {
    let house = House::new().await;
    let device = house.keep("42", "first", "owner").await;
    let bound = house.bind(&device, None).await;
    let older = house.document(&device).await;
    house.keep("42", "second", "owner").await;
    let at = device.clone();
    house.write(move |transaction| transaction.replace_device(&at, &older)).await;
    let house = house.restarted();
    assert_eq!(house.open(&device, &bound.uuid).await.unwrap().secret().expose(), "second");
}

#[tokio::test]
async fn a_warm_record_costs_no_private_key_operation() {
    let house = House::new().await;
    let device = house.keep("42", "secret", "owner").await;
    let bound = house.bind(&device, None).await;
    house.open(&device, &bound.uuid).await.unwrap();
    let operations = house.vault.private_key_operations();
    for _ in 0..10 {
        house.open(&device, &bound.uuid).await.unwrap();
    }
    assert_eq!(house.vault.private_key_operations(), operations);
}

#[tokio::test]
async fn a_cold_record_is_decrypted_once_however_many_want_it() {
    const WANTED: usize = 64;
    let house = House::new().await;
    let device = house.keep("42", "secret", "owner").await;
    let bound = house.bind(&device, None).await;
    let (asked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(None::<mpsc::Receiver<()>>)));
    let (counted, closed) = (Arc::clone(&asked), Arc::clone(&gate));
    // Decryption is blinded, so it waits for random bytes until the gate's other end is dropped.
    let random = Random::from_fn(move |bytes| {
        if let Some(gate) = &*closed.lock().unwrap() {
            let _ = gate.recv();
        }
        bytes.fill(7);
    });
    let clock = Clock::from_fn(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Timestamp::from_millis(1_000_000_000)
    });
    let house = house.with(vault_with(random), clock, sealing(Format::Two));
    let (open_gate, receiver) = mpsc::channel();
    *gate.lock().unwrap() = Some(receiver);
    asked.store(0, Ordering::SeqCst);
    let all_asked = async {
        while asked.load(Ordering::SeqCst) < WANTED {
            tokio::task::yield_now().await;
        }
        drop(open_gate);
    };
    let opening = join_all((0..WANTED).map(|_| house.open(&device, &bound.uuid)));
    for opened in tokio::join!(opening, all_asked).0 {
        assert_eq!(opened.unwrap().secret().expose(), "secret");
    }
    assert_eq!(house.vault.private_key_operations(), 1);
}

/// A device with a record of the original's, and ways to spoil it.
async fn spoiled(house: &House) -> (DeviceUuid, Value) {
    let (device, document) = original_device();
    house.import(&device, spoil(&document, 1)).await;
    (device, document)
}

/// The document with another record that does not open.
fn spoil(document: &Value, letters: usize) -> Value {
    let mut document = document.clone();
    let encrypted = document["endo"]["encrypted"].as_str().unwrap();
    document["endo"]["encrypted"] = json!(encrypted.replacen(char::is_alphabetic, "7", letters));
    document
}

impl House {
    async fn show(&self, device: &DeviceUuid, document: Value) {
        let device = device.clone();
        self.write(move |transaction| transaction.replace_device(&device, &document)).await;
    }
}

#[tokio::test]
async fn a_record_that_does_not_open_is_tried_once_in_a_while_and_keeps_no_good_one_from_being_opened() {
    let house = House::new().await;
    let (device, document) = spoiled(&house).await;
    let Err(CredentialsError::Record(first)) = house.open(&device, &user()).await else { panic!() };
    let operations = house.vault.private_key_operations();
    for _ in 0..6 {
        let again = house.open(&device, &user()).await;
        assert!(matches!(again, Err(CredentialsError::Record(error)) if error == first));
    }
    assert_eq!(house.vault.private_key_operations(), operations);
    house.show(&device, document).await;
    house.open(&device, &user()).await.unwrap();
}

#[tokio::test]
async fn a_device_of_which_five_records_do_not_open_is_not_tried_for_a_while() {
    let house = House::new().await;
    let (device, document) = spoiled(&house).await;
    for letters in 1..=5 {
        house.show(&device, spoil(&document, letters)).await;
        assert!(matches!(house.open(&device, &user()).await, Err(CredentialsError::Record(_))));
    }
    let operations = house.vault.private_key_operations();
    house.show(&device, spoil(&document, 6)).await;
    assert!(matches!(house.open(&device, &user()).await, Err(CredentialsError::TooManyFailures)));
    assert_eq!(house.vault.private_key_operations(), operations);
    let other = house.keep("42", "secret", "owner").await;
    let bound = house.bind(&other, None).await;
    house.open(&other, &bound.uuid).await.unwrap();
    house.show(&device, document).await;
    assert!(matches!(house.open(&device, &user()).await, Err(CredentialsError::TooManyFailures)));
    house.hand.fetch_add(60_000, Ordering::SeqCst);
    house.open(&device, &user()).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_kept_leaves_nothing_behind() {
    let house = House::new().await;
    let unsafe_id = Account { id: ResourceOwnerId::Number(i64::MAX), ..account("", "secret", "owner") };
    let refused = house.credentials.keep(unsafe_id).await;
    assert!(matches!(refused, Err(CredentialsError::Seal(_))));
    let service = house.bus.service().clone();
    let devices = house.bus.look(move |_, view| {
        let mut found = Vec::new();
        view.visit_devices(&endo::store::Lookup::Everything, 1 << 20, |device| {
            found.push(device.uuid);
            true
        })?;
        Ok::<_, BusError>(found)
    });
    assert_eq!(devices.await.unwrap(), [service]);
}
