//! An opened secret stays where it is.

use endo::vault::Credentials;

trait NeverBoth<Marker> {
    fn hold() {}
}

struct Clones;
struct Serializes;

impl<T> NeverBoth<()> for T {}
impl<T: Clone> NeverBoth<Clones> for T {}
impl<T: serde::Serialize> NeverBoth<Serializes> for T {}

/// Does not compile once `Credentials` is `Clone` or `Serialize`: then the marker is ambiguous.
#[test]
fn credentials_can_be_neither_copied_nor_serialized() {
    <Credentials as NeverBoth<_>>::hold();
}
