//! Tokens that came by another client of the API than the gateway is now (RFC 6749, 6).

use crate::store::{Moment, StoreError, View};

/// Why a secret is not renewed that came by another client.
pub const OTHER_CLIENT: &str =
    "it came by another client of the API than the settings of the gateway name, which alone could renew it";

/// By which client a token came.
#[derive(Clone, Copy, Debug)]
pub struct CameBy<'a> {
    /// As its record says.
    pub noted: Option<&'a str>,
    /// Since when it is known, or what it came of: where the record does not say, it came by the client that the gateway was then.
    pub since: Moment,
}

impl CameBy<'_> {
    /// Whether that was another than this; of what came before clients were noted nobody knows.
    ///
    /// # Errors
    /// What the database reports.
    pub fn another(&self, view: &View<'_>, client: &str) -> Result<bool, StoreError> {
        match self.noted {
            Some(noted) => Ok(noted != client),
            None => Ok(view.client_at(self.since)?.is_some_and(|got_it| got_it != client)),
        }
    }
}
