//! Everybody who proved control of the account stays an owner, though a record of the original's has room for one.

use std::path::Path;

use endo::ambient::{Clock, Random, Timestamp};
use endo::config::Config;
use endo::credentials::{Account, Cut, Rekeyed, Revoker};
use endo::message::DeviceUuid;
use endo::vault::{
    Contents, Format, KeyRing, Owners, PrivateKey, RememberSettings, ResourceOwnerId, SecretText, Vault,
};
use reqwest::{Client, Method};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::devices::empty_bus;
use super::pages::signed_in;
use crate::support::account::octocat;
use crate::support::browser::{Browser, come_back, depart};
use crate::support::bus::{Answer as Answered, send};
use crate::support::meshblu::{
    CREDENTIALS, CREDENTIALS_TOKEN, FakeMeshblu, RemoteGateway, SERVICE, USER_DEVICE, json_answer, settings,
    vectors,
};
use crate::support::provider::FakeProvider;

pub(super) const FIRST: &str = "owner-1";
pub(super) const SECOND: &str = "owner-2";
const SHOW: &str = "PUT /v2/devices/new-cred";

/// A gateway on a Meshblu whose records are in the form that is written there, and a provider.
pub(super) struct Scene {
    meshblu: FakeMeshblu,
    pub(super) provider: FakeProvider,
    directory: TempDir,
}

impl Scene {
    pub(super) async fn set() -> Self {
        let meshblu = empty_bus().await;
        meshblu.answer("GET /v2/devices/new-cred", [json_answer(200, &json!({"uuid": "new-cred"}))]);
        meshblu.answer("GET /v2/devices/new-cred/subscriptions", [json_answer(200, &json!([]))]);
        Self::on(meshblu).await
    }

    async fn on(meshblu: FakeMeshblu) -> Self {
        let provider = FakeProvider::start().await;
        Self { meshblu, provider, directory: tempfile::tempdir().unwrap() }
    }

    pub(super) async fn gateway(&self) -> RemoteGateway {
        self.gateway_with(|_| ()).await
    }

    async fn gateway_that_writes(&self, format: Option<u8>) -> RemoteGateway {
        self.gateway_with(|settings| settings.records.write = format).await
    }

    async fn gateway_with(&self, change: impl FnOnce(&mut Config)) -> RemoteGateway {
        // It asks who it is itself before anybody signs in.
        self.meshblu.answer("GET /v2/whoami", [json_answer(200, &json!({"uuid": SERVICE}))]);
        let mut settings: Config = settings(self.directory.path(), &self.meshblu.url());
        settings.bus.oauth_url = Some(self.meshblu.url());
        settings.source = self.provider.settings();
        change(&mut settings);
        let now = Timestamp::from_millis(vectors()["nowMs"].as_i64().unwrap());
        RemoteGateway::at(Clock::from_fn(move || now), settings).await.unwrap()
    }

    /// Signs in with the bus, then at the API; answers the browser.
    pub(super) async fn sign_in(&self, gateway: &RemoteGateway, owner: &str) -> Browser {
        let mut browser = signed_in(gateway, &self.meshblu, owner).await;
        let state = depart(&mut browser, "/auth/api").await;
        let kept = come_back(&mut browser, &state).await;
        assert_eq!((kept.status.as_u16(), kept.header("location")), (303, Some(HOME)), "{kept:?}");
        browser
    }

    /// The record that the bus was shown last.
    fn shown(&self) -> Value {
        let calls = self.meshblu.calls();
        let put = calls.iter().rfind(|seen| format!("{} {}", seen.method, seen.target) == SHOW).unwrap();
        serde_json::from_slice::<Value>(&put.body).unwrap()["$set"]["endo"].clone()
    }

    fn database(&self) -> Connection {
        Connection::open(self.directory.path().join("endo.db")).unwrap()
    }

    fn beside(&self) -> i64 {
        self.database().query_row("SELECT count(*) FROM owners_beside", [], |row| row.get(0)).unwrap()
    }
}

const HOME: &str = "/console/credentials/new-cred";

/// What the program of this owner is answered about the credentials.
pub(super) async fn ask(gateway: &RemoteGateway, method: Method, path: &str, owner: &str) -> Answered {
    ask_at(gateway, method, &format!("/credentials/new-cred{path}"), owner).await
}

