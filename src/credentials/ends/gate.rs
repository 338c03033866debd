//! The gate before whatever an API would be asked for an end: a gateway that is told to stop lets what it asked end, and begins
//! nothing that the next start can do.

use tokio::sync::watch;

use crate::credentials::CredentialsError;

/// Whether something more may be begun. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::credentials) struct Gate(Option<watch::Receiver<bool>>);

impl Gate {
    /// One that is open until it is stopped; the default is open for ever.
    pub(in crate::credentials) fn until(stopped: watch::Receiver<bool>) -> Self {
        Self(Some(stopped))
    }

    /// Goes through it, to whatever is begun next.
    ///
    /// # Errors
    /// [`CredentialsError::Stopped`], where it is closed.
    pub(super) fn pass(&self) -> Result<(), CredentialsError> {
        match &self.0 {
            Some(stopped) if *stopped.borrow() => Err(CredentialsError::Stopped),
            _ => Ok(()),
        }
    }
}
