//! HTTP dates (RFC 9110, 5.6.7), read strictly and written.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::ambient::Timestamp;

const IMF_FIXDATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// The form that is sent, then the two obsolete ones that a recipient has to read.
const FORMS: [&str; 3] = [IMF_FIXDATE, "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The time that `text` tells; nothing where it is not an HTTP date to the letter, or names a day that never was.
pub fn read(text: &str) -> Option<Timestamp> {
    FORMS.iter().find_map(|form| {
        let date = NaiveDateTime::parse_from_str(text, form).ok()?;
        let to_the_letter = date.format(form).to_string() == text;
        to_the_letter.then(|| Timestamp::from_millis(date.and_utc().timestamp_millis()))
    })
}

/// `Sun, 22 Nov 2026 00:54:20 GMT`; what is below a second is dropped.
pub(super) fn write(time: Timestamp) -> String {
    let date = DateTime::from_timestamp_millis(time.as_millis()).unwrap_or(DateTime::<Utc>::MAX_UTC);
    date.format(IMF_FIXDATE).to_string()
}
