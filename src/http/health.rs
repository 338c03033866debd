//! Whether the gateway lives, is ready, and has proof of it.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::HttpResponse;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use super::problem::{Kind, Problem};

const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The outcome of one check, as strangers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'static, str>>,
}

impl Check {
    /// A check that found all well.
    pub fn passed(name: &'static str) -> Self {
        Self { name, ok: true, detail: None }
    }

    /// A check that did not.
    pub fn failed(name: &'static str) -> Self {
        Self { name, ok: false, detail: None }
    }

    /// This check with a text that is safe to show.
    pub fn because(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// Whether the gateway is about to stop; every clone tells the same.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on the gateway is not ready, so that nobody sends it more.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

type Probe = dyn Fn() -> BoxFuture<'static, Vec<Check>> + Send + Sync;

/// Answers whether the gateway is well, by asking its parts.
#[derive(Clone)]
pub struct Health {
    probe: Arc<Probe>,
    within: Duration,
    draining: Draining,
}

impl Health {
    /// Health by what `probe` finds out each time it is called.
    pub fn new<F: Future<Output = Vec<Check>> + Send + 'static>(
        probe: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        let probe = move || -> BoxFuture<'static, Vec<Check>> { Box::pin(probe()) };
        Self { probe: Arc::new(probe), within: ANSWER_WITHIN, draining: Draining::default() }
    }

    /// This health, failing when the probe takes longer; two seconds otherwise.
    pub fn answering_within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// The switch that makes the gateway say that it is not ready.
    pub fn draining(&self) -> Draining {
        self.draining.clone()
    }

    async fn checks(&self) -> Vec<Check> {
        let late = |_| vec![Check::failed("checks").because("They did not answer in time")];
        timeout(self.within, (self.probe)()).await.unwrap_or_else(late)
    }

    /// `/livez`: nothing is asked, for a failing part is no reason to start the process again.
    pub(super) fn live() -> HttpResponse {
        HttpResponse::Ok().json(json!({"status": "live", "checks": [Check::passed("front_door")]}))
    }

    /// `/readyz`: 503 while a check fails, and from the beginning of the end.
    pub(super) async fn ready(&self) -> Result<HttpResponse, Problem> {
        let mut checks = self.checks().await;
        checks.push(match self.draining.has_begun() {
            true => Check::failed("draining").because("The gateway is about to stop"),
            false => Check::passed("draining"),
        });
        if checks.iter().all(|check| check.ok) {
            return Ok(HttpResponse::Ok().json(json!({"status": "ready", "checks": checks})));
        }
        Err(Problem::new(Kind::NotReady, "The gateway is not ready").with("checks", json!(checks)))
    }

    /// `/proofoflife`: the original's health check, by the same parts (`spec/endo.md` 2.3).
    pub(super) async fn proof(&self) -> Result<HttpResponse, Problem> {
        let checks = self.checks().await;
        if checks.iter().all(|check| check.ok) {
            return Ok(HttpResponse::Ok().json(json!({"healthy": true, "checks": checks})));
        }
        let problem = Problem::new(Kind::Unhealthy, "A part of the gateway is not well");
        Err(problem.with("healthy", false.into()).with("checks", json!(checks)))
    }
}
