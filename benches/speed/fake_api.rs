//! An API that answers at once, whatever it is asked: three events, as GitHub tells them.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Listens and serves until the runtime ends; answers its base URL.
pub(crate) async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_all(stream));
        }
    });
    url
}

async fn answer_all(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let answer = answer();
    let mut asked = Vec::with_capacity(4096);
    while stream.read_buf(&mut asked).await.is_ok_and(|read| read > 0) {
        if asked.ends_with(b"\r\n\r\n") {
            asked.clear();
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

fn answer() -> Vec<u8> {
    let body = Value::from_iter((0..3).map(event)).to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length:";
    format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn event(number: u64) -> Value {
    json!({
        "id": (22_249_084_964u64 + number).to_string(),
        "type": "PushEvent",
        "actor": {
            "id": 583_231, "login": "octocat", "display_login": "octocat", "gravatar_id": "",
            "url": "https://api.github.com/users/octocat",
            "avatar_url": "https://avatars.githubusercontent.com/u/583231?v=4",
        },
        "repo": {
            "id": 1_296_269, "name": "octocat/Hello-World", "url": "https://api.github.com/repos/octocat/Hello-World",
        },
        "payload": {
            "push_id": 10_115_855_396u64, "size": 1, "distinct_size": 1, "ref": "refs/heads/main",
            "head": "7a8f3ac80e2ad2f6842cb86f576d4bfe2c03e300", "before": "883efe034920928c47fe18598c01249d1a9fdabd",
        },
        "public": true,
        "created_at": "2026-06-09T12:47:28Z",
    })
}
