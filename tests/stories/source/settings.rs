//! What the settings of an API together mean, and how what they cannot mean is refused.

use endo::config::{self, RevocationEnds, RevocationWay, SourceKind};
use endo::source::{Catalogue, Retry, Source, Way};

fn settle(settings: &config::Source) -> Result<Source, String> {
    Source::settle(settings, &Catalogue::embedded()).map_err(|error| error.to_string())
}

/// An API that no catalogue knows, spelled out.
fn spelled_out() -> config::Source {
    config::Source {
        name: Some("acme".to_owned()),
        base_url: Some("https://api.acme.example:8443/v1".to_owned()),
        client_id: Some("id".to_owned()),
        client_secret: Some("canary-secret".to_owned().into()),
        authorization_url: Some("https://acme.example/authorize".to_owned()),
        token_url: Some("https://acme.example/token".to_owned()),
        profile_url: Some("https://api.acme.example:8443/me".to_owned()),
        profile_id: vec!["/id".to_owned()],
        ..config::Source::default()
    }
}

#[test]
fn without_settings_the_api_is_github_and_nobody_can_sign_in() {
    let source = settle(&config::Source::default()).unwrap();
    assert_eq!((&*source.name, source.base_url.as_str()), ("github", "https://api.github.com/"));
    assert_eq!(source.hosts, ["api.github.com"]);
    assert!(source.oauth2().is_none());
}

#[test]
fn a_base_url_that_is_set_is_the_only_host_unless_hosts_are_set_too() {
    let settings =
        config::Source { base_url: Some("http://127.0.0.1:4000".to_owned()), ..Default::default() };
    assert_eq!(settle(&settings).unwrap().hosts, ["127.0.0.1:4000"]);
    let settings = config::Source { hosts: vec!["a.example".to_owned()], ..settings };
    assert_eq!(settle(&settings).unwrap().hosts, ["a.example"]);
}

#[test]
fn records_know_an_api_by_who_gives_its_secrets_else_by_its_address() {
    let realm = |change: &dyn Fn(&mut config::Source)| {
        let mut settings = spelled_out();
        change(&mut settings);
        settle(&settings).unwrap().realm
    };
    let (ours, mark) = (realm(&|_| ()), realm(&|_| ()).mark());
    assert_eq!(mark, "https://api.acme.example:8443 https://acme.example/token");
    let same: [&dyn Fn(&mut config::Source); 4] = [
        &|settings| settings.client_id = Some("other".to_owned()),
        &|settings| settings.base_url = Some("https://api2.acme.example/v2".to_owned()),
        &|settings| settings.token_url = Some("https://acme.example/token?all".to_owned()),
        &|settings| (settings.client_id, settings.token_url) = (None, None),
    ];
    for change in same {
        let realm = realm(change);
        assert_eq!((realm.another(Some(&mark)), ours.another(Some(&realm.mark()))), (None, None));
    }
    let others: [&dyn Fn(&mut config::Source); 4] = [
        &|settings| settings.token_url = Some("https://acme.example/tenant/token".to_owned()),
        &|settings| settings.token_url = Some("https://evil.example/token".to_owned()),
        &|settings| settings.kind = SourceKind::Static,
        &|settings| {
            (settings.client_id, settings.token_url) = (None, None);
            settings.base_url = Some("https://api.other.example".to_owned());
        },
    ];
    for change in others {
        let realm = realm(change);
        assert!(realm.another(Some(&mark)).is_some() && ours.another(Some(&realm.mark())).is_some());
    }
    assert!(ours.another(None).is_none(), "records of old do not say");
}

#[test]
fn an_api_that_no_catalogue_knows_is_spelled_out() {
    let source = settle(&spelled_out()).unwrap();
    assert_eq!(source.hosts, ["api.acme.example:8443"]);
    assert_eq!(source.oauth2().unwrap().retry, Retry::Never);
    assert!(!format!("{source:?}").contains("canary"), "{source:?}");
}

#[test]
fn an_api_without_accounts_and_one_with_typed_keys_need_no_client() {
    let passthru = config::Source { kind: SourceKind::Passthru, ..Default::default() };
    let passthru = settle(&passthru).unwrap();
    assert!(matches!(passthru.way, Way::Passthru) && passthru.hosts.is_empty());
    let typed = config::Source { kind: SourceKind::Static, ..spelled_out() };
    assert!(matches!(settle(&typed).unwrap().way, Way::Static));
}

#[test]
fn a_misspelt_provider_is_refused_with_the_right_name() {
    let settings = config::Source { provider: Some("githup".to_owned()), ..Default::default() };
    let refusal = settle(&settings).unwrap_err();
    assert_eq!(
        refusal,
        "`source.provider`: the catalogue has no provider `githup`; did you mean `github`? `endo providers` lists them"
    );
}

