//! Both signatures of a webhook's request: the form of old for whoever knows no other, RFC 9421 for ours.

use http::header::{AUTHORIZATION, DATE};
use http::{HeaderName, HeaderValue};

use super::super::EmbeddedBus;
use super::answer::Failed;
use super::attempt::{OF_THE_BUS, value};
use crate::ambient::Timestamp;
use crate::egress::WebhookRequest;
use crate::message::DeviceUuid;
use crate::signature::{MessageSignature, Request};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");

/// The request of a webhook of `owner`, signed now. Keys and long bodies cost milliseconds: a thread of its own does it.
pub(super) async fn signed(
    bus: &EmbeddedBus,
    owner: &DeviceUuid,
    mut request: WebhookRequest,
) -> Result<WebhookRequest, Failed> {
    let (bus, owner) = (bus.clone(), owner.clone());
    let signing = tokio::task::spawn_blocking(move || {
        let now = bus.clock.now();
        sign_as_of_old(&bus, &owner, now, &mut request)?;
        sign(&bus, now, &mut request)?;
        Ok(request)
    });
    signing.await.unwrap_or_else(|_| Err(Failed::again("not signed")))
}

/// Date and owner are signed (`spec/meshblu.md` 5.3).
fn sign_as_of_old(
    bus: &EmbeddedBus,
    owner: &DeviceUuid,
    now: Timestamp,
    request: &mut WebhookRequest,
) -> Result<(), Failed> {
    let signature = bus.signers.old.sign(owner.as_str(), now);
    request.headers.insert(DATE, value(&signature.date)?);
    request.headers.insert(AUTHORIZATION, value(&signature.authorization)?);
    Ok(())
}

/// Method, address, body and all that the bus says are signed.
fn sign(bus: &EmbeddedBus, now: Timestamp, request: &mut WebhookRequest) -> Result<(), Failed> {
    let fields: Vec<_> = OF_THE_BUS
        .iter()
        .filter_map(|name| Some((name.as_str(), request.headers.get(name)?.as_bytes())))
        .collect();
    let signature = bus.signers.own.sign(
        &Request {
            method: request.method.as_str(),
            scheme: request.address.scheme(),
            authority: request.address.authority(),
            target: &request.address.target(),
            fields: &fields,
            body: &request.body,
        },
        now,
    );
    let MessageSignature { content_digest, signature_input, signature } =
        signature.map_err(|_| Failed::for_good("header not sendable"))?;
    for (name, text) in
        [(CONTENT_DIGEST, content_digest), (SIGNATURE_INPUT, signature_input), (SIGNATURE, signature)]
    {
        request.headers.insert(name, HeaderValue::try_from(text).expect("signatures are visible ASCII"));
    }
    Ok(())
}
