//! Every route of the bus (`spec/meshblu.md` 0.1); the busiest first, because they are tried in order.

use actix_web::web::{self, ServiceConfig, delete, get, head, patch, post, put};

use super::problem::Problem;
use super::refusal::Refusal;
use super::{devices, firehose, liveness, messages, oauth, search, streaming, subscriptions, tokens};

/// Sets the routes up; whatever has none is 404.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/messages", post().to(messages::send))
        .route("/search/devices", post().to(search::search))
        .route("/v2/whoami", get().to(devices::whoami))
        .route("/authenticate", post().to(devices::authenticate))
        .configure(device_routes)
        .configure(token_and_subscription_routes)
        .route("/broadcasts", post().to(messages::broadcast))
        .configure(streaming_routes)
        .configure(firehose::routes)
        .route("/authenticate/{uuid}", get().to(devices::check))
        .route("/authorize", get().to(oauth::authorize::ask))
        .route("/authorize", post().to(oauth::authorize::answer))
        .route("/access_token", post().to(oauth::token::exchange))
        .route("/ping", get().to(liveness::online))
        .route("/healthcheck", get().to(liveness::online))
        .route("/status", get().to(liveness::status))
        .route("/proofoflife", get().to(liveness::proof))
        .route("/publickey", get().to(liveness::public_key))
        .route("/.well-known/jwks.json", get().to(liveness::key_set))
        .default_service(web::to(nothing_here));
}

fn streaming_routes(config: &mut ServiceConfig) {
    for path in ["/subscribe/{uuid}/{kind:received|sent|broadcast}", "/subscribe/{uuid}", "/subscribe"] {
        config.route(path, get().to(streaming::read_along)).route(path, head().to(streaming::readable));
    }
}

fn device_routes(config: &mut ServiceConfig) {
    config
        .route("/devices", post().to(devices::register))
        .route("/devices", get().to(search::version_1))
        .route("/v2/devices", get().to(search::version_2))
        .route("/mydevices", get().to(search::mine))
        .route("/v2/devices/{uuid}", get().to(devices::read))
        .route("/v2/devices/{uuid}", put().to(devices::update))
        .route("/v2/devices/{uuid}", patch().to(devices::set))
        .route("/v2/devices/{uuid}/find-and-update", put().to(devices::find_and_update))
        .route("/v3/devices/{uuid}", get().to(devices::read_or_refuse))
        .route("/devices/{uuid}", get().to(devices::read_wrapped))
        .route("/devices/{uuid}", put().to(devices::set))
        .route("/devices/{uuid}", delete().to(devices::unregister))
        .route("/devices/{uuid}/publickey", get().to(devices::public_key))
        .route("/claimdevice/{uuid}", post().to(devices::claim));
}

fn token_and_subscription_routes(config: &mut ServiceConfig) {
    config
        .route("/devices/{uuid}/token", post().to(tokens::reset))
        .route("/devices/{uuid}/tokens", post().to(tokens::make))
        .route("/devices/{uuid}/tokens", delete().to(tokens::revoke_some))
        .route("/devices/{uuid}/tokens/{token}", delete().to(tokens::revoke))
        .route("/search/tokens", post().to(tokens::search))
        .route("/v2/devices/{uuid}/subscriptions", get().to(subscriptions::list))
        .route("/v2/devices/{uuid}/subscriptions", delete().to(subscriptions::end_some))
        .route("/v2/devices/{uuid}/subscriptions/{emitter}/{type}", post().to(subscriptions::make))
        .route("/v2/devices/{uuid}/subscriptions/{emitter}/{type}", delete().to(subscriptions::end));
}

async fn nothing_here() -> Result<&'static str, Refusal> {
    Err(Refusal::Problem(Problem::NotFound))
}
