//! Answers that do not say whether there are new tokens, and those that say that there are none.

use std::time::Duration;

use endo::source::Retry;
use endo::source::renewal::{RenewalError, Renewed};
use endo::store::RenewalStage;

use super::super::plain;
use super::{Bench, HOUR};
use crate::support::provider::Fault;

/// After these nobody knows whether there are new tokens.
const LEAVES_IN_DOUBT: [Fault; 9] = [
    Fault::RotateAndHangUp,
    Fault::RotateAndStall,
    Fault::RotateAndSay(500),
    Fault::RotateAndSay(504),
    Fault::RotateAndSay(200),
    Fault::Say(502, "<html>"),
    Fault::Say(408, ""),
    Fault::BreakOff(500),
    Fault::BreakOff(200),
];

#[tokio::test]
async fn what_nobody_knows_the_end_of_ends_a_credential_whose_provider_takes_no_token_twice_and_nothing_loops()
 {
    for fault in LEAVES_IN_DOUBT {
        let bench = Bench::new().await;
        bench.provider.plan([fault]);
        bench.provider.expire("access-1");
        let renewals = bench.renewals(Retry::Never);
        let error = bench.rejected(&renewals, 1).await.unwrap_err();
        assert!(
            matches!(&error, RenewalError::Dead { reason } if reason.contains("nobody knows")),
            "{error:?}"
        );
        let renewal = bench.renewal().await;
        assert_eq!((bench.refresh().await.stage, renewal.renew_at), (RenewalStage::GivenUp, None));
        for _ in 0..3 {
            bench.hand.forward(HOUR);
            let again = bench.rejected(&renewals, 1).await;
            assert!(matches!(again, Err(RenewalError::Dead { .. })));
        }
        assert_eq!((bench.provider.token_requests(), bench.profile_requests()), (1, 1));
        // Signing in again ends it.
        let (access, refresh) = bench.provider.grant();
        bench.keep(plain(2, &access, Some(&refresh))).await;
        assert_eq!(bench.rejected(&renewals, 1).await.unwrap(), Renewed::Newer);
        assert_eq!(bench.rejected(&renewals, 2).await.unwrap(), Renewed::New);
        assert_eq!(bench.provider.reused(), [""; 0]);
    }
}

#[tokio::test]
async fn a_secret_in_doubt_is_used_as_long_as_it_works() {
    for fault in LEAVES_IN_DOUBT {
        let bench = Bench::new().await;
        bench.provider.plan([fault]);
        let renewals = bench.renewals(Retry::Never);
        bench.hand.forward(Duration::from_secs(2800));
        for looks in 1..10 {
            bench.before_use(&renewals).await.unwrap();
            bench.before_use(&renewals).await.unwrap();
            assert_eq!(bench.refresh().await.stage, RenewalStage::InDoubt);
            assert_eq!((bench.provider.token_requests(), bench.profile_requests()), (1, looks));
            bench.hand.forward(Duration::from_secs(61));
        }
        bench.hand.forward(HOUR);
        bench.provider.expire("access-1");
        assert!(matches!(bench.before_use(&renewals).await, Err(RenewalError::Dead { .. })));
        assert_eq!((bench.provider.token_requests(), bench.provider.reused()), (1, Vec::new()));
    }
}

/// The refresh token before may be spent for it.
#[tokio::test]
async fn a_new_secret_beside_what_cannot_renew_it_is_used_as_long_as_it_works() {
    for given in [
        r#"{"access_token": "access-2", "refresh_token": 7}"#,
        r#"{"access_token": "access-2", "refresh_token": {}}"#,
    ] {
        for (retry, is_sent_again) in [(Retry::Never, false), (Retry::Once, true)] {
            let bench = Bench::new().await;
            bench.provider.grant();
            bench.provider.expire("access-1");
            bench.provider.plan([Fault::Say(200, given), Fault::KeepRefreshToken]);
            let renewals = bench.renewals(retry);
            assert_eq!(bench.rejected(&renewals, 1).await.unwrap(), Renewed::New);
            let refresh = bench.refresh().await;
            assert_eq!((&*bench.access().await, refresh.stage), ("access-2", RenewalStage::InDoubt));
            bench.hand.forward(HOUR);
            bench.before_use(&renewals).await.unwrap();
            bench.provider.expire("access-2");
            let then = bench.rejected(&renewals, 2).await;
            match is_sent_again {
                true => assert_eq!(then.unwrap(), Renewed::New),
                false => assert!(matches!(then, Err(RenewalError::Dead { .. })), "{then:?}"),
            }
            assert_eq!(bench.provider.token_requests(), if is_sent_again { 2 } else { 1 });
        }
    }
}

