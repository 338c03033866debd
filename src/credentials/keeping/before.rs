//! What a new record of an account takes over from the one before, and what becomes of the secret in that.

use super::brought::RefreshToken;
use crate::ambient::Timestamp;
use crate::credentials::{Account, CredentialsDevices};
use crate::message::DeviceUuid;
use crate::source::renewal::{IssuedToken, named};
use crate::store::{StoredRecord, StoredRenewal};
use crate::vault::{Clients, Contents, Credentials, Format, Grant, Owners, SealError, SecretText};

/// The most tokens of before that are kept until the refresh token ends: the newest grants, each as a whole.
pub(in crate::credentials) const MOST_SET_ASIDE: usize = 16;

/// What becomes of the secret before.
#[derive(Clone, Debug, Default)]
pub(in crate::credentials) enum Past {
    /// There is none, or it is the same.
    #[default]
    None,
    /// Its refresh token stays, and may end with the access token: that is kept until both end.
    AccessSetAside,
    /// Its refresh token stays, whatever becomes of the access token: that ends, and this holds it, beside others that ended
    /// before it, and no refresh token.
    AccessEnds(StoredRecord),
    /// The access token stays of the one in this record, and may end with the refresh token: that is kept until both end.
    RefreshSetAside(StoredRecord),
    /// Another takes the place of the one in this record, which ends.
    Replaced(StoredRecord),
    /// Another takes the place of the one in this record, and may end with that: it is kept until both end.
    PairSetAside(StoredRecord),
}

/// The record before, and what is known of its renewal.
pub(super) struct RecordBefore<'a> {
    pub(super) record: &'a StoredRecord,
    pub(super) opened: &'a Credentials,
    pub(super) renewal: Option<&'a StoredRenewal>,
}

/// What the new record takes over from the one before.
#[derive(Default)]
pub(super) struct Before {
    pub(super) owners: Owners,
    pub(super) token: Option<SecretText>,
    /// What renews the new secret as it did the one before, where the API gave nothing else that does, the same again, or
    /// what that was given for; with whatever is known of its renewal, which may be under way.
    pub(super) refresh_token: Option<RefreshToken>,
    pub(super) set_aside: Vec<Grant>,
    pub(super) generation: u64,
    pub(super) past: Past,
}

impl Before {
    /// What `account`, to which this was issued, takes over from this record; the owners are another question.
    pub(super) fn read(
        record: &RecordBefore<'_>,
        account: &Account,
        issued: Option<IssuedToken<'_>>,
    ) -> Self {
        let RecordBefore { record, opened, renewal } = *record;
        // An API may hand out the same secret again; then nothing is over.
        let is_same = opened.secret().is(account.secret.expose());
        let renewal = renewal.filter(|known| known.generation == record.generation);
        let before = opened.refresh_token().map(|token| (token, named(token.fingerprint(), renewal)));
        let had_any = before.is_some();
        let shares_refresh =
            before.as_ref().zip(issued).is_some_and(|((_, known), issued)| issued.is_of_line(known));
        let Clients { refresh_token: client, are_of_two_sign_ins, .. } = opened.clients();
        let refresh_token = before.filter(|(_, known)| IssuedToken::goes_on(issued, known));
        let refresh_token = refresh_token.map(|(token, known)| RefreshToken {
            token: token.copy(),
            known,
            client: client.clone(),
            is_of_another_sign_in: !shares_refresh && (*are_of_two_sign_ins || !is_same),
        });
        // Whoever ends the access token before would end what it came of with it (RFC 7009, 2.1).
        let past = match shares_refresh || refresh_token.is_some() {
            false if is_same && had_any => Past::RefreshSetAside(record.clone()),
            _ if is_same => Past::None,
            true if opened.secret().expose().is_empty() => Past::None,
            true => Past::AccessSetAside,
            false => Past::Replaced(record.clone()),
        };
        Self {
            owners: Owners::default(),
            token: opened.credentials_device_token().map(SecretText::copy),
            refresh_token,
            set_aside: set_aside(opened, &past, renewal.and_then(|known| known.expires_at)),
            generation: record.generation.max(opened.generation()),
            past,
        }
    }
}

