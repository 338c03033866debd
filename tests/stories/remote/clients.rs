//! For which API a service of old is, by the names of its variables: a secret goes where it is from, or nowhere.

use std::process::Output;

use crate::support::shell::Shell;

const SECRET: &str = "canary-of-a-secret";

/// What `endo` with these words says where its environment is this.
fn told(words: &[&str], variables: &[(&str, &str)]) -> Output {
    let shell = Shell::with_key();
    shell.command(words).envs(variables.iter().copied()).output().unwrap()
}

/// What `endo config` says of this setting.
fn setting(name: &str, words: &[&str], variables: &[(&str, &str)]) -> String {
    let output = told(&[&["config"], words].concat(), variables);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(SECRET), "{text}");
    let is_it = |line: &&str| line.trim_start_matches("# ").starts_with(&format!("{name} "));
    let section = text.split("\n[source]\n").nth(1).unwrap();
    section.lines().find(is_it).unwrap().to_owned()
}

fn refusal(words: &[&str], variables: &[(&str, &str)]) -> String {
    let output = told(words, variables);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains(SECRET), "{said}");
    said.trim_end().to_owned()
}

#[test]
fn a_client_is_of_the_provider_that_its_variable_is_named_after() {
    for (service, provider) in [
        ("SPOTIFY", "spotify"),
        ("SPOTIFY_SPOTIFY", "spotify"),
        ("Git-Hub", "github"),
        ("HUB_SPOT_HUB_SPOT", "hubspot"),
    ] {
        for part in ["CLIENT_ID", "CLIENT_SECRET"] {
            let variable = format!("ENDO_{service}_{part}");
            let said = setting("provider", &[], &[(&variable, "x")]);
            assert_eq!(said, format!("provider = \"{provider}\" # {variable}"));
        }
    }
    let both = [("ENDO_SPOTIFY_CLIENT_ID", "sid"), ("ENDO_SPOTIFY_SPOTIFY_CLIENT_SECRET", SECRET)];
    assert_eq!(setting("provider", &[], &both), "provider = \"spotify\" # ENDO_SPOTIFY_CLIENT_ID");
    let jobs = told(&["jobs"], &both);
    assert!(jobs.status.success() && jobs.stdout.is_empty(), "the jobs of GitHub's API: {jobs:?}");
}

#[test]
fn one_of_a_service_that_no_catalogue_has_is_refused_until_somebody_says_where_its_api_is() {
    let client = [("ENDO_FOOBAR_CLIENT_ID", "fid"), ("ENDO_FOOBAR_CLIENT_SECRET", SECRET)];
    for words in [&["config"][..], &["doctor"], &["serve", "--listen", "127.0.0.1:0"], &["credentials", "ls"]]
    {
        assert_eq!(
            refusal(words, &client),
            "endo: ENDO_FOOBAR_CLIENT_ID is of a service that the catalogue of providers does not have: set \
             `source.provider` (`endo providers` lists them), or say where its API is by `source.name`, `base_url`, \
             `authorization_url`, `token_url`, `profile_url` and `profile_id`"
        );
    }
    let named = setting("provider", &["--set", "source.provider=gitlab"], &client);
    assert_eq!(named, "provider = \"gitlab\" # --set");
    let half = ["config", "--set", "source.base_url=https://api.foobar.example"];
    assert!(refusal(&half, &client).contains("`source.provider`"));
    for by_hand in ["source.token_url=https://foobar.example/token", "source.kind=static"] {
        assert_eq!(setting("provider", &["--set", by_hand], &client), "# provider is not set");
    }
    let ours = [("ENDO_SOURCE_CLIENT_ID", "id"), ("ENDO_SOURCE_CLIENT_SECRET", "secret")];
    assert_eq!(setting("provider", &[], &[client, ours].concat()), "# provider is not set");
    assert!(told(&["providers"], &client).status.success());
}

#[test]
fn what_somebody_sets_holds_whatever_the_variable_is_named_after() {
    let client = ("ENDO_SPOTIFY_CLIENT_ID", "sid");
    let provider = setting("provider", &[], &[client, ("ENDO_SOURCE_PROVIDER", "gitlab")]);
    assert_eq!(provider, "provider = \"gitlab\" # ENDO_SOURCE_PROVIDER");
    let shell = Shell::with_key();
    std::fs::write(shell.data().join("endo.toml"), "[source]\nprovider = \"zoom\"\n").unwrap();
    let output = shell.command(&["config"]).envs([client]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("provider = \"zoom\" # /"), "{text}");
}

#[test]
fn an_id_and_a_secret_of_two_services_are_refused() {
    let two = [("ENDO_GITHUB_GITHUB_CLIENT_ID", "gid"), ("ENDO_SPOTIFY_CLIENT_SECRET", SECRET)];
    assert_eq!(
        refusal(&["config"], &two),
        "endo: ENDO_GITHUB_GITHUB_CLIENT_ID and ENDO_SPOTIFY_CLIENT_SECRET are of two services and do not agree: take \
         one away, or set `source.provider` itself"
    );
    setting("provider", &["--set", "source.provider=github"], &two);
}

#[test]
fn an_address_alone_is_of_the_provider_that_its_variable_is_named_after() {
    let (url, client) = ("https://endo.example", ("ENDO_GITHUB_CLIENT_ID", "gid"));
    let spotify = [("ENDO_SPOTIFY_SERVICE_URL", url)];
    assert_eq!(setting("provider", &[], &spotify), "provider = \"spotify\" # ENDO_SPOTIFY_SERVICE_URL");
    let foobar = [("ENDO_FOOBAR_SERVICE_URL", url)];
    let refused = refusal(&["config"], &foobar);
    assert!(
        refused.starts_with("endo: ENDO_FOOBAR_SERVICE_URL is of a service that the catalogue"),
        "{refused}"
    );
    let beside = refusal(&["config", "--set", "source.client_id=id"], &foobar);
    assert_eq!(beside, refused, "whose client that is, nobody says");
    let named = setting("provider", &["--set", "source.provider=gitlab"], &foobar);
    assert_eq!(named, "provider = \"gitlab\" # --set");
    let with_client = setting("provider", &[], &[foobar[0], client]);
    assert_eq!(with_client, "provider = \"github\" # ENDO_GITHUB_CLIENT_ID", "a service may have any name");
}
