//! People sign in, in browsers, and see what is theirs.

mod links;
mod sessions;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use endo::ambient::{Clock, Timestamp};
use endo::config::Config;

use crate::support::browser::Browser;
use crate::support::bus::Answer;
use crate::support::fake_api::{Answer as ApiAnswer, FakeApi};
use crate::support::gateway::TestGateway;

/// A gateway at a time that the story sets.
struct House {
    gateway: TestGateway,
    now: Arc<AtomicI64>,
    _api: FakeApi,
}

impl House {
    async fn open() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let hand = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(hand.load(Ordering::SeqCst)));
        let api = FakeApi::answering(ApiAnswer::Stall(Vec::new())).await;
        let gateway = TestGateway::at(clock, &api.url(""), change).await;
        Self { gateway, now, _api: api }
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
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, Some("/console")),
            "{answer:?}"
        );
        browser
    }
}

/// That a browser is asked to sign in.
#[track_caller]
fn must_sign_in(answer: &Answer) {
    let to = answer.header("location").unwrap_or_default();
    assert!(answer.status.is_redirection() && to.starts_with("/sign-in"), "{answer:?}");
}
