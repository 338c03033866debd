//! An API client in the form in which `octocrab` takes it.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use octocrab::OctoBody;
use tower::{BoxError, Service};

use super::api::ApiClient;

/// An [`ApiClient`] as a service: `OctocrabBuilder::new_empty().with_service(api.service())`. Its errors are
/// [`EgressError`](super::EgressError)s; addresses without a host lead to the client's base URL.
#[derive(Clone, Debug)]
pub struct ApiService(ApiClient);

impl ApiClient {
    /// This client as a service.
    pub fn service(&self) -> ApiService {
        ApiService(self.clone())
    }
}

impl Service<Request<OctoBody>> for ApiService {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        let api = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let answer = api.call(Request::from_parts(parts, body)).await?;
            Ok(answer.map(Full::new))
        })
    }
}
