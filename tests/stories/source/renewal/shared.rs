//! Processes that share a store, and nothing else, meet one credential.

use std::sync::Arc;
use std::time::Duration;

use endo::source::Retry;
use endo::source::renewal::{Demand, RenewalError, RenewalSettings, Renewed};
use endo::store::RenewalStage;
use tokio::sync::Semaphore;

use super::super::{plain, read};
use super::Bench;
use crate::support::provider::Fault;

const REJECTED: Demand = Demand::Rejected { generation: 1 };

#[tokio::test]
async fn while_one_process_waits_for_an_answer_another_keeps_away() {
    let bench = Bench::patient().await;
    let gate = Arc::new(Semaphore::new(0));
    bench.provider.plan([Fault::Slow(gate.clone())]);
    let short = RenewalSettings { lease: Duration::from_millis(30), ..RenewalSettings::default() };
    let (one, device) = (bench.renewer(Retry::Never, short), bench.device.clone());
    let waiting = tokio::spawn(async move { one.renew(&device, REJECTED).await });
    while bench.provider.token_requests() == 0 {
        tokio::task::yield_now().await;
    }
    let until = bench.renewal().await.held_until;
    bench.hand.forward(Duration::from_millis(25));
    // The lease is renewed while the request runs.
    while bench.renewal().await.held_until == until {
        tokio::task::yield_now().await;
    }
    bench.hand.forward(Duration::from_millis(25));
    let hasty = RenewalSettings { patience: Duration::ZERO, ..short };
    let other = bench.renewer(Retry::Never, hasty);
    let busy = other.renew(&bench.device, REJECTED).await;
    assert!(matches!(busy, Err(RenewalError::Busy)), "{busy:?}");
    gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().unwrap(), Renewed::New);
    let newer = other.renew(&bench.device, REJECTED).await;
    assert_eq!((newer.unwrap(), bench.provider.token_requests()), (Renewed::Newer, 1));
}

#[tokio::test]
async fn a_bad_grant_after_somebody_else_renewed_is_no_death() {
    let bench = Bench::patient().await;
    let gate = Arc::new(Semaphore::new(0));
    bench.provider.plan([Fault::Slow(gate.clone())]);
    let (one, device) = (bench.renewer(Retry::Never, RenewalSettings::default()), bench.device.clone());
    let waiting = tokio::spawn(async move { one.renew(&device, REJECTED).await });
    while bench.provider.token_requests() == 0 {
        tokio::task::yield_now().await;
    }
    // Somebody signs in anew while the answer is on its way; that secret stays.
    let (access, refresh) = bench.provider.grant();
    bench.keep(plain(2, &access, Some(&refresh))).await;
    gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().unwrap(), Renewed::Newer);
    assert_eq!(read(&bench.record().await), (access, Some(refresh)));
    assert_eq!(bench.renewal().await.stage, RenewalStage::Idle);
}
