//! What a renewal brought, in the place of the secret before: an access token that lives on at the API is set aside where that
//! ends it alone, or it is of another sign-in than what renewed it, so that it ends with what is in use.

use crate::credentials::CredentialsDevices;
use crate::credentials::keeping::before::MOST_SET_ASIDE;
use crate::credentials::records::opening::text;
use crate::message::DeviceUuid;
use crate::source::renewal::{NewSecret, RecordsError, Replaced};
use crate::store::StoredRecord;
use crate::vault::{Clients, Credentials, Grant, Replacement, ResealError, SealError, SecretText};

impl CredentialsDevices {
    /// The same record with another secret. Costs milliseconds: not for async threads.
    pub(super) fn seal_renewed(
        &self,
        device: &DeviceUuid,
        record: StoredRecord,
        new: &NewSecret,
    ) -> Result<StoredRecord, RecordsError> {
        // Whoever took the refresh token is where the secret is from.
        let source = record.source.clone().or_else(|| Some(self.sealing.realm.mark()));
        let seal = |set_aside: &dyn Fn(&Credentials) -> Vec<Grant>| {
            let replacement = |opened: &Credentials| Replacement {
                secret: new.access.copy(),
                refresh_token: Some(new.refresh.copy()),
                clients: Clients::both(Some(new.client.clone())),
                set_aside: set_aside(opened),
                source: source.clone(),
                generation: new.generation,
            };
            self.vault.reseal(device, text(&record), replacement)
        };
        let sealed = match seal(&|opened| self.beside_renewed(opened, new)) {
            // What is new is nowhere else.
            Err(ResealError::Seal(SealError::TooLarge)) => {
                tracing::error!(credentials.uuid = %device.logged(), "a record has no room for tokens of before, which may live on");
                seal(&|_| Vec::new())
            }
            sealed => sealed,
        };
        let sealed = sealed.map_err(RecordsError::new)?;
        let (generation, endo, signature) = (new.generation, sealed.endo.to_string(), sealed.signature);
        Ok(StoredRecord { generation, endo, signature, source })
    }

    /// What is set aside from then on: what was, as far as it did not end by itself, and what is replaced.
    fn beside_renewed(&self, opened: &Credentials, new: &NewSecret) -> Vec<Grant> {
        if new.is_alone {
            return Vec::new();
        }
        let now = self.clock.now();
        let still_to_end = |grant: &Grant| {
            let is_new = |token: &SecretText| new.access.is(token.expose()) || new.refresh.is(token.expose());
            grant.living(now)?.those(|token| !is_new(token))
        };
        let replaced = self.replaced_access(opened, &new.replaced);
        let all = opened.set_aside().iter().map(Grant::copy).chain(replaced);
        with_room(all.filter_map(|grant| still_to_end(&grant)).collect())
    }

    /// The access token of this record, where it is not over.
    fn replaced_access(&self, opened: &Credentials, replaced: &Replaced) -> Option<Grant> {
        let Replaced { tried, is_refused, ends_at } = replaced;
        let is_of_a_sign_in_since = !tried.is(opened.secret().expose());
        let goes_on = self.ends_access_alone() || opened.clients().are_of_two_sign_ins;
        let may_live = is_of_a_sign_in_since || (goes_on && !is_refused);
        opened.in_use(*ends_at).filter(|_| may_live)?.part(true, false)
    }
}

/// As many of these as are kept. No receipt tells here of those that there is no room for, so they are such as end by themselves: the
/// oldest access tokens.
fn with_room(mut grants: Vec<Grant>) -> Vec<Grant> {
    let is_access_alone = |grant: &Grant| grant.refresh.is_none();
    let how_many = |grants: &[Grant]| grants.iter().flat_map(Grant::tokens).count();
    while how_many(&grants) > MOST_SET_ASIDE
        && let Some(oldest) = grants.iter().position(is_access_alone)
    {
        grants.remove(oldest);
    }
    grants
}
