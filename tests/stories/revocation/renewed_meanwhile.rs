//! A renewal that is under way while its secret comes to an end brings tokens that nobody needs: they end as well.

use std::sync::Arc;
use std::time::Duration;

use endo::config::Source;
use endo::credentials::{Account, ApiVerdict, CredentialsError, Fate, Matter, Part, Receipt, Renewed};
use endo::message::DeviceUuid;
use endo::store::{RenewalStage, StoreError, StoredRefreshToken, Transaction};
use tokio::sync::Semaphore;

use super::{Office, Renewing};
use crate::support::provider::{FakeProvider, Fault};

/// Credentials whose renewal is under way: the provider issued the new pair, `access-2` and `refresh-2`.
pub(super) struct UnderWay {
    pub(super) provider: FakeProvider,
    pub(super) office: Office,
    pub(super) credentials: DeviceUuid,
    pub(super) gate: Arc<Semaphore>,
    pub(super) renewing: Renewing,
}

impl UnderWay {
    pub(super) async fn begin() -> Self {
        Self::begin_with(Fault::Slow).await
    }

    /// The same, whose end is the one of this fault.
    pub(super) async fn begin_with(fault: impl Fn(Arc<Semaphore>) -> Fault) -> Self {
        Self::begin_where(|_| (), fault).await
    }

    /// The same, where the settings say something else of the API.
    pub(super) async fn begin_where(
        change: impl FnOnce(&mut Source),
        fault: impl Fn(Arc<Semaphore>) -> Fault,
    ) -> Self {
        let provider = FakeProvider::start().await;
        let mut source = provider.settings();
        change(&mut source);
        let office = Office::open(source).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        let gate = Arc::new(Semaphore::new(0));
        provider.plan([fault(Arc::clone(&gate))]);
        let renewing = office.begins_to_renew(&provider, &credentials).await;
        Self { provider, office, credentials, gate, renewing }
    }

    /// What the receipt says of the renewal.
    pub(super) async fn renewal(&self) -> Part {
        renewal_in(&self.office, &self.credentials).await
    }

    pub(super) async fn verdict(&self) -> ApiVerdict {
        self.office.receipts(&self.credentials).await[0].api.as_ref().unwrap().verdict
    }

    /// Lets the provider answer, and does what is due then.
    pub(super) async fn land(&mut self) -> Result<Renewed, CredentialsError> {
        self.office.does_what_is_due().await;
        assert_eq!(self.verdict().await, ApiVerdict::Pending, "nobody knows yet what has to end");
        self.gate.add_permits(1);
        let outcome = (&mut self.renewing).await.unwrap();
        assert!(self.provider.takes("refresh-2"));
        assert_eq!(self.verdict().await, ApiVerdict::Pending);
        self.office.passes(Duration::from_secs(60));
        self.office.does_what_is_due().await;
        outcome
    }

    pub(super) async fn is_over(&self) {
        assert!(!self.provider.takes("refresh-2"));
        let told = self.provider.api.seen().into_iter().filter(|seen| seen.target == "/revoke");
        let told: Vec<_> = told.map(|seen| crate::support::provider::form(&seen).remove("token")).collect();
        for token in ["access-1", "refresh-1", "access-2", "refresh-2"] {
            assert!(told.contains(&Some(token.to_owned())), "{token}: {told:?}");
        }
        assert_eq!(self.verdict().await, ApiVerdict::Revoked);
        assert!(self.office.waiting().await.is_empty());
    }
}

/// What the newest receipt says of the renewal that was under way.
async fn renewal_in(office: &Office, credentials: &DeviceUuid) -> Part {
    let receipt = office.receipts(credentials).await.remove(0);
    receipt.parts.into_iter().find(|part| part.what == Matter::Renewal).unwrap()
}

#[tokio::test]
async fn tokens_that_come_after_the_forgetting_end_at_the_api_and_the_receipt_waits_for_that() {
    let mut under_way = UnderWay::begin().await;
    under_way.office.forget(&under_way.credentials).await;
    let outcome = under_way.land().await;
    assert!(matches!(outcome, Err(CredentialsError::Revoked)), "{outcome:?}");
    under_way.is_over().await;
    let renewal = under_way.renewal().await;
    assert_eq!((renewal.fate, renewal.why), (Fate::Ended, None));
}

#[tokio::test]
async fn tokens_that_come_after_the_forgetting_end_also_where_the_clock_was_set_back_before_it() {
    // The clock may have passed the time of asking again when it comes.
    for seconds in [0, 20] {
        let mut under_way = UnderWay::begin().await;
        under_way.office.is_set_back(Duration::from_secs(10));
        under_way.office.forget(&under_way.credentials).await;
        under_way.office.passes(Duration::from_secs(seconds));
        let _ = under_way.land().await;
        under_way.is_over().await;
        assert_eq!(under_way.renewal().await.fate, Fate::Ended);
    }
}

