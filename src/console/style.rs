//! The one stylesheet of all pages.

/// The stylesheet itself.
pub const STYLE: &str = include_str!("style.css");

/// Where the pages expect it.
pub const STYLE_PATH: &str = "/console/style.css";
