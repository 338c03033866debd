//! An operator learns from the log what was met on the way, and a stranger says nothing there.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use endo::egress::{ApiAccess, Egress, EgressError, EgressSettings, HostList, Lookup};
use http::Request;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use super::{access, egress, settings};
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::shell::{Shell, stderr};

/// What the log says of the failure of a call of this address.
async fn logged_of(egress: Egress, base_url: &str) -> String {
    let base_url = base_url.parse().unwrap();
    let access = ApiAccess { hosts: HostList::of(&base_url), base_url, ..access(9) };
    let request = Request::get("/").body(Bytes::new()).unwrap();
    let error = egress.api_client(access).call(request).await.unwrap_err();
    match error {
        EgressError::Connect(_) | EgressError::Exchange(_) => error.source().unwrap().to_string(),
        other => panic!("{other:?}"),
    }
}

async fn logged_where(answer: &[u8]) -> String {
    let api = FakeApi::answering(Answer::Bytes(answer.to_vec())).await;
    logged_of(egress(settings()), &api.url("")).await
}

#[tokio::test]
async fn what_is_met_on_the_way_is_told_apart() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = logged_of(egress(settings()), &format!("http://127.0.0.1:{unused}")).await;
    assert_eq!(refused, "connection refused");

    let nowhere = Lookup::from_fn(|name| Box::pin(async { Err(std::io::Error::other(name)) }));
    let nowhere = Egress::new(settings(), nowhere).unwrap();
    let named = logged_of(nowhere, "https://canary.example").await;
    assert_eq!(named, "no address of the name was found");

    for babble in ["SSH-2.0-canary\r\n\r\n", "HTTP/1.1 canary\r\n\r\n", "HTTP/1.1 200 OK\r\ncanary\r\n\r\n"] {
        assert_eq!(logged_where(babble.as_bytes()).await, "what came is no HTTP", "{babble}");
    }
    assert_eq!(logged_where(b"").await, "the connection ended too early");
    assert_eq!(
        logged_where(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await,
        "unexpected end of file"
    );
}

#[tokio::test]
async fn a_host_that_never_agrees_on_tls_is_told_as_one_that_took_too_long() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let limited = EgressSettings { connect_timeout: Duration::from_millis(20), ..settings() };
    let base_url = format!("https://{}", silent.local_addr().unwrap());
    assert_eq!(logged_of(egress(limited), &base_url).await, "timed out");
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// A server whose certificate the authority of the fixtures issued, for another name; answers with its port.
fn impostor() -> u16 {
    let certificate = CertificateDer::from_pem_file(fixture("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Fails where the certificate is not taken, which is what is wanted.
            let _ = ServerConnection::new(config.clone()).unwrap().complete_io(&mut stream.unwrap());
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_here_trusts_is_told_without_its_words() {
    let told = logged_of(egress(settings()), &format!("https://127.0.0.1:{}", impostor())).await;
    assert_eq!(told, "the issuer of the certificate is not trusted on this machine");
    let plain = FakeApi::answering(Answer::Bytes(b"HTTP/1.1 400 Bad\r\n\r\n".to_vec())).await;
    let told = logged_of(egress(settings()), &format!("https://127.0.0.1:{}", plain.port)).await;
    assert_eq!(told, "no TLS was agreed on");
}

#[test]
fn a_certificate_of_another_name_is_told_without_that() {
    let shell = Shell::with_key();
    let url = format!("bus.url=https://localhost:{}", impostor());
    let mut words = vec!["serve"];
    let settings = ["bus.kind=meshblu", "bus.uuid=service", "bus.token=token-of-service", &url];
    settings.iter().for_each(|setting| words.extend(["--set", setting]));
    let mut command = shell.command(&words);
    let output = command.env("SSL_CERT_FILE", fixture("authority.pem")).output().unwrap();
    let said = stderr(&output);
    assert!(said.contains("the certificate is not valid for the name of the host"), "{said}");
    assert!(!said.contains("canary"), "{said}");
}
