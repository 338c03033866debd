//! By which errors a token endpoint says that a grant is not good: those that mean so everywhere, and those of one API.

use crate::config;
use crate::source::provider::Provider;
use crate::source::settled::SourceError;

/// The standard's name first (RFC 6749, 5.2), then what providers call it, then what OpenID Connect has for a sign-in that takes a
/// person (Core 1.0, 3.1.2.6).
const EVERYWHERE: [&str; 9] = [
    "invalid_grant",
    "bad_refresh_token",
    "bad_verification_code",
    "invalid_refresh_token",
    "invalid_code",
    "interaction_required",
    "login_required",
    "consent_required",
    "account_selection_required",
];
/// What speaks of the client or of the moment, whoever says it.
const OF_NO_GRANT: [&str; 5] =
    ["invalid_client", "unauthorized_client", "server_error", "temporarily_unavailable", "slow_down"];

/// The errors by which a token endpoint says that a code or a refresh token is not good: nothing but a sign-in helps.
#[derive(Clone, Debug, Default)]
pub struct BadGrants {
    further: Vec<String>,
}

impl BadGrants {
    /// Those that mean so everywhere, those of the provider's entry and those of the settings.
    ///
    /// # Errors
    /// [`SourceError::Entry`] where one of the settings cannot mean that.
    pub(super) fn settle(
        settings: &config::Source,
        provider: Option<&Provider>,
    ) -> Result<Self, SourceError> {
        let is_letter = |letter: u8| letter.is_ascii_graphic() && !b"\"\\".contains(&letter);
        let is_code = |code: &str| !code.is_empty() && code.bytes().all(is_letter);
        let own = &settings.refresh_over;
        if let Some(code) = own.iter().find(|code| !is_code(code) || is_one_of(&OF_NO_GRANT, code)) {
            let expected = "an error by which an API says that a sign-in is over";
            return Err(SourceError::Entry { setting: "source.refresh_over", entry: code.clone(), expected });
        }
        let known = provider.map(|provider| provider.refresh.over.as_slice()).unwrap_or_default();
        Ok(Self { further: [known, own].concat() })
    }

    /// Whether this is one, in whichever case.
    pub(super) fn contains(&self, error: &str) -> bool {
        is_one_of(&EVERYWHERE, error) || self.further.iter().any(|code| code.eq_ignore_ascii_case(error))
    }
}

fn is_one_of(codes: &[&str], error: &str) -> bool {
    codes.iter().any(|code| code.eq_ignore_ascii_case(error))
}