/// The same at any path.
async fn ask_at(gateway: &RemoteGateway, method: Method, path: &str, owner: &str) -> Answered {
    let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = format!("http://{}{path}", gateway.running.gateway());
    send(client.request(method, url).basic_auth(owner, Some("t"))).await
}

/// Has this owner sign in at the API as the account of these credentials.
pub(super) async fn prove(gateway: &RemoteGateway, owner: &str, credentials: &str) {
    let now = gateway.gateway.ambient.clock.now();
    let noted = gateway.gateway.credentials.note_proof(owner.into(), credentials.into(), now).await;
    noted.unwrap();
}

pub(super) async fn owners_told_to(gateway: &RemoteGateway, owner: &str) -> Value {
    let answer = ask(gateway, Method::GET, "/owners", owner).await;
    assert_eq!(answer.status, 200, "{owner}: {answer:?}");
    answer.json()
}

pub(super) fn vault() -> Vault {
    let key =
        PrivateKey::parse(vectors()["servicePrivateKeyPem"].as_str().unwrap(), &Random::system()).unwrap();
    let remember = RememberSettings { capacity: 0, life: std::time::Duration::ZERO };
    Vault::new(KeyRing::new(key, vec![]), Random::system(), remember)
}

fn key_of(owner: &str) -> Value {
    json!(vault().authorized_keys(&owner.into())[0])
}

pub(super) fn account(owner: &str) -> Account {
    octocat(583_231, &format!("secret of {owner}"), owner)
}

#[tokio::test]
async fn whoever_signs_in_with_the_same_account_ousts_nobody() {
    let scene = Scene::set().await;
    let gateway = scene.gateway().await;
    let mut first = scene.sign_in(&gateway, FIRST).await;
    assert_eq!(scene.shown()["authorizedKey"], key_of(FIRST));
    let mut second = scene.sign_in(&gateway, SECOND).await;
    let shown = scene.shown();
    assert_eq!((&shown["version"], &shown["authorizedKey"]), (&json!("1.0.0"), &key_of(SECOND)));
    let both = json!([{"uuid": FIRST}, {"uuid": SECOND}]);
    for owner in [FIRST, SECOND] {
        assert_eq!(owners_told_to(&gateway, owner).await, both);
        assert_eq!(ask(&gateway, Method::GET, "/receipts", owner).await.status, 200);
    }
    let added = ask(&gateway, Method::POST, "/user-devices", FIRST).await;
    assert_eq!(added.status, 201, "{added:?}");
    for browser in [&mut first, &mut second] {
        let page = browser.get(HOME).await;
        assert!(page.text.contains(FIRST) && page.text.contains(SECOND), "{page:?}");
        let list = browser.get("/console").await;
        assert!(list.text.contains(HOME), "{list:?}");
    }
    assert_eq!(ask(&gateway, Method::GET, "/owners", "somebody-else").await.status, 404);
    gateway.stop().await;

    let gateway = scene.gateway().await;
    assert_eq!(owners_told_to(&gateway, FIRST).await, both, "also after a restart");
    scene.sign_in(&gateway, FIRST).await;
    assert_eq!(owners_told_to(&gateway, SECOND).await, both);
    assert_eq!(scene.shown()["authorizedKey"], key_of(FIRST), "as the gateway of old would show it");
}

#[tokio::test]
async fn whoever_leaves_is_no_owner_any_more_and_the_record_names_somebody_who_stays() {
    let scene = Scene::set().await;
    let gateway = scene.gateway().await;
    let credentials = &gateway.gateway.credentials;
    for owner in [FIRST, SECOND, "owner-3"] {
        credentials.keep(account(owner)).await.unwrap();
    }
    // One of whom the record does not speak, then the one whom it names.
    let mut left = vec![FIRST, SECOND, "owner-3"];
    for leaver in [FIRST, "owner-3"] {
        prove(&gateway, leaver, "new-cred").await;
        ask(&gateway, Method::DELETE, "/owners/me", leaver).await.is(204, "");
        left.retain(|owner| *owner != leaver);
        let rest: Value = left.iter().map(|owner| json!({"uuid": owner})).collect();
        assert_eq!(owners_told_to(&gateway, SECOND).await, rest);
        for path in ["", "/owners", "/receipts", "/user-devices"] {
            assert_eq!(ask(&gateway, Method::GET, path, leaver).await.status, 404, "{leaver} {path}");
        }
        let named = credentials.of_owner(&leaver.into(), None).await.unwrap().shown;
        assert!(named.is_empty(), "{leaver}: {named:?}");
    }
    credentials.catch_up().await.unwrap();
    let shown = scene.shown();
    assert_eq!((&shown["version"], &shown["authorizedKey"]), (&json!("1.0.0"), &key_of(SECOND)));
    let last = ask(&gateway, Method::DELETE, "/owners/me", SECOND).await;
    assert_eq!((last.status.as_u16(), &last.json()["type"]), (409, &json!("/problems/last-owner")));
}