#[tokio::test]
async fn a_refresh_token_that_stays_valid_is_sent_again() {
    for fault in
        [Fault::Say(500, "before"), Fault::Say(502, ""), Fault::BreakOff(504), Fault::Say(200, "<html>")]
    {
        let bench = Bench::new().await;
        bench.provider.plan([fault.clone(), Fault::KeepRefreshToken]);
        bench.provider.expire("access-1");
        let renewals = bench.renewals(Retry::Always);
        assert_eq!(bench.rejected(&renewals, 1).await.unwrap(), Renewed::New);
        assert_eq!((bench.provider.token_requests(), bench.access().await), (2, "access-2".to_owned()));
        // Ahead of the end there is time for a rest; nobody waits until the secret is over.
        bench.provider.plan([fault]);
        bench.hand.forward(Duration::from_secs(2900));
        bench.before_use(&renewals).await.unwrap();
        assert_eq!(
            (bench.access().await, bench.refresh().await.stage),
            ("access-2".to_owned(), RenewalStage::InDoubt)
        );
        bench.hand.forward(Duration::from_secs(60));
        bench.before_use(&renewals).await.unwrap();
        assert_eq!((bench.provider.token_requests(), bench.access().await), (4, "access-3".to_owned()));
    }
}

#[tokio::test]
async fn a_provider_that_fails_for_long_is_asked_now_and_then_and_its_credentials_survive() {
    let bench = Bench::new().await;
    bench.provider.plan((0..4).map(|_| Fault::Say(502, "")));
    bench.provider.expire("access-1");
    let renewals = bench.renewals(Retry::Always);
    let first = bench.rejected(&renewals, 1).await.unwrap_err();
    assert!(matches!(first, RenewalError::Unavailable(_)), "{first:?}");
    let resting = bench.rejected(&renewals, 1).await;
    assert!(matches!(resting, Err(RenewalError::Resting)));
    assert_eq!(bench.provider.token_requests(), 2);
    bench.hand.forward(Duration::from_secs(5));
    assert!(bench.rejected(&renewals, 1).await.is_err());
    bench.hand.forward(Duration::from_millis(9_999));
    let resting = bench.rejected(&renewals, 1).await;
    assert!(matches!(resting, Err(RenewalError::Resting)));
    bench.hand.forward(Duration::from_millis(1));
    assert_eq!(bench.rejected(&renewals, 1).await.unwrap(), Renewed::New);
    assert_eq!(bench.provider.token_requests(), 5);
}

#[tokio::test]
async fn the_one_other_try_that_a_provider_allows_is_made_after_a_rest() {
    let bench = Bench::new().await;
    // 503 is no try.
    bench.provider.plan([Fault::Say(502, ""), Fault::Say(503, "")]);
    bench.provider.expire("access-1");
    let renewals = bench.renewals(Retry::Once);
    for (sent, pause) in [(1, 5), (2, 7)] {
        let failed = bench.rejected(&renewals, 1).await;
        assert!(matches!(failed, Err(RenewalError::Unavailable(_))), "{failed:?}");
        bench.hand.forward(Duration::from_secs(pause) - Duration::from_millis(1));
        let resting = bench.rejected(&renewals, 1).await;
        assert!(matches!(resting, Err(RenewalError::Resting)), "{resting:?}");
        assert_eq!(bench.provider.token_requests(), sent);
        bench.hand.forward(Duration::from_millis(1));
    }
    assert_eq!(bench.rejected(&renewals, 1).await.unwrap(), Renewed::New);
    assert_eq!((bench.access().await, bench.provider.reused()), ("access-2".to_owned(), Vec::new()));
}

