//! Lists that are too long for one page go on: nothing of them is out of reach, or there twice.

use std::process::Command;

use endo::gateway::Gateway;
use endo::message::DeviceUuid;
use endo::store::{StoreError, Transaction};
use reqwest::Method;
use serde_json::{Value, json};

use super::House;
use crate::support::account::octocat;
use crate::support::browser::Browser;
use crate::support::bus::{Answer, send};
use crate::support::desk::Workshop;

/// More accounts than two pages show.
const ACCOUNTS: i64 = 230;
/// More receipts than programs are given at once.
const RECEIPTS: i64 = 1050;

/// What stands on the page between these two.
fn between<'a>(page: &'a Answer, before: &'a str, after: char) -> Vec<&'a str> {
    page.text.split(before).skip(1).filter_map(move |rest| rest.split(after).next()).collect()
}

/// Where the list goes on.
fn older(page: &Answer) -> Option<String> {
    let link = page.text.split("<a href=\"").find(|link| link.contains(">Older ones</a>"))?;
    Some(link.split('"').next().unwrap().replace("&amp;", "&"))
}

/// What all pages of the list name, in their order; `meanwhile` happens after the first of them.
async fn walk(browser: &mut Browser, start: &str, mark: &str, meanwhile: impl AsyncFnOnce()) -> Vec<String> {
    let (mut found, mut place, mut meanwhile) = (Vec::new(), Some(start.to_owned()), Some(meanwhile));
    while let Some(address) = place {
        let page = browser.get(&address).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_eq!(address == start, !page.text.contains("Back to the newest"), "{address}");
        let named: Vec<_> = between(&page, mark, '<').into_iter().map(str::to_owned).collect();
        assert!(named.len() <= 100, "a page is bounded");
        found.extend(named);
        place = older(&page);
        if let Some(meanwhile) = meanwhile.take() {
            meanwhile().await;
        }
    }
    found
}

/// As many receipts of these credentials.
async fn end(gateway: &Gateway, credentials: &DeviceUuid, times: i64) {
    let credentials = credentials.clone();
    let receipt = json!({
        "at": "2027-01-15T08:00:00Z", "act": "cut-off", "by": "operator", "credentials": credentials, "parts": [],
    });
    let add = move |transaction: &Transaction<'_>| {
        (0..times).try_for_each(|_| transaction.add_receipt(&credentials, &receipt.to_string()).map(drop))
    };
    gateway.store.write::<_, StoreError, _>(add).await.unwrap();
}

impl House {
    /// An account of the owner's.
    async fn account(&self, id: i64) -> DeviceUuid {
        let mut account = self.gateway.account(id, &self.gateway.owner().uuid.as_str().into());
        account.username = Some(format!("account-{id}"));
        self.gateway.gateway.credentials.keep(account).await.unwrap()
    }

    /// As many receipts of these credentials.
    async fn end(&self, credentials: &DeviceUuid, times: i64) {
        end(&self.gateway.gateway, credentials, times).await;
    }

    async fn asked(&self, path: &str) -> Answer {
        let owner = self.gateway.owner();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let request = client.request(Method::GET, format!("{}{path}", self.url()));
        send(request.basic_auth(&owner.uuid, Some(&owner.token))).await
    }
}

#[tokio::test]
async fn every_account_of_somebody_who_has_many_is_on_some_page_once_while_new_ones_come() {
    let house = House::open().await;
    let mut all = Vec::new();
    for id in 1..=ACCOUNTS {
        all.insert(0, house.account(id).await.to_string());
    }
    let mut browser = house.signed_in().await;
    let meanwhile = async || drop(house.account(ACCOUNTS + 1).await);
    let found = walk(&mut browser, "/console", "href=\"/console/credentials/", meanwhile).await;
    let found: Vec<_> = found.iter().map(|link| link.split('"').next().unwrap()).collect();
    assert_eq!(found, all);
    let elsewhere = house.stranger().await;
    for strange in ["nothing%20of%20that%20name", elsewhere.uuid.as_str()] {
        assert_eq!(browser.get(&format!("/console?before={strange}")).await.status, 404, "{strange}");
    }
    let page = browser.get("/console?before=x").await;
    assert!(page.text.contains("credentials that are not among yours, or not any more"), "{page:?}");
}

