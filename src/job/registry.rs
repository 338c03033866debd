//! All jobs: what is served about them, and which one a message is for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::directory::DescribedJob;
use super::handler::Handler;
use super::listing::{JobListing, listing};
use super::load_error::{LoadError, LoadNotice};
use super::loading::{LoadedJob, any_job_type, load};
use super::response::ResponseSchema;
use super::runner::Runner;
use super::running::{self, RunFailure};
use super::schema::Schema;
use super::wording::{self, Fault};
use super::workbench::Provisions;
use crate::message::{JobType, Message, Reply};

/// How jobs are chosen and run.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// The job for messages that name none of the job types; where there is a fallback, for those that name none at all.
    pub default_job_type: Option<JobType>,
    /// The handler for messages that name none of the job types, which knows its own. It validates for itself, and its
    /// answers pass as they are.
    pub fallback: Option<Handler>,
    /// The longest a job may take.
    pub time_limit: Duration,
}

/// The jobs of this gateway, their schemas compiled once.
pub struct Registry {
    jobs: HashMap<JobType, LoadedJob>,
    others: Others,
    time_limit: Duration,
    form_schema: Value,
    message_schema: Value,
    response_schema: Value,
    listings: Vec<JobListing>,
}

/// What becomes of messages that name none of the job types.
enum Others {
    NotFound,
    /// The default job runs, whatever job type they name; with its schema for that.
    Default(JobType, Schema),
    /// The handler gets them. Those that name no job type at all are given the default one, which may have a job here.
    Fallback {
        runner: Runner,
        default: Option<JobType>,
    },
}

impl Registry {
    /// Loads these jobs; the notices are to be logged.
    ///
    /// # Errors
    /// [`LoadError`] names the job and the document.
    pub fn load(
        jobs: Vec<DescribedJob>,
        options: RegistryOptions,
    ) -> Result<(Self, Vec<LoadNotice>), LoadError> {
        let mut notices = Vec::new();
        let jobs = jobs.into_iter().map(|job| load(job, &mut notices)).collect::<Result<Vec<_>, _>>()?;
        Ok((Self::of(jobs, options)?, notices))
    }

    fn of(jobs: Vec<LoadedJob>, options: RegistryOptions) -> Result<Self, LoadError> {
        let documents = |document: fn(&LoadedJob) -> Option<Value>| -> Map<String, Value> {
            jobs.iter().filter_map(|job| Some((job.job_type.to_string(), document(job)?))).collect()
        };
        let form_schema = json!({"message": documents(|job| job.form.clone())});
        let message_schema = Value::Object(documents(|job| Some(job.message.document.clone())));
        let response_schema = Value::Object(documents(|job| job.response_document.clone()));
        let listed = |job: &LoadedJob| {
            let response = job.response_document.as_ref().unwrap_or(&Value::Null);
            listing(&job.job_type, &job.message.document, response)
        };
        let listings = jobs.iter().map(listed).collect();
        let jobs = by_type(jobs)?;
        let time_limit = options.time_limit;
        let others = Others::of(options, &jobs)?;
        Ok(Self { jobs, others, time_limit, form_schema, message_schema, response_schema, listings })
    }

    /// The forms of all jobs: `{"message": {ListEventsByUser: …}}`.
    pub fn form_schema(&self) -> &Value {
        &self.form_schema
    }

    /// The message schemas of all jobs by job type.
    pub fn message_schema(&self) -> &Value {
        &self.message_schema
    }

    /// The response schemas of all jobs by job type.
    pub fn response_schema(&self) -> &Value {
        &self.response_schema
    }

    /// All job types with their fields, in the order they were given.
    pub fn job_types(&self) -> &[JobListing] {
        &self.listings
    }

