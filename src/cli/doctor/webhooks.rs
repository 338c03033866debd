//! The checks of what the service device has a Meshblu post, and where to (`spec/meshblu.md` 5.1).

use serde_json::{Value, json};

use super::case::Case;
use super::finding::{Change, Check};
use super::urls::place;

/// The end of the address that a gateway takes messages at.
const PATH: &str = "/v2/messages";
const LIST: &str = "meshblu.forwarders.message.received";

/// One webhook that is as it should be, or none where the gateway reads messages for itself.
pub(super) fn webhooks(case: &Case<'_>) -> Vec<Check> {
    const NAME: &str = "webhook";
    if case.is_embedded() {
        return vec![Check::skipped(NAME, "none is needed: messages arrive in the gateway's own process")];
    }
    let Some(url) = case.webhook_url() else {
        return vec![Check::skipped(NAME, "needs listen.public_url")];
    };
    let posted = if case.is_posted_to() {
        vec![spoiled(case, &url), wanted(case, &url)]
    } else {
        vec![absent(case, &url)]
    };
    posted.into_iter().chain([alone(case, &url)]).collect()
}

/// The entries that the bus calls.
fn entries<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Value> {
    let list = case.document["meshblu"]["forwarders"]["message"]["received"].as_array();
    list.into_iter().flatten().filter(|entry| entry["type"] == "webhook")
}

fn entry(url: &str) -> Value {
    json!({"type": "webhook", "url": url, "method": "POST", "signRequest": true})
}

/// Whether the bus posts signed messages to the address by it; what else it says is its operator's.
fn is_sound(known: &Value, url: &str) -> bool {
    let wanted = entry(url);
    let asks = |name: &str| known[name] == wanted[name];
    ["type", "url", "method", "signRequest"].into_iter().all(asks)
        && known["generateAndForwardMeshbluCredentials"] != true
}

/// Leaves one entry of those to the address, which is there before another goes: no message falls between.
fn repair(ours: &[&Value], url: &str) -> Change {
    let once = |known: &&&Value| ours.iter().filter(|other| *other == *known).count() == 1;
    let sound = ours.iter().filter(|known| is_sound(known, url));
    let kept = sound.clone().find(once);
    let mut new = entry(url);
    if kept.is_none() && ours.contains(&&new) {
        // What is taken away goes wherever it stands, so the one that stays has to differ from it.
        new["name"] = Value::from("endo");
    }
    let mut others: Vec<_> = ours.iter().filter(|known| Some(*known) != kept).collect();
    others.dedup();
    let add = json!({"$addToSet": {LIST: new}});
    let take = json!({"$pullAll": {LIST: others}});
    Change::Updates(kept.is_none().then_some(add).into_iter().chain([take]).collect())
}

/// What fits every entry that leads to the address.
fn removal(url: &str) -> Change {
    Change::Update(json!({"$pull": {LIST: {"type": "webhook", "url": url}}}))
}

fn wanted(case: &Case<'_>, url: &str) -> Check {
    const NAME: &str = "webhook";
    const WHY: &str = "messages come in by it alone, and only signed ones are taken";
    let version = &case.document["meshblu"]["forwarders"]["version"];
    let is_there = entries(case).any(|known| is_sound(known, url));
    if is_there && *version == "2.0.0" {
        return Check::well(NAME, format!("the bus posts messages to {url}"));
    }
    let wrong = match is_there {
        true => "meshblu.forwarders.version of the service device is not 2.0.0".to_owned(),
        false => format!("the service device has no signed webhook to {url}"),
    };
    let version = json!({"meshblu.forwarders.version": "2.0.0"});
    let update = match is_there {
        true => json!({"$set": version}),
        false => json!({"$set": version, "$addToSet": {LIST: entry(url)}}),
    };
    Check::wrong(NAME, wrong, WHY, Change::Update(update))
}

/// Whatever else leads to the same address comes in twice or is refused.
fn spoiled(case: &Case<'_>, url: &str) -> Check {
    const NAME: &str = "webhook entries";
    const WHY: &str =
        "each entry fires: what is listed twice comes in twice, and what is not signed is refused";
    let ours: Vec<_> = entries(case).filter(|entry| entry["url"] == url).collect();
    if ours.iter().all(|known| is_sound(known, url)) && ours.len() <= 1 {
        return Check::well(NAME, "nothing else is posted there");
    }
    let wrong = match ours.len() {
        1 => format!("the entry of {LIST} that leads to {url} is not signed, or not by POST"),
        _ => format!("entries of {LIST} lead to {url} more than once"),
    };
    Check::wrong(NAME, wrong, WHY, repair(&ours, url))
}

fn absent(case: &Case<'_>, url: &str) -> Check {
    const NAME: &str = "webhook";
    const WHY: &str =
        "the gateway reads messages off its own connection, so a webhook would bring each a second time";
    if entries(case).all(|entry| entry["url"] != url) {
        return Check::well(NAME, "none, as the gateway reads messages off its own connection");
    }
    Check::wrong(NAME, format!("the service device has a webhook to {url}"), WHY, removal(url))
}

/// Gateways without a common store must not share a service device.
fn alone(case: &Case<'_>, url: &str) -> Check {
    const NAME: &str = "one gateway";
    const WHY: &str = "each of them would answer every message, and the one that renews a secret makes the other's \
                       useless; only gateways with a common store may share a service device";
    let elsewhere = entries(case).filter_map(|entry| entry["url"].as_str()).filter(|other| {
        let path = other.split(['?', '#']).next().unwrap_or_default();
        *other != url && path.ends_with(PATH)
    });
    let mut places: Vec<_> =
        elsewhere.map(|other| place(other).unwrap_or_else(|| "no address".to_owned())).collect();
    places.sort();
    places.dedup();
    if places.is_empty() {
        return Check::well(NAME, "messages are posted to no other");
    }
    let wrong = format!("messages are posted to other gateways too: {}", places.join(", "));
    let change =
        format!("stop the gateway that shall go, and remove its entry from {LIST} of the service device");
    Check::wrong(NAME, wrong, WHY, Change::Operator(change))
}
