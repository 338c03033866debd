//! HTTP signatures: who is believed, who is not, and that others who know the rules agree.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bad_input;
mod dates;
mod forge;
mod keys;
mod old_bus;
mod ours;
mod properties;
mod recorded;
mod several;
mod with_http_signature;
mod with_httpsig;

use std::error::Error;
use std::time::Duration;

use endo::ambient::{Random, Timestamp};
use endo::signature::{
    Ed25519PrivateKey, MessageSignature, MessageSigner, Policy, Refusal, Request, RsaPublicKey, Verified,
    Verifier,
};
use serde_json::Value;

/// 15 January 2026, 12:00:00 UTC: the time of the recorded requests.
const NOW: Timestamp = Timestamp::from_millis(1_768_478_400_000);
const DATE: &str = "Thu, 15 Jan 2026 12:00:00 GMT";
const SERVICE: &str = "service-uuid-0001";
const BODY: &[u8] = br#"{"metadata":{"jobType":"SayHello"},"data":{}}"#;

/// The requests recorded from the original, its keys, its verdicts and ours.
fn recorded() -> Value {
    serde_json::from_str(include_str!("../../fixtures/http-signatures.json")).unwrap()
}

fn recorded_pem(name: &str) -> String {
    recorded()[name].as_str().unwrap().to_owned()
}

/// A request that a test can change before it is judged.
#[derive(Clone, Debug)]
struct Draft {
    method: String,
    scheme: String,
    authority: String,
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Draft {
    /// A webhook with nothing signed.
    fn webhook() -> Self {
        let mut draft = Self {
            method: "POST".to_owned(),
            scheme: "https".to_owned(),
            authority: "endo.example.com".to_owned(),
            target: "/v2/messages".to_owned(),
            fields: Vec::new(),
            body: BODY.to_vec(),
        };
        draft.set("Content-Type", "application/json");
        draft.set("X-MESHBLU-UUID", SERVICE);
        draft.set("X-MESHBLU-ROUTE", r#"[{"from":"a","to":"b","type":"message.sent"}]"#);
        draft.set("X-MESHBLU-DELIVERY-ID", "delivery-1");
        draft
    }

    fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.remove(name);
        self.add(name, value);
    }

    fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.fields.push((name.to_owned(), value.into()));
    }

    fn remove(&mut self, name: &str) {
        self.fields.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    fn field(&self, name: &str) -> &str {
        std::str::from_utf8(self.field_bytes(name)).unwrap()
    }

    fn field_bytes(&self, name: &str) -> &[u8] {
        &self.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).unwrap().1
    }

    /// Changes the text of a field.
    fn edit(&mut self, name: &str, edit: impl FnOnce(&str) -> String) {
        let value = edit(self.field(name));
        self.set(name, value);
    }

    /// Hands the request to `see`, as the program sees it.
    fn seen<T>(&self, see: impl FnOnce(&Request<'_>) -> T) -> T {
        let fields: Vec<_> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        see(&Request {
            method: &self.method,
            scheme: &self.scheme,
            authority: &self.authority,
            target: &self.target,
            fields: &fields,
            body: &self.body,
        })
    }

    fn sign(&mut self, signer: &MessageSigner) {
        self.sign_at(signer, NOW);
    }

    fn sign_at(&mut self, signer: &MessageSigner, now: Timestamp) {
        self.remove("Content-Digest");
        let signed = self.seen(|request| signer.sign(request, now).unwrap());
        let MessageSignature { content_digest, signature_input, signature } = signed;
        self.set("Content-Digest", content_digest);
        self.set("Signature-Input", signature_input);
        self.set("Signature", signature);
    }

    /// The verdict at `NOW`.
    fn verdict(&self, verifier: &Verifier) -> Result<(), Refusal> {
        self.verdict_at(verifier, NOW)
    }

    fn verdict_at(&self, verifier: &Verifier, now: Timestamp) -> Result<(), Refusal> {
        self.judged(verifier, now, |_| ())
    }

    /// What `see` finds in the request if it is believed.
    fn judged<T>(
        &self,
        verifier: &Verifier,
        now: Timestamp,
        see: impl FnOnce(&Verified<'_>) -> T,
    ) -> Result<T, Refusal> {
        self.seen(|request| verifier.verify(request, now).map(|verified| see(&verified)))
    }
}

fn signer() -> MessageSigner {
    MessageSigner::new(Ed25519PrivateKey::generate(&Random::system()))
}

/// Trusts this signer as a bus of ours.
fn trusting(signer: &MessageSigner) -> Verifier {
    Verifier::new().trusting(signer.key_id(), signer.key().public(), Policy::bus())
}

/// Trusts the recorded bus.
fn trusting_old_bus() -> Verifier {
    let key = RsaPublicKey::from_pem(&recorded_pem("meshbluPublicKeyPem")).unwrap();
    Verifier::new().trusting_old_bus(key, Policy::legacy_bus())
}

/// Three hundred seconds later, and earlier, a signature made now still counts, and not a moment more.
fn counts_for_three_hundred_seconds(draft: &Draft, verifier: &Verifier) {
    let window = Duration::from_secs(300);
    let beyond = window + Duration::from_millis(1);
    for (now, verdict) in [
        (NOW.plus(window), Ok(())),
        (NOW.minus(window), Ok(())),
        (NOW.plus(beyond), Err(Refusal::TooOld)),
        (NOW.minus(beyond), Err(Refusal::TooNew)),
    ] {
        assert_eq!(draft.verdict_at(verifier, now), verdict);
    }
}

/// All that an error says, causes included.
fn told(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(" {error} {error:?}");
        cause = error.source();
    }
    text
}
