//! The checks of the service device and of the bus, but for webhooks.

use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};

use super::case::{Case, Elsewhere};
use super::finding::{Change, Check};
use super::lists::adding;
use super::urls::place;
use crate::ambient::in_words;
use crate::bus::embedded::whitelist::{List, allows_everybody};
use crate::store::StoredSubscription;

/// Signatures count for so many seconds (`spec/endo.md` 4).
const SIGNATURE_SECONDS: i64 = 300;
/// Where people are sent back to when they have signed in at the bus (`spec/endo.md` 2.3).
const CALLBACK: &str = "/auth/octoblu/callback";

/// Everybody has to be able to read the service device.
pub(super) fn discoverable(case: &Case<'_>) -> Check {
    const NAME: &str = "discoverable";
    const WHY: &str = "the OAuth provider, which tells people whom they let in, and each credentials device read the \
                       service device; they may not unless everybody may";
    let is_v2 = case.document["meshblu"]["version"].as_str() == Some("2.0.0");
    let listed =
        || case.document["discoverWhitelist"].as_array().is_some_and(|list| list.contains(&json!("*")));
    let seen = if is_v2 { allows_everybody(case.document, List::DiscoverView) } else { listed() };
    if seen {
        return Check::well(NAME, "everybody may read the service device");
    }
    let change = Change::Update(if is_v2 {
        adding(case.document, "meshblu.whitelists.discover.view", json!({"uuid": "*"}))
    } else {
        adding(case.document, "discoverWhitelist", json!("*"))
    });
    Check::wrong(NAME, "not everybody may read the service device", WHY, change)
}

/// The schema by which Octoblu's pages edit the options.
pub(super) fn options_schema(case: &Case<'_>) -> Check {
    const NAME: &str = "options schema";
    const WHY: &str = "pages that manage OAuth devices offer the options to edit by it";
    if case.is_embedded() {
        return Check::skipped(NAME, "nothing on the embedded bus reads it");
    }
    let text = json!({"type": "string", "required": true});
    let properties = json!({"name": text, "imageUrl": text, "callbackUrl": text});
    let schema = json!({"type": "object", "properties": properties});
    if case.document["optionsSchema"] == schema {
        return Check::well(NAME, "as it should be");
    }
    let change = Change::Update(json!({"$set": {"optionsSchema": schema}}));
    Check::wrong(NAME, "optionsSchema of the service device is absent or another one", WHY, change)
}

/// What people see who sign in, and where they are sent back to.
pub(super) fn options(case: &Case<'_>) -> Check {
    const NAME: &str = "options";
    const WHY: &str = "the OAuth provider shows options.name and sends people back to options.callbackUrl; user \
                       devices carry options.imageUrl as their picture";
    let needed: &[&str] =
        if case.is_embedded() { &["name", "callbackUrl"] } else { &["name", "imageUrl", "callbackUrl"] };
    let options = &case.document["options"];
    let is_set = |name: &&&str| options[**name].as_str().is_some_and(|text| !text.is_empty());
    let missing: Vec<_> = needed.iter().filter(|name| !is_set(name)).copied().collect();
    if missing.is_empty() {
        return comes_back(case, needed);
    }
    let wrong = format!("options of the service device lack {}", missing.join(", "));
    let callback = format!("{}{CALLBACK}", case.public_url().unwrap_or(case.gateway));
    let change = match case.is_embedded() {
        true => Change::Update(set_options(case, &missing, |name| {
            if name == "name" { "endo".to_owned() } else { callback.clone() }
        })),
        false => by_hand(case, &missing, &callback),
    };
    Check::wrong(NAME, wrong, WHY, change)
}

/// Whether people come back to this gateway, as far as the settings say where that is.
fn comes_back(case: &Case<'_>, set: &[&str]) -> Check {
    const NAME: &str = "options";
    const WHY: &str =
        "the OAuth provider sends people who sign in back to options.callbackUrl, so they end elsewhere";
    let callback = case.document["options"]["callbackUrl"].as_str().unwrap_or_default();
    let parsed = |text: &str| Url::parse(text).ok().map(|url| (url.origin(), url.path().to_owned()));
    // Who signs in with the bus of this process comes from this machine, unless the settings say how others come.
    let listen = case.config.listen.gateway;
    let is_reached_here = listen.ip().is_loopback() || listen.ip().is_unspecified();
    let is_local = case.is_embedded() && is_reached_here && listen.port() != 0;
    match case.public_url().or(is_local.then_some(case.gateway)).map(|url| format!("{url}{CALLBACK}")) {
        Some(wanted) if parsed(callback) != parsed(&wanted) => {
            let elsewhere = place(callback).unwrap_or_else(|| "no address".to_owned());
            let wrong =
                format!("options.callbackUrl is another address than {wanted}: it leads to {elsewhere}");
            let change = Change::Update(set_options(case, &["callbackUrl"], |_| wanted.clone()));
            Check::wrong(NAME, wrong, WHY, change)
        }
        _ => Check::well(NAME, format!("{} are set", set.join(", "))),
    }
}

