//! What is remembered of many is remembered of each, and of more than there is room for nobody's is forgotten.

use std::time::Duration;

use endo::ambient::Timestamp;
use endo::lately::Lately;

const MINUTE: Duration = Duration::from_secs(60);
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

#[test]
fn nobody_has_what_happened_to_somebody_else_while_there_is_room() {
    let lately = Lately::<u32, u32>::new(1 << 14, MINUTE);
    for somebody in 0..512 {
        assert_eq!(lately.look(&somebody, NOW, |times| *times), 0, "before anything happened to {somebody}");
        for times in 1..=3 {
            assert_eq!(lately.count(&somebody, NOW), times, "{somebody}");
        }
    }
}

#[test]
fn where_there_is_no_room_nobody_s_is_forgotten_before_its_time() {
    let lately = Lately::<u32, u32>::new(64, MINUTE);
    let times = |somebody: u32, now| lately.look(&somebody, now, |times| *times);
    for somebody in 0..1000 {
        lately.count(&somebody, NOW);
    }
    let almost = NOW.plus(MINUTE - Duration::from_millis(1));
    for somebody in 0..1000 {
        assert!(times(somebody, almost) > 0, "{somebody}");
    }
    for somebody in 0..1000 {
        assert_eq!(times(somebody, NOW.plus(MINUTE)), 0, "{somebody}");
    }
}

#[test]
fn who_shares_with_somebody_does_so_until_that_is_over_for_both() {
    let lately = Lately::<u32, u32>::new(8, MINUTE);
    for somebody in 0..8 {
        lately.count(&somebody, NOW);
    }
    let later = NOW.plus(MINUTE / 2);
    assert_eq!(lately.count(&8, later), 2, "together with one of the eight");
    // The others' are over, and the one that is shared as well.
    let over = NOW.plus(MINUTE);
    assert_eq!(lately.count(&8, over), 1);
    assert_eq!(lately.count(&8, over), 2);
}
