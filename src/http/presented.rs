//! Who a request says it comes from, on the gateway's own routes (`spec/endo.md` 2.4).

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::Engine;
use zeroize::Zeroizing;

use super::problem::{Kind, Problem};
use crate::bus::{LENIENT_BASE64, LOGIN_HEADERS, Login};

/// The login that the headers carry; nothing is proven yet. Cookies are none: a page elsewhere could make a browser
/// send them.
pub(super) fn login(headers: &HeaderMap) -> Option<Login> {
    let of_pair = |(uuid, token): &(&str, &str)| pair(text(headers, uuid)?, text(headers, token)?);
    let bearer = || decoded(text(headers, "meshblu_auth_bearer")?);
    LOGIN_HEADERS.iter().find_map(of_pair).or_else(bearer).or_else(|| authorization(headers))
}

fn authorization(headers: &HeaderMap) -> Option<Login> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let known = ["basic", "bearer"].iter().any(|name| scheme.eq_ignore_ascii_case(name));
    decoded(encoded.trim()).filter(|_| known)
}

/// Whether a browser may have sent the login by itself: what it was told once it repeats wherever a page elsewhere leads it,
/// in this form alone.
pub(super) fn may_be_repeated(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).any(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        text.trim().split(' ').next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"))
    })
}

/// Nobody, as nothing says who.
pub(super) fn missing() -> Problem {
    let text = "No login came with this: send that of a device of the bus, as `Authorization: Bearer` and the base64 of its \
                uuid, a colon and its token";
    Problem::new(Kind::NotAuthenticated, text).challenging("Bearer realm=\"bus\"".to_owned())
}

/// Nobody, as far as the bus knows. No browser is made to ask for a login that it then repeats by itself.
pub(super) fn unknown() -> Problem {
    Problem::new(Kind::NotAuthenticated, "The caller is not known to the bus")
        .challenging("Bearer realm=\"bus\"".to_owned())
}

/// Exactly one colon.
fn decoded(encoded: &str) -> Option<Login> {
    let decoded = Zeroizing::new(LENIENT_BASE64.decode(encoded).ok()?);
    let (uuid, token) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    pair(uuid, token).filter(|login| !login.token.contains(':'))
}

fn pair(uuid: &str, token: &str) -> Option<Login> {
    let login = Login { uuid: uuid.trim().into(), token: Zeroizing::new(token.trim().to_owned()) };
    (!login.uuid.as_str().is_empty() && !login.token.is_empty()).then_some(login)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
