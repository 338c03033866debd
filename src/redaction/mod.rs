//! Keeping secrets out of what those say who were told them.
//!
//! Whoever was sent a secret may quote it: as it is, in base64 (RFC 4648, 4 and 5) at any place of what is encoded, in
//! hexadecimal (RFC 4648, 8), and each of these percent-encoded (RFC 3986, 2.1, and as forms are) or escaped as in JSON
//! (RFC 8259, 7); or no more than its beginning, where what they say was cut there. In what they say of something, rather than
//! in data, it is looked for also where it is divided, or escaped twice, as in JSON, in programs or in HTML.
//!
//! Nobody knows all forms, and a secret can be spelled out, or be made of words: what they say reaches receipts and pages as
//! [`Plain`] words alone, those of `words.txt`, but for the words that the secret itself is made of. It reaches no log: a choice
//! of words can tell a secret, too. Of strangers a log has what the program has a list of: a documented code, a status, a cause.

mod cleaning;
mod forms;
mod plain;
mod readings;
mod spelling;
mod words;

pub use cleaning::Redaction;
pub use plain::Plain;
