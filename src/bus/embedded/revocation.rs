//! Ending many tokens of a device, piece by piece: others write in between (`spec/meshblu.md` 1.8).

use super::devices::CONFIGURE;
use super::tokens::{TOKEN, is_marked};
use super::{BusError, Changing, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::Transaction;

/// How much a piece looks at, in bytes of metadata.
const PIECE: usize = 1 << 20;

/// What was allowed and is not done: those tokens of a device end that are older than the ones that were looked at, and
/// whose metadata hold all that is wanted.
#[derive(Debug)]
pub struct Revocation {
    device: DeviceUuid,
    wanted: Vec<(String, String)>,
    before: i64,
}

impl Changing<'_> {
    /// What ends the tokens of `uuid` whose metadata hold all of `wanted`: with nothing wanted, all tokens.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn revocation(
        &self,
        uuid: &DeviceUuid,
        wanted: Vec<(String, String)>,
    ) -> Result<Revocation, BusError> {
        self.reading().permit(uuid, CONFIGURE)?;
        Ok(Revocation { device: uuid.clone(), wanted, before: i64::MAX })
    }
}

impl EmbeddedBus {
    /// Does a piece of a revocation, the newest tokens first. What comes back is still to be done, whatever became of
    /// the right to it: one of the tokens that ended may have been the caller's.
    ///
    /// # Errors
    /// What the store reports.
    pub fn revoke(
        &self,
        transaction: &Transaction<'_>,
        revocation: Revocation,
    ) -> Result<Option<Revocation>, BusError> {
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
