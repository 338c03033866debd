//! The documents that strangers may read, rendered, hashed and compressed once.

use std::collections::HashMap;
use std::io::Write;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, ETAG, VARY};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::problem::{Kind, Problem};
use crate::negotiation::{Coding, coding, has_already};

/// What the schema routes serve.
pub struct Documents {
    pub(super) form: Document,
    pub(super) message: Document,
    pub(super) response: Document,
    schemas: HashMap<String, Document>,
}

impl Documents {
    /// Documents of these jobs, with their keys in the order they have.
    pub fn new(form: &Value, message: &Value, response: &Value) -> Self {
        let document = |value: &Value| Document::new(value.to_string());
        let schemas = HashMap::new();
        Self { form: document(form), message: document(message), response: document(response), schemas }
    }

    /// These documents and, at `/schemas/{name}`, each of these texts as it is; a `.json` at a name's end does not count.
    pub fn with_schemas<N: AsRef<str>, T: Into<Bytes>>(
        mut self,
        schemas: impl IntoIterator<Item = (N, T)>,
    ) -> Self {
        let named = |(name, text): (N, T)| (stem(name.as_ref()).to_owned(), Document::new(text));
        self.schemas.extend(schemas.into_iter().map(named));
        self
    }

    /// The static schema of this name, with or without `.json`.
    pub(super) fn schema(&self, name: &str) -> Option<&Document> {
        self.schemas.get(stem(name))
    }
}

fn stem(name: &str) -> &str {
    name.strip_suffix(".json").unwrap_or(name)
}

/// A JSON text in both its codings.
pub(super) struct Document {
    plain: Representation,
    gzip: Representation,
}

struct Representation {
    bytes: Bytes,
    etag: String,
}

impl Document {
    fn new(text: impl Into<Bytes>) -> Self {
        let text = text.into();
        let gzip = Representation::new(compress(&text));
        Self { plain: Representation::new(text), gzip }
    }

    /// The document, or 304 where the caller has it already.
    pub(super) fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        let coding = coding(request.headers())
            .ok_or_else(|| Problem::new(Kind::NotAcceptable, "This document comes as it is or as gzip"))?;
        let representation = match coding {
            Coding::Identity => &self.plain,
            Coding::Gzip => &self.gzip,
        };
        let known = has_already(request.headers(), &representation.etag);
        let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header((ETAG, representation.etag.as_str()));
        response.insert_header((VARY, "Accept-Encoding"));
        response.insert_header((CACHE_CONTROL, "no-cache"));
        if known {
            return Ok(response.finish());
        }
        if coding == Coding::Gzip {
            response.insert_header((CONTENT_ENCODING, "gzip"));
        }
        Ok(response.content_type("application/json; charset=utf-8").body(representation.bytes.clone()))
    }
}

impl Representation {
    fn new(bytes: Bytes) -> Self {
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..16]));
        Self { bytes, etag }
    }
}

fn compress(text: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).expect("a vector takes every write");
    encoder.finish().expect("a vector takes every write").into()
}