/// Where something else stands in the place of the options, it gives way.
fn set_options(case: &Case<'_>, names: &[&str], value: impl Fn(&str) -> String) -> Value {
    let members = |before: &str| {
        let members = names.iter().map(|name| (format!("{before}{name}"), Value::from(value(name))));
        Value::from_iter(members)
    };
    match case.document.get("options") {
        None | Some(Value::Object(_)) => json!({"$set": members("options.")}),
        Some(_) => json!({"$set": {"options": members("")}}),
    }
}

/// Name and picture are a matter of taste.
fn by_hand(case: &Case<'_>, missing: &[&str], callback: &str) -> Change {
    let update = set_options(case, missing, |name| match name {
        "name" => "NAME THAT PEOPLE SEE".to_owned(),
        "imageUrl" => "https://ADDRESS/OF/A/PICTURE".to_owned(),
        _ => callback.to_owned(),
    });
    let service = case.service;
    let url = case.config.bus.url.trim_end_matches('/');
    Change::operator(format!(
        "curl -u {service} -X PUT -H 'content-type: application/json' {url}/v2/devices/{service} -d '{update}'; it \
         asks for the token"
    ))
}

/// What delivers is a device's subscription to itself (`spec/meshblu.md` 4.2).
pub(super) fn self_subscription(case: &Case<'_>) -> Check {
    const NAME: &str = "self-subscription";
    const WHY: &str = "a device gets nothing unless it is subscribed to itself, so no message would come in";
    let wanted = StoredSubscription::to_messages(case.service, case.service);
    if case.subscriptions.contains(&wanted) {
        return Check::well(NAME, "the service device hears what it receives");
    }
    let wrong = "the service device is not subscribed to its own message.received";
    Check::wrong(NAME, wrong, WHY, Change::Subscribe(wanted))
}

/// Whether what the bus posts can be verified.
pub(super) fn signatures(case: &Case<'_>, bus: &Elsewhere) -> Check {
    const NAME: &str = "signatures";
    const UNVERIFIED: &str = "messages whose signature cannot be verified are refused, all of them";
    const UNPROTECTED: &str = "the old form covers date and device alone: whoever reads a webhook on its way can send \
                               any other message for five minutes";
    if !case.is_posted_to() {
        return Check::skipped(NAME, "no messages are posted to the gateway");
    }
    let set = |value: bool| Change::operator(format!("set bus.accept_legacy_signatures to {value}"));
    match (bus.signs, bus.signs_as_of_old, case.config.bus.accept_legacy_signatures) {
        (true, _, false) => Check::well(NAME, "the bus signs whole requests (RFC 9421)"),
        (true, _, true) => {
            let wrong = "bus.accept_legacy_signatures is on, though the bus signs whole requests (RFC 9421)";
            Check::wrong(NAME, wrong, UNPROTECTED, set(false))
        }
        (false, true, true) => {
            Check::well(NAME, format!("in the old form, which is accepted; mind that {UNPROTECTED}"))
        }
        (false, true, false) => {
            let wrong = "the bus signs in the old form alone, which is not accepted";
            Check::wrong(NAME, wrong, UNVERIFIED, set(true))
        }
        (false, false, _) if bus.key_fault.is_some() => {
            let fault = bus.key_fault.as_deref().unwrap_or_default();
            let wrong = format!("the bus does not show the key of its signatures at /publickey now: {fault}");
            let change = Change::operator("see what ails the Meshblu, then ask the doctor again");
            Check::wrong(NAME, wrong, UNVERIFIED, change)
        }
        (false, false, _) => {
            let change =
                Change::operator("give the bus a key to sign with, or set bus.intake to \"firehose\"");
            Check::wrong(
                NAME,
                "the bus names no key by which its signatures can be verified",
                UNVERIFIED,
                change,
            )
        }
    }
}

/// Signatures are good for a while around their date.
pub(super) fn clock(bus: &Elsewhere) -> Check {
    const NAME: &str = "clock";
    const WHY: &str = "signatures count for 300 seconds around their date, so every message would be refused";
    let apart = |ahead: i64| in_words(Duration::from_secs(ahead.unsigned_abs()));
    match bus.ahead {
        None => Check::skipped(NAME, "the bus does not tell the time"),
        Some(ahead) if ahead.abs() <= SIGNATURE_SECONDS => {
            Check::well(NAME, format!("{} between the bus and this machine", apart(ahead)))
        }
        Some(ahead) => {
            let wrong = format!("the clocks of the bus and of this machine are {} apart", apart(ahead));
            Check::wrong(NAME, wrong, WHY, Change::operator("set the clock that is wrong"))
        }
    }
}
