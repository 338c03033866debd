//! Keeping secrets out of what those say who were told them.
//!
//! Whoever was sent a secret may quote it: as it is, in base64 (RFC 4648, 4 and 5) at any place of what is encoded, in
//! hexadecimal (RFC 4648, 8), and each of these percent-encoded (RFC 3986, 2.1, and as forms are) or escaped as in JSON
//! (RFC 8259, 7); or no more than its beginning, where what they say was cut there. In what they say of something, rather than
//! in data, it is looked for also where it is divided, or escaped twice, as in JSON, in programs or in HTML.
//!
//! Nobody knows all forms: what they say reaches logs and receipts as [`Plain`] words alone.

mod cleaning;
mod forms;
mod plain;
mod readings;

pub use cleaning::Redaction;
pub use plain::Plain;
