//! The provider of a simulated life: it rotates refresh tokens, detects that one is used twice, and fails by the dice.

use std::collections::{HashMap, HashSet};
use std::task::Waker;

use bytes::Bytes;
use endo::egress::EgressError;
use endo::source::Retry;
use endo::source::oauth2::{BadGrants, OAuthError, Probe, Tokens};
use serde_json::{Value, json};

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
    /// It was refused before anything was looked at, and not even that answer came whole.
    Busy,
    /// It was lost on its way there.
    LostThere,
    /// Its answer was lost.
    LostBack,
    /// It was done, and the answer was an error, or none that can be understood.
    DoneAndFailed,
    /// The answer was the same, and nothing was done.
    Failed,
}

/// What the gateway reads of an answer; without a body, of one that breaks off after its head.
fn answer(status: u16, body: Option<String>) -> Result<Tokens, OAuthError> {
    let mut answer = http::Response::new(body.map(Bytes::from).ok_or(EgressError::Timeout));
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
    Tokens::read(answer, &[], &BadGrants::default())
}

/// A request that waits for the driver.
pub(super) struct Parked {
    pub(super) released: bool,
    pub(super) waker: Option<Waker>,
}

pub(super) struct Provider {
    seed: u64,
    pub(super) kind: Kind,
    pub(super) calm: bool,
    pub(super) dice: Dice,
    issued: u64,
    /// How often each refresh token was used, of those that exist.
    uses: HashMap<String, u32>,
    /// The first refresh token of the sign-in that each is of: all that are of one end together.
    grants: HashMap<String, String>,
    /// How often each was sent in a way that may have used it up, as far as its sender can know.
    pub(super) sent: HashMap<String, u32>,
    /// Those that were said to be no good.
    pub(super) refused: HashSet<String>,
    pub(super) access: HashSet<String>,
    pub(super) parked: HashMap<u64, Parked>,
    /// The access token that a sign-in brought since, which a refresh token is to renew.
    beside: HashMap<String, String>,
    /// Refresh tokens that were about to be sent when somebody signed in, as often as that: nobody could call that back.
    on_their_way: Vec<String>,
    /// How often a refresh token that was given anew may have been on its way by then.
    before: HashMap<String, u32>,
    /// What a process sent, and got another for.
    pub(super) received: HashMap<u64, Vec<String>>,
    pub(super) requests: usize,
    pub(super) lost: usize,
    pub(super) log: Vec<String>,
}

impl Provider {
    pub(super) fn new(seed: u64, kind: Kind, dice: Dice) -> Self {
        Self {
            seed,
            kind,
            calm: false,
            dice,
            issued: 0,
            uses: HashMap::new(),
            grants: HashMap::new(),
            sent: HashMap::new(),
            refused: HashSet::new(),
            access: HashSet::new(),
            parked: HashMap::new(),
            beside: HashMap::new(),
            on_their_way: Vec::new(),
            before: HashMap::new(),
            received: HashMap::new(),
            requests: 0,
            lost: 0,
            log: Vec::new(),
        }
    }

    /// No life's tokens are another's, whose store may be the same.
    fn name(&self, kind: &str) -> String {
        self.name_of(kind, self.issued)
    }

    fn name_of(&self, kind: &str, number: u64) -> String {
        format!("{kind}-{number}-{:x}", self.seed)
    }

    pub(super) fn issue(&mut self) -> (String, String) {
        self.issued += 1;
        let [access, refresh] = ["access", "refresh"].map(|kind| self.name(kind));
        self.access.insert(access.clone());
        self.uses.insert(refresh.clone(), 0);
        self.grants.insert(refresh.clone(), refresh.clone());
        (access, refresh)
    }

    /// Whether both refresh tokens came of one sign-in.
    pub(super) fn are_one_grant(&self, one: &str, other: &str) -> bool {
        self.grants.get(one).is_some_and(|grant| self.grants.get(other) == Some(grant))
    }

    /// What a sign-in brings where a refresh token was given before.
    pub(super) fn issue_alone(&mut self) -> String {
        self.issued += 1;
        let access = self.name("access");
        self.access.insert(access.clone());
        access
    }

    /// Whether this refresh token is of use.
    pub(super) fn takes(&self, refresh: &str) -> bool {
        self.uses.get(refresh).is_some_and(|uses| *uses < self.kind.uses())
    }

    /// The refresh token that was given last, where it is of use: its answer may still be on its way.
    pub(super) fn newest(&self) -> Option<String> {
        let newest = self.name_of("refresh", self.issued);
        self.takes(&newest).then_some(newest)
    }

