//! Who a request says it comes from (`spec/meshblu.md` 2.1 and 2.3).

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpRequest};
use base64::Engine;
use zeroize::Zeroizing;

use super::meter::Meter;
use super::refusal::Refusal;
use super::request::uuid;
use super::server::Door;
use super::waiting::Asking;
use crate::bus::embedded::{BusError, Caller, EmbeddedBus, Interest, Listening};
use crate::bus::{LENIENT_BASE64, LOGIN_HEADERS, Login};
use crate::message::DeviceUuid;
use crate::store::View;

/// The credentials of a request and the device it wants to act as; nothing is proven yet.
#[derive(Clone, Debug)]
pub(super) struct Presented {
    asking: Asking,
    acting: Result<Option<DeviceUuid>, NoUuid>,
    meter: Arc<Meter>,
}

/// `x-meshblu-as` holds what can be no device's name.
#[derive(Clone, Copy, Debug)]
struct NoUuid;

impl Presented {
    /// The same request with these credentials in place of its own.
    pub(super) fn with(self, login: Login) -> Self {
        Self { asking: self.asking.with(Some(login)), ..self }
    }

    /// The device that the credentials name.
    pub(super) fn device(&self) -> Option<&DeviceUuid> {
        self.asking.login.as_ref().map(|login| &login.uuid)
    }

    /// Who waits for what this request asks for.
    pub(super) fn asking(&self) -> Asking {
        self.asking.clone()
    }

    /// The caller, once its credentials are found to be right.
    pub(super) fn caller(&self, bus: &EmbeddedBus, view: &View<'_>) -> Result<Caller, BusError> {
        let caller = self.itself(bus, view)?;
        match &self.acting {
            Ok(None) => Ok(caller),
            Ok(Some(acting)) => Ok(caller.acting_as(acting.clone())),
            Err(NoUuid) => Err(BusError::Forbidden),
        }
    }

    /// The caller as the device whose credentials these are, whoever it wants to act as. Counts as one of its
    /// operations; not as one of the device it acts as, which anybody can name.
    pub(super) fn itself(&self, bus: &EmbeddedBus, view: &View<'_>) -> Result<Caller, BusError> {
        let caller = bus.authenticate(view, self.asking.login.as_ref().ok_or(BusError::Forbidden)?)?;
        self.meter.count(&caller.auth, bus.clock.now())?;
        Ok(caller)
    }

    /// Reads along by these credentials, whoever the request wants to act as. Counts as an operation.
    pub(super) fn listening(
        &self,
        bus: &EmbeddedBus,
        view: &View<'_>,
        interest: Interest,
    ) -> Result<(Caller, Listening), BusError> {
        let login = self.asking.login.as_ref().ok_or(BusError::Forbidden)?;
        let (caller, listening) = bus.listen_as(view, login, interest)?;
        self.meter.count(&caller.auth, bus.clock.now())?;
        Ok((caller, listening))
    }
}

impl FromRequest for Presented {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let headers = request.headers();
        let acting = acting(headers);
        let meter = Arc::clone(&Door::of(request).meter);
        let login = authorization(headers).or_else(|| pair(headers));
        ready(Ok(Self { asking: Asking::of(request, login), acting, meter }))
    }
}

/// Whom the request wants to act as. What cannot be read is somebody all the same: nobody must act as itself for it.
fn acting(headers: &HeaderMap) -> Result<Option<DeviceUuid>, NoUuid> {
    let mut named = headers.get_all("x-meshblu-as");
    let (Some(acting), None) = (named.next(), named.next()) else {
        return if headers.contains_key("x-meshblu-as") { Err(NoUuid) } else { Ok(None) };
    };
    match acting.to_str().map_err(|_| NoUuid)?.trim() {
        "" => Ok(None),
        acting => uuid(acting).map(Some).ok_or(NoUuid),
    }
}

/// The word before the credentials is not looked at, nor is what follows a second colon.
pub(super) fn authorization(headers: &HeaderMap) -> Option<Login> {
    let (_, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let decoded = Zeroizing::new(LENIENT_BASE64.decode(encoded.trim()).ok()?);
    let mut parts = std::str::from_utf8(&decoded).ok()?.split(':');
    login(parts.next()?, parts.next()?)
}

fn pair(headers: &HeaderMap) -> Option<Login> {
    LOGIN_HEADERS.iter().find_map(|(uuid, token)| of_headers(headers, uuid, token))
}

/// The credentials in these two headers.
pub(super) fn of_headers(headers: &HeaderMap, uuid: &str, token: &str) -> Option<Login> {
    login(text(headers, uuid)?, text(headers, token)?)
}

/// These credentials, if they can be some.
pub(super) fn login(name: &str, token: &str) -> Option<Login> {
    let token = Zeroizing::new(token.trim().to_owned());
    Some(Login { uuid: uuid(name.trim())?, token }).filter(|login| !login.token.is_empty())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
