//! Callers who are answered while they are still speaking.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::gateway::TestGateway;

/// As often as it takes for luck to run out.
const TIMES: usize = 20;

async fn gateway() -> TestGateway {
    TestGateway::with("http://127.0.0.1:1", |config| config.bus.body_bytes = 1 << 20).await
}

/// The front door and the bus's API.
fn doors(gateway: &TestGateway) -> [SocketAddr; 2] {
    [gateway.running.gateway(), gateway.running.bus().unwrap()]
}

/// Says everything, piece by piece, before it listens.
async fn say(address: SocketAddr, everything: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    for piece in everything.chunks(10_000) {
        socket.write_all(piece).await.unwrap();
    }
    socket
}

/// What it is answered until the server has nothing more to say.
async fn answer(address: SocketAddr, everything: &[u8]) -> String {
    let mut answer = String::new();
    say(address, everything).await.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A head whose route has so many hops.
fn head(hops: usize) -> Vec<u8> {
    let hop = r#"{"from":"2e2f7f62-6a3b-4d5b-8f6e-0a1b2c3d4e5f","to":"7f0c9bcb-5fd0-4f7c-9c1e-1b2a3c4d5e6f","type":"message.sent"}"#;
    let route = vec![hop; hops].join(",");
    format!(
        "POST /v2/messages HTTP/1.1\r\nhost: x\r\nx-meshblu-route: [{route}]\r\ncontent-length: 0\r\n\r\n"
    )
    .into()
}

#[tokio::test]
async fn a_route_of_ten_thousand_hops_is_told_that_the_head_is_too_large() {
    let gateway = gateway().await;
    let head = head(10_000);
    assert!(head.len() > 1_000_000);
    for door in doors(&gateway) {
        for _ in 0..TIMES {
            let answer = answer(door, &head).await;
            assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_body_far_too_large_is_told_so() {
    let gateway = gateway().await;
    let length = 8 << 20;
    for (door, path) in doors(&gateway).into_iter().zip(["/v2/messages", "/devices"]) {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        let everything = [head.into_bytes(), vec![b'x'; length]].concat();
        for _ in 0..TIMES {
            let mut answer = Vec::new();
            BufReader::new(say(door, &everything).await).read_until(b'}', &mut answer).await.unwrap();
            let answer = String::from_utf8(answer).unwrap();
            assert!(answer.ends_with('}'), "{answer}");
            assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        }
    }
}

#[tokio::test]
async fn what_is_not_http_is_told_so_however_much_of_it_comes() {
    let gateway = gateway().await;
    let nonsense = [b"NONSENSE\r\n\r\n".to_vec(), vec![b'x'; 1 << 20]].concat();
    for door in doors(&gateway) {
        for _ in 0..TIMES {
            let answer = answer(door, &nonsense).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        }
    }
}

#[tokio::test]
async fn whoever_never_stops_is_not_listened_to_for_ever() {
    let gateway = gateway().await;
    for door in doors(&gateway) {
        let mut socket = say(door, &head(10_000)).await;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        while socket.write_all(&[b'x'; 10_000]).await.is_ok() {}
    }
}
