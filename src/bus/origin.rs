//! Whether a page of ours may have led a browser to a request.

/// Another port of the same host is another origin, but a browser sends it the same cookies. Takes `Sec-Fetch-Site`, and
/// for browsers that do not send it `Origin`, which must be of `host`. Pages that send no referrer are of the origin
/// `null`.
pub fn may_be_ours(site: Option<&str>, origin: Option<&str>, host: &str) -> bool {
    match (site, origin) {
        (Some(site), _) => site == "same-origin",
        (None, None | Some("null")) => true,
        (None, Some(origin)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        }
    }
}
