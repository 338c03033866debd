//! The forms in which somebody may quote what they were told.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Looks as tokens do.
pub(crate) const TOKEN: &str = "gho_Zq7/x+R4k9TmW2vB8nL5pD3sF6hYcJ1w";

/// `secret` whole, encoded, divided and escaped.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let base64 = STANDARD.encode(secret);
    let url = URL_SAFE_NO_PAD.encode(secret);
    let hex = each(secret, |byte| format!("{byte:02x}"));
    let mixed =
        hex.char_indices().map(|(at, digit)| if at % 3 == 0 { digit.to_ascii_uppercase() } else { digit });
    vec![
        secret.to_owned(),
        base64.clone(),
        divided(&base64, 16, "\n"),
        divided(&base64, 16, "\r\n  "),
        divided(&base64, 4, " "),
        divided(&base64, 3, " "),
        divided(&url, 5, "-"),
        hex.clone(),
        mixed.collect(),
        divided(&hex, 2, ":"),
        divided(&hex, 2, " "),
        divided(&hex, 2, "-"),
        divided(&hex, 4, " "),
        divided(&hex, 8, " ").to_uppercase(),
        each(secret, |byte| format!("%{byte:02X}")),
        each(secret, |byte| format!("%25{byte:02x}")),
        secret.replace('/', "%252F").replace('+', "%252B"),
        secret.replace('/', r"\\\/"),
        each(secret, |byte| format!(r"\x{byte:02x}")),
        each(secret, |byte| format!(r"\u{byte:04x}")),
        each(secret, |byte| format!(r"\\u{byte:04x}")),
        each(secret, |byte| format!("&#{byte};")),
        each(secret, |byte| format!("&#x{byte:X};")),
    ]
}

fn each(secret: &str, encode: impl Fn(u8) -> String) -> String {
    secret.bytes().map(encode).collect()
}

fn divided(text: &str, length: usize, by: &str) -> String {
    let parts: Vec<_> = text.as_bytes().chunks(length).map(String::from_utf8_lossy).collect();
    parts.join(by)
}
