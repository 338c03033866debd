//! What a new record of an account takes over from the one before, and what becomes of the secret in that.

use super::{Account, CredentialsDevices};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::source::renewal::{goes_on, is_of_line};
use crate::store::{StoredRecord, StoredRenewal};
use crate::vault::{Contents, Credentials, Format, Owners, SealError, SecretText, SetAside};

/// The most tokens of before that are kept until the refresh token ends; the newest.
const MOST_SET_ASIDE: usize = 16;

/// What becomes of the secret before.
#[derive(Clone, Debug, Default)]
pub(super) enum Past {
    /// There is none, or it is the same.
    #[default]
    None,
    /// Its refresh token stays, and may end with the access token: that is kept until both end.
    AccessSetAside,
    /// Its refresh token stays, whatever becomes of the access token: that ends, and this holds it alone.
    AccessEnds(StoredRecord),
    /// The access token stays of the one in this record, and may end with the refresh token: that is kept until both end.
    RefreshSetAside(StoredRecord),
    /// Another takes the place of the one in this record.
    Replaced(StoredRecord),
}

/// What renews the secret of a new record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RenewedBy {
    Nothing,
    ItsOwn,
    /// The refresh token of the record before.
    TheOneBefore,
}

/// What the new record takes over from the one before.
#[derive(Default)]
pub(super) struct Before {
    pub(super) owners: Owners,
    pub(super) token: Option<SecretText>,
    /// What renews the new secret as it did the one before, where the API gave nothing else that does, the same again, or
    /// what that was given for; with whatever is known of its renewal, which may be under way.
    pub(super) refresh_token: Option<SecretText>,
    pub(super) set_aside: Vec<SetAside>,
    pub(super) generation: u64,
    pub(super) past: Past,
}

impl Before {
    /// What `account` takes over from this record, whose renewal is so far; the owners are another question.
    pub(super) fn read(
        record: &StoredRecord,
        opened: &Credentials,
        account: &Account,
        renewal: Option<&StoredRenewal>,
    ) -> Self {
        // An API may hand out the same secret again; then nothing is over.
        let is_same = opened.secret().is(account.secret.expose());
        let renewal = renewal.filter(|known| known.generation == record.generation);
        let refresh_tokens = opened.refresh_token().zip(account.refresh_token.as_ref());
        let shares_refresh = refresh_tokens.is_some_and(|(old, new)| is_of_line(old, new, renewal));
        let before = opened.refresh_token();
        let refresh_token = before.filter(|before| goes_on(before, account.refresh_token.as_ref(), renewal));
        // Whoever ends the access token before would end what it came of with it (RFC 7009, 2.1).
        let past = match shares_refresh || refresh_token.is_some() {
            false if is_same && before.is_some() => Past::RefreshSetAside(record.clone()),
            _ if is_same => Past::None,
            true => Past::AccessSetAside,
            false => Past::Replaced(record.clone()),
        };
        Self {
            owners: Owners::default(),
            token: opened.credentials_device_token().map(SecretText::copy),
            refresh_token: refresh_token.map(SecretText::copy),
            set_aside: set_aside(opened, &past, renewal.and_then(|known| known.expires_at)),
            generation: record.generation.max(opened.generation()),
            past,
        }
    }

    /// What renews the secret of the next record.
    pub(super) fn renewed_by(&self, account: &Account) -> RenewedBy {
        match (&account.refresh_token, &self.refresh_token) {
            (_, Some(_)) => RenewedBy::TheOneBefore,
            (Some(_), None) => RenewedBy::ItsOwn,
            (None, None) => RenewedBy::Nothing,
        }
    }
}

/// The tokens of before that a record has room for.
pub(super) struct Kept {
    pub(super) tokens: Vec<SetAside>,
    /// How many older ones it has no room for, which nobody here has any more.
    pub(super) crowded_out: usize,
}

/// What the next record sets aside of the one that was opened, whose access token ends then.
fn set_aside(opened: &Credentials, past: &Past, ends_at: Option<Timestamp>) -> Vec<SetAside> {
    let copy = |aside: &SetAside| SetAside { token: aside.token.copy(), ends_at: aside.ends_at };
    let before = opened.set_aside().iter().map(copy);
    let access = || SetAside { token: opened.secret().copy(), ends_at };
    let refresh = opened.refresh_token().map(|token| SetAside { token: token.copy(), ends_at: None });
    match past {
        Past::None | Past::AccessEnds(_) => before.collect(),
        Past::AccessSetAside => before.chain([access()]).collect(),
        Past::RefreshSetAside(_) => before.chain(refresh).collect(),
        // It ends with what it was set aside with.
        Past::Replaced(_) => Vec::new(),
    }
}

impl CredentialsDevices {
    /// The same, but that the access token before is not set aside where the API ends it alone. Costs milliseconds.
    pub(super) fn ending_at_once(
        &self,
        device: &DeviceUuid,
        account: &Account,
        mut before: Before,
    ) -> Result<Before, SealError> {
        if !(matches!(before.past, Past::AccessSetAside) && self.ends_access_alone()) {
            return Ok(before);
        }
        // It was set aside last.
        let Some(SetAside { token, .. }) = before.set_aside.pop() else { return Ok(before) };
        let contents = Contents {
            generation: before.generation,
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
    pub(super) fn still_to_end(&self, set_aside: Vec<SetAside>, account: &Account) -> Kept {
        let now = self.clock.now();
        let lives = |token: &SetAside| token.ends_at.is_none_or(|end| now < end);
        let brought = [Some(&account.secret), account.refresh_token.as_ref()];
        let is_over =
            |token: &SetAside| !brought.into_iter().flatten().any(|again| token.token.is(again.expose()));
        let mut left: Vec<_> = set_aside.into_iter().filter(|token| lives(token) && is_over(token)).collect();
        let crowded_out = left.len().saturating_sub(MOST_SET_ASIDE);
        Kept { tokens: left.split_off(crowded_out), crowded_out }
    }
}
