//! A key that its owner types in: kept, and typed in again as the proof that the credentials are theirs.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::finish::{Kept, finish};
use super::keeping::{BroughtAccount, NotKept, keep};
use super::visitor::Form;
use super::wish::Wish;
use crate::console::{self, KeyEntry, KeyFault, KeyLine};
use crate::credentials::{Again, Owned, Possession};
use crate::http::entrance::Entrance;
use crate::http::naming::named;
use crate::http::page::page;
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::Session;
use crate::legible;
use crate::message::DeviceUuid;
use crate::vault::{NotASecret, ResourceOwnerId, SecretText};

/// No key of people's is shorter.
const WORD: usize = 7;

/// What is wrong with what was typed, and what is to be done about it.
struct Fault {
    kind: Kind,
    /// The line of the form that it is in, where it is in one.
    line: Option<KeyLine>,
    note: Cow<'static, str>,
}

impl Fault {
    const fn new(kind: Kind, note: &'static str) -> Self {
        Self { kind, line: None, note: Cow::Borrowed(note) }
    }

    const fn of(line: KeyLine, kind: Kind, note: &'static str) -> Self {
        Self { kind, line: Some(line), note: Cow::Borrowed(note) }
    }
}

const BAD_KEY: Fault = Fault::of(
    KeyLine::Key,
    Kind::MalformedRequest,
    "Type the key in again: it has to be one line of letters, digits and signs, without blanks.",
);
const KEY_IN_NAME: Fault = Fault::of(
    KeyLine::Name,
    Kind::MalformedRequest,
    "Give another name: the key itself was in it, and names are shown. Nothing was done.",
);
const NO_PRESENT_KEY: Fault = Fault::of(
    KeyLine::Present,
    Kind::ReauthenticationRequired,
    "Type in the present key as well, in the field `present`: who has it is who may give another. Nothing was done.",
);
const OTHER_KEY: Fault = Fault::of(
    KeyLine::Present,
    Kind::NotAllowed,
    "That is not the present key of these credentials. Nothing was done. Type in the one that was given last; where nobody has it \
     any more, whoever runs the gateway forgets these credentials.",
);
const TOO_OFTEN_BY_NEWCOMERS: Fault = Fault::new(
    Kind::NotAllowed,
    "With tokens of yours, or where you signed in lately, wrong keys were typed in too often; none is tried there for ten \
     minutes. Nothing was done; type the key in in a browser in which you have been signed in for longer, or try again then.",
);
const TOO_OFTEN: Fault = Fault::new(
    Kind::NotAllowed,
    "Wrong keys were typed in too often; none is tried for a minute. Nothing was done; try again then.",
);

/// Why nothing was kept.
enum Unkept {
    /// Something else has to be typed in.
    Fault(Fault),
    /// Nobody can keep or tell anything now.
    Problem(Problem),
}

impl From<Fault> for Unkept {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Problem> for Unkept {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// What somebody typed in, for which credentials.
struct Entry<'a> {
    door: &'a FrontDoor,
    form: &'a Form,
    /// What is there already under this name.
    owned: Option<Owned>,
    name: String,
}

/// The page that asks for a key; where there is one, also for that.
pub(super) async fn ask(door: &FrontDoor, session: &Session, wish: &Wish) -> Answer {
    let (entrance, action) = (door.entrance()?, wish.path());
    let blank = KeyEntry {
        api: &entrance.api,
        action: &action,
        name: None,
        name_is_fixed: wish.credentials.is_some(),
        asks_present: false,
        fault: None,
    };
    let Some(device) = &wish.credentials else { return Ok(show(session, &blank)) };
    let owned = owned(entrance, &session.owner, device).await?;
    Ok(show(session, &KeyEntry { name: owned.username(), asks_present: true, ..blank }))
}

fn show(session: &Session, entry: &KeyEntry<'_>) -> HttpResponse {
    let status = if entry.fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page(status, console::key_entry(&session.viewer(), entry))
}

/// Keeps the key that was typed in, if one was; that, or the present one, is the proof.
pub(super) async fn take(request: &HttpRequest, door: &FrontDoor, form: Form, wish: Wish) -> Answer {
    // Of those who give a new name at the same time, one is the first.
    let _turn = match &wish.credentials {
        Some(_) => None,
        None => {
            let account = account_id(&form.visitor.login().uuid, &one_form(form.fields.one("name")));
            let turn = door.entrance()?.credentials.turn_of(&account).await;
            Some(turn?)
        }
    };
    let entry = Entry::read(door, &form, &wish).await?;
    match entry.settle().await {
        Ok(device) => {
            let kept = Kept { visitor: &form.visitor, device, proved_at: Some(door.clock.now()) };
            finish(request, door, kept, wish.next.as_ref()).await
        }
        Err(Unkept::Problem(problem)) => Err(problem),
        Err(Unkept::Fault(Fault { kind, line, note })) => match form.visitor.session() {
            Some(session) => {
                let again = KeyEntry {
                    api: &door.entrance()?.api,
                    action: &wish.path(),
                    name: Some(entry.name.as_str()).filter(|_| !entry.is_key_in_name()),
                    name_is_fixed: wish.credentials.is_some(),
                    asks_present: entry.owned.is_some(),
                    fault: Some(KeyFault { line, note: &note }),
                };
                Ok(show(session, &again))
            }
            None => Err(Problem::new(kind, note)),
        },
    }
}

impl<'a> Entry<'a> {
    async fn read(door: &'a FrontDoor, form: &'a Form, wish: &Wish) -> Result<Self, Problem> {
        let entrance = door.entrance()?;
        let (owner, typed) = (&form.visitor.login().uuid, one_form(form.fields.one("name")));
        let owned = match &wish.credentials {
            Some(device) => Some(owned(entrance, owner, device).await?),
            None => called_so(entrance, owner, &typed).await?,
        };
        let fixed = owned.as_ref().and_then(|owned| owned.username());
        let name = fixed.map_or(typed, str::to_owned);
        Ok(Self { door, form, owned, name })
    }

