//! What is known of the refresh token that a sign-in brought: others may have sent it, or spent it by now.

use super::incoming::Incoming;
use crate::credentials::{Account, CredentialsError};
use crate::source::renewal::IssuedToken;
use crate::store::{CopyOfLine, RenewalStage, StoreError, StoredRefreshToken, View};
use crate::vault::{Credentials, SecretText};

/// What renews a secret, and what is known of that.
pub(super) struct RefreshToken {
    pub(super) token: SecretText,
    pub(super) known: StoredRefreshToken,
    /// By which client of the API it came, where that is known and the sign-in did not bring it.
    pub(super) client: Option<String>,
    /// Whether it came of a sign-in before that of the access token, where that one did not bring it.
    pub(super) is_of_another_sign_in: bool,
}

/// What is known of a refresh token that a sign-in brought.
#[derive(Default, PartialEq)]
pub(super) struct BroughtToken {
    known: Option<StoredRefreshToken>,
    /// What was given for it, where no record came to hold that and it is to end.
    heir: Option<CopyOfLine>,
}

/// What was given for a refresh token that a sign-in brought.
pub(super) struct Heir<'a> {
    pub(super) copy: &'a CopyOfLine,
    pub(super) opened: Credentials,
}

impl BroughtToken {
    /// Looks at what is known of it.
    pub(super) fn look(view: &View<'_>, account: &Account) -> Result<Self, StoreError> {
        let Some(token) = &account.refresh_token else { return Ok(Self::default()) };
        let known = view.refresh_token(&token.fingerprint())?;
        let spent = known.as_ref().filter(|known| known.stage == RenewalStage::Spent);
        let heir = match spent {
            Some(spent) => view.copy_of_line(&spent.line)?,
            None => None,
        };
        Ok(Self { known, heir })
    }
}

impl Incoming {
    /// The refresh token that the account brought.
    pub(super) fn issued<'a>(&'a self, brought: &'a BroughtToken) -> Option<IssuedToken<'a>> {
        let Account { refresh_token, asked, .. } = &*self.account;
        let (token, came) = (refresh_token.as_ref()?, self.came);
        let (known, is_succeeded) = (brought.known.as_ref(), brought.heir.is_some());
        let asked = asked.map(|asked| asked.after);
        Some(IssuedToken { token, known, is_succeeded, asked, came })
    }

    /// What was given for the refresh token that the account brought, where nobody holds it and it is the account's. Costs
    /// milliseconds: not for async threads.
    pub(super) fn heir<'a>(&self, brought: &'a BroughtToken) -> Result<Option<Heir<'a>>, CredentialsError> {
        let Self { devices, account, .. } = self;
        let Some(copy) = &brought.heir else { return Ok(None) };
        let opened = devices.opener.open_once_now(&copy.credentials, &copy.record);
        // What does not open is no use to anybody.
        let opened = devices.sealing.only_of(&account.id, &copy.record, opened).ok().flatten();
        Ok(opened.map(|opened| Heir { copy, opened }))
    }
}