#[tokio::test]
async fn what_is_in_doubt_after_the_one_other_try_is_over() {
    for (faults, says) in [
        ([Fault::Say(502, ""), Fault::Say(502, "")], "takes no refresh token twice"),
        ([Fault::RotateAndSay(500), Fault::InvalidGrant], "does not take the refresh token again"),
    ] {
        let bench = Bench::new().await;
        bench.provider.plan(faults);
        bench.provider.expire("access-1");
        let renewals = bench.renewals(Retry::Once);
        assert!(bench.rejected(&renewals, 1).await.is_err());
        for _ in 0..3 {
            bench.hand.forward(Duration::from_secs(5));
            let over = bench.rejected(&renewals, 1).await.unwrap_err();
            assert!(matches!(&over, RenewalError::Dead { reason } if reason.ends_with(says)), "{over:?}");
        }
        assert_eq!(bench.provider.token_requests(), 2);
    }
}

#[tokio::test]
async fn a_provider_that_has_no_time_now_ends_no_credential_also_where_no_token_is_taken_twice() {
    for status in [503, 429] {
        let bench = Bench::new().await;
        bench.provider.plan(std::iter::repeat_n(Fault::BreakOff(status), 8));
        bench.provider.expire("access-1");
        let renewals = bench.renewals(Retry::Never);
        for (sent, pause) in [5, 10, 20, 40, 80, 160, 300, 300].into_iter().enumerate() {
            let failed = bench.rejected(&renewals, 1).await;
            assert!(matches!(failed, Err(RenewalError::Unavailable(_))), "{failed:?}");
            assert_eq!(bench.refresh().await.stage, RenewalStage::Idle);
            bench.hand.forward(Duration::from_secs(pause) - Duration::from_millis(1));
            let resting = bench.rejected(&renewals, 1).await;
            assert!(matches!(resting, Err(RenewalError::Resting)), "{resting:?}");
            assert_eq!(bench.provider.token_requests(), sent + 1);
            bench.hand.forward(Duration::from_millis(1));
        }
        assert_eq!(bench.rejected(&renewals, 1).await.unwrap(), Renewed::New);
        assert_eq!((bench.access().await, bench.provider.reused()), ("access-2".to_owned(), Vec::new()));
    }
}

#[tokio::test]
async fn a_provider_that_says_when_to_ask_again_is_left_alone_until_then() {
    for (when, seconds) in [
        ("100", 100),
        ("Mon, 12 Jan 1970 13:48:20 GMT", 100),
        ("Monday, 12-Jan-70 13:48:20 GMT", 100),
        ("Mon Jan 12 13:48:20 1970", 100),
        // Neither is kept longer than an hour, nor taken for a reason to ask at once.
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("18446744073709551615", 3600),
        ("Mon, 12 Jan 1970 13:00:00 GMT", 5),
        ("0", 5),
        // What cannot be read says nothing.
        ("Mon, 32 Jan 1970 13:48:20 GMT", 5),
        ("soon", 5),
    ] {
        let bench = Bench::new().await;
        bench.provider.plan([Fault::AskLater(when)]);
        bench.provider.expire("access-1");
        let renewals = bench.renewals(Retry::Never);
        let busy = bench.rejected(&renewals, 1).await;
        assert!(matches!(busy, Err(RenewalError::Unavailable(_))), "{when}: {busy:?}");
        bench.hand.forward(Duration::from_secs(seconds) - Duration::from_millis(1));
        let resting = bench.rejected(&renewals, 1).await;
        assert!(matches!(resting, Err(RenewalError::Resting)), "{when}: {resting:?}");
        bench.hand.forward(Duration::from_millis(1));
        assert_eq!(bench.rejected(&renewals, 1).await.unwrap(), Renewed::New, "{when}");
    }
}