    /// Keeps the key; answers on which device.
    async fn settle(&self) -> Result<DeviceUuid, Unkept> {
        let fields = &self.form.fields;
        let (present, new) = (fields.one("present").trim(), fields.one("key").trim());
        match &self.owned {
            Some(owned) => {
                let again = self.prove(owned, present).await?;
                if new.is_empty() {
                    return Ok(again.device);
                }
                self.keep(new, Some(again)).await
            }
            None => {
                named(&self.name).map_err(|note| Fault {
                    kind: Kind::MalformedRequest,
                    line: Some(KeyLine::Name),
                    note: note.into(),
                })?;
                if self.is_key_in_name() {
                    return Err(KEY_IN_NAME.into());
                }
                self.keep(new, None).await
            }
        }
    }

    /// A key that is no longer than a word may be a part of a name by chance.
    fn is_key_in_name(&self) -> bool {
        let key = self.form.fields.one("key").trim();
        !key.is_empty() && (self.name == key || key.len() > WORD && self.name.contains(key))
    }

    async fn keep(&self, key: &str, again: Option<Again>) -> Result<DeviceUuid, Unkept> {
        let key = SecretText::handed_over(key).map_err(|NotASecret| BAD_KEY)?;
        // A key belongs to whoever typed it: no API says whose account it is.
        let visitor = &self.form.visitor;
        let kept = self.owned.as_ref().and_then(|owned| owned.id()).cloned();
        let id = kept.unwrap_or_else(|| ResourceOwnerId::Text(account_id(&visitor.login().uuid, &self.name)));
        let account = visitor.account(id, Some(self.name.clone()), key);
        let brought = BroughtAccount { account, login: visitor.login().clone(), arrival: None, again };
        match keep(self.door, brought).await {
            // Somebody else who has it was quicker to give another.
            Err(NotKept::OtherSecret) => Err(OTHER_KEY.into()),
            Err(NotKept::Problem(problem)) => Err(problem.into()),
            Ok(device) => Ok(device),
        }
    }

    /// Whoever has the present key may give another, and end the credentials for a while. That while is everybody's who acts
    /// as the owner, and another key is for ever: a key that was typed in lately, by whomever, is not enough for that.
    async fn prove(&self, owned: &Owned, present: &str) -> Result<Again, Unkept> {
        if present.is_empty() {
            return Err(NO_PRESENT_KEY.into());
        }
        let credentials = &self.door.entrance()?.credentials;
        let (typist, present) = (self.form.visitor.typist(self.door).await?, SecretText::from(present));
        let possession = credentials.possession(owned, &typist, &present).await;
        match possession.map_err(Problem::from)? {
            Possession::Shown => Ok(Again { device: owned.device().clone(), present: Some(present) }),
            Possession::NotShown => Err(OTHER_KEY.into()),
            Possession::NotTried => Err(TOO_OFTEN.into()),
            Possession::NotTriedByNewcomers => Err(TOO_OFTEN_BY_NEWCOMERS.into()),
        }
    }
}

async fn owned(entrance: &Entrance, owner: &DeviceUuid, device: &DeviceUuid) -> Result<Owned, Problem> {
    let owned = entrance.credentials.owned_by(owner, device.clone()).await;
    Ok(owned?)
}

/// The credentials of this owner that are called so; also those that were before names were kept in one form.
async fn called_so(entrance: &Entrance, owner: &DeviceUuid, name: &str) -> Result<Option<Owned>, Problem> {
    let id = ResourceOwnerId::Text(account_id(owner, name));
    if let Some(device) = entrance.credentials.of_account(&id).await? {
        return Ok(Some(owned(entrance, owner, &device).await?));
    }
    let of_owner = account_id(owner, "");
    let is_called_so = |owned: &Owned| match owned.id() {
        Some(ResourceOwnerId::Text(id)) if owned.elsewhere().is_none() => {
            id.strip_prefix(&of_owner).is_some_and(|kept| one_form(kept) == name)
        }
        _ => false,
    };
    Ok(entrance.credentials.first_of_owner(owner, is_called_so).await?)
}

/// A name in the form in which names are compared; as it is where it can be none.
fn one_form(name: &str) -> String {
    legible::name(name.trim()).unwrap_or_else(|_| name.trim().to_owned())
}

/// The account that a key of this name stands for.
fn account_id(owner: &DeviceUuid, name: &str) -> String {
    format!("{owner}:{name}")
}
