//! Somebody who is signed in, at credentials of theirs.

use actix_web::HttpRequest;

use crate::ambient::Timestamp;
use crate::bus::form;
use crate::console::{Done, Shown, UserDevice, Viewer, strangers_sentence, strangers_text};
use crate::credentials::{Act, CredentialsDevices, NotedError, Owned, UserDeviceEntry};
use crate::http::entrance::Entrance;
use crate::http::owners::Owners;
use crate::http::problem::{Kind, Problem};
use crate::http::server::FrontDoor;
use crate::http::session::Session;
use crate::message::DeviceUuid;

/// Somebody who is signed in, at credentials of theirs.
pub(super) struct Visit<'a> {
    pub(super) entrance: &'a Entrance,
    pub(super) owners: &'a Owners,
    pub(super) session: Session,
    pub(super) owned: Owned,
}

impl<'a> Visit<'a> {
    /// Of the credentials in the path; others' are not found.
    pub(super) async fn of(request: &HttpRequest, door: &'a FrontDoor) -> Result<Self, Problem> {
        Self::by(Session::of(request, door).await?, request, door).await
    }

    /// The same of whoever this session is of.
    pub(super) async fn by(
        session: Session,
        request: &HttpRequest,
        door: &'a FrontDoor,
    ) -> Result<Self, Problem> {
        let (entrance, owners) = (door.entrance()?, door.owners()?);
        let uuid = DeviceUuid::from(request.match_info().query("uuid"));
        let owned = owners.credentials.owned_by(&session.owner, uuid).await;
        Ok(Self { entrance, owners, session, owned: owned? })
    }

    pub(super) fn viewer(&self) -> Viewer {
        self.session.viewer()
    }

    /// The credentials, as pages name them.
    pub(super) fn shown(&self) -> Shown {
        Shown {
            uuid: self.owned.device().to_string(),
            account: self.owned.username().and_then(strangers_text),
            api: self.entrance.api.clone(),
            ways: self.owners.ways_with(&self.owned),
        }
    }

    /// Whether nobody would manage them any more if the viewer left.
    pub(super) async fn is_last_owner(&self) -> Result<bool, Problem> {
        Ok(self.owned.has_one_owner(&self.owners.credentials.gone_owners(&self.owned).await?))
    }

    /// The devices that use them.
    pub(super) async fn user_devices(&self) -> Result<Vec<UserDevice>, Problem> {
        Ok(self.entries().await?.into_iter().map(|entry| self.user_device(entry)).collect())
    }

    /// The same with what went wrong lately, and whether that is all of it.
    pub(super) async fn user_devices_with_errors(&self) -> Result<(Vec<UserDevice>, bool), Problem> {
        let mut entries = self.entries().await?;
        let is_all = self.owners.credentials.note_errors(&self.session.login, &mut entries).await;
        Ok((entries.into_iter().map(|entry| self.user_device(entry)).collect(), is_all))
    }

    async fn entries(&self) -> Result<Vec<UserDeviceEntry>, Problem> {
        let entries = self.owners.credentials.user_device_entries(&self.owned).await;
        Ok(entries?)
    }

    /// The device in the path, if it uses them.
    pub(super) async fn user_device_in(&self, request: &HttpRequest) -> Result<UserDevice, Problem> {
        let wanted = request.match_info().query("device");
        let found = self.user_devices().await?.into_iter().find(|device| device.uuid == wanted);
        found.ok_or_else(|| {
            Problem::new(Kind::NotFound, "No such device uses these credentials, or not any more")
        })
    }

    fn user_device(&self, entry: UserDeviceEntry) -> UserDevice {
        let noted = |error: NotedError| NotedError {
            at: strangers_sentence(&error.at),
            text: strangers_sentence(&error.text),
            code: error.code.as_deref().and_then(strangers_text),
        };
        UserDevice {
            is_viewers: entry.owner.as_ref() == Some(&self.session.owner),
            owner: entry.owner.and_then(|owner| strangers_text(owner.as_str())),
            uuid: entry.uuid.to_string(),
            is_told: entry.is_told,
            name: entry.name.as_deref().and_then(strangers_text),
            bound_at: entry.bound_at.map(Timestamp::iso_seconds),
            last_message: entry.last_use.heard_at.map(Timestamp::iso_seconds),
            errors: entry.errors,
            noted: entry.noted.into_iter().map(noted).collect(),
        }
    }
}

/// What the receipt that the query names says was done, if it is the viewer's own.
pub(super) async fn done(
    request: &HttpRequest,
    credentials: &CredentialsDevices,
    session: &Session,
) -> Result<Option<Done>, Problem> {
    let Ok(id) = query(request, "done").parse() else { return Ok(None) };
    let receipt = credentials.receipt(id).await?;
    let receipt = receipt.filter(|receipt| receipt.is_by(session.owner.as_str()));
    Ok(receipt.map(|receipt| Done::Kept(Box::new(receipt))))
}

/// Whether a receipt of the viewer's own says that they left these credentials.
pub(super) async fn has_left(
    credentials: &CredentialsDevices,
    session: &Session,
    left: &str,
) -> Result<bool, Problem> {
    if left.is_empty() {
        return Ok(false);
    }
    let receipts = credentials.receipts(Some(left.into()), None).await?;
    Ok(receipts.shown.iter().any(|receipt| receipt.act == Act::Left && receipt.is_by(session.owner.as_str())))
}

/// A value of the query; empty where it is missing.
pub(super) fn query(request: &HttpRequest, name: &str) -> String {
    form::first(request.query_string(), name).unwrap_or_default()
}
