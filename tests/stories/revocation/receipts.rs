//! What a receipt says, and what owners see of the devices.

use endo::credentials::{Act, Fate, Matter, Receipt};
use endo::message::{DeviceUuid, Parties};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::account::octocat;
use crate::support::bus::{Answer, send};
use crate::support::fake_api::{Answer as ApiAnswer, FakeApi};
use crate::support::gateway::{Chain, TestGateway};

/// A gateway whose owner signed in just now.
struct House {
    gateway: TestGateway,
    chain: Chain,
    _api: FakeApi,
}

impl House {
    async fn open() -> Self {
        let events = ApiAnswer::new(200, &["content-type: application/json"], "[]");
        let api = FakeApi::answering(events).await;
        let gateway = TestGateway::open(&api.url("")).await;
        let chain = gateway.chain(42).await;
        gateway.prove(&gateway.owner(), &chain.credentials).await;
        Self { gateway, chain, _api: api }
    }

    async fn ask(&self, method: Method, path: &str) -> Answer {
        let owner = self.gateway.owner();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let url =
            format!("http://{}/credentials/{}{path}", self.gateway.running.gateway(), self.chain.credentials);
        send(client.request(method, url).basic_auth(&owner.uuid, Some(&owner.token))).await
    }

    async fn receipts(&self) -> Vec<Receipt> {
        serde_json::from_value(self.ask(Method::GET, "/receipts").await.json()).unwrap()
    }
}

fn fates(receipt: &Receipt, device: &str) -> Vec<(Matter, Fate)> {
    let of_device = receipt.parts.iter().filter(|part| part.device.as_str() == device);
    of_device.map(|part| (part.what, part.fate)).collect()
}

#[tokio::test]
async fn a_receipt_says_what_ended_what_stayed_and_why() {
    let house = House::open().await;
    let (mine, given) = (house.chain.user.uuid.to_string(), {
        let added = house.ask(Method::POST, "/user-devices").await.json();
        added["uuid"].as_str().unwrap().to_owned()
    });
    let give = json!({"$set": {"owner": house.chain.flow.device.uuid}});
    house.gateway.update(&house.gateway.owner(), &given, give).await;
    house.ask(Method::DELETE, "/user-devices").await.is(204, "");
    let receipts = house.receipts().await;
    assert_eq!(receipts.len(), 1);
    let receipt = &receipts[0];
    assert_eq!(
        (receipt.by.as_str(), receipt.account.as_deref()),
        (&*house.gateway.owner().uuid, Some("octocat"))
    );
    let ended = |rest: Fate| {
        vec![
            (Matter::Right, Fate::Ended),
            (Matter::Subscription, Fate::Ended),
            (Matter::Sockets, Fate::Ended),
            (Matter::Whitelists, rest),
            (Matter::Device, Fate::Stayed),
        ]
    };
    assert_eq!(fates(receipt, &mine), ended(Fate::Ended));
    assert_eq!(fates(receipt, &given), ended(Fate::Stayed));
    let why =
        receipt.parts.iter().find(|part| part.what == Matter::Whitelists && part.device.as_str() == given);
    assert_eq!(why.unwrap().why.as_deref(), Some("the device has another owner"));
    let lists = |document: Value| document["meshblu"]["whitelists"].to_string();
    let credentials = house.chain.credentials.as_str();
    let flow = house.chain.flow.device.clone();
    assert!(!lists(house.gateway.device(&house.gateway.owner(), &mine).await).contains(credentials));
    let own = json!({"$addToSet": {"meshblu.whitelists.discover.view": {"uuid": flow.uuid}}});
    house.gateway.update_itself(&given, &own).await;
    assert!(lists(house.gateway.device(&flow, &given).await).contains(credentials));
    house.ask(Method::DELETE, "/user-devices").await.is(204, "");
    assert_eq!(house.receipts().await.len(), 1, "nothing more ended");
}

#[tokio::test]
async fn what_follows_from_cutting_many_devices_off_is_done_in_the_end() {
    let house = House::open().await;
    for _ in 0..20 {
        assert_eq!(house.ask(Method::POST, "/user-devices").await.status, 201);
    }
    house.ask(Method::DELETE, "/user-devices").await.is(204, "");
    assert_eq!(house.ask(Method::GET, "/user-devices").await.json(), json!([]));
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    let receipt = loop {
        ticks.tick().await;
        let receipt = house.receipts().await.remove(0);
        if receipt.parts.iter().all(|part| part.fate != Fate::Pending) {
            break receipt;
        }
    };
    let rights = receipt.parts.iter().filter(|part| part.what == Matter::Right && part.fate == Fate::Ended);
    assert_eq!(rights.count(), 21);
}

