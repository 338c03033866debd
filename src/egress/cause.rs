//! What was met on the way of a call, in fixed texts: errors of libraries quote what was received.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;

use rustls::CertificateError;
use thiserror::Error;
use tokio_tungstenite::tungstenite;

/// What an error of a library comes to. The texts are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Cause {
    /// No address of the name was found.
    #[error("no address of the name was found")]
    NoAddress,
    /// The system says this of the connection, such as that it was refused.
    #[error("{0}")]
    System(io::ErrorKind),
    /// The certificate is of a name that is not the host's.
    #[error("the certificate is not valid for the name of the host")]
    CertificateOfAnother,
    /// The certificate was issued by nobody that this machine trusts.
    #[error("the issuer of the certificate is not trusted on this machine")]
    UntrustedIssuer,
    /// The certificate is over.
    #[error("the certificate has expired, or this machine's clock is wrong")]
    ExpiredCertificate,
    /// The certificate is to be valid later.
    #[error("the certificate is not valid yet, or this machine's clock is wrong")]
    EarlyCertificate,
    /// The certificate cannot be trusted for another reason.
    #[error("the certificate cannot be trusted")]
    BadCertificate,
    /// There is no TLS, or none that both sides understand.
    #[error("no TLS was agreed on")]
    Tls,
    /// What came is not HTTP.
    #[error("what came is no HTTP")]
    NotHttp,
    /// What came is not what a WebSocket carries.
    #[error("what came is no WebSocket's")]
    NotWebSocket,
    /// The other side ended the connection too early.
    #[error("the connection ended too early")]
    Ended,
    /// Anything else.
    #[error("an unknown cause")]
    Unknown,
}

impl Cause {
    /// The one that is furthest down among all that an error came from.
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Self {
        causes(error).filter_map(Self::told_by).last().unwrap_or(Self::Unknown)
    }

    fn told_by(error: &(dyn StdError + 'static)) -> Option<Self> {
        if error.is::<NoAddress>() {
            Some(Self::NoAddress)
        } else if let Some(error) = error.downcast_ref::<io::Error>() {
            Some(Self::System(error.kind()))
        } else if let Some(error) = error.downcast_ref::<rustls::Error>() {
            Some(Self::of_tls(error))
        } else if let Some(error) = error.downcast_ref::<hyper::Error>() {
            Self::of_http(error)
        } else if let Some(error) = error.downcast_ref::<reqwest::Error>() {
            error.is_timeout().then_some(Self::System(io::ErrorKind::TimedOut))
        } else if let Some(error) = error.downcast_ref::<tungstenite::Error>() {
            Self::of_web_socket(error)
        } else {
            None
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(error) = error else { return Self::Tls };
        match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::CertificateOfAnother
            }
            CertificateError::UnknownIssuer => Self::UntrustedIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::ExpiredCertificate,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::EarlyCertificate
            }
            _ => Self::BadCertificate,
        }
    }

    fn of_http(error: &hyper::Error) -> Option<Self> {
        if error.is_parse() {
            Some(Self::NotHttp)
        } else if error.is_timeout() {
            Some(Self::System(io::ErrorKind::TimedOut))
        } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            Some(Self::Ended)
        } else {
            None
        }
    }

    fn of_web_socket(error: &tungstenite::Error) -> Option<Self> {
        match error {
            tungstenite::Error::Io(_) => None,
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => Some(Self::Ended),
            _ => Some(Self::NotWebSocket),
        }
    }
}

/// An error and all that it came from, also what a system's error wraps.
pub(super) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().map(|wrapped| wrapped as &(dyn StdError + 'static)),
        None => error.source(),
    })
}

/// Nobody finds an address of a name. It does not say why: resolvers have no fixed words.
#[derive(Debug, Error)]
#[error("no address of the name was found")]
pub(super) struct NoAddress;
