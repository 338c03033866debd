//! Time and randomness, handed to whoever needs them so that tests can choose both.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use rand_core::{CryptoRng, OsRng, RngCore};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// The form in which HTTP dates are sent.
const IMF_FIXDATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// That form, and the two obsolete ones that a recipient has to read.
const HTTP_DATES: [&str; 3] = [IMF_FIXDATE, "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Time and randomness.
#[derive(Clone, Debug)]
pub struct Ambient {
    /// Tells the time.
    pub clock: Clock,
    /// Makes keys, uuids and tokens.
    pub random: Random,
}

impl Ambient {
    /// Those of the machine.
    pub fn system() -> Self {
        Self { clock: Clock::system(), random: Random::system() }
    }
}

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time so many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The time that an HTTP date tells (RFC 9110, 5.6.7); nothing where `text` is not one to the letter, or names a day
    /// that never was.
    pub fn from_http_date(text: &str) -> Option<Self> {
        usual_date(text).or_else(|| HTTP_DATES.iter().find_map(|form| date_of(form, text))).map(Self)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This time moved into the future; stops at the end of what can be told.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This time moved into the past; stops at the beginning of what can be told.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// What has passed since `earlier`; zero if that lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `2026-11-22T00:51:24.122Z`, as device documents carry it (`spec/meshblu.md` 1.2).
    pub fn iso_millis(self) -> String {
        self.date_time().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// `2016-09-28T15:00:00Z`, as status entries carry it (`spec/endo.md` 2.5).
    pub fn iso_seconds(self) -> String {
        self.date_time().to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// `Sun, 22 Nov 2026 00:54:20 GMT`; what is below a second is dropped.
    pub fn http_date(self) -> String {
        self.date_time().format(IMF_FIXDATE).to_string()
    }

    fn date_time(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// How long that is, in the longest unit that says it exactly: `1 second`, `90 seconds`, `5 minutes`.
pub fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    let whole = |unit: u64| seconds > 0 && seconds.is_multiple_of(unit);
    let (count, unit) = match seconds {
        _ if whole(3600) => (seconds / 3600, "hour"),
        _ if whole(60) => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{end}")
}

/// The milliseconds of a date that no pattern has to be read for: as it is sent today, and since the epoch.
fn usual_date(text: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(text).ok()?;
    let to_the_letter = httpdate::fmt_http_date(date) == text;
    to_the_letter.then(|| DateTime::<Utc>::from(date).timestamp_millis())
}

fn date_of(form: &str, text: &str) -> Option<i64> {
    let date = NaiveDateTime::parse_from_str(text, form).ok()?;
    let to_the_letter = date.format(form).to_string() == text;
    to_the_letter.then(|| date.and_utc().timestamp_millis())
}

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self::from_fn(|| {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
            let now = std::time::SystemTime::now();
            let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        })
    }

    /// A clock that asks `tell` for the time.
    pub fn from_fn(tell: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Tells how much time has passed. Unlike a [`Clock`] it is never set, so it only goes forward.
#[derive(Clone)]
pub struct Stopwatch(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Stopwatch {
    /// The machine's own, which begins now.
    pub fn system() -> Self {
        let began = Instant::now();
        Self::from_fn(move || began.elapsed())
    }

    /// How long the thread that asks has worked: it stands still while the thread waits, or others have the processor.
    pub fn of_threads() -> Self {
        Self::from_fn(|| {
            let worked = clock_gettime(ClockId::ThreadCPUTime);
            Duration::try_from(worked).unwrap_or_default()
        })
    }

    /// A stopwatch that asks `tell` how much time has passed since it began.
    pub fn from_fn(tell: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// What has passed since it began.
    pub fn passed(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Stopwatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stopwatch")
    }
}

/// A clock set back by no more than this may keep what waits waiting for so long.
const SLIGHT: Duration = Duration::from_secs(1);
/// Before the first look: whatever the clock says is later.
const NEVER: i64 = i64::MIN;

/// Notices that a clock was set back: what waits for its time would wait for all the time that passes twice.
#[derive(Debug)]
pub struct LastLook(AtomicI64);

/// What a look at the clock tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing; it is the first.
    First,
    /// Time went on.
    On,
    /// The clock was set back since the look before.
    SetBack,
}

impl Default for LastLook {
    fn default() -> Self {
        Self(AtomicI64::new(NEVER))
    }
}

impl LastLook {
    /// Compares `now` with the look before. What is done about it may fail, so it counts once it is [`LastLook::note`]d.
    pub fn compare(&self, now: Timestamp) -> Look {
        match self.0.load(Ordering::SeqCst) {
            NEVER => Look::First,
            last if Timestamp(last).since(now) > SLIGHT => Look::SetBack,
            _ => Look::On,
        }
    }

    /// Has this be the look before.
    pub fn note(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

/// Pauses between attempts in vain: each twice as long as the one before, up to the longest.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The first.
    pub first: Duration,
    /// Where the growth ends.
    pub longest: Duration,
}

impl Backoff {
    /// The pause that so many came before.
    pub fn after(self, earlier: u32) -> Duration {
        self.first.saturating_mul(2u32.saturating_pow(earlier)).min(self.longest)
    }
}

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

/// A source of random bytes, fit for keys and tokens.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

impl Random {
    /// The operating system's generator.
    pub fn system() -> Self {
        Self::from_fn(|bytes| OsRng.fill_bytes(bytes))
    }

    /// A generator that asks `fill` for its bytes.
    pub fn from_fn(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    /// A version 4 UUID in lower case (RFC 9562).
    pub fn uuid(&self) -> String {
        let mut b = self.bytes::<16>();
        b[6] = b[6] & 0x0f | 0x40;
        b[8] = b[8] & 0x3f | 0x80;
        let hex = hex(&b);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// A bus token: 40 lower-case hexadecimal digits (`spec/meshblu.md` 1.1).
    pub fn token(&self) -> String {
        hex(&self.bytes::<20>())
    }

    /// A number from 0 up to, but not including, 1.
    pub fn fraction(&self) -> f64 {
        let bits = u64::from_le_bytes(self.bytes::<8>()) >> 11;
        bits as f64 / (1u64 << 53) as f64
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

/// For the libraries that ask for a generator of their own kind.
impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        (self.0)(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        (self.0)(dest);
        Ok(())
    }
}

impl CryptoRng for Random {}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("half a byte is one digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}
