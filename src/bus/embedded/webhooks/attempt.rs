//! One call of a webhook: its request (`spec/meshblu.md` 5.3).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::super::target::Call;
use super::answer::Failed;
use crate::egress::{WebhookAddress, WebhookRequest};
use crate::message::DeviceUuid;
use crate::store::NewDelivery;

/// In bytes, all routes of one request together: somewhat more than the longest that the bus makes.
const MAX_ROUTES: usize = 20 << 10;

const MESSAGE_TYPE: HeaderName = HeaderName::from_static("x-meshblu-message-type");
const ROUTE: HeaderName = HeaderName::from_static("x-meshblu-route");
const FORWARDED_ROUTES: HeaderName = HeaderName::from_static("x-meshblu-forwarded-routes");
const UUID: HeaderName = HeaderName::from_static("x-meshblu-uuid");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const DELIVERY_ID: HeaderName = HeaderName::from_static("x-meshblu-delivery-id");

/// What the bus itself says of a delivery: a signature vouches for all of it that is there.
pub(super) static OF_THE_BUS: [HeaderName; 6] =
    [CONTENT_TYPE, UUID, ROUTE, FORWARDED_ROUTES, DELIVERY_ID, MESSAGE_TYPE];

/// The request that brings `delivery` with this body to its webhook. Of headers that both have, the bus's win; but for
/// `Accept`, which is the device's to say.
pub(super) fn request(
    delivery: &NewDelivery,
    call: Call,
    token: Option<&str>,
    body: Bytes,
) -> Result<WebhookRequest, Failed> {
    let Call { webhook, forwarded, .. } = call;
    let address = WebhookAddress::parse(&webhook.url).map_err(|_| Failed::for_good("bad address"))?;
    let routes = [(ROUTE, delivery.route.as_ref()), (FORWARDED_ROUTES, forwarded.as_ref())];
    if routes.iter().filter_map(|(_, route)| *route).map(String::len).sum::<usize>() > MAX_ROUTES {
        return Err(Failed::for_good("route too long"));
    }
    let mut headers = HeaderMap::new();
    headers.extend(webhook.headers);
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(MESSAGE_TYPE, value(&delivery.event)?);
    headers.insert(UUID, value(delivery.device.as_str())?);
    headers.insert(DELIVERY_ID, value(delivery.id.as_str())?);
    for (name, route) in routes {
        if let Some(route) = route {
            headers.insert(name, value(route)?);
        }
    }
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, bearer(&delivery.device, token)?);
    }
    Ok(WebhookRequest { method: webhook.method, address, headers, body })
}

/// Asks a gateway whose job takes longer than a call may to say in time that it has the message (RFC 7240).
pub(super) fn asking_for_an_answer_within(limit: Duration, mut request: WebhookRequest) -> WebhookRequest {
    let wait = HeaderValue::try_from(format!("respond-async, wait={}", limit.as_secs() * 2 / 3));
    request.headers.entry(PREFER).or_insert(wait.expect("digits can be sent in a header"));
    request
}

pub(super) fn value(text: &str) -> Result<HeaderValue, Failed> {
    HeaderValue::from_str(text).map_err(|_| Failed::for_good("header not sendable"))
}

fn bearer(device: &DeviceUuid, token: &str) -> Result<HeaderValue, Failed> {
    let pair = Zeroizing::new(format!("{device}:{token}"));
    let text = Zeroizing::new(format!("Bearer {}", *Zeroizing::new(STANDARD.encode(pair.as_bytes()))));
    let mut header = value(&text)?;
    header.set_sensitive(true);
    Ok(header)
}
