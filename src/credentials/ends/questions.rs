//! The questions by which what is left of a sealed copy ends, in the order in which the API is asked.

use super::left::Grants;
use crate::source::oauth2::TokenKind;
use crate::store::Fingerprint;
use crate::vault::{Clients, Grant, SecretText};

/// What the API is asked to end by one answer.
pub(super) enum Question<'a> {
    /// One token (RFC 7009), which may have come with that beside it.
    Token { token: &'a SecretText, kind: TokenKind, beside: Option<&'a SecretText> },
    /// A grant, where the API's way takes an access token alone. What has none ends by what its refresh token brings.
    Grant { access: Option<&'a SecretText>, refresh: Option<&'a SecretText>, clients: &'a Clients },
}

impl Question<'_> {
    /// What is over by the answer.
    pub(super) fn tokens(&self) -> Vec<Fingerprint> {
        let tokens = match *self {
            Self::Token { token, .. } => [Some(token), None],
            Self::Grant { access, refresh, .. } => [access, refresh],
        };
        tokens.into_iter().flatten().map(SecretText::fingerprint).collect()
    }
}

impl Grants {
    /// For one token after the other, the refresh token of each grant first, which often ends the other too.
    pub(super) fn by_token(&self) -> Vec<Question<'_>> {
        self.each().flat_map(|grant| grant.tokens().map(|token| for_token(grant, token))).collect()
    }

    /// For one grant after the other by its access token. What has a refresh token alone comes last, that which was in use after all
    /// others: an access token may end it of which nobody knows that it is of the same grant, and nothing is renewed for its end
    /// then.
    pub(super) fn by_access_alone(&self) -> Vec<Question<'_>> {
        let by_access = self.each().filter_map(|grant| {
            let refresh = grant.refresh.as_ref().filter(|_| !is_split(grant));
            Some(Question::Grant { access: Some(grant.access.as_ref()?), refresh, clients: &grant.clients })
        });
        let alone = self.aside.iter().chain(&self.used).filter(|grant| is_split(grant));
        let by_refresh = alone.filter_map(|grant| {
            let refresh = Some(grant.refresh.as_ref()?);
            Some(Question::Grant { access: None, refresh, clients: &grant.clients })
        });
        by_access.chain(by_refresh).collect()
    }
}

/// Whether its refresh token does not end by an access token beside it: there is none, or one of a later sign-in, which the API may
/// count by itself.
fn is_split(grant: &Grant) -> bool {
    grant.access.is_none() || grant.clients.are_of_two_sign_ins
}

fn for_token<'a>(grant: &'a Grant, token: &'a SecretText) -> Question<'a> {
    let is_it = |known: &Option<SecretText>| known.as_ref().is_some_and(|known| known.is(token.expose()));
    let kind = match (is_it(&grant.access), is_it(&grant.refresh)) {
        (true, true) => TokenKind::Either,
        (true, false) => TokenKind::Access,
        (false, _) => TokenKind::Refresh,
    };
    let beside = grant.tokens().find(|other| !other.is(token.expose()));
    Question::Token { token, kind, beside }
}
