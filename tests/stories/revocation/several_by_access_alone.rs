//! Several grants in one copy, at an API that ends a grant by its access token alone: each ends by its own access token, and what has
//! none that it takes is renewed for its end.

use endo::config::{RefreshRetry, RevocationEnds, RevocationWay, Source};
use endo::credentials::{Account, ApiVerdict};
use endo::message::DeviceUuid;

use super::Office;
use super::by_access_alone::{LATER, WAYS, asked, settings, told};
use super::renewed_meanwhile::UnderWay;
use crate::support::provider::{FakeProvider, Fault};

/// An API that ends grants in this way, and one after the other or all of an account at once.
struct Scene {
    provider: FakeProvider,
    office: Office,
}

impl Scene {
    async fn of(way: RevocationWay, revocation_ends: RevocationEnds) -> Self {
        let provider = FakeProvider::start().await;
        let source = Source { revocation_ends, ..settings(&provider, way, RefreshRetry::Never) };
        let office = Office::open(source).await;
        Self { provider, office }
    }

    /// At an API that gives a refresh token at the first sign-in alone and counts each sign-in by itself: `access-1` with
    /// `refresh-1`, and then `access-2` alone.
    async fn signed_in_twice(&self) -> DeviceUuid {
        let Self { provider, office } = self;
        let (first, second) = (provider.grant(), provider.grant());
        let credentials = office.keep(42, &first.0, &first.1).await;
        let newer = Account { refresh_token: None, ..office.account(42, &second.0, "") };
        assert_eq!(office.gateway.credentials.keep(newer).await.unwrap(), credentials);
        credentials
    }

    /// Does what is due, and what is due then, after which all of these credentials is over.
    async fn ends_all(&self, credentials: &DeviceUuid) {
        self.office.does_what_is_due().await;
        self.office.does_what_is_due().await;
        self.is_over(credentials).await;
    }

    /// Forgets them; their refresh token, which is renewed for its end, brings nothing any more.
    async fn ends_all_with_the_access_tokens(&self, credentials: &DeviceUuid) {
        self.office.forget(credentials).await;
        self.provider.plan([Fault::InvalidGrant]);
        self.office.does_what_is_due().await;
        assert_eq!(asked(&self.provider), ["end access-2", "end access-1", "renew refresh-1"]);
        assert_eq!(told(&self.office, credentials).await.verdict, ApiVerdict::Revoked);
    }

    async fn is_over(&self, credentials: &DeviceUuid) {
        assert_eq!(told(&self.office, credentials).await.verdict, ApiVerdict::Revoked);
        assert!(self.office.waiting().await.is_empty());
    }
}

#[tokio::test]
async fn what_was_set_aside_may_be_a_refresh_token_that_is_renewed_for_its_end() {
    for way in WAYS {
        let scene = Scene::of(way, RevocationEnds::SignIn).await;
        let Scene { provider, office } = &scene;
        let (first, second) = (provider.grant(), provider.grant());
        let credentials = office.keep(42, &first.0, &first.1).await;
        // The API gives the access token again, with another refresh token.
        office.keep(42, &first.0, &second.1).await;
        office.forget(&credentials).await;
        scene.ends_all(&credentials).await;
        assert_eq!(asked(provider)[..3], ["end access-1", "renew refresh-1", "end access-3"]);
    }
}

/// The access token of the first sign-in ran out, and is kept no longer: no end of it takes the refresh token along.
#[tokio::test]
async fn the_refresh_token_of_an_earlier_sign_in_is_renewed_for_its_end_beside_the_access_token_that_ends() {
    for way in WAYS {
        let scene = Scene::of(way, RevocationEnds::SignIn).await;
        let Scene { provider, office } = &scene;
        let credentials = scene.signed_in_twice().await;
        provider.expire("access-1");
        office.forget(&credentials).await;
        scene.ends_all(&credentials).await;
        assert_eq!(asked(provider), ["end access-2", "end access-1", "renew refresh-1", "end access-3"]);
    }
}

