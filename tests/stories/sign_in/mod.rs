//! People sign in, in browsers, and see what is theirs.

mod addresses;
mod at_the_api;
mod closed;
mod crowd;
mod fields;
mod foreign_pages;
mod guesses;
mod hanging;
mod jobs;
mod links;
mod lists;
mod namesakes;
mod no_room;
mod not_kept;
mod of_another_api;
mod open_owners;
mod pages;
mod programs;
mod receipts;
mod repeats;
mod replaced_key;
mod returning;
mod sessions;
mod signing_out;
mod states;
mod stolen;
mod strays;
mod tabs;
mod terminal;
mod typed;
mod under_way;
mod unregistered;
mod with_the_bus;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use endo::ambient::{Clock, Timestamp};
use endo::config::Config;
use endo::store::StoredSession;

use crate::support::browser::{Browser, hidden};
use crate::support::bus::{Answer, Device};
use crate::support::fake_api::{Answer as ApiAnswer, FakeApi};
use crate::support::gateway::TestGateway;

/// A gateway at a time that the story sets.
struct House {
    gateway: TestGateway,
    now: Arc<AtomicI64>,
    api: FakeApi,
}

impl House {
    async fn open() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::at(FakeApi::answering(ApiAnswer::Stall(Vec::new())).await, change).await
    }

    /// The same, whose jobs talk to this API.
    async fn at(api: FakeApi, change: impl FnOnce(&mut Config)) -> Self {
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let hand = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(hand.load(Ordering::SeqCst)));
        let gateway = TestGateway::at(clock, &api.url(""), change).await;
        Self { gateway, now, api }
    }

    fn wait(&self, span: Duration) {
        self.now.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn url(&self) -> String {
        format!("http://{}", self.gateway.running.gateway())
    }

    fn browser(&self) -> Browser {
        Browser::at(&self.url())
    }

    fn link(&self) -> String {
        self.gateway.running.sign_in_link().unwrap()
    }

    /// A browser whose user pressed the button behind the link.
    async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        let page = browser.get(&self.link()).await;
        let answer = browser.submit(&page, "/sign-in", &[]).await;
        leads_to_the_console(&answer);
        browser
    }

    /// A device of somebody who has nothing to do with any credentials so far.
    async fn stranger(&self) -> Device {
        self.gateway.flow(&"nobody".into()).await.device
    }

    /// A browser that is signed in with the bus as this device.
    async fn signed_in_with_bus(&self, device: &Device) -> Browser {
        let mut browser = self.browser();
        let start = browser.get("/auth/octoblu?next=/console").await;
        let back = self.at_the_bus(start.header("location").unwrap(), device).await;
        let answer = browser.get(&back).await;
        leads_to_the_console(&answer);
        browser
    }

    /// Signs in on the bus's page and says yes there; answers where the browser is sent back to.
    async fn at_the_bus(&self, address: &str, device: &Device) -> String {
        at_the_bus(&mut self.at_bus(), address, device).await
    }

    /// A browser at the bus.
    fn at_bus(&self) -> Browser {
        Browser::at(&format!("http://{}", self.gateway.running.bus().unwrap()))
    }
}

/// The same in this browser, which is at the bus.
pub(crate) async fn at_the_bus(browser: &mut Browser, address: &str, device: &Device) -> String {
    let page = browser.get(address).await;
    assert_eq!(page.status, 200, "{page:?}");
    let action = action(&page);
    let fields = [("answer", "sign-in"), ("uuid", &*device.uuid), ("token", &*device.token)];
    let answer = press(browser, &page, &action, &fields).await;
    // Who said yes before is not asked again.
    let mut answer = browser.get(answer.header("location").unwrap()).await;
    if answer.status == 200 {
        answer = press(browser, &answer, &action, &[("answer", "allow")]).await;
    }
    answer.header("location").unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

/// Where the form of the bus's page leads.
fn action(page: &Answer) -> String {
    let start = page.text.split("action=\"").nth(1).unwrap();
    start.split('"').next().unwrap().to_owned()
}

async fn press(browser: &mut Browser, page: &Answer, action: &str, fields: &[(&str, &str)]) -> Answer {
    let ticket = hidden(page, action);
    let fields: Vec<_> =
        ticket.iter().map(|(name, value)| (&**name, &**value)).chain(fields.iter().copied()).collect();
    let request = browser.form(&action.replace("&amp;", "&"), &fields);
    browser.send(request).await
}

/// That a browser is asked to sign in.
#[track_caller]
fn must_sign_in(answer: &Answer) {
    let to = answer.header("location").unwrap_or_default();
    assert!(answer.status.is_redirection() && to.starts_with("/sign-in"), "{answer:?}");
}

/// That what is wrong stands beside this line of the form and no other, and is tied to it.
#[track_caller]
fn is_told_beside(page: &Answer, line: &str) {
    let wrong: Vec<_> =
        page.text.split("<input ").filter(|input| input.contains("aria-invalid=\"true\"")).collect();
    let [input] = wrong[..] else { panic!("one line is wrong: {page:?}") };
    assert!(input.starts_with(&format!("id=\"{line}\"")), "{input}");
    let described_by = input.split("aria-describedby=\"").nth(1).unwrap().split('"').next().unwrap();
    let fault = format!("{line}-fault");
    assert!(described_by.split(' ').any(|id| id == fault), "{described_by}");
    assert!(page.text.contains(&format!("<p class=\"fault\" id=\"{fault}\" role=\"alert\">")), "{page:?}");
}

fn leads_to_the_console(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/console")), "{answer:?}");
}

/// A session of a device that nobody knew before, and of which nothing is kept but that.
fn session_of_a_stranger(number: u32, line: [u8; 32], began_at: Timestamp) -> StoredSession {
    StoredSession {
        owner: format!("stranger-{number}").into(),
        line,
        login: Vec::new(),
        is_granted: false,
        token: None,
        began_at,
        seen_at: began_at,
    }
}