#[tokio::test]
async fn a_list_goes_on_after_credentials_that_were_forgotten_meanwhile() {
    let house = House::open().await;
    for id in 1..=101 {
        house.account(id).await;
    }
    let mut browser = house.signed_in().await;
    let first = browser.get("/console").await;
    let place = older(&first).unwrap();
    let (_, last) = place.split_once("before=").unwrap();
    let credentials = &house.gateway.gateway.credentials;
    let owned = credentials.held(last.replace("%2D", "-").into()).await.unwrap();
    credentials.forget(&owned, &endo::credentials::Revoker::Operator).await.unwrap();
    let rest = browser.get(&place).await;
    assert_eq!(between(&rest, "href=\"/console/credentials/", '"').len(), 1, "{rest:?}");
    // Nobody knows any more where it was in the list, which does not begin anew instead.
    let gone = owned.device().clone();
    let remove = move |transaction: &Transaction<'_>| transaction.remove_device(&gone);
    house.gateway.gateway.store.write::<_, StoreError, _>(remove).await.unwrap();
    assert_eq!(browser.get(&place).await.status, 404);
}

#[tokio::test]
async fn every_receipt_of_somebody_who_has_many_is_on_some_page_once_while_new_ones_come() {
    let house = House::open().await;
    let (first, second) = (house.account(1).await, house.account(2).await);
    house.end(&first, RECEIPTS / 2).await;
    house.end(&second, RECEIPTS / 2).await;
    let mut browser = house.signed_in().await;
    let meanwhile = async || house.end(&first, 3).await;
    let found = walk(&mut browser, "/console/receipts", " · receipt ", meanwhile).await;
    let all: Vec<_> = (1..=RECEIPTS).rev().map(|id| id.to_string()).collect();
    assert_eq!(found, all);
    assert_eq!(browser.get("/console/receipts?before=x").await.status, 400);
    // Whoever has none of them is shown none of them, from any place.
    let stranger = house.stranger().await;
    let mut other = house.signed_in_with_bus(&stranger).await;
    let page = other.get("/console/receipts?before=500").await;
    assert!(page.status == 200 && !page.text.contains(" · receipt "), "{page:?}");
}

#[tokio::test]
async fn a_program_is_led_to_the_receipts_that_one_answer_has_no_room_for() {
    let house = House::open().await;
    let credentials = house.account(1).await;
    house.end(&credentials, RECEIPTS).await;
    let path = format!("/credentials/{credentials}/receipts");
    let (mut found, mut query) = (Vec::new(), String::new());
    loop {
        let answer = house.asked(&format!("{path}{query}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("access-control-expose-headers"), Some("Link, Location"));
        let receipts = answer.json();
        found.extend(receipts.as_array().unwrap().iter().map(|receipt| receipt["id"].as_i64().unwrap()));
        let Some(link) = answer.header("link") else { break };
        query = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        house.end(&credentials, 1).await;
    }
    assert_eq!(found, (1..=RECEIPTS).rev().collect::<Vec<_>>());
    let wrong = house.asked(&format!("{path}?before=yesterday")).await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["type"]), (400, &json!("/problems/malformed-request")));
}

#[tokio::test]
async fn the_terminal_prints_all_receipts() {
    let Workshop { gateway, directory } = Workshop::open("http://127.0.0.1:9").await;
    let owner = gateway.owner.as_ref().unwrap().uuid.clone();
    let credentials = gateway.credentials.keep(octocat(1, "canary", owner.as_str())).await.unwrap();
    end(&gateway, &credentials, RECEIPTS).await;
    drop(gateway);
    let print = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
        let output =
            command.env_clear().arg("--data-dir").arg(directory.path()).args(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let all: Vec<_> = (1..=RECEIPTS).rev().collect();
    let lines = print(&["receipts", "--json"]);
    let id = |line| serde_json::from_str::<Value>(line).unwrap()["id"].as_i64().unwrap();
    assert_eq!(lines.lines().map(id).collect::<Vec<_>>(), all);
    let told = print(&["receipts", "--credentials", credentials.as_str()]);
    assert_eq!(told.lines().filter(|line| line.starts_with("receipt ")).count(), all.len());
    let shown: Value = serde_json::from_str(&print(&["credentials", "show", credentials.as_str()])).unwrap();
    assert_eq!(shown["receipts"].as_array().unwrap().len(), all.len());
}
