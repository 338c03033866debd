//! An end of tokens at the API, and what it may take along: the one set of rules by which others are left alone for their sake, and
//! by which sign-ins and ends that are under way mind each other.

use super::left::Left;
use super::strays::whose;
use crate::credentials::CredentialsDevices;
use crate::store::{Fingerprint, QueuedRevocation};
use crate::vault::{Credentials, Grant, ResourceOwnerId, SecretText};

/// Tokens by their hashes, and whose they are where that is known.
#[derive(Clone, Debug)]
pub(in crate::credentials) struct Tokens {
    hashes: Vec<Fingerprint>,
    /// Others of their lines: what was given for one, or it for that, counts as one of them.
    kin: Vec<Fingerprint>,
    /// What is set aside beside them, for it may end with them.
    aside: Vec<Fingerprint>,
    /// Whether a refresh token came with them.
    renew: bool,
    account: Option<ResourceOwnerId>,
}

/// How far an end goes beyond the very tokens that the API is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Not at all.
    Alone,
    /// To what came of the same grant.
    Grant,
    /// To all that the account gave.
    Account,
}

/// An end of tokens.
#[derive(Clone, Debug)]
pub(super) struct End {
    tokens: Tokens,
    /// Whether such as came with a refresh token are among them, and such as came without.
    are_both: bool,
    /// Whether it is beyond doubt whose they are, so that nothing of others can be of their grant.
    is_known: bool,
    reach: Reach,
}

impl Tokens {
    /// Those of these credentials.
    pub(super) fn held_in(credentials: &Credentials) -> Self {
        let pair = Self::pair(credentials.secret(), credentials.refresh_token());
        let aside = credentials.set_aside().iter().flat_map(Grant::tokens).map(SecretText::fingerprint);
        Self { account: credentials.id().cloned(), aside: aside.collect(), ..pair }
    }

    /// These, of an account that is not known.
    pub(in crate::credentials) fn pair(access: &SecretText, refresh: Option<&SecretText>) -> Self {
        let hashes = refresh.into_iter().chain([access]).map(SecretText::fingerprint).collect();
        Self { hashes, kin: Vec::new(), aside: Vec::new(), renew: refresh.is_some(), account: None }
    }

    /// The same, of this account.
    #[must_use]
    pub(in crate::credentials) fn of(self, account: ResourceOwnerId) -> Self {
        Self { account: Some(account), ..self }
    }

    /// The same, with others of their lines.
    #[must_use]
    pub(in crate::credentials) fn and(self, kin: Vec<Fingerprint>) -> Self {
        Self { kin, ..self }
    }

    /// Whether they are of this account, in whatever form it is told.
    pub(super) fn may_be_of(&self, account: &ResourceOwnerId) -> bool {
        self.account.as_ref().is_some_and(|other| other.may_be(account))
    }

    /// Whether this is one of them, or set aside beside them.
    pub(super) fn have(&self, token: &Fingerprint) -> bool {
        self.hashes.contains(token) || self.kin.contains(token) || self.aside.contains(token)
    }

    /// Whether one of these is among others. What came of what is set aside there is not.
    fn share_one_with(&self, others: &Self) -> bool {
        let is_used = |token: &Fingerprint| others.hashes.contains(token) || others.kin.contains(token);
        self.hashes.iter().any(|token| others.have(token)) || self.kin.iter().any(is_used)
    }
}

impl End {
    /// Whose tokens end, as far as that is known.
    pub(super) fn account(&self) -> Option<&ResourceOwnerId> {
        self.tokens.account.as_ref()
    }

    /// The same, with others of their lines.
    #[must_use]
    pub(super) fn and(self, lines: Vec<Fingerprint>) -> Self {
        Self { tokens: self.tokens.and(lines), ..self }
    }

    /// The same where nobody knows what else of the account ends with them.
    #[must_use]
    pub(super) fn of_all_of_the_account(self) -> Self {
        Self { reach: Reach::Account, ..self }
    }

    /// Whether it takes along all that the account gave.
    pub(super) fn is_of_all(&self) -> bool {
        self.reach == Reach::Account
    }

    /// Whether these may end with it.
    pub(super) fn takes(&self, held: &Tokens) -> bool {
        self.tokens.share_one_with(held)
            || match self.reach {
                Reach::Alone => false,
                Reach::Account if self.is_of_account_of(held) => true,
                Reach::Grant | Reach::Account => self.may_be_of_one_grant(held),
            }
    }

    /// An API that gives no refresh token a second time counts what came with it and what came without to one grant. Of tokens of
    /// which nobody knows for sure whose they are, those that came without one may be of anybody's grant.
    fn may_be_of_one_grant(&self, held: &Tokens) -> bool {
        match self.is_of_account_of(held) {
            true => self.are_both || held.renew != self.tokens.renew,
            false => !self.is_known && held.renew && !self.tokens.renew,
        }
    }

    fn is_of_account_of(&self, held: &Tokens) -> bool {
        self.account().is_some_and(|account| held.may_be_of(account))
    }
}

impl CredentialsDevices {
    /// The end of all that is left of this sealed copy.
    pub(super) fn end_of(&self, revocation: &QueuedRevocation, left: &Left) -> End {
        let account = whose(revocation, &left.opened).cloned();
        let is_known = account.is_some() && revocation.receipt.is_some();
        let hashes = left.grants.tokens().map(SecretText::fingerprint).collect();
        let (renew, renew_aside) = left.grants.renew();
        let tokens = Tokens { hashes, kin: Vec::new(), aside: Vec::new(), renew, account };
        End { are_both: renew_aside && !renew, is_known, reach: self.reach(renew || renew_aside), tokens }
    }

    /// The end of tokens of which nobody knows whose they are.
    pub(super) fn end_of_nobodys(&self, access: &SecretText, refresh: Option<&SecretText>) -> End {
        let (tokens, reach) = (Tokens::pair(access, refresh), self.reach(refresh.is_some()));
        End { tokens, are_both: false, is_known: false, reach }
    }

    /// How far the end of tokens goes among which a refresh token is, or may be.
    fn reach(&self, may_renew: bool) -> Reach {
        let settings = self.upstream.as_ref().map(|client| client.settings());
        match settings {
            Some(settings) if settings.revokes_access_alone() && !may_renew => Reach::Alone,
            Some(settings) if settings.revokes_one_alone() => Reach::Grant,
            _ => Reach::Account,
        }
    }
}