#[tokio::test]
async fn owners_move_into_a_record_that_has_room_for_them_and_out_of_it_again() {
    let scene = Scene::set().await;
    let gateway = scene.gateway().await;
    let device = gateway.gateway.credentials.keep(account(FIRST)).await.unwrap();
    gateway.gateway.credentials.keep(account(SECOND)).await.unwrap();
    gateway.gateway.begin_migration().await.unwrap();
    assert_eq!(gateway.gateway.credentials.rekey(&device).await.unwrap(), Rekeyed::Done);
    gateway.gateway.credentials.catch_up().await.unwrap();
    let both = json!([{"uuid": FIRST}, {"uuid": SECOND}]);
    assert_eq!(owners_told_to(&gateway, FIRST).await, both);
    let shown = scene.shown();
    assert_eq!(shown["authorizedKey"], json!([key_of(FIRST), key_of(SECOND)]));
    assert_eq!(scene.beside(), 0, "the record has them all");
    gateway.stop().await;

    let gateway = scene.gateway_that_writes(Some(1)).await;
    gateway.gateway.credentials.keep(account("owner-3")).await.unwrap();
    let shown = scene.shown();
    assert_eq!((&shown["version"], &shown["authorizedKey"]), (&json!("1.0.0"), &key_of("owner-3")));
    for owner in [FIRST, SECOND, "owner-3"] {
        let all = json!([{"uuid": FIRST}, {"uuid": SECOND}, {"uuid": "owner-3"}]);
        assert_eq!(owners_told_to(&gateway, owner).await, all);
    }
}

#[tokio::test]
async fn what_is_forgotten_leaves_no_owner_behind_and_its_receipts_to_all_of_them() {
    let scene = Scene::set().await;
    let gateway = scene.gateway().await;
    let credentials = &gateway.gateway.credentials;
    let device = credentials.keep(account(FIRST)).await.unwrap();
    credentials.keep(account(SECOND)).await.unwrap();
    let owned = credentials.owned_by(&SECOND.into(), device.clone()).await.unwrap();
    credentials.forget(&owned, &Revoker::Operator).await.unwrap();
    for owner in [FIRST, SECOND] {
        assert_eq!(ask(&gateway, Method::GET, "/owners", owner).await.status, 404);
        let receipts = ask(&gateway, Method::GET, "/receipts", owner).await.json();
        assert_eq!(receipts[0]["act"], "forgotten", "{owner}: {receipts}");
        assert_ne!(credentials.receipts_concerning(&owner.into(), None).await.unwrap().shown, []);
    }
    assert_eq!(scene.beside(), 0);
    gateway.gateway.rotate_key().await.unwrap();
    gateway.stop().await;
    let gateway = scene.gateway_with(|settings| settings.records.private_key = None).await;
    assert_eq!(gateway.gateway.vault.ring().keys().count(), 1, "the key that sealed it is gone");
    for owner in [FIRST, SECOND] {
        assert_eq!(ask(&gateway, Method::GET, "/receipts", owner).await.json()[0]["act"], "forgotten");
    }
}

