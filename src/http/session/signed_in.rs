//! Somebody who is signed in, and the proof that a form is theirs.

use actix_web::HttpRequest;

use super::Browser;
use crate::ambient::Timestamp;
use crate::bus::{Login, form};
use crate::console::Viewer;
use crate::http::Body;
use crate::http::problem::{Kind, Problem};
use crate::http::server::FrontDoor;
use crate::message::DeviceUuid;
use crate::store::StoredSession;
use crate::telemetry::with_causes;
use crate::vault::Pass;

/// Somebody who is signed in, in one browser.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who they are on the bus.
    pub owner: DeviceUuid,
    /// How they are known there.
    pub login: Login,
    /// When they signed in.
    pub began_at: Timestamp,
    pub(in crate::http) pass: Pass,
    /// What it has in common with those whose place it took, in the same browser and by the same person, and with none else.
    pub(in crate::http) line: [u8; 32],
    mark: String,
}

impl Session {
    /// The session of the browser that asks, if it is not over and the bus still knows whose it is.
    ///
    /// # Errors
    /// 401 where there is none: browsers are sent to the sign-in. 503 where nobody can tell.
    pub async fn of(request: &HttpRequest, door: &FrontDoor) -> Result<Self, Problem> {
        let none = || Problem::new(Kind::NotAuthenticated, "You are not signed in, or not any more");
        Self::find(request, door).await?.ok_or_else(none)
    }

    /// The same, where it is no failure that there is none.
    ///
    /// # Errors
    /// As [`Session::of`], but for 401.
    pub async fn find(request: &HttpRequest, door: &FrontDoor) -> Result<Option<Self>, Problem> {
        let Some(pass) = Browser::of(request).session else { return Ok(None) };
        let entrance = door.entrance()?;
        let found = entrance.sessions.find(&pass).await.map_err(|error| unavailable(&error))?;
        let Some((stored, login)) = found else { return Ok(None) };
        match entrance.credentials.authenticate(&login).await {
            Ok(true) => {
                let mark = door.random.token();
                let StoredSession { owner, line, began_at, .. } = stored;
                Ok(Some(Self { owner, login, began_at, pass, line, mark }))
            }
            Ok(false) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// What every form of this session holds in its field `csrf`.
    pub fn csrf(&self) -> String {
        self.pass.form_token()
    }

    /// Who sees the page.
    pub fn viewer(&self) -> Viewer {
        Viewer { name: self.owner.to_string(), csrf: self.csrf(), mark: self.mark.clone() }
    }

    /// The fields of a form that a page of this session sends.
    ///
    /// # Errors
    /// 403 where the form was made for somebody else, or for nobody.
    pub fn read_form(&self, request: &HttpRequest, body: &Body) -> Result<Fields, Problem> {
        let fields = Fields::read(body)?;
        match Browser::of(request).may_be_ours && self.pass.is_form_token(fields.one("csrf")) {
            true => Ok(fields),
            false => Err(Problem::new(
                Kind::NotAllowed,
                "That page was not made for the sign-in that you have now, so nothing was done now; what it did before you \
                 signed in stays done. Go back, load it again, look, and repeat what is missing",
            )),
        }
    }
}

/// The fields of a form. May hold secrets, hence no `Debug`.
pub struct Fields(Vec<(String, zeroize::Zeroizing<String>)>);

impl Fields {
    /// The fields of this body, as a browser writes them.
    pub(in crate::http) fn read(body: &Body) -> Result<Self, Problem> {
        let text = std::str::from_utf8(&body.0)
            .map_err(|_| Problem::new(Kind::MalformedRequest, "The form is not UTF-8"))?;
        Ok(Self(form::pairs(text).map(|(name, value)| (name, value.into())).collect()))
    }

    /// The first value of a field; empty where it is missing.
    pub fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every field with its value, in the order of the form.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

pub(in crate::http) fn unavailable(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error = with_causes(error), "nobody can tell who is signed in");
    Problem::new(Kind::Unavailable, "Nobody can tell now who is signed in; try again in a moment")
}
