//! What the doctor says of one thing that it looked at.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gateway::Exposed;
use crate::message::DeviceUuid;
use crate::store::StoredSubscription;

/// One thing that was looked at.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Check {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) verdict: Verdict,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "camelCase")]
pub(super) enum Verdict {
    /// As it should be.
    Well {
        /// In a few words.
        says: String,
    },
    /// Does not apply, or could not be looked at.
    Skipped {
        /// Why.
        says: String,
    },
    /// Not as it should be.
    Wrong(Finding),
}

/// Something that is not as it should be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Finding {
    /// What it is.
    pub(super) wrong: String,
    /// What it keeps from working.
    pub(super) why: String,
    /// What would make it right.
    pub(super) change: Change,
    /// What was said when it was tried in vain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<String>,
}

/// What makes something right.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) enum Change {
    /// This update of the service device.
    Update(Value),
    /// These updates of it, one after the other.
    Updates(Vec<Value>),
    /// This subscription.
    Subscribe(StoredSubscription),
    /// A further token of the first owner, in its file.
    OwnerToken,
    /// Everybody taken off the lists by which they have these devices of the embedded bus in their hands.
    CloseDevices(Vec<DeviceUuid>),
    /// Other users of this machine kept out of these.
    Close(Vec<Exposed>),
    /// Something that only the operator can do.
    Operator(String),
}

impl Check {
    pub(super) fn well(name: &str, says: impl Into<String>) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Well { says: says.into() } }
    }

    pub(super) fn skipped(name: &str, says: impl Into<String>) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Skipped { says: says.into() } }
    }

    pub(super) fn wrong(name: &str, wrong: impl Into<String>, why: &str, change: Change) -> Self {
        let finding = Finding { wrong: wrong.into(), why: why.to_owned(), change, refusal: None };
        Self { name: name.to_owned(), verdict: Verdict::Wrong(finding) }
    }

    /// What is wrong, if anything is.
    pub(super) fn finding(&self) -> Option<&Finding> {
        match &self.verdict {
            Verdict::Wrong(finding) => Some(finding),
            Verdict::Well { .. } | Verdict::Skipped { .. } => None,
        }
    }

    /// Whether the doctor can make it right, as far as it knows.
    pub(super) fn is_mendable(&self) -> bool {
        let may =
            |finding: &Finding| !matches!(finding.change, Change::Operator(_)) && finding.refusal.is_none();
        self.finding().is_some_and(may)
    }

    /// Notes what was said when it was to be made right, if anything still is to be.
    pub(super) fn note_refusal(&mut self, refusal: String) {
        if let Verdict::Wrong(finding) = &mut self.verdict {
            finding.refusal = Some(refusal);
        }
    }
}

impl Change {
    pub(super) fn operator(text: impl Into<String>) -> Self {
        Self::Operator(text.into())
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Update(update) => write!(f, "update the service device: {update}"),
            Self::Updates(updates) => {
                let updates: Vec<_> = updates.iter().map(Value::to_string).collect();
                write!(f, "update the service device: {}", updates.join(", then "))
            }
            Self::Subscribe(subscription) => {
                write!(
                    f,
                    "subscribe {} to {} of {}",
                    subscription.subscriber_uuid, subscription.kind, subscription.emitter_uuid
                )
            }
            Self::OwnerToken => {
                f.write_str("give the first owner a further token, and keep it in owner.json")
            }
            Self::CloseDevices(devices) => {
                let devices: Vec<_> = devices.iter().map(DeviceUuid::as_str).collect();
                write!(
                    f,
                    "take everybody (*) off those lists of {}. Tokens that others made of them before stay good until \
                     `DELETE /devices/UUID/tokens` at the bus ends them all, those of the owner too",
                    devices.join(", ")
                )
            }
            Self::Close(exposed) => {
                f.write_str(&exposed.iter().map(Exposed::remedy).collect::<Vec<_>>().join("; "))
            }
            Self::Operator(text) => write!(f, "for you to do: {text}"),
        }
    }
}
