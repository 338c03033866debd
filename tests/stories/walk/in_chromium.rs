//! One person's whole way in Chromium, from an empty directory on.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::oidc::{CLIENT_SECRET, RealProvider};
use crate::support::real;
use crate::support::shell::Shell;
use crate::support::terminal::AtTerminal;

/// Where the pictures of the pages are kept.
const SCREENSHOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/screenshots");

/// The pages that the way leads through where the API is a provider's.
const PAGES: &[&str] = &[
    "sign-in",
    "one-time-link",
    "no-credentials",
    "new-credentials",
    "new-device",
    "credentials-with-a-device",
    "jobs",
    "job-form",
    "job-reply",
    "job-that-failed",
    "job-form-with-a-fault",
    "my-credentials",
    "proof-is-asked-for",
    "cut-off",
    "after-the-cut",
    "receipts",
    "cut-off-all",
    "last-owner",
    "forget",
    "after-forgetting",
    "a-link-elsewhere",
    "signed-in-again",
    "not-found",
    "signed-out",
    "sign-in-at-the-bus",
    "wrong-token-at-the-bus",
    "open-device-at-the-bus",
    "consent-at-the-bus",
    "in-by-the-bus",
    "credentials-of-two",
    "job-form-after-the-sign-in",
    "job-form-signed-in-since",
    "leave",
    "after-leaving",
];

/// Those where its keys are typed in.
const PAGES_OF_KEYS: [&str; 14] = [
    "key",
    "key-with-a-blank",
    "credentials-of-the-key",
    "new-device",
    "jobs",
    "job-form",
    "cut-off-all",
    "after-the-cut",
    "newer-key",
    "long-names",
    "cut-off-a-long-name",
    "jobs-of-a-long-name",
    "my-credentials-of-a-long-name",
    "link-that-was-used",
];

/// Those where there is no API.
const PAGES_WITHOUT_AN_API: [&str; 10] = [
    "no-credentials",
    "no-account",
    "credentials-of-nobody-else",
    "new-device",
    "jobs",
    "job-form",
    "job-that-failed",
    "cut-off-all",
    "after-the-cut",
    "last-owner",
];

/// The program at a terminal.
fn start(shell: &Shell, settings: &[String]) -> AtTerminal {
    let mut command = shell.command(&["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
    for setting in settings {
        command.args(["--set", setting]);
    }
    command.env("ENDO_SOURCE_CLIENT_SECRET", CLIENT_SECRET).stderr(Stdio::null());
    AtTerminal::start(command)
}

/// Walks through all pages of a gateway at the provider.
fn walk(shell: &Shell, scripts: bool) {
    let mut provider = RealProvider::start();
    let program = start(shell, &settings(&provider));
    let own = program.link.split("/sign-in").next().unwrap();
    provider.register(&format!("{own}/auth/api/callback"));
    let walked = real::node(
        "walk.mjs",
        &json!({
            "link": program.link,
            "provider": provider.issuer,
            "screenshots": format!("{SCREENSHOTS}/walk"),
            "scripts": scripts,
        }),
    );
    assert_eq!(walked["faults"], json!([]));
    assert_eq!(walked["pages"], json!(PAGES));
}

/// Walks with this script through the pages of a gateway whose source is no provider.
fn walk_without_a_provider(script: &str, settings: &[&str], scripts: bool) -> Value {
    let shell = Shell::with_key();
    let settings: Vec<_> = settings.iter().map(|setting| format!("source.{setting}")).collect();
    let program = start(&shell, &settings);
    let screenshots = format!("{SCREENSHOTS}/{}", script.trim_end_matches(".mjs"));
    let input = json!({"link": program.link, "screenshots": screenshots, "scripts": scripts});
    let walked = real::node(script, &input);
    assert_eq!(walked["faults"], json!([]));
    walked["pages"].clone()
}

/// The provider as an operator spells it out.
fn settings(provider: &RealProvider) -> Vec<String> {
    let at = |name: &str, path: &str| format!("source.{name}={}{path}", provider.issuer);
    let fixed = [
        // It stands in for GitHub, whose jobs the program brings.
        "source.name=github",
        "source.client_id=gateway",
        "source.scopes=openid,offline_access,profile",
        "source.parameters=prompt=consent",
        "source.profile_id=/sub",
        "source.revocation_ends=sign_in",
        "source.profile_username=/preferred_username",
        // Long enough for one button, short enough to be over when the person wants to end something.
        "credentials.reauthentication=10",
    ];
    let addresses = [
        at("base_url", ""),
        at("issuer", ""),
        // Browsers hold a form to its page's policy through all redirects.
        format!("source.authorization_url={}/auth", provider.front),
        at("token_url", "/token"),
        at("revocation_url", "/token/revocation"),
        at("profile_url", "/me"),
    ];
    fixed.map(str::to_owned).into_iter().chain(addresses).collect()
}

#[test]
fn a_person_walks_through_every_page_in_chromium_and_axe_finds_no_fault() {
    if real::on("a_person_walks_through_every_page_in_chromium_and_axe_finds_no_fault") {
        walk(&Shell::new(), true);
    }
}

#[test]
fn a_person_walks_through_every_page_in_a_browser_without_scripts() {
    if real::on("a_person_walks_through_every_page_in_a_browser_without_scripts") {
        walk(&Shell::with_key(), false);
    }
}

#[test]
fn a_person_types_keys_into_pages_where_axe_finds_no_fault_and_that_need_no_scripts() {
    let settings = ["kind=static", "name=github", "base_url=https://weather.example"];
    if real::on("a_person_types_keys_into_pages_where_axe_finds_no_fault_and_that_need_no_scripts") {
        assert_eq!(walk_without_a_provider("typed.mjs", &settings, true), json!(PAGES_OF_KEYS));
        assert_eq!(walk_without_a_provider("typed.mjs", &settings, false), json!(PAGES_OF_KEYS));
    }
}

#[test]
fn a_person_without_an_account_walks_through_pages_where_axe_finds_no_fault() {
    if real::on("a_person_without_an_account_walks_through_pages_where_axe_finds_no_fault") {
        let walked = walk_without_a_provider("passthru.mjs", &["kind=passthru", "name=github"], true);
        assert_eq!(walked, json!(PAGES_WITHOUT_AN_API));
    }
}
