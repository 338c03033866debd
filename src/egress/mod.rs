//! The one HTTP client for everything that leaves: vetted addresses, host lists, limits.
