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
const PAGES: [&str; 28] = [
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
    "leave",
    "forget",
    "after-forgetting",
    "a-link-elsewhere",
    "signed-in-again",
    "not-found",
    "signed-out",
    "sign-in-at-the-bus",
    "wrong-token-at-the-bus",
    "consent-at-the-bus",
    "in-by-the-bus",
];

/// Those where its keys are typed in.
const PAGES_OF_KEYS: [&str; 5] =
    ["key", "key-with-a-blank", "credentials-of-the-key", "newer-key", "link-that-was-used"];

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
    let program = start(shell, &settings(&provider.issuer));
    let own = program.link.split("/sign-in").next().unwrap();
    provider.register(&format!("{own}/auth/api/callback"));
    let owner = std::fs::read_to_string(shell.data().join("owner.json")).unwrap();
    let walked = real::node(
        "walk.mjs",
        &json!({
            "link": program.link,
            "provider": provider.issuer,
            "owner": serde_json::from_str::<Value>(&owner).unwrap(),
            "screenshots": format!("{SCREENSHOTS}/walk"),
            "scripts": scripts,
        }),
    );
    assert_eq!(walked["faults"], json!([]));
    assert_eq!(walked["pages"], json!(PAGES));
}

/// Walks through the pages of a gateway that asks for keys.
fn walk_with_keys(scripts: bool) {
    let shell = Shell::with_key();
    let settings = ["kind=static", "name=Weather", "base_url=https://weather.example"];
    let program = start(&shell, &settings.map(|setting| format!("source.{setting}")));
    let screenshots = format!("{SCREENSHOTS}/keys");
    let input = json!({"link": program.link, "screenshots": screenshots, "scripts": scripts});
    let walked = real::node("typed.mjs", &input);
    assert_eq!(walked["faults"], json!([]));
    assert_eq!(walked["pages"], json!(PAGES_OF_KEYS));
}

/// The provider as an operator spells it out.
fn settings(issuer: &str) -> Vec<String> {
    let at = |name: &str, path: &str| format!("source.{name}={issuer}{path}");
    let fixed = [
        "source.name=Octohub",
        "source.client_id=gateway",
        "source.scopes=openid,offline_access,profile",
        "source.parameters=prompt=consent",
        "source.profile_id=/sub",
        "source.profile_username=/preferred_username",
        // Long enough for one button, short enough to be over when the person wants to end something.
        "credentials.reauthentication=10",
    ];
    let addresses = [
        at("base_url", ""),
        at("issuer", ""),
        at("authorization_url", "/auth"),
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
    if real::on("a_person_types_keys_into_pages_where_axe_finds_no_fault_and_that_need_no_scripts") {
        walk_with_keys(true);
        walk_with_keys(false);
    }
}
