//! Processes that share a store, and nothing else, meet one credential.

use std::sync::Arc;
use std::time::Duration;

use endo::source::Retry;
use endo::source::renewal::{Demand, Rejection, RenewalError, RenewalSettings, Renewals, Renewed};
use endo::store::RenewalStage;
use tokio::sync::Semaphore;

use super::super::{plain, read};
use super::Bench;
use crate::support::provider::Fault;

const REJECTED: Demand = Demand::Rejected(Rejection::by_the_api(1));

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
    let until = bench.refresh().await.held_until;
    bench.hand.forward(Duration::from_millis(25));
    // The lease is renewed while the request runs.
    while bench.refresh().await.held_until == until {
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
    assert_eq!(bench.refresh().await.stage, RenewalStage::Idle);
}

#[tokio::test]
async fn a_thousand_who_wait_in_two_processes_make_one_token_request() {
    let bench = Bench::patient().await;
    let gate = Arc::new(Semaphore::new(0));
    bench.provider.plan([Fault::Slow(gate.clone())]);
    bench.provider.expire("access-1");
    let eager = RenewalSettings { look: Duration::from_millis(1), ..RenewalSettings::default() };
    let processes = [(); 2].map(|()| Renewals::new(bench.renewer(Retry::Never, eager)));
    let waiting: Vec<_> = (0..1000)
        .map(|n| {
            let (renewals, device) = (processes[n % 2].clone(), bench.device.clone());
            tokio::spawn(async move { renewals.after_rejection(&device, Rejection::by_the_api(1)).await })
        })
        .collect();
    while bench.provider.token_requests() == 0 || !processes.iter().all(|one| one.is_under_way(&bench.device))
    {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    for one in waiting {
        assert!(matches!(one.await.unwrap().unwrap(), Renewed::New | Renewed::Newer));
    }
    assert_eq!((bench.provider.token_requests(), bench.access().await), (1, "access-2".to_owned()));
}

/// A process dies while its request is out; then its lease ends.
async fn dies_with_a_request_out(bench: &Bench, retry: Retry) {
    bench.provider.plan([Fault::KeepAndStall]);
    let (one, device) = (bench.renewer(retry, RenewalSettings::default()), bench.device.clone());
    let dying = tokio::spawn(async move { one.renew(&device, REJECTED).await });
    while bench.provider.token_requests() == 0 {
        tokio::task::yield_now().await;
    }
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    let hasty = RenewalSettings { patience: Duration::ZERO, ..RenewalSettings::default() };
    let left = bench.refresh().await.held_until.since(bench.hand.now());
    bench.hand.forward(left - Duration::from_millis(1));
    let busy = bench.renewer(retry, hasty).renew(&bench.device, REJECTED).await;
    assert!(matches!(busy, Err(RenewalError::Busy)), "{busy:?}");
    bench.hand.forward(Duration::from_millis(1));
}

#[tokio::test]
async fn who_dies_with_a_request_out_leaves_the_secret_in_doubt_to_the_next_process_when_the_lease_ends() {
    let all = [Retry::Never, Retry::Once, Retry::Always];
    for (retry, works) in all.into_iter().flat_map(|retry| [(retry, true), (retry, false)]) {
        let bench = Bench::patient().await;
        if !works {
            bench.provider.expire("access-1");
        }
        dies_with_a_request_out(&bench, retry).await;
        let next = bench.renewer(retry, RenewalSettings::default());
        let outcome = next.renew(&bench.device, REJECTED).await;
        let (stage, requests) = match (retry, works) {
            (Retry::Never, false) => (RenewalStage::GivenUp, 1),
            (Retry::Never | Retry::Once, true) => (RenewalStage::InDoubt, 1),
            (Retry::Once, false) | (Retry::Always, _) => (RenewalStage::Idle, 2),
        };
        match stage {
            RenewalStage::GivenUp => {
                assert!(matches!(outcome, Err(RenewalError::Dead { .. })), "{outcome:?}")
            }
            RenewalStage::Idle => assert_eq!(outcome.unwrap(), Renewed::New),
            _ => assert_eq!(outcome.unwrap(), Renewed::StillGood),
        }
        assert_eq!((bench.refresh().await.stage, bench.provider.token_requests()), (stage, requests));
        assert_eq!(bench.provider.reused(), [""; 0]);
    }
}

#[tokio::test]
async fn an_answer_that_comes_after_somebody_took_over_is_kept_where_nothing_newer_is() {
    let bench = Bench::patient().await;
    let gate = Arc::new(Semaphore::new(0));
    bench.provider.plan([Fault::Slow(gate.clone())]);
    bench.provider.expire("access-1");
    let (one, device) = (bench.renewer(Retry::Never, RenewalSettings::default()), bench.device.clone());
    let slow = tokio::spawn(async move { one.renew(&device, REJECTED).await });
    while bench.provider.token_requests() == 0 {
        tokio::task::yield_now().await;
    }
    // It stood still, and could not say that it is at it.
    bench.hand.forward(Duration::from_secs(11));
    let other = bench.renewer(Retry::Never, RenewalSettings::default());
    let over = other.renew(&bench.device, REJECTED).await;
    assert!(matches!(over, Err(RenewalError::Dead { .. })), "{over:?}");
    gate.add_permits(1);
    assert_eq!(slow.await.unwrap().unwrap(), Renewed::New);
    assert_eq!(other.renew(&bench.device, REJECTED).await.unwrap(), Renewed::Newer);
    let renewal = bench.renewal().await;
    assert_eq!((renewal.generation, bench.refresh().await.stage), (2, RenewalStage::Idle));
    assert_eq!((bench.access().await, bench.provider.token_requests()), ("access-2".to_owned(), 1));
}
