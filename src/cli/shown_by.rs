//! How somebody sees whether something was done that nobody said of.

use super::operation::Operation;

impl Operation {
    /// The command that shows what it changed; none where it changes nothing.
    pub(super) fn shown_by(&self) -> Option<&'static str> {
        match self {
            Self::AddCredentials(_) => Some("endo credentials ls"),
            Self::AddDevice(_) | Self::RevokeDevice(_) | Self::RevokeAllDevices(_) => Some("endo devices ls"),
            Self::ForgetCredentials(_) | Self::CatchUp(_) => Some("endo receipts"),
            Self::RotateKey | Self::MigrateRecords(_) => Some("endo keys ls"),
            Self::ReplayDeadLetter(_) => Some("endo dead-letters ls"),
            Self::Mend(_) => Some("endo doctor"),
            Self::Locate
            | Self::ListDevices
            | Self::ListCredentials
            | Self::ShowCredentials(_)
            | Self::WeighForgetting(_)
            | Self::ListReceipts(_)
            | Self::MakeSignInLink
            | Self::IsBusElsewhere
            | Self::ListKeys
            | Self::ListDeadLetters(_)
            | Self::ShowDeadLetter(_)
            | Self::Examine => None,
        }
    }
}