    /// The owner takes all back that he gave.
    pub(super) fn withdraw(&mut self) {
        self.log.push("the owner takes all back at the provider".to_owned());
        self.access.clear();
        self.uses.clear();
    }

    /// A sign-in brought this refresh token again, which was given up here: it may be sent as if it never had been, whatever
    /// so many processes that are at something are about to send.
    pub(super) fn is_given_anew(&mut self, refresh: &str, at_work: usize) {
        self.sent.remove(refresh);
        self.on_their_way.retain(|other| other != refresh);
        self.before.insert(refresh.to_owned(), at_work as u32);
    }

    /// This access token is used from now on beside this refresh token, of which it is on disk that it is sent so often.
    pub(super) fn is_beside(&mut self, refresh: &str, access: String, sent: u32) {
        self.beside.insert(refresh.to_owned(), access);
        let came = self.sent.get(refresh).copied().unwrap_or_default();
        self.on_their_way.extend((came..sent).map(|_| refresh.to_owned()));
    }

    pub(super) fn refresh(&mut self, token: &str) -> Result<Tokens, OAuthError> {
        self.requests += 1;
        let fate = self.fate();
        self.log.push(format!("{token} is sent: {fate:?}"));
        self.check_sending(token);
        match fate {
            Fate::NotSent => return Err(OAuthError::NotSent(EgressError::Address)),
            Fate::Busy => return answer(if self.dice.percent(50) { 429 } else { 503 }, None),
            _ => *self.sent.entry(token.to_owned()).or_default() += 1,
        }
        self.lost += usize::from(!matches!(fate, Fate::Answered));
        match fate {
            Fate::LostThere => return Err(OAuthError::NoAnswer(EgressError::Timeout)),
            Fate::Failed => return self.fail(),
            _ => {}
        }
        let (status, body) = self.spend(token);
        match fate {
            Fate::LostBack => Err(OAuthError::NoAnswer(EgressError::Timeout)),
            Fate::DoneAndFailed => self.fail(),
            _ => {
                if status != 200 {
                    self.refused.insert(token.to_owned());
                }
                answer(status, Some(body.to_string()))
            }
        }
    }

    /// What may be lost by sending a token: nothing is sent too often of which it is not known what came of it, and what
    /// is in doubt is not sent again while its access token works.
    fn check_sending(&mut self, token: &str) {
        let sent = self.sent.get(token).copied().unwrap_or_default();
        let before = self.before.get(token).copied().unwrap_or_default();
        assert!(sent < self.kind.uses().saturating_add(before), "{token} was sent too often");
        let on_its_way = self.on_their_way.iter().position(|other| other == token);
        let is_called_back = on_its_way.map(|place| self.on_their_way.swap_remove(place)).is_none();
        if self.kind != Kind::Lasting && sent > before && is_called_back {
            let first = || token.replace("refresh", "access");
            let access = self.beside.get(token).cloned().unwrap_or_else(first);
            assert!(!self.access.contains(&access), "{token} was risked while {access} works");
        }
    }

    /// An answer of which nobody knows whether it was written before or after the tokens.
    fn fail(&mut self) -> Result<Tokens, OAuthError> {
        let status = [500, 502, 504, 200][self.dice.below(4) as usize];
        answer(status, self.dice.percent(50).then(|| "<html>".to_owned()))
    }

    pub(super) fn probe(&mut self, access: &str) -> Result<Probe, OAuthError> {
        self.requests += 1;
        if matches!(self.fate(), Fate::Answered) {
            let good = self.access.contains(access);
            return Ok(if good { Probe::Good } else { Probe::Rejected });
        }
        Err(OAuthError::NoAnswer(EgressError::Timeout))
    }

    fn spend(&mut self, token: &str) -> (u16, Value) {
        let limit = self.kind.uses();
        let Some(uses) = self.uses.get_mut(token).filter(|uses| **uses < limit) else {
            return (400, json!({"error": "invalid_grant"}));
        };
        *uses += 1;
        let grant = self.grants[token].clone();
        let (access, refresh) = self.issue();
        self.grants.insert(refresh.clone(), grant);
        let mut tokens = json!({"access_token": access, "token_type": "bearer", "expires_in": 600});
        if self.kind == Kind::Lasting {
            self.uses.remove(&refresh);
        } else {
            tokens["refresh_token"] = refresh.into();
        }
        (200, tokens)
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
