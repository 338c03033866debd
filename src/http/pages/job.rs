//! The jobs of one user device: their list, their forms, and what came of a message that was sent from one.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use percent_encoding::percent_decode_str;
use serde_json::{Map, json};

use super::visit::{Visit, query};
use crate::console::form::{Faults, JobForm, Posted};
use crate::console::{self, Markup, Outcome, Shown, UserDevice};
use crate::dispatch::{Came, NotSent, Sent};
use crate::http::Body;
use crate::http::jobs::Jobs;
use crate::http::page::{page, see_other};
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Browser, Fields, Incoming, Sending, Session};
use crate::http::sign_in::NextPage;
use crate::job::{JobListing, Refusal};
use crate::message::{DeliveryId, DeviceUuid, Message};
use crate::telemetry::with_causes;

const NOT_TAKEN: &str = "The device did not take the message, so nothing was done: it has to accept messages from you, \
                         and the credentials have to be subscribed to what it receives. Cut it off and add a new one if \
                         that does not help.";

const SENT_ALREADY: &str = "You sent this form before, and nothing is sent again: nobody can tell yet what came of it. \
                            Look whether it was done before you send it once more.";

const SIGNED_IN_SINCE: &str = "You signed in since this form was made, so nothing was sent now. It holds what you typed: look \
                               whether that was not sent before, and is still what you want, and send it.";

/// A user device of the viewer's.
struct Bench<'a> {
    visit: Visit<'a>,
    jobs: &'a Jobs,
    shown: Shown,
    device: UserDevice,
}

impl<'a> Bench<'a> {
    async fn of(request: &HttpRequest, door: &'a FrontDoor) -> Result<Self, Problem> {
        let visit = Visit::of(request, door).await?;
        let (jobs, shown) = (door.jobs()?, visit.shown());
        let device = visit.user_device_in(request).await?;
        if !device.is_told {
            let text =
                "The bus could not be asked just now whose device this is; load the page again in a moment";
            return Err(Problem::new(Kind::Unavailable, text));
        }
        if !device.is_viewers {
            let text = "Only whoever owns the device can send to it from here; add a device of your own";
            return Err(Problem::new(Kind::NotAllowed, text));
        }
        Ok(Self { visit, jobs, shown, device })
    }

    fn shown(&self) -> console::Bench<'_> {
        console::Bench { shown: &self.shown, device: &self.device }
    }

    fn task(&self, request: &HttpRequest) -> Result<Task<'a>, Problem> {
        Task::of(self.jobs, request)
    }

    fn form(&self, task: &Task<'_>, controls: &Markup, note: Option<&str>) -> Markup {
        let task = console::Task { bench: self.shown(), job: task.listing };
        console::job_form(&self.visit.viewer(), task, controls, note)
    }

    /// The message that the form makes, if the job takes it.
    fn message(&self, task: &Task<'_>, posted: &Posted) -> Result<Message, Faults> {
        let (data, faults) = task.form.read(posted);
        let metadata = Map::from_iter([("jobType".to_owned(), json!(task.listing.job_type))]);
        let message = Message { metadata: Some(metadata), data };
        match self.jobs.registry.check(&message).map(drop) {
            Ok(()) if faults.is_empty() => Ok(message),
            Ok(()) => Err(faults),
            Err(Refusal::Invalid(found)) => Err(faults.and_of_other_fields(task.form.refused(&found))),
            Err(Refusal::UnknownType) => Err(faults),
        }
    }

    /// The form as it was filled in, and why it is here again.
    fn form_again(&self, task: &Task<'_>, posted: &Posted, note: &str) -> Markup {
        self.form(task, &task.form.filled(posted, &Faults::default()), Some(note))
    }

    /// Sends the message; answers by what it is found again, where the device took it.
    async fn send(&self, message: Message) -> Result<Option<String>, Problem> {
        let device = self.device.uuid.as_str().into();
        let sent = self.jobs.exchange.send(&self.visit.session.login, &device, message).await;
        Ok(match sent.map_err(|error| not_sent(&error))? {
            Sent::Accepted(id) => Some(id.as_str().to_owned()),
            Sent::Ignored => None,
        })
    }
}

/// One job.
struct Task<'a> {
    listing: &'a JobListing,
    form: JobForm,
}

impl<'a> Task<'a> {
    /// The one in the path.
    fn of(jobs: &'a Jobs, request: &HttpRequest) -> Result<Self, Problem> {
        let wanted = percent_decode_str(request.match_info().query("type")).decode_utf8_lossy();
        let registry = &jobs.registry;
        let listing = registry.job_types().iter().find(|listing| listing.job_type.as_str() == wanted);
        let listing = listing.ok_or_else(Problem::nothing_here)?;
        let name = listing.job_type.as_str();
        let form = JobForm::of(&registry.message_schema()[name], &registry.form_schema()["message"][name]);
        Ok(Self { listing, form })
    }
}

/// What came of a message that `sender` sent from the page at `path`.
async fn came_of(jobs: &Jobs, sender: &DeviceUuid, id: &str, path: &str) -> Result<Outcome, Problem> {
    let id = DeliveryId::from(id);
    let came = jobs.exchange.came_of(&id, sender, jobs.patience).await;
    let came = came.map_err(|error| {
        tracing::error!(error = with_causes(&error), "nobody can tell what came of a message");
        let text = "Nobody can tell now what came of the message; load the page again in a moment";
        Problem::new(Kind::Unavailable, text)
    })?;
    let again = format!("{path}?sent={id}");
    Ok(match came {
        Came::Ended(ended) => Outcome::Ended(ended),
        Came::Nothing => Outcome::Waiting { again },
        Came::NotBack => Outcome::Elsewhere { again },
        Came::Lost => Outcome::Lost { again },
        Came::Unknown => Outcome::Unknown,
    })
}