#[tokio::test]
async fn a_row_that_no_key_of_the_gateway_signed_for_these_credentials_makes_no_owner() {
    let scene = Scene::set().await;
    let gateway = scene.gateway().await;
    let credentials = &gateway.gateway.credentials;
    credentials.keep(account(FIRST)).await.unwrap();
    let database = scene.database();
    // Somebody else's name on a genuine row; then genuine rows of another device, and of another account.
    database.execute("UPDATE owners_beside SET name = 'a-thief'", []).unwrap();
    assert_eq!(owners_told_to(&gateway, FIRST).await, json!([{"uuid": FIRST}]));
    let elsewhere: DeviceUuid = "another-device".into();
    let here: DeviceUuid = "new-cred".into();
    let thief = endo::vault::Owner::Named("a-thief".into());
    for (device, id) in [
        (&elsewhere, &ResourceOwnerId::Number(583_231)),
        (&here, &ResourceOwnerId::Text("583231".to_owned())),
    ] {
        let signature = vault().sign_owner(device, id, &thief);
        database.execute("UPDATE owners_beside SET signature = ?1", [signature]).unwrap();
        assert_eq!(ask(&gateway, Method::GET, "/owners", "a-thief").await.status, 404);
        assert!(credentials.of_owner(&"a-thief".into(), None).await.unwrap().shown.is_empty());
    }
    let genuine = vault().sign_owner(&here, &ResourceOwnerId::Number(583_231), &thief);
    database.execute("UPDATE owners_beside SET signature = ?1", [genuine]).unwrap();
    assert_eq!(ask(&gateway, Method::GET, "/owners", "a-thief").await.status, 200, "the proof would count");
}

/// A Meshblu with a record that the gateway of old made, of the first owner, and a device of `owner` that uses it.
pub(super) async fn bus_of_old(owner: &str) -> FakeMeshblu {
    let contents = Contents {
        credentials_device_token: Some(SecretText::from(CREDENTIALS_TOKEN)),
        owners: Owners::named([FIRST]),
        ..Contents::new(ResourceOwnerId::Number(583_231), SecretText::from("secret of old"))
    };
    let sealed = vault().seal(&CREDENTIALS.into(), &contents, Format::One).unwrap();
    let device = json!({"uuid": CREDENTIALS, "endo": sealed.endo, "endoSignature": sealed.signature});
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer(
        "POST /search/devices",
        [json_answer(200, &json!([device, {"uuid": USER_DEVICE, "owner": owner}]))],
    );
    meshblu
}

#[tokio::test]
async fn whoever_owned_a_record_of_old_stays_also_where_only_a_signature_says_who_that_was() {
    for has_a_device in [true, false] {
        let scene = Scene::on(bus_of_old(if has_a_device { FIRST } else { "somebody-else" }).await).await;
        let gateway = scene.gateway().await;
        let credentials = &gateway.gateway.credentials;
        let device = credentials.keep(account(SECOND)).await.unwrap();
        assert_eq!(device.as_str(), CREDENTIALS);
        let second = credentials.owned_by(&SECOND.into(), device.clone()).await.unwrap();
        let known: &[DeviceUuid] =
            if has_a_device { &[FIRST.into(), SECOND.into()] } else { &[SECOND.into()] };
        assert_eq!(second.owners(), known, "{has_a_device}");
        let first = credentials.owned_by(&FIRST.into(), device.clone()).await.unwrap();
        assert!(first.owners().contains(&FIRST.into()) && first.owners().contains(&SECOND.into()));
        let theirs = credentials.of_owner(&FIRST.into(), None).await.unwrap().shown;
        assert_eq!(theirs.len(), 1);
        credentials.cut_off(&first, Cut::All, &Revoker::Operator).await.unwrap();

        // They are all there as soon as the unknown one signs in.
        credentials.keep(account(FIRST)).await.unwrap();
        let all = credentials.owned_by(&SECOND.into(), device).await.unwrap();
        assert_eq!(all.owners().len(), 2, "{has_a_device}: {all:?}");
    }
}

