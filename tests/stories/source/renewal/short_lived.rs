//! An API whose access tokens live for a moment is asked for another when somebody uses one, and left alone before.

use std::time::Duration;

use endo::source::Retry;
use endo::source::renewal::{RenewalError, Renewed};

use super::super::plain;
use super::Bench;
use crate::support::provider::Fault;

const SECOND: Duration = Duration::from_secs(1);
const A_WHILE: Duration = Duration::from_secs(600);

/// A credential with this life, at a provider whose next tokens live for a second.
async fn living(lifetime: Duration) -> Bench {
    let bench = Bench::new().await;
    let (access, refresh) = bench.provider.grant();
    bench.keep_living(plain(2, &access, Some(&refresh)), lifetime).await;
    bench.provider.plan(std::iter::repeat_n(Fault::Lifetime("1"), 10));
    bench
}

#[tokio::test]
async fn what_lives_less_than_a_minute_is_renewed_when_it_is_used_and_never_while_it_is_not() {
    for lifetime in [SECOND, 59 * SECOND] {
        let bench = living(lifetime).await;
        let renewals = bench.renewals(Retry::Never);
        for used in 1..=3 {
            for _ in 0..20 {
                bench.hand.forward(A_WHILE);
                assert_eq!(renewals.renew_due(10).await.unwrap(), 0);
            }
            assert_eq!(bench.provider.token_requests(), used - 1, "nobody uses it");
            bench.before_use(&renewals).await.unwrap();
            bench.before_use(&renewals).await.unwrap();
            assert_eq!((bench.provider.token_requests(), bench.provider.reused()), (used, Vec::new()));
        }
    }
}

#[tokio::test]
async fn what_lives_a_minute_is_renewed_ahead_of_its_end_once() {
    let bench = living(60 * SECOND).await;
    let renewals = bench.renewals(Retry::Never);
    bench.hand.forward(29 * SECOND);
    assert_eq!(renewals.renew_due(10).await.unwrap(), 0);
    bench.hand.forward(SECOND);
    assert_eq!((renewals.renew_due(10).await.unwrap(), bench.provider.token_requests()), (1, 1));
    bench.hand.forward(A_WHILE);
    assert_eq!(renewals.renew_due(10).await.unwrap(), 0, "what that brought lives for a second");
}

#[tokio::test]
async fn a_hundred_who_use_what_lived_a_second_make_one_token_request() {
    let bench = living(SECOND).await;
    let renewals = bench.renewals(Retry::Never);
    bench.hand.forward(A_WHILE);
    let uses = (0..100).map(|_| bench.before_use(&renewals));
    assert!(futures_util::future::join_all(uses).await.iter().all(Result::is_ok));
    assert_eq!(bench.provider.token_requests(), 1);
}

#[tokio::test]
async fn what_ran_out_on_its_way_to_the_api_is_renewed_though_that_was_just_done() {
    let bench = living(SECOND).await;
    let renewals = bench.renewals(Retry::Never);
    bench.hand.forward(A_WHILE);
    bench.before_use(&renewals).await.unwrap();
    let refused = bench.rejected(&renewals, 3).await;
    assert!(matches!(refused, Err(RenewalError::Fruitless)), "it has not run out: {refused:?}");
    bench.hand.forward(SECOND);
    assert_eq!(bench.rejected(&renewals, 3).await.unwrap(), Renewed::New);
    assert_eq!((bench.provider.token_requests(), bench.provider.reused()), (2, Vec::new()));
}