#[tokio::test]
async fn tokens_that_come_after_a_new_sign_in_end_at_the_api_and_the_newer_ones_do_not() {
    let mut under_way = UnderWay::begin().await;
    let (access, refresh) = under_way.provider.grant();
    under_way.office.keep(42, &access, &refresh).await;
    assert_eq!(under_way.renewal().await.fate, Fate::Pending);
    under_way.land().await.unwrap();
    under_way.is_over().await;
    let renewal = under_way.renewal().await;
    assert_eq!((renewal.fate, renewal.why), (Fate::Ended, None));
    assert!(under_way.provider.takes(&refresh));
    let user_device = under_way.office.bind(&under_way.credentials).await;
    assert_eq!(under_way.office.open_for(&under_way.credentials, &user_device).await.unwrap(), access);
}

#[tokio::test]
async fn what_a_renewal_brings_is_told_in_the_receipt_that_waits_for_it_whatever_ended_since() {
    let mut under_way = UnderWay::begin().await;
    let (access, refresh) = under_way.provider.grant();
    under_way.office.keep(42, &access, &refresh).await;
    under_way.office.forget(&under_way.credentials).await;
    under_way.gate.add_permits(1);
    let outcome = (&mut under_way.renewing).await.unwrap();
    assert!(matches!(outcome, Err(CredentialsError::Revoked)), "{outcome:?}");
    let (office, provider) = (&under_way.office, &under_way.provider);
    office.passes(Duration::from_secs(60));
    office.does_what_is_due().await;
    assert!(!provider.takes("refresh-1") && !provider.takes("refresh-2") && !provider.takes(&refresh));
    let [forgotten, replaced] = &office.receipts(&under_way.credentials).await[..] else {
        panic!("two ends")
    };
    let renewals = |receipt: &Receipt| {
        let parts = receipt.parts.iter().filter(|part| part.what == Matter::Renewal);
        parts.map(|part| (part.fate, part.why.clone())).collect::<Vec<_>>()
    };
    assert_eq!((renewals(replaced), renewals(forgotten)), (vec![(Fate::Ended, None)], vec![]));
    for receipt in [replaced, forgotten] {
        assert_eq!(receipt.api.as_ref().unwrap().verdict, ApiVerdict::Revoked);
    }
}

#[tokio::test]
async fn a_receipt_says_that_a_renewal_that_was_refused_brought_nothing_and_of_a_lost_one_that_nobody_knows()
{
    for is_replaced in [false, true] {
        for (status, text, fate, says) in [
            (400, r#"{"error":"invalid_grant"}"#, Fate::Ended, "it brought no new tokens"),
            (401, r#"{"error":"invalid_client"}"#, Fate::Ended, "it brought no new tokens"),
            (503, "", Fate::Ended, "it brought no new tokens"),
            (500, "", Fate::Stayed, "nobody knows whether it brought new tokens"),
        ] {
            let mut under_way = UnderWay::begin_with(|gate| Fault::SayLate(gate, status, text)).await;
            if is_replaced {
                let (access, refresh) = under_way.provider.grant();
                under_way.office.keep(42, &access, &refresh).await;
            } else {
                under_way.office.forget(&under_way.credentials).await;
            }
            under_way.office.does_what_is_due().await;
            assert_eq!(under_way.renewal().await.fate, Fate::Pending);
            under_way.gate.add_permits(1);
            let _ = (&mut under_way.renewing).await.unwrap();
            under_way.office.passes(Duration::from_secs(60));
            under_way.office.does_what_is_due().await;
            // What was signed in for may be what a lost answer brought.
            let is_spared = is_replaced && status == 500;
            let verdict = if is_spared { ApiVerdict::Spared } else { ApiVerdict::Revoked };
            assert_eq!(
                (under_way.verdict().await, under_way.provider.takes("refresh-1")),
                (verdict, is_spared)
            );
            let renewal = under_way.renewal().await;
            assert_eq!(renewal.fate, fate, "{renewal}");
            assert!(renewal.to_string().contains(says), "{status}: {renewal}");
        }
    }
}

#[tokio::test]
async fn a_receipt_says_that_a_renewal_was_under_way_whose_process_ended() {
    for is_replaced in [false, true] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        let device = credentials.clone();
        let send = move |transaction: &Transaction<'_>| {
            let known = transaction.renewal(&device)?.unwrap().refresh.unwrap();
            transaction.store_refresh_token(&StoredRefreshToken { stage: RenewalStage::Sending, ..known })
        };
        office.gateway.store.write::<_, StoreError, _>(send).await.unwrap();
        if is_replaced {
            let (access, refresh) = provider.grant();
            office.keep(42, &access, &refresh).await;
        } else {
            office.forget(&credentials).await;
        }
        assert_eq!(renewal_in(&office, &credentials).await.fate, Fate::Pending);
        office.does_what_is_due().await;
        let lost = renewal_in(&office, &credentials).await;
        assert_eq!(lost.fate, Fate::Stayed);
        assert!(lost.to_string().contains("nobody knows whether it brought new tokens"), "{lost}");
        let verdict = office.receipts(&credentials).await.remove(0).api.unwrap().verdict;
        let spared = if is_replaced { ApiVerdict::Spared } else { ApiVerdict::Revoked };
        assert_eq!((verdict, provider.takes("refresh-1")), (spared, is_replaced));
    }
}

