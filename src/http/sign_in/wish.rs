//! What somebody signs in at the API for.

use actix_web::HttpRequest;
use serde::{Deserialize, Serialize};

use super::NextPage;
use crate::bus::form;
use crate::message::DeviceUuid;

/// What somebody signs in at the API for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Wish {
    /// The credentials that are to be signed in again; new ones where there are none.
    pub(super) credentials: Option<DeviceUuid>,
    /// The page to see then; that of the credentials where there is none.
    pub(super) next: Option<NextPage>,
}

impl Wish {
    /// What the query says.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let value = |name: &str| form::first(request.query_string(), name).filter(|value| !value.is_empty());
        Self {
            credentials: value("credentials").map(DeviceUuid::from),
            next: value("next").and_then(|next| NextPage::afterwards(&next)),
        }
    }

    /// Where the sign-in for it begins.
    pub(super) fn path(&self) -> String {
        let credentials = self.credentials.as_ref();
        let start = credentials.map(|device| format!("/auth/api?credentials={device}"));
        let start = start.unwrap_or_else(|| "/auth/api".to_owned());
        self.next.as_ref().map(|next| next.after(&start)).unwrap_or(start)
    }
}
