//! Ending many tokens of a device, piece by piece: others write in between (`spec/meshblu.md` 1.8).

use serde::{Deserialize, Serialize};

use super::devices::CONFIGURE;
use super::pieces::Remainder;
use super::tokens::{TOKEN, is_marked};
use super::{BusError, Changing, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{HalfDone, StoreError, Transaction};

/// How much a piece looks at, in bytes of metadata.
const PIECE: usize = 1 << 20;

/// What was allowed and is not done: those tokens of a device end that are older than the ones that were looked at, and
/// whose metadata hold all that is wanted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Revocation {
    device: DeviceUuid,
    wanted: Vec<(String, String)>,
    before: i64,
}

impl Changing<'_> {
    /// Begins to end the tokens of `uuid` whose metadata hold all of `wanted`: with nothing wanted, all tokens. What comes back
    /// is still to be done, whatever becomes of the right to it: one of the tokens that end may be the caller's.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn revoke_marked(
        &self,
        uuid: &DeviceUuid,
        wanted: Vec<(String, String)>,
    ) -> Result<Option<HalfDone>, BusError> {
        self.reading().permit(uuid, CONFIGURE)?;
        let all = Revocation { device: uuid.clone(), wanted, before: i64::MAX };
        Ok(self.bus.begin(self.transaction, Remainder::Revocation(all))?)
    }

    /// Ends all tokens of `uuid` at once.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn revoke_all(&self, uuid: &DeviceUuid) -> Result<(), BusError> {
        self.reading().permit(uuid, CONFIGURE)?;
        let mut left = Some(Revocation { device: uuid.clone(), wanted: Vec::new(), before: i64::MAX });
        while let Some(revocation) = left {
            left = self.bus.revoke_some(self.transaction, revocation)?;
        }
        Ok(())
    }
}

impl EmbeddedBus {
    /// Does a piece of a revocation, the newest tokens first. What comes back is still to be done.
    pub(super) fn revoke_some(
        &self,
        transaction: &Transaction<'_>,
        revocation: Revocation,
    ) -> Result<Option<Revocation>, StoreError> {
        let Revocation { device, wanted, mut before } = revocation;
        let (mut found, mut left) = (Vec::new(), PIECE);
        transaction.visit_tokens_before(&device, before, |token| {
            before = token.seq;
            if is_marked(&token, &wanted) {
                found.push(token.seq);
            }
            left = left.saturating_sub(TOKEN + token.bytes);
            Ok(left > 0)
        })?;
        self.end_tokens(transaction, &device, &found)?;
        Ok((left == 0).then_some(Revocation { device, wanted, before }))
    }
}