#[tokio::test]
async fn what_a_renewal_brings_goes_to_a_sign_in_since_that_brought_no_refresh_token() {
    let mut under_way = UnderWay::begin().await;
    let access = under_way.provider.grant().0;
    let (office, credentials) = (&under_way.office, under_way.credentials.clone());
    let account = Account { refresh_token: None, ..office.account(42, &access, "") };
    assert_eq!(office.gateway.credentials.keep(account).await.unwrap(), credentials);
    let user_device = office.bind(&credentials).await;
    assert_eq!(office.open_for(&credentials, &user_device).await.unwrap(), access);

    under_way.gate.add_permits(1);
    assert_eq!((&mut under_way.renewing).await.unwrap().unwrap(), Renewed::New);
    let (office, provider) = (&under_way.office, &under_way.provider);
    assert_eq!(office.open_for(&credentials, &user_device).await.unwrap(), "access-2");
    assert_eq!(provider.ended(), Vec::<String>::new());
    office.gateway.credentials.renew_refused(&credentials, 3).await.unwrap_err();
    office.passes(Duration::from_secs(300));
    assert_eq!(office.gateway.credentials.renew_refused(&credentials, 3).await.unwrap(), Renewed::New);
    assert_eq!(provider.reused(), Vec::<String>::new());

    // All that was given ends with the refresh token.
    office.forget(&credentials).await;
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), ["refresh-4", "access-4", "access-1", "access-3"]);
}

#[tokio::test]
async fn a_refresh_token_whose_renewal_is_lost_is_not_sent_again_for_a_sign_in_since() {
    for (status, is_lost) in [(500, true), (503, false)] {
        let mut under_way = UnderWay::begin_with(|gate| Fault::SayLate(gate, status, "")).await;
        let access = under_way.provider.grant().0;
        let (office, credentials) = (&under_way.office, under_way.credentials.clone());
        let account = Account { refresh_token: None, ..office.account(42, &access, "") };
        office.gateway.credentials.keep(account).await.unwrap();
        under_way.gate.add_permits(1);
        let _ = (&mut under_way.renewing).await.unwrap();

        let (office, provider) = (&under_way.office, &under_way.provider);
        office.passes(Duration::from_secs(3600));
        provider.expire(&access);
        let renewed = office.gateway.credentials.renew_refused(&credentials, 2).await;
        assert_eq!(matches!(renewed, Err(CredentialsError::SignInAgain { .. })), is_lost, "{renewed:?}");
        assert_eq!(provider.token_requests(), if is_lost { 1 } else { 2 });
    }
}

#[tokio::test]
async fn what_a_renewal_brings_goes_to_other_credentials_that_hold_the_refresh_token_of_the_forgotten_ones() {
    let mut under_way = UnderWay::begin().await;
    let (office, provider) = (&under_way.office, &under_way.provider);
    office.forget(&under_way.credentials).await;
    let back = office.keep(42, "another access token", "refresh-1").await;
    let user_device = office.bind(&back).await;
    under_way.gate.add_permits(1);
    let outcome = (&mut under_way.renewing).await.unwrap();
    assert!(matches!(outcome, Err(CredentialsError::Revoked)), "{outcome:?}");
    assert_eq!(office.open_for(&back, &user_device).await.unwrap(), "access-2");
    office.does_what_is_due().await;
    assert_eq!((under_way.verdict().await, provider.ended()), (ApiVerdict::Spared, Vec::new()));
    let renewal = under_way.renewal().await;
    assert_eq!(renewal.fate, Fate::Stayed);
    assert!(renewal.to_string().contains("the new tokens are in its credentials"), "{renewal}");

    office.passes(Duration::from_secs(300));
    assert_eq!(office.gateway.credentials.renew_refused(&back, 2).await.unwrap(), Renewed::New);
    assert_eq!(provider.reused(), Vec::<String>::new());
}

#[tokio::test]
async fn a_receipt_warns_of_a_renewal_that_was_given_up_before_the_forgetting() {
    for is_replaced in [false, true] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        provider.plan([Fault::RotateAndSay(500)]);
        provider.expire(&access);
        let given_up = office.gateway.credentials.renew_refused(&credentials, 1).await;
        assert!(matches!(given_up, Err(CredentialsError::SignInAgain { .. })), "{given_up:?}");
        if is_replaced {
            let (access, refresh) = provider.grant();
            office.keep(42, &access, &refresh).await;
        } else {
            office.forget(&credentials).await;
        }
        let renewal = renewal_in(&office, &credentials).await;
        assert_eq!(renewal.fate, Fate::Stayed);
        assert!(renewal.why.unwrap().starts_with("nobody knows whether it brought new tokens"));
    }
}