    /// Chooses the job that `message` is for and checks the message against its schema; needs no credentials.
    ///
    /// # Errors
    /// [`Refusal`], whose reply is to be sent instead.
    pub fn check<'a>(&'a self, message: &'a Message) -> Result<CheckedMessage<'a>, Refusal> {
        let time_limit = self.time_limit;
        let message = self.others.named(message);
        let Some((job, schema)) = self.choose(&message) else {
            let Others::Fallback { runner, .. } = &self.others else { return Err(Refusal::UnknownType) };
            return Ok(CheckedMessage { runner, job: None, message, time_limit });
        };
        let faults = wording::faults(schema, &as_value(&message));
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults));
        }
        Ok(CheckedMessage { runner: &job.runner, job: Some(job), message, time_limit })
    }

    /// Checks the message, runs its job and checks the response; refusals of the message are replies, too.
    ///
    /// # Errors
    /// [`RunFailure`]: what to tell the sender, and what may be tried before.
    pub async fn run(&self, message: &Message, provisions: Provisions) -> Result<Reply, RunFailure> {
        match self.check(message) {
            Ok(call) => call.run(provisions).await,
            Err(refusal) => Ok(refusal.reply()),
        }
    }

    fn choose(&self, message: &Message) -> Option<(&LoadedJob, &Schema)> {
        let named = message.job_type().and_then(|job_type| self.jobs.get(&job_type));
        if let Some(job) = named {
            return Some((job, &job.message));
        }
        let Others::Default(job_type, schema) = &self.others else { return None };
        Some((self.jobs.get(job_type)?, schema))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.listings.iter().map(|listing| &listing.job_type)).finish()
    }
}

/// Why no job runs for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no job of its type.
    UnknownType,
    /// This is wrong with it.
    Invalid(Vec<Fault>),
}

impl Refusal {
    /// What its sender is told: 404, or 422 with what is wrong.
    pub fn reply(&self) -> Reply {
        match self {
            Self::UnknownType => running::not_found(),
            Self::Invalid(faults) => running::unprocessable(faults.iter().map(Fault::text).collect()),
        }
    }
}

/// A checked message with its job, ready to run as often as needed.
pub struct CheckedMessage<'a> {
    runner: &'a Runner,
    /// Absent for the fallback, which knows its own schemas.
    job: Option<&'a LoadedJob>,
    message: Cow<'a, Message>,
    time_limit: Duration,
}

impl CheckedMessage<'_> {
    /// The type of the job that runs; the default one where the message named no other, none for the fallback.
    pub fn job_type(&self) -> Option<&JobType> {
        self.job.map(|job| &job.job_type)
    }

    /// Runs the job and checks its response.
    ///
    /// # Errors
    /// [`RunFailure`]: what to tell the sender, and what may be tried before.
    pub async fn run(&self, provisions: Provisions) -> Result<Reply, RunFailure> {
        let redaction = provisions.redaction();
        let work = self.runner.work(&self.message, provisions);
        running::run(work, self.time_limit, &redaction, self.response()).await
    }

    fn response(&self) -> Option<&ResponseSchema> {
        self.job?.response.as_ref()
    }
}

fn by_type(jobs: Vec<LoadedJob>) -> Result<HashMap<JobType, LoadedJob>, LoadError> {
    let mut known = HashMap::new();
    for job in jobs {
        if let Some(earlier) = known.insert(job.job_type.clone(), job) {
            return Err(LoadError::Duplicate(earlier.job_type));
        }
    }
    Ok(known)
}

impl Others {
    fn of(options: RegistryOptions, jobs: &HashMap<JobType, LoadedJob>) -> Result<Self, LoadError> {
        let default = options.default_job_type;
        if let Some(handler) = options.fallback {
            return Ok(Self::Fallback { runner: Runner::Handler(handler), default });
        }
        let Some(job_type) = default else { return Ok(Self::NotFound) };
        match jobs.get(&job_type) {
            Some(job) => Ok(Self::Default(job_type, any_job_type(job)?)),
            None => Err(LoadError::UnknownDefault(job_type)),
        }
    }

    fn named<'a>(&self, message: &'a Message) -> Cow<'a, Message> {
        match self {
            Self::Fallback { default: Some(job_type), .. } if message.job_type().is_none() => {
                Cow::Owned(message.naming(job_type))
            }
            _ => Cow::Borrowed(message),
        }
    }
}

fn as_value(message: &Message) -> Value {
    let metadata = message.metadata.clone().map(|metadata| ("metadata".to_owned(), Value::Object(metadata)));
    let data = message.data.clone().map(|data| ("data".to_owned(), data));
    metadata.into_iter().chain(data).collect()
}
