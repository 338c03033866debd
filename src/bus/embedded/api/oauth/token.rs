//! `POST /access_token`: a client exchanges its code (RFC 6749, 4.1.3 and 5).
//!
//! No refresh token comes with the answer: the original sent one that was already revoked, and clients do without.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderMap, PRAGMA, WWW_AUTHENTICATE};
use actix_web::web::Data;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::super::answer::Answer;
use super::super::body::Body;
use super::super::presented::{authorization, login};
use super::super::server::Door;
use super::super::waiting::Asking;
use crate::bus::Login;
use crate::bus::embedded::BusError;
use crate::bus::embedded::oauth::{BadCode, Redemption};

/// Why a client gets no token (RFC 6749, 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenError {
    InvalidRequest(&'static str),
    InvalidClient,
    InvalidGrant,
    UnsupportedGrantType,
}

/// Who asks for a token, and for what.
struct Asked {
    login: Login,
    redemption: Redemption,
}

pub(in super::super) async fn exchange(door: Data<Door>, http: HttpRequest, body: Body) -> Answer {
    let asked = match body.members().map(|fields| asked(http.headers(), &fields)).transpose() {
        Ok(asked) => asked,
        Err(error) => return Ok(refused(error)),
    };
    let asking = Asking::of(&http, Some(asked.login.clone()));
    let exchange = door.change(asking, move |bus, transaction| {
        let caller = bus.authenticate(transaction, &asked.login)?;
        bus.redeem(transaction, &caller.auth, &asked.redemption)
    });
    Ok(match exchange.await {
        Ok(Ok(token)) => {
            bare(StatusCode::OK).json(json!({"token_type": "bearer", "access_token": token.expose()}))
        }
        Ok(Err(BadCode)) => refused(TokenError::InvalidGrant),
        Err(BusError::Forbidden) => refused(TokenError::InvalidClient),
        Err(error) => return Err(error.into()),
    })
}

fn asked(headers: &HeaderMap, fields: &Map<String, Value>) -> Result<Asked, TokenError> {
    let login = client(headers, fields)?;
    match one(fields, "grant_type")? {
        Some("authorization_code") => {}
        Some(_) => return Err(TokenError::UnsupportedGrantType),
        None => return Err(TokenError::InvalidRequest("grant_type is missing")),
    }
    let secret = |text: &str| Zeroizing::new(text.to_owned());
    let code = one(fields, "code")?.ok_or(TokenError::InvalidRequest("code is missing"))?;
    let redemption = Redemption {
        code: secret(code),
        redirect_uri: one(fields, "redirect_uri")?.map(str::to_owned),
        verifier: one(fields, "code_verifier")?.map(secret),
    };
    Ok(Asked { login, redemption })
}

/// Who asks, by the header or by the body, but not by both (RFC 6749, 2.3).
fn client(headers: &HeaderMap, fields: &Map<String, Value>) -> Result<Login, TokenError> {
    let (id, secret) = (one(fields, "client_id")?, one(fields, "client_secret")?);
    if !headers.contains_key(AUTHORIZATION) {
        return login(id.unwrap_or_default(), secret.unwrap_or_default()).ok_or(TokenError::InvalidClient);
    }
    let presented = authorization(headers).ok_or(TokenError::InvalidClient)?;
    match (id, secret) {
        (_, Some(_)) => Err(TokenError::InvalidRequest("the client proves itself twice")),
        (Some(id), None) if id != presented.uuid.as_str() => {
            Err(TokenError::InvalidRequest("client_id is not the client that proves itself"))
        }
        _ => Ok(presented),
    }
}

fn one<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, TokenError> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value.as_str()).filter(|value| !value.is_empty())),
        Some(_) => Err(TokenError::InvalidRequest("a parameter is repeated")),
    }
}

fn refused(error: TokenError) -> HttpResponse {
    let (name, description) = match error {
        TokenError::InvalidRequest(what) => ("invalid_request", what),
        TokenError::InvalidClient => ("invalid_client", "client_id and client_secret do not fit together"),
        TokenError::InvalidGrant => ("invalid_grant", "the code cannot be exchanged"),
        TokenError::UnsupportedGrantType => {
            ("unsupported_grant_type", "grant_type must be authorization_code")
        }
    };
    let is_unknown = error == TokenError::InvalidClient;
    let mut answer = bare(if is_unknown { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST });
    if is_unknown {
        answer.insert_header((WWW_AUTHENTICATE, "Basic realm=\"access_token\""));
    }
    answer.json(json!({"error": name, "error_description": description}))
}

fn bare(status: StatusCode) -> actix_web::HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((CACHE_CONTROL, "no-store")).insert_header((PRAGMA, "no-cache"));
    answer
}
