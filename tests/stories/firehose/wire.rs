//! A client that says whatever a story wants it to say.

use endo::bus::engine_io::{Framing, read};
use futures_util::{SinkExt, StreamExt};
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::support::bus::{Answer, Device, TestBus, send};

/// A session that polls, with payloads as text.
pub(crate) struct Polling<'a> {
    bus: &'a TestBus,
    path: String,
    pub(super) sid: String,
}

impl<'a> Polling<'a> {
    /// A session of `device`, connected.
    pub(crate) async fn open(bus: &'a TestBus, device: &Device) -> Self {
        let session = Self::shake_hands(bus, device).await;
        session.poll().await.is(200, "2:40");
        session
    }

    /// A session of `device` that was not used yet.
    pub(super) async fn shake_hands(bus: &'a TestBus, device: &Device) -> Self {
        let path = format!("/socket.io/v1/{}/", device.uuid);
        let handshake = send(shown(bus, device, &format!("{path}?EIO=3&transport=polling&b64=1"))).await;
        assert_eq!(handshake.status, 200, "{handshake:?}");
        let opened: Value = serde_json::from_str(handshake.text.split_once(":0").unwrap().1).unwrap();
        Self { bus, path, sid: opened["sid"].as_str().unwrap().to_owned() }
    }

    fn address(&self, transport: &str) -> String {
        format!("{}?EIO=3&transport={transport}&b64=1&sid={}", self.path, self.sid)
    }

    /// A poll as it goes over the wire.
    pub(crate) fn request(&self) -> String {
        format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", self.address("polling"))
    }

    pub(super) async fn poll(&self) -> Answer {
        send(self.bus.anonymous(&format!("GET {}", self.address("polling")))).await
    }

    /// The packets of one poll.
    pub(super) async fn packets(&self) -> Vec<String> {
        let answer = self.poll().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let packets = read(answer.text.as_bytes(), Framing::Text).unwrap();
        packets.iter().map(endo::bus::engine_io::Packet::to_text).collect()
    }

    /// The events of one poll, which brings nothing else.
    pub(super) async fn events(&self) -> Vec<Value> {
        self.packets().await.iter().map(|packet| event(packet)).collect()
    }

    pub(super) async fn post(&self, payload: impl Into<reqwest::Body>) -> Answer {
        let call = format!("POST {}", self.address("polling"));
        send(self.bus.anonymous(&call).header("content-type", "text/plain;charset=UTF-8").body(payload)).await
    }

    /// A websocket for the same session.
    pub(crate) async fn websocket(&self) -> Socket {
        Socket::upgrade(self.bus.anonymous(&format!("GET {}", self.address("websocket")))).await.unwrap()
    }
}

/// A GET that shows the credentials of `device`.
pub(super) fn shown(bus: &TestBus, device: &Device, path: &str) -> RequestBuilder {
    let request = bus.anonymous(&format!("GET {path}"));
    request.header("x-meshblu-uuid", &device.uuid).header("x-meshblu-token", &device.token)
}

/// What `42["message",…]` tells.
pub(super) fn event(packet: &str) -> Value {
    let told: Value = serde_json::from_str(packet.strip_prefix("42").unwrap()).unwrap();
    assert_eq!((&told[0], told.as_array().unwrap().len()), (&Value::from("message"), 2));
    told[1].clone()
}

/// A frame as clients send it, with the mask that changes nothing. `kind` is its first byte (RFC 6455, 5.2).
pub(super) fn frame(kind: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut frame = vec![kind];
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | payload.len() as u8),
        Ok(length) => {
            frame.push(0xfe);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0xff);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// A websocket, frame by frame.
pub(crate) struct Socket(WebSocketStream<reqwest::Upgraded>);

impl Socket {
    /// A session of `device` by a websocket alone, connected.
    pub(crate) async fn open(bus: &TestBus, device: &Device) -> Self {
        let path = format!("/socket.io/v1/{}/?EIO=3&transport=websocket", device.uuid);
        Self::begin(shown(bus, device, &path)).await
    }

    /// The session that this request asks for.
    pub(crate) async fn begin(request: RequestBuilder) -> Self {
        let mut socket = Self::upgrade(request).await.unwrap();
        assert!(socket.text().await.unwrap().starts_with("0{\"sid\":"));
        assert_eq!(socket.text().await.unwrap(), "40");
        socket
    }

    /// The websocket, or the answer that refuses it.
    pub(super) async fn upgrade(request: RequestBuilder) -> Result<Self, (u16, String)> {
        let request = request
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let response = request.send().await.unwrap();
        if response.status() != 101 {
            return Err((response.status().as_u16(), response.text().await.unwrap()));
        }
        let upgraded = response.upgrade().await.unwrap();
        Ok(Self(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await))
    }

    pub(super) async fn say(&mut self, message: impl Into<Message>) {
        // The server may have closed it already; what then follows tells.
        let _ = self.0.send(message.into()).await;
    }

    /// Says these bytes, whatever they are.
    pub(super) async fn say_raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
        self.0.get_mut().flush().await.unwrap();
    }

    /// The code that the websocket is closed with; `None` where it is closed without one.
    pub(super) async fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Message::Close(frame) = self.0.next().await?.ok()? {
                return frame.map(|frame| frame.code.into());
            }
        }
    }

    /// The next text; `None` at the end.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            match self.0.next().await? {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Answers the end, and waits for that of the connection.
    pub(super) async fn closes(mut self) {
        while self.0.next().await.is_some() {}
    }

    /// Says something, reading nothing, for as long as the connection is there.
    pub(super) async fn cut_off(mut self) {
        while self.0.send(Message::Pong(vec![0; 100].into())).await.is_ok() {}
    }

    pub(crate) async fn event(&mut self) -> Value {
        event(&self.text().await.unwrap())
    }
}