#[tokio::test]
async fn whoever_reads_along_at_a_device_is_cut_off_with_it() {
    let house = House::open().await;
    let user = house.chain.user.uuid.as_str();
    let owner = house.gateway.owner();
    let reading = format!("GET /subscribe/{user}/received");
    let mut stream = house.gateway.by(&owner, &reading).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    house.ask(Method::DELETE, &format!("/user-devices/{user}")).await.is(204, "");
    assert!(stream.chunk().await.unwrap_or_default().is_none(), "the stream goes on");
}

#[tokio::test]
async fn an_owner_sees_who_uses_the_credentials_and_when_they_did_last() {
    let mut house = House::open().await;
    let listed = house.ask(Method::GET, "/user-devices").await.json();
    assert_eq!(listed[0].get("lastUseAt"), None);
    let of_no_type = json!({"metadata": {"jobType": "NoSuchJob"}, "data": {}});
    let good = json!({"metadata": {"jobType": "ListEventsByUser"}, "data": {"username": "octocat"}});
    let heard = ["uuid", "name", "owner", "createdAt", "lastMessageAt", "errors"];
    let used = ["uuid", "name", "owner", "createdAt", "lastMessageAt", "lastUseAt", "errors"];
    let mut listed = Value::Null;
    for (message, code, shown) in
        [(json!({"data": "no metadata"}), 422, &heard[..]), (of_no_type, 404, &heard), (good, 200, &used)]
    {
        let reply = house.gateway.exchange(&mut house.chain, message).await;
        assert_eq!(reply["metadata"]["code"], code, "{reply}");
        listed = house.ask(Method::GET, "/user-devices").await.json();
        let keys: Vec<_> = listed[0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, shown, "{code}");
    }
    let row = &listed[0];
    assert_eq!((&row["name"], &row["owner"]), (&json!("octocat"), &json!(house.gateway.owner().uuid)));
    assert_eq!(row["errors"], 1);
    house.gateway.gateway.credentials.attend_once().await.unwrap();
    assert_eq!(house.ask(Method::GET, "/user-devices").await.json()[0]["lastUseAt"], row["lastUseAt"]);
}

#[tokio::test]
async fn owners_are_all_who_proved_control_of_the_account() {
    let house = House::open().await;
    let owner = house.gateway.owner().uuid;
    house.ask(Method::GET, "/owners").await.is(200, &json!([{"uuid": owner}]).to_string());
}

#[tokio::test]
async fn nobody_leaves_credentials_to_a_device_that_is_gone() {
    let house = House::open().await;
    let second = house.chain.flow.device.clone();
    let account = house.gateway.account(42, &DeviceUuid::from(&*second.uuid));
    house.gateway.gateway.credentials.keep(account).await.unwrap();
    let remove = house.gateway.by(&second, &format!("DELETE /devices/{}", second.uuid));
    assert_eq!(send(remove).await.status, 200);
    let last = house.ask(Method::DELETE, "/owners/me").await;
    assert_eq!((last.status.as_u16(), &last.json()["type"]), (409, &json!("/problems/last-owner")));
}

#[tokio::test]
async fn an_owner_leaves_and_the_last_one_cannot() {
    let house = House::open().await;
    let (owner, second) = (house.gateway.owner().uuid, house.chain.flow.device.clone());
    let last = house.ask(Method::DELETE, "/owners/me").await;
    assert_eq!((last.status.as_u16(), &last.json()["type"]), (409, &json!("/problems/last-owner")));
    let account = octocat(42, "canary-newer", &second.uuid);
    assert_eq!(house.gateway.gateway.credentials.keep(account).await.unwrap(), house.chain.credentials);
    let both = json!([{"uuid": owner}, {"uuid": second.uuid}]);
    assert_eq!(house.ask(Method::GET, "/owners").await.json(), both);
    house.ask(Method::DELETE, "/owners/me").await.is(204, "");
    for path in ["", "/owners", "/receipts", "/user-devices"] {
        assert_eq!(house.ask(Method::GET, path).await.status, 404, "{path}");
    }
    let credentials = &house.gateway.gateway.credentials;
    let (device, second) = (house.chain.credentials.clone(), DeviceUuid::from(&*second.uuid));
    let receipts = credentials.receipts_for(&second, device.clone(), None).await.unwrap().shown;
    assert_eq!((receipts[0].act, receipts[0].by.as_str()), (Act::Left, &*owner));
    let owned = credentials.owned_by(&second, device).await.unwrap();
    assert_eq!(owned.owners(), [second]);
    let parties = Parties {
        sender: "flow".into(),
        user_device: house.chain.user.uuid.clone(),
        credentials: house.chain.credentials.clone(),
    };
    let record = credentials.open(&parties).await.unwrap();
    let usable = credentials.usable(&parties, record).await.unwrap();
    assert_eq!(usable.secret().expose(), "canary-newer", "his device stays");
}