#[tokio::test]
async fn it_is_over_where_the_end_of_what_was_set_aside_took_it_along_or_another_took_its_place() {
    for way in WAYS {
        let scene = Scene::of(way, RevocationEnds::SignIn).await;
        scene.ends_all_with_the_access_tokens(&scene.signed_in_twice().await).await;

        let scene = Scene::of(way, RevocationEnds::SignIn).await;
        let Scene { provider, office } = &scene;
        let credentials = scene.signed_in_twice().await;
        office.gateway.credentials.renew_refused(&credentials, 2).await.unwrap();
        office.forget(&credentials).await;
        office.does_what_is_due().await;
        assert_eq!(asked(provider), ["renew refresh-1", "end access-3", "end access-1"]);
        scene.is_over(&credentials).await;
    }
}

#[tokio::test]
async fn what_a_newer_pair_replaces_is_renewed_for_its_end_as_well_where_it_is_of_two_sign_ins() {
    for (way, revocation_ends) in
        WAYS.into_iter().flat_map(|way| [(way, RevocationEnds::SignIn), (way, RevocationEnds::Account)])
    {
        let scene = Scene::of(way, revocation_ends).await;
        let Scene { provider, office } = &scene;
        let credentials = scene.signed_in_twice().await;
        let third = provider.grant();
        office.keep(42, &third.0, &third.1).await;
        if revocation_ends == RevocationEnds::Account {
            office.forget(&credentials).await;
        }
        scene.ends_all(&credentials).await;
        assert_eq!(asked(provider).split_off(asked(provider).len() - 2), ["renew refresh-1", "end access-4"]);
    }
}

#[tokio::test]
async fn a_pair_that_was_set_aside_ends_by_its_access_token_and_is_renewed_only_where_that_ran_out() {
    for (way, has_ended) in WAYS.into_iter().flat_map(|way| [(way, false), (way, true)]) {
        let scene = Scene::of(way, RevocationEnds::Account).await;
        let Scene { provider, office } = &scene;
        let (first, second) = (provider.grant(), provider.grant());
        let credentials = office.keep(42, &first.0, &first.1).await;
        office.keep(42, &second.0, &second.1).await;
        if has_ended {
            provider.expire(&first.0);
        }
        office.forget(&credentials).await;
        scene.ends_all(&credentials).await;
        let renewed: &[&str] = if has_ended { &["renew refresh-1", "end access-3"] } else { &[] };
        assert_eq!(asked(provider), [&["end access-2", "end access-1"], renewed].concat());
    }
}

#[tokio::test]
async fn that_what_was_set_aside_ended_is_not_hidden_by_what_was_over_before() {
    for way in WAYS {
        let scene = Scene::of(way, RevocationEnds::SignIn).await;
        let credentials = scene.signed_in_twice().await;
        scene.provider.expire("access-2");
        scene.ends_all_with_the_access_tokens(&credentials).await;
    }
}

#[tokio::test]
async fn that_what_a_renewal_brought_ended_is_not_hidden_by_the_older_pair_that_was_over_before() {
    for way in WAYS {
        let by_access_alone = |source: &mut Source| source.revocation_way = way;
        let mut scene = UnderWay::begin_where(by_access_alone, Fault::Slow).await;
        scene.provider.expire("access-1");
        scene.office.forget(&scene.credentials).await;
        scene.office.does_what_is_due().await;
        scene.gate.add_permits(1);
        let _ = (&mut scene.renewing).await.unwrap();
        scene.office.does_what_is_due().await;
        assert_eq!(
            (scene.provider.ended(), scene.verdict().await),
            (vec!["access-2".to_owned()], ApiVerdict::Pending)
        );
        scene.office.passes(LATER);
        scene.office.does_what_is_due().await;
        assert_eq!(asked(&scene.provider), ["renew refresh-1", "end access-2", "end access-1"]);
        assert_eq!(scene.verdict().await, ApiVerdict::Revoked);
        assert!(scene.office.waiting().await.is_empty());
    }
}
