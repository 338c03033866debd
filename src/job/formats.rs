//! Formats that messages of old flows rely on (`spec/endo.md` 2.11).

/// Whether `text` is a `date-time` as the original takes it: with a zone (`Z`, or an offset with a colon), with
/// `T` or a space before the time, and with any two digits for the day.
pub(super) fn is_date_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((head, tail)) = bytes.split_at_checked("2017-03-01T00:00:00".len()) else { return false };
    looks_like(head, b"0000-00-00T00:00:00") && (1..=12).contains(&two_digits(&head[5..7])) && is_zone(tail)
}

fn is_zone(tail: &[u8]) -> bool {
    let zone = match tail {
        [b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            &rest[digits..]
        }
        zone => zone,
    };
    matches!(zone, [b'z' | b'Z']) || looks_like(zone, b"+00:00")
}

/// Compares with a model in which `0` is any digit, `T` a `T` or a space, `+` either sign.
fn looks_like(bytes: &[u8], model: &[u8]) -> bool {
    bytes.len() == model.len()
        && bytes.iter().zip(model).all(|(byte, model)| match model {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b't' | b' '),
            b'+' => matches!(byte, b'+' | b'-'),
            other => byte == other,
        })
}

fn two_digits(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |number, digit| number * 10 + (digit - b'0'))
}
