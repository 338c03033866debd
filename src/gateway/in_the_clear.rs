//! Addresses of people's browsers at which nothing is encrypted on its way.

use crate::config::Config;
use crate::egress::{Url, is_this_machine};

/// The settings that send browsers to another machine than this by http. An API is refused there, for it gets secrets;
/// here there may be a network that its operator trusts.
pub fn in_the_clear(config: &Config) -> Vec<&'static str> {
    let addresses = [
        ("listen.public_url", &config.listen.public_url),
        ("bus.oauth_url", &config.bus.oauth_url),
        ("source.redirect_url", &config.source.redirect_url),
    ];
    let is_open =
        |text: &str| Url::parse(text).is_ok_and(|url| url.scheme() == "http" && !is_this_machine(&url));
    let open = addresses.into_iter().filter(|(_, address)| address.as_deref().is_some_and(is_open));
    open.map(|(setting, _)| setting).collect()
}

/// Tells the log of them, once.
pub(super) fn warn(config: &Config) {
    let settings = in_the_clear(config);
    if !settings.is_empty() {
        tracing::warn!(
            "{} sends browsers to another machine by http: whoever is on the way reads what people sign in with, and can use \
             it; put TLS there, and set the https address",
            settings.join(" and ")
        );
    }
}