#[tokio::test]
async fn whoever_is_known_by_a_signature_alone_is_told_of_and_keeps_what_the_others_leave() {
    for format in [1, 2] {
        let scene = Scene::on(bus_of_old("somebody-else").await).await;
        let gateway = scene.gateway_that_writes(Some(format)).await;
        let credentials = &gateway.gateway.credentials;
        credentials.keep(account(SECOND)).await.unwrap();
        credentials.keep(account("owner-3")).await.unwrap();
        let at = |path: &str| format!("/credentials/{CREDENTIALS}{path}");
        let owners = async |owner: &str| ask_at(&gateway, Method::GET, &at("/owners"), owner).await;
        let told = json!([{"uuid": SECOND}, {"uuid": "owner-3"}, {"authorizedKey": key_of(FIRST)}]);
        assert_eq!(owners(SECOND).await.json(), told, "{format}");
        let mut browser = signed_in(&gateway, &scene.meshblu, SECOND).await;
        let page = browser.get(&format!("/console/credentials/{CREDENTIALS}")).await;
        assert!(page.text.contains("Somebody who kept these credentials before"), "{page:?}");

        for leaver in ["owner-3", SECOND] {
            prove(&gateway, leaver, CREDENTIALS).await;
            let left = ask_at(&gateway, Method::DELETE, &at("/owners/me"), leaver).await;
            left.is(204, "");
            assert_eq!(owners(leaver).await.status, 404, "{format} {leaver}");
        }
        credentials.catch_up().await.unwrap();
        let calls = scene.meshblu.calls();
        let put =
            calls.iter().rfind(|seen| seen.method == "PUT" && seen.target.ends_with(CREDENTIALS)).unwrap();
        let shown = serde_json::from_slice::<Value>(&put.body).unwrap()["$set"]["endo"].clone();
        let key = if format == 1 { key_of(FIRST) } else { json!([key_of(FIRST)]) };
        assert_eq!(shown["authorizedKey"], key, "{format}");
        assert_eq!(owners(FIRST).await.json(), json!([{"uuid": FIRST}]), "{format}");
        let last = ask_at(&gateway, Method::DELETE, &at("/owners/me"), FIRST).await;
        assert_eq!((last.status.as_u16(), &last.json()["type"]), (409, &json!("/problems/last-owner")));
        credentials.keep(account(SECOND)).await.unwrap();
        let told = json!([{"uuid": SECOND}, {"authorizedKey": key_of(FIRST)}]);
        assert_eq!(owners(SECOND).await.json(), told, "{format}");
    }
}

#[tokio::test]
async fn a_renewal_changes_nothing_about_who_may_manage() {
    let scene = Scene::set().await;
    let gateway = scene.gateway().await;
    let credentials = &gateway.gateway.credentials;
    let (_, refresh) = scene.provider.grant();
    let device = credentials.keep(account(FIRST)).await.unwrap();
    let renewing = Account { refresh_token: Some(SecretText::from(&*refresh)), ..account(SECOND) };
    credentials.keep(renewing).await.unwrap();
    credentials.renew_refused(&device, 2).await.unwrap();
    let both = json!([{"uuid": FIRST}, {"uuid": SECOND}]);
    for owner in [FIRST, SECOND] {
        assert_eq!(owners_told_to(&gateway, owner).await, both);
    }
    credentials.catch_up().await.unwrap();
    assert_eq!(scene.shown()["authorizedKey"], key_of(SECOND));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terminal_lists_every_owner() {
    let scene = Scene::set().await;
    let gateway = scene.gateway().await;
    let device = gateway.gateway.credentials.keep(account(FIRST)).await.unwrap();
    gateway.gateway.credentials.keep(account(SECOND)).await.unwrap();
    gateway.stop().await;
    let key = vectors()["servicePrivateKeyPem"].as_str().unwrap();
    let settings = format!(
        "[bus]\nkind = \"meshblu\"\nurl = \"{}\"\nuuid = \"{SERVICE}\"\ntoken = \"service-token-0001\"\n\
         accept_legacy_signatures = true\n[records]\nprivate_key = '''{key}'''\n",
        scene.meshblu.url()
    );
    std::fs::write(scene.directory.path().join("endo.toml"), settings).unwrap();
    let directory = scene.directory.path().to_owned();
    let said = tokio::task::spawn_blocking(move || shown_in_the_terminal(&directory, &device)).await.unwrap();
    assert!(said.contains(FIRST) && said.contains(SECOND), "{said}");
    assert!(said.contains("\"unnamedOwners\": 0"), "{said}");
}

fn shown_in_the_terminal(directory: &Path, device: &DeviceUuid) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_endo"));
    command.env_clear().args(["--data-dir", directory.to_str().unwrap()]);
    let output = command.args(["credentials", "show", device.as_str()]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
