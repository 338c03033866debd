//! What one may have of what all share.

/// Whether whoever holds so much may have so much more, where so much is free: all of it no more than half of what others
/// leave. Who holds nothing may have whatever it wants, once there is so much.
pub(crate) fn is_within_share(free: usize, held: usize, wanted: usize) -> bool {
    wanted == 0 || held == 0 || held + wanted <= (free + held).div_ceil(2)
}
