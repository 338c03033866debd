//! The provider of a simulated life: it rotates refresh tokens, detects that one is used twice, and fails by the dice.

use std::collections::{HashMap, HashSet};
use std::task::Waker;
use std::time::Duration;

use endo::egress::EgressError;
use endo::source::Retry;
use endo::source::oauth2::{OAuthError, Probe, Tokens};

/// Numbers that a seed decides (SplitMix64).
#[derive(Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True in so many of a hundred throws.
    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// How the provider's refresh tokens behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each works once; a second use ends the whole family.
    SingleUse,
    /// Each works twice, for clients that lost an answer; a third use ends the family.
    Grace,
    /// They stay.
    Lasting,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::SingleUse, Self::Grace, Self::Lasting];

    pub(super) const fn retry(self) -> Retry {
        match self {
            Self::SingleUse => Retry::Never,
            Self::Grace => Retry::Once,
            Self::Lasting => Retry::Always,
        }
    }

    /// How often one refresh token may be sent in a way that can use it up.
    pub(super) const fn uses(self) -> u32 {
        match self {
            Self::SingleUse => 1,
            Self::Grace => 2,
            Self::Lasting => u32::MAX,
        }
    }
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered,
    /// It never left this machine.
    NotSent,
    /// It was refused before anything was looked at.
    Busy,
    /// It was lost on its way there.
    LostThere,
    /// Its answer was lost.
    LostBack,
    /// It was done, and the answer was an error.
    DoneAndFailed,
    /// The answer was an error, and nothing was done.
    Failed,
}

/// A request that waits for the driver.
pub(super) struct Parked {
    pub(super) released: bool,
    pub(super) waker: Option<Waker>,
}

pub(super) struct Provider {
    pub(super) kind: Kind,
    pub(super) calm: bool,
    pub(super) dice: Dice,
    issued: u64,
    /// How often each refresh token was used, of those that exist.
    uses: HashMap<String, u32>,
    /// How often each was sent in a way that may have used it up, as far as its sender can know.
    pub(super) sent: HashMap<String, u32>,
    /// Those that were answered by an error.
    failed: HashSet<String>,
    /// Those that were said to be no good.
    pub(super) refused: HashSet<String>,
    pub(super) access: HashSet<String>,
    pub(super) parked: HashMap<u64, Parked>,
    pub(super) requests: usize,
    pub(super) lost: usize,
    pub(super) log: Vec<String>,
}

impl Provider {
    pub(super) fn new(kind: Kind, dice: Dice) -> Self {
        Self {
            kind,
            calm: false,
            dice,
            issued: 0,
            uses: HashMap::new(),
            sent: HashMap::new(),
            failed: HashSet::new(),
            refused: HashSet::new(),
            access: HashSet::new(),
            parked: HashMap::new(),
            requests: 0,
            lost: 0,
            log: Vec::new(),
        }
    }

    pub(super) fn issue(&mut self) -> (String, String) {
        self.issued += 1;
        let (access, refresh) = (format!("access-{}", self.issued), format!("refresh-{}", self.issued));
        self.access.insert(access.clone());
        self.uses.insert(refresh.clone(), 0);
        (access, refresh)
    }

    pub(super) fn refresh(&mut self, token: &str) -> Result<Tokens, OAuthError> {
        self.requests += 1;
        let fate = self.fate();
        self.log.push(format!("{token} is sent: {fate:?}"));
        match fate {
            Fate::NotSent => return Err(OAuthError::NotSent(EgressError::Address)),
            Fate::Busy => return Err(OAuthError::Busy { after: None }),
            _ => {}
        }
        self.check_sending(token);
        if let Fate::Failed | Fate::DoneAndFailed = fate {
            self.failed.insert(token.to_owned());
        } else {
            *self.sent.entry(token.to_owned()).or_default() += 1;
        }
        match fate {
            Fate::Failed => return Err(OAuthError::Failed(503)),
            Fate::LostThere => {
                self.lost += 1;
                return Err(OAuthError::NoAnswer(EgressError::Timeout));
            }
            _ => {}
        }
        let answer = self.spend(token);
        match fate {
            Fate::LostBack => {
                self.lost += 1;
                Err(OAuthError::NoAnswer(EgressError::Timeout))
            }
            Fate::DoneAndFailed => {
                self.lost += 1;
                Err(if self.dice.percent(50) { OAuthError::Failed(500) } else { OAuthError::Unreadable })
            }
            _ => {
                if answer.is_err() {
                    self.refused.insert(token.to_owned());
                }
                answer
            }
        }
    }

    /// What may be lost by sending a token: nothing is sent too often of which it is not known what came of it, and what
    /// was answered by an error is not sent again while its access token works.
    fn check_sending(&self, token: &str) {
        let sent = self.sent.get(token).copied().unwrap_or_default();
        assert!(sent < self.kind.uses(), "{token} was sent too often");
        if self.kind == Kind::SingleUse && self.failed.contains(token) {
            let access = token.replace("refresh", "access");
            assert!(!self.access.contains(&access), "{token} was risked while {access} works");
        }
    }

    pub(super) fn probe(&mut self, access: &str) -> Result<Probe, OAuthError> {
        self.requests += 1;
        if matches!(self.fate(), Fate::Answered) {
            let good = self.access.contains(access);
            return Ok(if good { Probe::Good } else { Probe::Rejected });
        }
        Err(OAuthError::NoAnswer(EgressError::Timeout))
    }

    fn spend(&mut self, token: &str) -> Result<Tokens, OAuthError> {
        let limit = self.kind.uses();
        let uses = self.uses.get_mut(token).filter(|uses| **uses < limit).ok_or(OAuthError::InvalidGrant)?;
        *uses += 1;
        let (access, refresh) = self.issue();
        let refresh = match self.kind {
            Kind::Lasting => {
                self.uses.remove(&refresh);
                None
            }
            _ => Some(refresh),
        };
        Ok(Tokens {
            access: access.into(),
            refresh: refresh.map(Into::into),
            lifetime: Some(Duration::from_secs(600)),
            told: serde_json::Map::new().into(),
        })
    }

    fn fate(&mut self) -> Fate {
        if self.calm {
            return Fate::Answered;
        }
        match self.dice.below(10) {
            0 => Fate::NotSent,
            1 => Fate::Busy,
            2 => Fate::LostThere,
            3 => Fate::LostBack,
            4 => Fate::DoneAndFailed,
            5 => Fate::Failed,
            _ => Fate::Answered,
        }
    }
}
