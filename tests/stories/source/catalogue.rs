//! The catalogue of well-known providers.

use std::collections::HashSet;

use endo::config;
use endo::egress::{HostList, Url};
use endo::source::{Catalogue, Evidence, Retry, Rotation, Source};

#[test]
fn at_least_twelve_providers_are_known_each_with_its_documentation_and_what_it_rests_on() {
    let catalogue = Catalogue::embedded();
    let names: HashSet<_> = catalogue.iter().map(|provider| &provider.name).collect();
    assert!(names.len() >= 12);
    assert_eq!(names.len(), catalogue.iter().count(), "no name stands twice");
    for provider in catalogue.iter() {
        assert!(provider.documentation.starts_with("https://"), "{}", provider.name);
        // Say `tried` only of what somebody tried, in the change that tells how.
        assert_eq!(provider.evidence, Evidence::Documentation, "{}", provider.name);
    }
}

#[test]
fn every_provider_with_an_id_and_a_secret_is_the_whole_configuration() {
    let catalogue = Catalogue::embedded();
    for provider in catalogue.iter() {
        let settings = config::Source {
            provider: Some(provider.name.clone()),
            client_id: Some("id".to_owned()),
            client_secret: Some("secret".to_owned().into()),
            ..config::Source::default()
        };
        let source = Source::settle(&settings, &catalogue).unwrap();
        assert!(source.oauth2().is_some(), "{}", provider.name);
        assert_eq!(source.name, provider.name);
        let hosts = HostList::parse(&source.hosts).unwrap();
        assert!(hosts.allows(&source.base_url), "{}", provider.name);
    }
}

#[test]
fn every_address_of_the_catalogue_is_https() {
    for provider in Catalogue::embedded().iter() {
        let revocation = provider.revocation.as_ref().map(|revocation| &revocation.url);
        let others = [revocation, provider.profile.url.as_ref(), provider.issuer.as_ref()];
        let own = [&provider.authorization, &provider.token, &provider.api.base_url];
        for url in own.into_iter().chain(others.into_iter().flatten()) {
            assert_eq!(Url::parse(url).unwrap().scheme(), "https", "{url}");
        }
    }
}

#[test]
fn a_refresh_token_is_sent_again_only_where_it_is_known_to_stay_valid() {
    for provider in Catalogue::embedded().iter() {
        let unknown = matches!(provider.refresh.rotates, Rotation::Unknown | Rotation::Sometimes);
        assert!(!unknown || provider.refresh.retry == Retry::Never, "{}", provider.name);
    }
}
