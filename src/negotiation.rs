//! What a caller accepts and already has: quality values and entity tags (RFC 9110, 8.8.3, 12.4.2, 13.1.2).

use actix_web::http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName, IF_NONE_MATCH};

/// How a body may be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
}

/// The coding that the caller likes best, compressed where it does not mind; `None` when it accepts neither.
pub fn coding(headers: &HeaderMap) -> Option<Coding> {
    let Some(items) = weighted(headers, ACCEPT_ENCODING) else { return Some(Coding::Identity) };
    let quality =
        |names: &[&str]| items.iter().find(|(name, _)| names.contains(&name.as_str())).map(|item| item.1);
    let others = quality(&["*"]);
    let gzip = quality(&["gzip", "x-gzip"]).or(others).unwrap_or(0);
    // Not mentioned, it is acceptable still, but any coding that was mentioned comes first (RFC 9110, 12.5.3).
    let identity = quality(&["identity"]).or(others);
    match (gzip, identity) {
        (0, Some(0)) => None,
        (0, _) => Some(Coding::Identity),
        (gzip, Some(identity)) if identity > gzip => Some(Coding::Identity),
        _ => Some(Coding::Gzip),
    }
}

/// How much the caller wants `kind/subtype`, in thousandths; 0 is "not at all".
pub fn media_quality(headers: &HeaderMap, media_type: &str) -> u16 {
    let Some(items) = weighted(headers, ACCEPT) else { return 1000 };
    let family = format!("{}/*", media_type.split('/').next().unwrap_or_default());
    let quality = |range: &str| items.iter().find(|(name, _)| name == range).map(|item| item.1);
    quality(media_type).or_else(|| quality(&family)).or_else(|| quality("*/*")).unwrap_or(0)
}

/// Whether the caller is a browser: it names HTML, and likes nothing better that we have. Programs that take anything
/// are programs.
pub fn is_browser(headers: &HeaderMap) -> bool {
    let names_html = headers.get_all(ACCEPT).filter_map(|line| line.to_str().ok()).any(|line| {
        line.split(',').any(|item| {
            item.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
        })
    });
    names_html && media_quality(headers, "text/html") > media_quality(headers, "application/json").min(999)
}

/// Whether `If-None-Match` says that the caller has what `etag` names; compared weakly (RFC 9110, 13.1.2).
pub fn has_already(headers: &HeaderMap, etag: &str) -> bool {
    let tags = list(headers, IF_NONE_MATCH).unwrap_or_default();
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn weighted(headers: &HeaderMap, name: HeaderName) -> Option<Vec<(String, u16)>> {
    let items = list(headers, name)?;
    Some(items.split(',').filter_map(weight).collect())
}

fn weight(item: &str) -> Option<(String, u16)> {
    let mut parts = item.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some((name, quality.map_or(Some(1000), thousandths)?))
}

fn thousandths(quality: &str) -> Option<u16> {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = format!("{fraction:0<3}").parse::<u16>().ok().filter(|_| digits)?;
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

fn list(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let mut lines = headers.get_all(name).filter_map(|line| line.to_str().ok()).peekable();
    lines.peek()?;
    Some(lines.collect::<Vec<_>>().join(","))
}
