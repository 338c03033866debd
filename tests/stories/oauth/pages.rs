//! The pages themselves: text stays text, and nothing comes from elsewhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{CALLBACK, World, client};
use crate::support::bus::{Answer, WithJson, send};

const HOSTILE: &str = "</title><script>alert(1)</script>\"'><img src=x onerror=y>\u{202e}\n&amp;";

fn is_harmless(page: &Answer) {
    for piece in ["<script", "<img", "\"'>", "\u{202e}", "onerror=y>"] {
        assert!(!page.text.contains(piece), "{piece} in {}", page.text);
    }
}

#[tokio::test]
async fn what_others_call_themselves_stays_text() {
    let world = World::with(json!({"callbackUrl": CALLBACK, "name": HOSTILE, "imageUrl": HOSTILE})).await;
    let call = format!("PATCH /v2/devices/{}", world.user.uuid);
    send(world.bus.by(&world.user, &call).json(&json!({"name": HOSTILE}))).await.is(204, "");
    let mut person = world.person();
    let authorize = world.authorize("&state=%22%3E%3Cscript%3E%27");
    let page = person.get(&authorize).await;
    let typed = HOSTILE.replace('\u{202e}', "");
    let wrong = person.submit(&page, &[("answer", "sign-in"), ("uuid", &typed), ("token", "x")]).await;
    let consent = person.sign_in(&authorize, &world.user).await;
    let stale = person.submit(&page, &[("answer", "allow")]).await;
    assert!(consent.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;'&gt;"), "{}", consent.text);
    assert_eq!(stale.status, 403);
    for page in [page, wrong, consent, stale] {
        is_harmless(&page);
    }
}

#[tokio::test]
async fn a_client_without_a_name_of_its_own_is_called_by_its_device_s() {
    let world = World::open().await;
    for (name, shown) in [
        (json!("\u{200b} "), "service"),
        (json!(7), "service"),
        (json!("x".repeat(200)), "xxx"),
        (json!("می\u{200c}خوا\u{2060}هم"), "می\u{200c}خواهم"),
    ] {
        let client = client(&world.bus, json!({"callbackUrl": CALLBACK, "name": name})).await;
        let path = format!("/authorize?response_type=code&client_id={}", client.uuid);
        let page = world.person().get(&path).await;
        assert!(page.text.contains(&format!("<h1>Sign in to continue to {shown}")), "{}", page.text);
        assert!(!page.text.contains(&"x".repeat(81)));
    }
}

#[tokio::test]
async fn a_page_leads_to_an_application_of_the_person_s_own_machine_where_the_client_is_one() {
    let world = World::with(json!({"callbackUrl": "com.example.app:/done"})).await;
    let page = world.person().get(&world.authorize("")).await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' http: https: com.example.app:;"), "{policy}");
}

#[tokio::test]
async fn a_page_allows_no_scripts_no_frames_and_nothing_from_elsewhere() {
    let world = World::open().await;
    let page = world.person().get(&world.authorize("")).await;
    let style = page.text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'",
        STANDARD.encode(Sha256::digest(style))
    );
    for (header, value) in [
        ("content-security-policy", &*policy),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(page.header(header), Some(value));
    }
    assert_eq!(page.header("access-control-allow-origin"), None);
    assert!(!page.text.contains("style=") && !page.text.contains("url("));
}
