//! The load: webhooks of the bus, signed before it begins, on keep-alive connections.

use std::net::SocketAddr;

use endo::signature::{MessageSignature, Request};

use super::bus::Bus;
use super::cast;
use crate::connection::Connection;
use crate::load::Round;
use crate::scene::message;

/// Connections that post.
pub(super) const CONNECTIONS: usize = 8;
/// More messages than one connection gets answered while a row lasts.
const ENOUGH: usize = 4000;
const TARGET: &str = "/v2/messages";

/// How the bus signs.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// Date and uuid alone: within a second every webhook carries the same signature.
    Old,
    /// By RFC 9421, every delivery under a name of its own.
    Own,
}

type Requests = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// A connection that posts one request after another.
pub(super) struct Posting {
    connection: Connection,
    requests: Requests,
}

impl Round for Posting {
    async fn run(&mut self) {
        let request = self.requests.next().expect("enough requests were signed");
        self.connection.exchange(&request).await;
    }
}

/// Everything that is posted in a run.
pub(super) struct Posts<'a> {
    bus: &'a Bus,
    /// How many deliveries have a name already.
    named: usize,
}

impl<'a> Posts<'a> {
    pub(super) fn new(bus: &'a Bus) -> Self {
        Self { bus, named: 0 }
    }

    /// Connections to a gateway, with what each is to post.
    pub(super) async fn ready(&mut self, gateway: SocketAddr, form: Form) -> Vec<Posting> {
        // First signed, then opened: a server does not wait for long.
        let signed: Vec<_> = (0..CONNECTIONS).map(|number| self.requests(gateway, form, number)).collect();
        let mut rounds = Vec::new();
        for requests in signed {
            rounds.push(Posting { connection: Connection::open(gateway).await, requests });
        }
        rounds
    }

    fn requests(&mut self, gateway: SocketAddr, form: Form, number: usize) -> Requests {
        let host = gateway.to_string();
        match form {
            Form::Old => Box::new(std::iter::repeat(self.signed_as_of_old(&host, number))),
            Form::Own => {
                Box::new((0..ENOUGH).map(|_| self.signed(&host, number)).collect::<Vec<_>>().into_iter())
            }
        }
    }

    fn signed_as_of_old(&self, host: &str, number: usize) -> Vec<u8> {
        let signature = self.bus.old.sign(cast::SERVICE, self.bus.now());
        let proof = [("date", signature.date), ("authorization", signature.authorization)];
        request(host, &proof, &body(number))
    }

    fn signed(&mut self, host: &str, number: usize) -> Vec<u8> {
        self.named += 1;
        let (id, route, body) = (format!("delivery-{}", self.named), cast::route(), body(number));
        let unsigned = Request {
            method: "POST",
            scheme: "http",
            authority: host,
            target: TARGET,
            fields: &[
                ("x-meshblu-uuid", cast::SERVICE.as_bytes()),
                ("x-meshblu-route", route.as_bytes()),
                ("x-meshblu-delivery-id", id.as_bytes()),
            ],
            body: body.as_bytes(),
        };
        let MessageSignature { content_digest, signature_input, signature } =
            self.bus.own.sign(&unsigned, self.bus.now()).unwrap();
        let proof = [
            ("x-meshblu-delivery-id", id),
            ("content-digest", content_digest),
            ("signature-input", signature_input),
            ("signature", signature),
        ];
        request(host, &proof, &body)
    }
}

fn request(host: &str, proof: &[(&str, String)], body: &str) -> Vec<u8> {
    let mut text = format!(
        "POST {TARGET} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         x-meshblu-uuid: {}\r\nx-meshblu-route: {}\r\n",
        body.len(),
        cast::SERVICE,
        cast::route(),
    );
    proof.iter().for_each(|(name, value)| text.extend([name, ": ", value, "\r\n"]));
    (text + "\r\n" + body).into_bytes()
}

fn body(number: usize) -> String {
    message(cast::USER, "Greet", number)
}
