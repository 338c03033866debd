//! One keep-alive HTTP/1.1 connection of the load: few copies, few allocations, because it shares the cores.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection whose answers say how long they are, if they have a body.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    /// Sends a request and waits for the end of its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        while message_length(&self.buffer).is_none_or(|length| length > self.buffer.len()) {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server closed a connection");
        }
        assert!(self.buffer.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&self.buffer));
    }

    /// Asks for a document and waits for the first bytes of a good answer.
    pub(crate) async fn ask(mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.stream.read_buf(&mut self.buffer).await.unwrap();
        assert!(self.buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.buffer));
    }

    /// Sends a request whose answer goes on for ever, and gives the bytes after its head as they come.
    pub(crate) async fn read_along(mut self, request: &[u8], mut take: impl FnMut(&[u8])) {
        self.stream.write_all(request).await.unwrap();
        loop {
            self.buffer.clear();
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(read) if read > 0 => take(&self.buffer),
                _ => return,
            }
        }
    }
}

/// How long the message is that `bytes` begin with, body included; `None` while its head is not whole.
pub(crate) fn message_length(bytes: &[u8]) -> Option<usize> {
    const LENGTH: &[u8] = b"\r\ncontent-length: ";
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let length = bytes[..head].windows(LENGTH.len()).position(|name| name == LENGTH);
    let digits = length.map_or(&[][..], |at| &bytes[at + LENGTH.len()..head]);
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    Some(head + digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
}

/// A POST with this body, in the name of a device.
pub(crate) fn post(path: &str, uuid: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         meshblu_auth_uuid: {uuid}\r\nmeshblu_auth_token: {token}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A GET in the name of a device.
pub(crate) fn get(path: &str, uuid: &str, token: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\n\
         meshblu_auth_uuid: {uuid}\r\nmeshblu_auth_token: {token}\r\n\r\n"
    )
    .into_bytes()
}
