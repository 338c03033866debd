//! As which client of the API the gateway was known, from which moment on: an API takes a refresh token from the client alone that
//! it was given to (RFC 6749, 6).

use crate::store::{Moment, StoreError, Transaction, View};

/// Remembers them: each with the moment from which on it was the gateway's.
const CLIENTS: &str = "source.clients";

impl View<'_> {
    /// The client that got what came at this moment; `None` where that was not noted yet.
    ///
    /// # Errors
    /// What the database reports.
    pub fn client_at(&self, moment: Moment) -> Result<Option<String>, StoreError> {
        let clients = self.clients()?.into_iter().rev();
        Ok(clients.filter(|(since, _)| *since <= moment).map(|(_, client)| client).next())
    }

    fn clients(&self) -> Result<Vec<(Moment, String)>, StoreError> {
        let known = self.fact(CLIENTS)?.unwrap_or_default();
        Ok(serde_json::from_slice(&known).unwrap_or_default())
    }
}

impl Transaction<'_> {
    /// Notes that what comes from now on comes to this client; answers the one before, where that was another.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_client(&self, client: &str) -> Result<Option<String>, StoreError> {
        let mut clients = self.clients()?;
        let before = clients.last().map(|(_, before)| before.clone());
        if before.as_deref() == Some(client) {
            return Ok(None);
        }
        clients.push((self.next_moment()?, client.to_owned()));
        self.remember_fact(CLIENTS, serde_json::to_string(&clients).expect("texts are JSON").as_bytes())?;
        Ok(before)
    }
}
