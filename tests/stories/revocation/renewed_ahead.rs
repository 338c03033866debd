//! A renewal ahead of its time leaves the access token before at the API, where that ends one token alone: it ends with what is in
//! use, unless it ended by itself.

use std::time::Duration;

use endo::config::{RevocationEnds, Source};
use endo::credentials::{Account, ApiVerdict};
use endo::message::DeviceUuid;

use super::Office;
use crate::support::provider::FakeProvider;

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// Credentials of an API that ends so much with a token, with its first pair, which lives for an hour.
struct Desk {
    provider: FakeProvider,
    office: Office,
    credentials: DeviceUuid,
    user_device: DeviceUuid,
}

impl Desk {
    async fn of_an_api_that_ends(revocation_ends: RevocationEnds) -> Self {
        let provider = FakeProvider::start().await;
        let office = Office::open(Source { revocation_ends, ..provider.settings() }).await;
        let first = provider.grant();
        let (asked, lifetime) = (office.asking().await, Some(HOUR));
        let account = Account { asked, lifetime, ..office.account(42, &first.0, &first.1) };
        let credentials = office.gateway.credentials.keep(account).await.unwrap();
        let user_device = office.bind(&credentials).await;
        Self { provider, office, credentials, user_device }
    }

    /// Somebody uses the secret after so long, which brings this access token.
    async fn is_renewed_after(&self, time: Duration, access: &str) {
        self.office.passes(time);
        let opened = self.office.open_for(&self.credentials, &self.user_device).await;
        assert_eq!(opened.unwrap(), access);
    }

    /// A handler says, when it is believed again, that the API refuses the secret of this generation.
    async fn is_said_to_be_refused(&self, generation: u64) {
        self.office.passes(3 * MINUTE);
        self.office.gateway.credentials.renew_said_refused(&self.credentials, generation).await.unwrap();
    }

    async fn is_forgotten(&self) {
        self.office.forget(&self.credentials).await;
        self.office.does_what_is_due().await;
        self.receipt_says_revoked().await;
    }

    async fn receipt_says_revoked(&self) {
        let receipt = self.office.receipts(&self.credentials).await.remove(0);
        assert_eq!(receipt.api.unwrap().verdict, ApiVerdict::Revoked);
        assert!(self.office.waiting().await.is_empty());
    }
}

#[tokio::test]
async fn whoever_forgets_the_secret_ends_the_access_token_that_lives_on_beside_the_new_one() {
    let desk = Desk::of_an_api_that_ends(RevocationEnds::Token).await;
    desk.is_renewed_after(50 * MINUTE, "access-2").await;
    desk.is_forgotten().await;
    assert_eq!(desk.provider.ended(), ["refresh-2", "access-2", "access-1"]);
}

#[tokio::test]
async fn what_ended_by_itself_or_by_the_end_of_its_sign_in_is_not_kept_for_that() {
    let desk = Desk::of_an_api_that_ends(RevocationEnds::Token).await;
    desk.is_renewed_after(50 * MINUTE, "access-2").await;
    desk.is_renewed_after(50 * MINUTE, "access-3").await;
    desk.is_renewed_after(2 * HOUR, "access-4").await;
    desk.is_renewed_after(50 * MINUTE, "access-5").await;
    desk.is_forgotten().await;
    assert_eq!(desk.provider.ended(), ["refresh-5", "access-5", "access-4"]);
    let desk = Desk::of_an_api_that_ends(RevocationEnds::SignIn).await;
    desk.is_renewed_after(50 * MINUTE, "access-2").await;
    desk.is_forgotten().await;
    assert_eq!(desk.provider.ended(), ["refresh-2", "access-2"]);
}

#[tokio::test]
async fn a_sign_in_that_brings_another_pair_or_no_refresh_token_ends_it_as_well() {
    let desk = Desk::of_an_api_that_ends(RevocationEnds::Token).await;
    desk.is_renewed_after(50 * MINUTE, "access-2").await;
    let third = desk.provider.grant().0;
    let alone = Account { refresh_token: None, ..desk.office.account(42, &third, "") };
    desk.office.gateway.credentials.keep(alone).await.unwrap();
    desk.office.does_what_is_due().await;
    assert_eq!(desk.provider.ended(), ["access-2", "access-1"], "the refresh token goes on");
    desk.receipt_says_revoked().await;

    let desk = Desk::of_an_api_that_ends(RevocationEnds::Token).await;
    desk.is_renewed_after(50 * MINUTE, "access-2").await;
    let third = desk.provider.grant();
    desk.office.keep(42, &third.0, &third.1).await;
    desk.office.does_what_is_due().await;
    assert_eq!(desk.provider.ended(), ["refresh-2", "access-2", "access-1"]);
    desk.receipt_says_revoked().await;
}

#[tokio::test]
async fn a_sign_in_that_brings_it_again_leaves_it_alone() {
    let desk = Desk::of_an_api_that_ends(RevocationEnds::Token).await;
    desk.is_renewed_after(50 * MINUTE, "access-2").await;
    let alone = Account { refresh_token: None, ..desk.office.account(42, "access-1", "") };
    desk.office.gateway.credentials.keep(alone).await.unwrap();
    desk.office.does_what_is_due().await;
    assert_eq!(desk.provider.ended(), ["access-2"]);
    desk.receipt_says_revoked().await;
    desk.is_forgotten().await;
    assert_eq!(desk.provider.ended(), ["access-2", "refresh-2", "access-1"]);
}

#[tokio::test]
async fn sixteen_tokens_are_kept_at_most_and_no_refresh_token_goes_for_an_access_token() {
    let desk = Desk::of_an_api_that_ends(RevocationEnds::Token).await;
    let second = desk.provider.grant().1;
    let (asked, lifetime) = (desk.office.asking().await, Some(HOUR));
    let again = Account { asked, lifetime, ..desk.office.account(42, "access-1", &second) };
    desk.office.gateway.credentials.keep(again).await.unwrap();
    for generation in 2..20 {
        desk.is_said_to_be_refused(generation).await;
    }
    desk.is_forgotten().await;
    let aside = (5..20).map(|number| format!("access-{number}"));
    let ended = ["refresh-20", "access-20", "refresh-1"].map(str::to_owned).into_iter().chain(aside);
    assert_eq!(desk.provider.ended(), ended.collect::<Vec<_>>());
}

#[tokio::test]
async fn so_does_one_that_is_of_another_sign_in_than_the_refresh_token_whatever_the_api_ends() {
    for revocation_ends in [RevocationEnds::SignIn, RevocationEnds::Account] {
        let desk = Desk::of_an_api_that_ends(revocation_ends).await;
        let (asked, lifetime) = (desk.office.asking().await, Some(HOUR));
        let access = desk.provider.grant().0;
        let second = Account { refresh_token: None, asked, lifetime, ..desk.office.account(42, &access, "") };
        desk.office.gateway.credentials.keep(second).await.unwrap();
        desk.is_renewed_after(50 * MINUTE, "access-3").await;
        desk.is_forgotten().await;
        assert_eq!(desk.provider.ended(), ["refresh-3", "access-3", "access-1", "access-2"]);
    }
}
