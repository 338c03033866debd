//! What a form asks, from its page to the message that the job gets.

use serde_json::{Value, json};

use super::jobs::Desk;
use crate::support::fake_api::Answer as ApiAnswer;

/// A desk whose job takes these members; the first ones of them have to be there.
async fn desk(members: Value, required: &[&str]) -> Desk {
    let data = json!({"type": "object", "properties": members, "required": required});
    let message = json!({"properties": {"data": data}}).to_string();
    let answer = ApiAnswer::new(200, &["content-type: application/json"], r#"{"metadata": {"code": 200}}"#);
    Desk::handled(answer, &message, "{}").await
}

#[tokio::test]
async fn a_job_gets_null_where_somebody_left_it_empty_and_nothing_that_nobody_chose() {
    let members = json!({
        "note": {"type": ["string", "null"]},
        "public": {"type": ["boolean", "null"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "purge": {"const": true},
        "version": {"const": 2},
    });
    let mut desk = desk(members, &["note", "public", "tags", "version"]).await;
    let form = desk.form();
    let page = desk.browser.get(&form).await;
    // A browser holds back what has an empty control that is required.
    assert_eq!(page.text.matches(" required").count(), 1, "the choice alone: {page:?}");
    let sent = desk.browser.submit(&page, &form, &[("/data/public", "null")]).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    let shown = desk.browser.get(sent.header("location").unwrap()).await;
    assert!(shown.text.contains("The job answered with code 200."), "{shown:?}");
    let asked: Value = serde_json::from_slice(&desk.house.api.seen()[0].body).unwrap();
    let data = json!({"note": null, "public": null, "tags": [], "version": 2});
    assert_eq!(asked["data"], data, "{asked}");
}

#[tokio::test]
async fn what_a_job_refuses_is_told_in_sentences_with_which_somebody_can_go_on() {
    let members = json!({
        "at": {"type": "string", "format": "time"},
        "code": {"type": "string", "pattern": r"^\d{3}$"},
        "boxes": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1},
    });
    let mut desk = desk(members, &["boxes"]).await;
    let form = desk.form();
    let page = desk.browser.get(&form).await;
    let wrong = [("/data/at", "25:00"), ("/data/code", "12")];
    let refused = desk.browser.submit(&page, &form, &wrong).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    for says in [
        "Write a time with its zone, like 09:30:00Z.",
        r"Write it so that it matches the pattern “^\d{3}$”.",
        "Tick at least 1 of these.",
    ] {
        let count = refused.text.matches(says).count();
        assert_eq!(count, 2, "in the list and beside its field: {says}: {refused:?}");
    }
    let right = [("/data/at", "09:30:00Z"), ("/data/code", "123"), ("/data/boxes", "\"a\"")];
    assert_eq!(desk.browser.submit(&refused, &form, &right).await.status, 303);
}
