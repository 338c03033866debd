//! Errors as strangers see them: `application/problem+json` (RFC 9457) with nothing inside that they must not see.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::message::Failure;

/// What went wrong. The `type` of a problem is `/problems/` and the slug of its kind: a stable name, not a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 400 `malformed-request`: the request breaks HTTP or the format of its body.
    MalformedRequest,
    /// 400 `malformed-path`: the path holds a bad percent-escape.
    MalformedPath,
    /// 401 `not-authenticated`: nothing shows convincingly who is calling.
    NotAuthenticated,
    /// 401 `reauthentication_required`: the caller has to sign in at the API again first (RFC 9470).
    ReauthenticationRequired,
    /// 403 `not-allowed`: whoever is calling may not do this.
    NotAllowed,
    /// 404 `not-found`.
    NotFound,
    /// 405 `method-not-allowed`: `Allow` names the methods that are.
    MethodNotAllowed,
    /// 406 `not-acceptable`: no form of the answer is one the caller accepts.
    NotAcceptable,
    /// 408 `request-timeout`: the request did not arrive in time.
    RequestTimeout,
    /// 409 `last-owner`: nobody would own the credentials.
    LastOwner,
    /// 413 `body-too-large`.
    BodyTooLarge,
    /// 415 `unsupported-media-type`: a charset or content coding that is not read here.
    UnsupportedMediaType,
    /// 422 `bad-route`: a message's route names nobody who could be answered.
    BadRoute,
    /// `message-failed`: a message was received and came to nothing; the status is that of its failure.
    MessageFailed(StatusCode),
    /// 431 `header-too-large`.
    HeaderTooLarge,
    /// 500 `internal-error`: the cause is in the log, under the trace id.
    Internal,
    /// 500 `unhealthy`: a check failed.
    Unhealthy,
    /// 502 `provider-failed`: whoever knows the accounts did not answer, or not as agreed.
    ProviderFailed,
    /// 503 `unavailable`: nothing can be taken now.
    Unavailable,
    /// 503 `not-ready`: a check failed, or the gateway is about to stop.
    NotReady,
}

impl Kind {
    /// The stable last part of the problem's `type`.
    pub fn slug(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed-request",
            Self::MalformedPath => "malformed-path",
            Self::NotAuthenticated => "not-authenticated",
            Self::ReauthenticationRequired => "reauthentication_required",
            Self::NotAllowed => "not-allowed",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotAcceptable => "not-acceptable",
            Self::RequestTimeout => "request-timeout",
            Self::LastOwner => "last-owner",
            Self::BodyTooLarge => "body-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::BadRoute => "bad-route",
            Self::MessageFailed(_) => "message-failed",
            Self::HeaderTooLarge => "header-too-large",
            Self::Internal => "internal-error",
            Self::Unhealthy => "unhealthy",
            Self::ProviderFailed => "provider-failed",
            Self::Unavailable => "unavailable",
            Self::NotReady => "not-ready",
        }
    }

    /// The problem's `title`; the same at every occurrence.
    pub fn title(self) -> &'static str {
        match self {
            Self::MalformedRequest => "Malformed request",
            Self::MalformedPath => "Malformed path",
            Self::NotAuthenticated => "Not authenticated",
            Self::ReauthenticationRequired => "Reauthentication required",
            Self::NotAllowed => "Not allowed",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::NotAcceptable => "Not acceptable",
            Self::RequestTimeout => "Request timeout",
            Self::LastOwner => "Last owner",
            Self::BodyTooLarge => "Body too large",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::BadRoute => "Bad route",
            Self::MessageFailed(_) => "The message failed",
            Self::HeaderTooLarge => "Header too large",
            Self::Internal => "Internal error",
            Self::Unhealthy => "Unhealthy",
            Self::ProviderFailed => "The sign-in failed elsewhere",
            Self::Unavailable => "Unavailable",
            Self::NotReady => "Not ready",
        }
    }

    /// The HTTP status that goes with it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedRequest | Self::MalformedPath => StatusCode::BAD_REQUEST,
            Self::NotAuthenticated | Self::ReauthenticationRequired => StatusCode::UNAUTHORIZED,
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::LastOwner => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BadRoute => StatusCode::UNPROCESSABLE_ENTITY,
            Self::MessageFailed(status) => status,
            Self::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal | Self::Unhealthy => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ProviderFailed => StatusCode::BAD_GATEWAY,
            Self::Unavailable | Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// An error that may be shown to a stranger.
#[derive(Debug, Error)]
#[error("{detail}")]
pub struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    members: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, Cow<'static, str>)>,
    begin_again: Option<String>,
}

impl Problem {
    /// A problem of this kind; `detail` must be safe to show, and is also the member `error` that old clients read.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), members: Vec::new(), headers: Vec::new(), begin_again: None }
    }

    /// Nobody is told more than that.
    pub fn nothing_here() -> Self {
        Self::new(Kind::NotFound, "There is nothing here")
    }

    /// This problem with one more member (RFC 9457, 3.2).
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.members.push((name, value));
        self
    }

    /// This problem, which says one sentence more.
    pub fn adding(self, sentence: &str) -> Self {
        Self { detail: format!("{}. {sentence}", self.detail).into(), ..self }
    }

    /// This problem of something that people can begin once more at this path of the gateway.
    pub fn beginning_again_at(self, path: String) -> Self {
        Self { begin_again: Some(path), ..self }
    }

    /// The path at which people begin once more.
    pub fn begin_again(&self) -> Option<&str> {
        self.begin_again.as_deref()
    }

    /// This problem with an `Allow` header (RFC 9110, 10.2.1).
    pub fn allowing(self, methods: &'static str) -> Self {
        self.with_header(header::ALLOW, methods)
    }

    /// This problem with a `WWW-Authenticate` header (RFC 9110, 11.6.1).
    pub fn challenging(self, challenge: String) -> Self {
        self.with_header(header::WWW_AUTHENTICATE, challenge)
    }

    /// This problem with one more header.
    pub fn with_header(mut self, name: HeaderName, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The response that tells it, under the trace id by which the log knows the request.
    pub fn to_response(&self, trace_id: Option<&str>) -> HttpResponse {
        let mut response = HttpResponse::build(self.kind.status());
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), &**value));
        }
        response.content_type("application/problem+json").body(self.document(trace_id).to_string())
    }

    fn document(&self, trace_id: Option<&str>) -> Value {
        let mut document = Map::new();
        document.insert("type".into(), format!("/problems/{}", self.kind.slug()).into());
        document.insert("title".into(), self.kind.title().into());
        document.insert("status".into(), self.kind.status().as_u16().into());
        document.insert("detail".into(), self.detail.as_ref().into());
        if let Some(id) = trace_id {
            document.insert("traceId".into(), id.into());
        }
        document.insert("error".into(), self.detail.as_ref().into());
        document.extend(self.members.iter().map(|(name, value)| ((*name).into(), value.clone())));
        Value::Object(document)
    }
}

/// A message that came to nothing, to whoever posted it.
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = failure.status().and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.filter(|status| status.is_client_error() || status.is_server_error());
        Self::new(Kind::MessageFailed(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)), failure.message)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.to_response(None)
    }
}