#[test]
fn what_is_missing_or_cannot_be_meant_is_refused_in_one_sentence() {
    type Change = fn(&mut config::Source);
    let cases: [(Change, &str); 15] = [
        (|s| s.client_secret = None, "`source.client_secret` is missing"),
        (|s| s.authorization_url = None, "`source.authorization_url` is missing"),
        (|s| s.profile_url = None, "`source.profile_url` is missing"),
        (|s| s.profile_id = vec![], "`source.profile_id` is missing"),
        (|s| s.name = None, "`source.name` is missing"),
        (|s| s.base_url = None, "`source.base_url` is missing"),
        (|s| s.token_url = Some("http://acme.example/token".into()), "`source.token_url` must be a URL with"),
        (
            |s| s.base_url = Some("http://192.0.2.2:4099".into()),
            "`source.base_url` must be a URL with https, or",
        ),
        (
            |s| {
                (s.kind, s.base_url) = (SourceKind::Static, Some("http://acme.example".into()));
            },
            "`source.base_url` must be a URL with https, or with http on this machine",
        ),
        (
            |s| s.profile_id = vec!["/a".into(), "id".into()],
            "`source.profile_id`: \"id\" is not a JSON pointer",
        ),
        (
            |s| s.profile_extras = vec!["secrets=/x".into()],
            "`source.profile_extras`: \"secrets\" is not a name",
        ),
        (
            |s| {
                s.revocation_url = Some("https://acme.example/revoke".into());
                s.revocation_way = RevocationWay::Github;
                s.revocation_ends = RevocationEnds::Token;
            },
            "`source.revocation_ends`: \"token\" is not for this `source.revocation_way`",
        ),
        (|s| s.parameters = vec!["audience".into()], "`source.parameters`: \"audience\" is not name=value"),
        (
            |s| s.reauthentication = vec!["scope=1".into()],
            "`source.reauthentication`: \"scope\" is not a parameter that",
        ),
        (|s| s.parameters = vec!["state=1".into()], "`source.parameters`: \"state\" is not a parameter that"),
    ];
    for (change, sentence) in cases {
        let mut settings = spelled_out();
        change(&mut settings);
        let refusal = settle(&settings).unwrap_err();
        assert!(refusal.starts_with(sentence), "{refusal}");
    }
}

#[test]
fn an_error_of_the_client_or_of_the_moment_is_no_end_of_a_sign_in() {
    for named in ["invalid_client", "Slow_Down", "temporarily_unavailable", "two words", ""] {
        let refresh_over = vec!["inactive_user".to_owned(), named.to_owned()];
        let refusal = settle(&config::Source { refresh_over, ..spelled_out() }).unwrap_err();
        let expected = "is not an error by which an API says that a sign-in is over";
        assert_eq!(refusal, format!("`source.refresh_over`: {named:?} {expected}"));
    }
}

#[test]
fn a_name_that_people_cannot_read_is_refused() {
    for (name, sentence) in [
        (" ", "a name has 1 to 100 characters, and not blanks alone"),
        ("ac\tme", "its character 3, U+0009, shows nothing or turns the direction of text; leave it out"),
        ("acme\n", "its character 5, U+000A, shows nothing or turns the direction of text; leave it out"),
    ] {
        let refusal = settle(&config::Source { name: Some(name.to_owned()), ..spelled_out() }).unwrap_err();
        assert_eq!(refusal, format!("`source.name`: {sentence}"));
    }
}

#[test]
fn no_address_of_the_catalogue_is_used_beside_one_of_the_settings() {
    let settings = config::Source { provider: Some("github".to_owned()), ..spelled_out() };
    let oauth2 = format!("{:?}", settle(&settings).unwrap().oauth2().unwrap());
    assert!(!oauth2.contains("github.com"), "{oauth2}");
    let mixed = config::Source { profile_url: None, ..settings };
    assert!(settle(&mixed).unwrap_err().starts_with("`source.profile_url` is missing"));
}

#[test]
fn a_page_to_sign_in_at_that_is_set_beside_a_provider_wants_the_token_endpoint_too() {
    let settings = config::Source { provider: Some("github".to_owned()), token_url: None, ..spelled_out() };
    let refusal = settle(&settings).unwrap_err();
    let both = "`source.authorization_url` is set and `source.token_url` is not";
    assert!(refusal.starts_with(both), "{refusal}");
    let known = config::Source { authorization_url: None, ..settings };
    assert!(settle(&known).is_ok());
}
