//! What handlers were told and do not get to say.

use serde_json::json;

use super::forge::{Forge, header};
use super::vault;

#[test]
fn what_is_called_a_secret_is_taken_out_and_what_a_service_keeps_beside_it_stays() {
    let secrets = json!({
        "credentials": {"secret": "s-1", "refreshToken": "r-2", "tokenType": "Bearer", "instanceUrl": "https://na1.example"},
        "apiKey": "key-of-old", "passwords": ["pass-of-old", "short"], "note": "seen-by-all",
    });
    let contents = json!({"id": 1, "secrets": secrets, "owners": ["owner-1"]});
    let forge = Forge::new();
    let record = forge.record(&forge.jwe(&header().to_string(), &contents));
    let opened = record.open(&vault()).unwrap();
    let said = json!({
        "s-1 at https://na1.example": ["Bearer r-2", 7, null],
        "note": "key-of-old, pass-of-old, short, seen-by-all",
    });
    let expected = json!({
        "[redacted] at https://na1.example": ["Bearer [redacted]", 7, null],
        "note": "[redacted], [redacted], short, seen-by-all",
    });
    assert_eq!(opened.redaction().clean(said), expected);
}
