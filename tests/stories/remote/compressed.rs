//! A Meshblu that compresses its answers, as its clients say that they understand.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;

use crate::support::fake_api::Answer;
use crate::support::meshblu::{FakeMeshblu, RemoteGateway, json_answer, say_hello, vectors};

const SEARCH: &str = "POST /search/devices";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packing = GzEncoder::new(Vec::new(), Compression::best());
    packing.write_all(text).unwrap();
    packing.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut packing = ZlibEncoder::new(Vec::new(), Compression::best());
    packing.write_all(text).unwrap();
    packing.finish().unwrap()
}

fn coded(way: &str, body: Vec<u8>) -> Answer {
    Answer::new(200, &["content-type: application/json", &format!("content-encoding: {way}")], body)
}

#[tokio::test]
async fn answers_that_are_compressed_as_the_gateway_says_it_understands_are_read() {
    let found = json!([vectors()["credentialsDevice"]]).to_string();
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let (packed, other) = (gzip(found.as_bytes()), zlib(found.as_bytes()));
    for answer in [coded("GZip", packed), coded("deflate", other)] {
        meshblu.answer(SEARCH, [answer]);
        gateway.webhook(&say_hello()).await.is(201, "Created");
    }
    assert!(meshblu.calls().iter().all(|call| call.header("accept-encoding") == ["gzip, deflate"]));
}

#[tokio::test]
async fn an_answer_that_is_compressed_badly_or_is_too_long_then_is_none() {
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    for (way, body) in [("gzip", bomb), ("gzip", b"[]".to_vec()), ("deflate", b"[]".to_vec())] {
        let meshblu = FakeMeshblu::start().await;
        let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
        meshblu.answer(SEARCH, [coded(way, body)]);
        assert_eq!(gateway.webhook(&say_hello()).await.status.as_u16(), 502, "{way}");
        meshblu.answer(SEARCH, [json_answer(200, &json!([vectors()["credentialsDevice"]]))]);
        gateway.webhook(&say_hello()).await.is(201, "Created");
    }
}
