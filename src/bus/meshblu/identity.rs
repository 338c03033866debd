//! As whom a remote Meshblu is called.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::bus::Login;
use crate::message::DeviceUuid;

const AS: HeaderName = HeaderName::from_static("x-meshblu-as");

/// A device that proves who it is, and the device it acts as, if that is another.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    login: &'a Login,
    acting: Option<&'a DeviceUuid>,
}

impl<'a> Identity<'a> {
    /// The device as itself.
    pub fn of(login: &'a Login) -> Self {
        Self { login, acting: None }
    }

    /// The same device, acting as another.
    #[must_use]
    pub fn acting_as(self, device: &'a DeviceUuid) -> Self {
        Self { acting: Some(device), ..self }
    }

    /// What proves who the device is.
    pub(super) fn token(&self) -> &'a str {
        &self.login.token
    }

    /// Sets the headers that say so; `false` where uuid or token cannot stand in one.
    pub(super) fn sign(&self, headers: &mut HeaderMap) -> bool {
        let pair = Zeroizing::new(format!("{}:{}", self.login.uuid, *self.login.token));
        let basic = Zeroizing::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(pair.as_bytes()))));
        let Ok(mut authorization) = HeaderValue::from_str(&basic) else { return false };
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        let acting = self.acting.map(|device| HeaderValue::from_str(device.as_str())).transpose();
        acting.map(|acting| acting.map(|acting| headers.insert(AS, acting))).is_ok()
    }
}
