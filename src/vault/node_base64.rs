//! Base64 as Node.js decodes it: both alphabets, foreign characters skipped, padding optional (`spec/endo.md` 3).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The bytes of `text`; whatever is not base64 is skipped, as Node does. Wiped on drop: keys come this way.
pub(super) fn decode(text: &str) -> Zeroizing<Vec<u8>> {
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    digits.extend(text.bytes().take_while(|&byte| byte != b'=').filter_map(digit));
    // One left-over digit holds six bits, which make no byte.
    let whole = if digits.len() % 4 == 1 { digits.len() - 1 } else { digits.len() };
    Zeroizing::new(LENIENT.decode(&digits[..whole]).expect("only digits of the alphabet are left"))
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        b'+' | b'/' => Some(byte),
        _ => byte.is_ascii_alphanumeric().then_some(byte),
    }
}