/// `GET .../jobs`: the list.
pub(in crate::http) async fn list(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let bench = Bench::of(&request, &door).await?;
    let jobs = bench.jobs.registry.job_types();
    Ok(page(StatusCode::OK, console::jobs(&bench.visit.viewer(), &bench.shown(), jobs)))
}

/// `GET .../jobs/{type}`: the form; after it was sent, what came of it.
pub(in crate::http) async fn form(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let sent = query(&request, "sent");
    let bench = match Bench::of(&request, &door).await {
        Err(problem) if !sent.is_empty() && is_over(&problem) => {
            return past(&request, &door, &sent).await?.ok_or(problem);
        }
        bench => bench?,
    };
    let task = bench.task(&request)?;
    if sent.is_empty() {
        return Ok(page(StatusCode::OK, bench.form(&task, &task.form.blank(), None)));
    }
    let task = console::Task { bench: bench.shown(), job: task.listing };
    let path = task.bench.path_of(task.job);
    let outcome = came_of(bench.jobs, &bench.visit.session.owner, &sent, &path).await?;
    let is_repeat = !query(&request, "repeat").is_empty();
    let markup = console::job_outcome(&bench.visit.viewer(), task, &outcome, is_repeat);
    Ok(page(StatusCode::OK, markup))
}

/// Whether the viewer may not send to the device, or not any more. That nobody can tell now says nothing of the kind.
fn is_over(problem: &Problem) -> bool {
    matches!(problem.kind(), Kind::NotFound | Kind::NotAllowed)
}

/// What came of a message of the viewer's that was sent to a device which they may not send to any more; `None` where
/// nothing is known of such a message.
async fn past(request: &HttpRequest, door: &FrontDoor, sent: &str) -> Result<Option<HttpResponse>, Problem> {
    let session = Session::of(request, door).await?;
    let (jobs, entrance) = (door.jobs()?, door.entrance()?);
    let task = Task::of(jobs, request)?;
    let outcome = came_of(jobs, &session.owner, sent, request.path()).await?;
    if outcome == Outcome::Unknown {
        return Ok(None);
    }
    let uuid = request.match_info().query("uuid").to_owned();
    let shown = Shown { uuid, account: None, api: entrance.api.clone(), ways: door.owners()?.ways() };
    let markup = console::past_outcome(&session.viewer(), &shown, task.listing, &outcome);
    Ok(Some(page(StatusCode::OK, markup)))
}

/// `POST .../jobs/{type}`: sends the message, as the viewer.
pub(in crate::http) async fn send(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let bench = match Bench::of(&request, &door).await {
        Err(problem) if problem.kind() == Kind::NotAuthenticated => {
            return typed(&request, &body, &door)?.ok_or(problem);
        }
        bench => bench?,
    };
    let task = bench.task(&request)?;
    let posted = posted(&Fields::read(&body)?);
    let came_of = |id: &str| format!("{}?sent={id}", bench.shown().path_of(task.listing));
    let sent_already = |id: Option<String>| match id {
        Some(id) => Ok(see_other(&format!("{}&repeat=1", came_of(&id)))),
        None => Ok(page(StatusCode::CONFLICT, bench.form_again(&task, &posted, SENT_ALREADY))),
    };
    match bench.visit.session.receive(&door, &request, &body).await {
        Ok(Incoming::Ours(_)) => {}
        Ok(Incoming::Before(id)) => return sent_already(id),
        // Nobody but the gateway's own pages fills in a form for somebody else to send.
        Err(problem) if problem.kind() == Kind::NotAllowed && Browser::of(&request).is_led_by_us => {
            let again = bench.form_again(&task, &posted, SIGNED_IN_SINCE);
            return Ok(page(problem.kind().status(), again));
        }
        Err(problem) => return Err(problem),
    }
    let message = match bench.message(&task, &posted) {
        Ok(message) => message,
        Err(faults) => {
            let controls = task.form.filled(&posted, &faults);
            return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, bench.form(&task, &controls, None)));
        }
    };
    match bench.visit.session.sending(&door, &request, &body).await? {
        Sending::First(form) => {
            let sent = bench.send(message).await.map(|id| match id {
                Some(id) => (see_other(&came_of(&id)), Some(id)),
                None => (page(StatusCode::FORBIDDEN, bench.form_again(&task, &posted, NOT_TAKEN)), None),
            });
            form.settle(sent).await
        }
        Sending::Again(id) => sent_already(id),
    }
}

/// What somebody typed whose sign-in was over when they sent it, as far as it is certain that they typed it here.
fn typed(request: &HttpRequest, body: &Body, door: &FrontDoor) -> Result<Option<HttpResponse>, Problem> {
    if !Browser::of(request).is_led_by_us {
        return Ok(None);
    }
    let (path, task) = (request.path(), Task::of(door.jobs()?, request)?);
    let controls = task.form.filled(&posted(&Fields::read(body)?), &Faults::default());
    let markup =
        console::job_form_kept(task.listing, path, &NextPage::parse(path).after("/sign-in"), &controls);
    Ok(Some(page(Kind::NotAuthenticated.status(), markup)))
}

fn posted(fields: &Fields) -> Posted {
    Posted::new(fields.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn not_sent(error: &NotSent) -> Problem {
    tracing::warn!(error = with_causes(error), "a message from a page was not sent");
    let text = match error {
        NotSent::Store(_) => {
            "The gateway cannot keep the message now, so nothing was sent; go back and send it again in a moment"
        }
        NotSent::Bus(_) | NotSent::Meshblu(_) => {
            "The bus did not take the message, or did not say so; go back, look whether it was done, and send it again in a \
             moment"
        }
    };
    Problem::new(Kind::Unavailable, text)
}
