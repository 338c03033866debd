//! The requests of a firehose: handshakes, polls, posts and upgrades.

use actix_web::http::header::SET_COOKIE;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::asked::{Asked, Transport as Asks};
use super::conversation::{Call, Transport};
use super::rejection::Rejection;
use super::{handshake, payloads, polling, websocket};
use crate::bus::embedded::api::server::Door;
use crate::bus::engine_io::{Packet, PacketType};

type Answer = Result<HttpResponse, Rejection>;

/// Everything under the prefix: the device is the path's last segment, or is not named.
pub(in super::super) fn routes(config: &mut ServiceConfig) {
    config.service(
        web::resource("/socket.io{rest:(/.*)?}")
            .route(web::get().to(get))
            .route(web::post().to(post))
            .default_service(web::to(other)),
    );
}

async fn get(door: Data<Door>, request: HttpRequest, payload: Payload) -> Answer {
    let asked = Asked::of(&request)?;
    match (asked.transport, &asked.sid) {
        (Asks::Polling, None) => begin_polling(&door, &request, &asked).await,
        (Asks::WebSocket, None) => begin_websocket(&door, &request, payload, &asked).await,
        (Asks::Polling, Some(sid)) => {
            let session = door.sessions.find(sid, asked.device.as_ref())?;
            let batch = polling::poll(&session).await?;
            payloads::answer(&door.answers, HttpResponse::Ok(), batch, asked.framing)
        }
        (Asks::WebSocket, Some(sid)) => {
            let session = door.sessions.find(sid, asked.device.as_ref())?;
            let (response, socket) = websocket::open(&request, payload, session.clone())?;
            polling::call(&session, Call::Knock(socket)).await?;
            Ok(response)
        }
    }
}

async fn begin_polling(door: &Data<Door>, request: &HttpRequest, asked: &Asked) -> Answer {
    let admitted = handshake::admit(door, request, asked).await?;
    let (sid, session) = (admitted.seat.sid.clone(), admitted.calls.clone());
    admitted.begin(door, Transport::Polling(None));
    let batch = polling::poll(&session).await?;
    let mut response = HttpResponse::Ok();
    // For balancers that keep a session at one server; nobody here reads it.
    response.insert_header((SET_COOKIE, format!("io={sid}; Path=/; HttpOnly")));
    payloads::answer(&door.answers, response, batch, asked.framing)
}

async fn begin_websocket(
    door: &Data<Door>,
    request: &HttpRequest,
    payload: Payload,
    asked: &Asked,
) -> Answer {
    let admitted = handshake::admit(door, request, asked).await?;
    let (response, socket) = websocket::open(request, payload, admitted.calls.clone())?;
    admitted.begin(door, Transport::WebSocket(socket));
    Ok(response)
}

/// Packets of the client. A payload that is none ends the session.
async fn post(door: Data<Door>, request: HttpRequest, payload: Payload) -> Answer {
    let asked = Asked::of(&request)?;
    let sid = asked.sid.as_deref().ok_or(Rejection::HandshakeMethod)?;
    let session = door.sessions.find(sid, asked.device.as_ref())?;
    let packets = payloads::read(&request, payload, &door.limits).await;
    let refused = matches!(packets, Err(Rejection::BadRequest));
    let said = if refused { vec![Packet::bare(PacketType::Close)] } else { packets? };
    polling::call(&session, Call::Said(said)).await?;
    if refused {
        return Err(Rejection::BadRequest);
    }
    Ok(HttpResponse::Ok().content_type("text/html").body("ok"))
}

async fn other() -> Answer {
    Err(Rejection::BadRequest)
}
