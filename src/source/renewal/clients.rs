//! Refresh tokens that came by another client of the API than the gateway is now (RFC 6749, 6).

use crate::store::{Moment, StoreError, View};

/// Why a secret is not renewed that came by another client.
pub const OTHER_CLIENT: &str =
    "it came by another client of the API than the settings of the gateway name, which alone could renew it";

/// Whether what is known since this moment came by another client than this one; of what came before clients were noted nobody
/// knows.
///
/// # Errors
/// What the database reports.
pub fn came_by_another_client(view: &View<'_>, since: Moment, client: &str) -> Result<bool, StoreError> {
    Ok(view.client_at(since)?.is_some_and(|got_it| got_it != client))
}