/// The grants of before that a record has room for.
pub(in crate::credentials) struct NewestGrants {
    pub(in crate::credentials) grants: Vec<Grant>,
    /// How many older tokens it has no room for, which nobody here has any more.
    pub(in crate::credentials) crowded_out: usize,
}

impl NewestGrants {
    /// The newest of these, of which the oldest are the first.
    pub(in crate::credentials) fn of(mut all: Vec<Grant>) -> Self {
        let how_many = |grant: &Grant| grant.tokens().count();
        let mut room = MOST_SET_ASIDE;
        let has_no_room = |grant: &Grant| room.checked_sub(how_many(grant)).map(|left| room = left).is_none();
        let oldest = all.iter().rposition(has_no_room).map_or(0, |last| last + 1);
        let grants = all.split_off(oldest);
        Self { grants, crowded_out: all.iter().map(how_many).sum() }
    }
}

/// What the next record sets aside of the one that was opened, whose access token ends then; of one that is replaced all, unless
/// that ends at once.
fn set_aside(opened: &Credentials, past: &Past, ends_at: Option<Timestamp>) -> Vec<Grant> {
    let (access_too, refresh_too) = match past {
        Past::None | Past::AccessEnds(_) => (false, false),
        Past::AccessSetAside => (true, false),
        Past::RefreshSetAside(_) => (false, true),
        Past::Replaced(_) | Past::PairSetAside(_) => (true, true),
    };
    let new = opened.in_use(ends_at).and_then(|grant| grant.part(access_too, refresh_too));
    opened.set_aside().iter().map(Grant::copy).chain(new).collect()
}

impl CredentialsDevices {
    /// The same, but that what the API ends alone is not set aside. Costs milliseconds.
    pub(super) fn ending_at_once(
        &self,
        device: &DeviceUuid,
        account: &Account,
        mut before: Before,
    ) -> Result<Before, SealError> {
        match before.past {
            Past::AccessSetAside if self.ends_access_alone() => {
                self.with_the_access_token_ending(device, account, before)
            }
            Past::Replaced(record) if self.may_end_with_newer_ones(&record) => {
                Ok(Before { past: Past::PairSetAside(record), ..before })
            }
            Past::Replaced(_) => {
                before.set_aside.clear();
                Ok(before)
            }
            _ => Ok(before),
        }
    }

    fn with_the_access_token_ending(
        &self,
        device: &DeviceUuid,
        account: &Account,
        mut before: Before,
    ) -> Result<Before, SealError> {
        // It was set aside last.
        let Some(Grant { access: Some(token), clients, .. }) = before.set_aside.pop() else {
            return Ok(before);
        };
        let NewestGrants { grants, .. } = self.still_to_end(&before.set_aside, account);
        let (set_aside, renewing) = grants.into_iter().partition(|grant| grant.refresh.is_none());
        before.set_aside = renewing;
        let contents = Contents {
            clients: Clients { secret: clients.secret, ..Clients::default() },
            generation: before.generation,
            set_aside,
            hosts: self.sealing.hosts.clone(),
            source: Some(self.sealing.realm.mark()),
            ..Contents::new(account.id.clone(), token)
        };
        let sealed = self.vault.seal(device, &contents, Format::Two)?;
        let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
        let Contents { generation, source, .. } = contents;
        before.past = Past::AccessEnds(StoredRecord { generation, endo, signature, source });
        Ok(before)
    }

    /// What of these neither ended by itself nor is the account's secret again.
    pub(super) fn still_to_end(&self, set_aside: &[Grant], account: &Account) -> NewestGrants {
        let now = self.clock.now();
        let brought = [Some(&account.secret), account.refresh_token.as_ref()];
        let is_over =
            |token: &SecretText| !brought.into_iter().flatten().any(|again| token.is(again.expose()));
        let still_to_end = |grant: &Grant| grant.living(now)?.those(is_over);
        NewestGrants::of(set_aside.iter().filter_map(still_to_end).collect())
    }
}
