//! The errors of providers by name, as far as standards or the providers document them.

use std::fmt;

const DOCUMENTED: &[&str] = &[
    // RFC 6749, 4.1.2.1 and 5.2
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "invalid_client",
    "invalid_grant",
    "unsupported_grant_type",
    // RFC 6750, 3.1; RFC 9470, 3
    "invalid_token",
    "insufficient_scope",
    "insufficient_user_authentication",
    // RFC 7009, 2.2.1; RFC 8707, 2
    "unsupported_token_type",
    "invalid_target",
    // RFC 7591, 3.2.2
    "invalid_redirect_uri",
    "invalid_client_metadata",
    "invalid_software_statement",
    "unapproved_software_statement",
    // RFC 8628, 3.5
    "authorization_pending",
    "slow_down",
    "expired_token",
    // RFC 9449, 5 and 8
    "invalid_dpop_proof",
    "use_dpop_nonce",
    // OpenID Connect Core 1.0, 3.1.2.6
    "interaction_required",
    "login_required",
    "account_selection_required",
    "consent_required",
    "invalid_request_uri",
    "invalid_request_object",
    "request_not_supported",
    "request_uri_not_supported",
    "registration_not_supported",
    // GitHub
    "application_suspended",
    "bad_refresh_token",
    "bad_verification_code",
    "device_flow_disabled",
    "incorrect_client_credentials",
    "incorrect_device_code",
    "redirect_uri_mismatch",
    "unverified_user_email",
    // Slack
    "account_inactive",
    "accesslimited",
    "bad_client_secret",
    "bad_redirect_uri",
    "code_already_used",
    "ekm_access_denied",
    "fatal_error",
    "internal_error",
    "invalid_auth",
    "invalid_client_id",
    "invalid_code",
    "invalid_grant_type",
    "invalid_refresh_token",
    "missing_scope",
    "no_permission",
    "no_scopes",
    "not_allowed_token_type",
    "not_authed",
    "oauth_authorization_url_mismatch",
    "org_login_required",
    "preview_feature_not_available",
    "ratelimited",
    "request_timeout",
    "service_unavailable",
    "team_access_not_granted",
    "team_added_to_org",
    "token_expired",
    "token_revoked",
    // Google
    "admin_policy_enforced",
    "deleted_client",
    "disallowed_useragent",
    "org_internal",
    // Microsoft
    "invalid_resource",
];

/// What a provider calls an error, fit for logs: no word of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A name that is documented.
    Known(&'static str),
    /// Any other.
    Other,
}

impl Code {
    /// The code that is written so, in whichever case.
    pub fn of(text: &str) -> Self {
        let known = DOCUMENTED.iter().find(|known| known.eq_ignore_ascii_case(text));
        known.map_or(Self::Other, |known| Self::Known(known))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(code) => code,
            Self::Other => "a code of its own",
        })
    }
}
