//! The whole way of a person through a running gateway, with providers and browsers that are not ours.

mod at_a_real_provider;
mod in_chromium;
