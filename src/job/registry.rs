//! All jobs: what is served about them, and which one a message is for.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::context::JobContext;
use super::directory::BuiltIn;
use super::listing::{JobListing, listing};
use super::loading::{LoadError, LoadNotice, LoadedJob, any_job_type, load, refuse_jobs_without_code};
use super::running::{self, RunFailure};
use super::schema::Schema;
use super::wording;
use crate::message::{JobType, Message, Reply};

/// How jobs are chosen and run.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// The job for messages that name none of the job types.
    pub default_job_type: Option<JobType>,
    /// The longest a job may take.
    pub time_limit: Duration,
}

/// The jobs of this gateway, their schemas compiled once.
pub struct Registry {
    jobs: HashMap<JobType, LoadedJob>,
    default: Option<(JobType, Schema)>,
    time_limit: Duration,
    form_schema: Value,
    message_schema: Value,
    response_schema: Value,
    listings: Vec<JobListing>,
}

impl Registry {
    /// Loads the jobs written in Rust and looks through the directories for others; the notices are to be logged.
    ///
    /// # Errors
    /// [`LoadError`] names the job and the document.
    pub fn load(
        built_in: Vec<BuiltIn>,
        directories: &[PathBuf],
        options: RegistryOptions,
    ) -> Result<(Self, Vec<LoadNotice>), LoadError> {
        let mut notices = Vec::new();
        directories.iter().try_for_each(|directory| refuse_jobs_without_code(directory))?;
        let jobs = built_in.into_iter().map(|job| load(job, &mut notices)).collect::<Result<Vec<_>, _>>()?;
        Ok((Self::of(jobs, options)?, notices))
    }

    fn of(jobs: Vec<LoadedJob>, options: RegistryOptions) -> Result<Self, LoadError> {
        let documents = |document: fn(&LoadedJob) -> Option<Value>| -> Map<String, Value> {
            jobs.iter().filter_map(|job| Some((job.job_type.to_string(), document(job)?))).collect()
        };
        let form_schema = json!({"message": documents(|job| job.form.clone())});
        let message_schema = Value::Object(documents(|job| Some(job.message.document.clone())));
        let response_schema = Value::Object(documents(|job| Some(job.response_document.clone())));
        let listed = |job: &LoadedJob| listing(&job.job_type, &job.message.document, &job.response_document);
        let listings = jobs.iter().map(listed).collect();
        let jobs = by_type(jobs)?;
        let default = options.default_job_type.map(|job_type| default_job(&jobs, job_type)).transpose()?;
        let time_limit = options.time_limit;
        Ok(Self { jobs, default, time_limit, form_schema, message_schema, response_schema, listings })
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
    /// The reply to send instead: 404 for an unknown job type, 422 with what is wrong.
    pub fn check(&self, message: &Message) -> Result<Call<'_>, Box<Reply>> {
        let (job, schema) = self.choose(message).ok_or_else(|| Box::new(running::not_found()))?;
        let errors = wording::texts(schema, &as_value(message));
        if !errors.is_empty() {
            return Err(Box::new(running::unprocessable(errors)));
        }
        let data = message.data.clone().unwrap_or_default();
        Ok(Call { job, data, time_limit: self.time_limit })
    }

    /// Checks the message, runs its job and checks the response; refusals of the message are replies, too.
    ///
    /// # Errors
    /// [`RunFailure`]: what to tell the sender, and what may be tried before.
    pub async fn run(&self, message: &Message, context: JobContext) -> Result<Reply, RunFailure> {
        match self.check(message) {
            Ok(call) => call.run(context).await,
            Err(refusal) => Ok(*refusal),
        }
    }

    fn choose(&self, message: &Message) -> Option<(&LoadedJob, &Schema)> {
        let named = message.job_type().and_then(|job_type| self.jobs.get(&job_type));
        if let Some(job) = named {
            return Some((job, &job.message));
        }
        let (job_type, schema) = self.default.as_ref()?;
        Some((self.jobs.get(job_type)?, schema))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.listings.iter().map(|listing| &listing.job_type)).finish()
    }
}

/// A checked message with its job, ready to run as often as needed.
pub struct Call<'r> {
    job: &'r LoadedJob,
    data: Value,
    time_limit: Duration,
}

impl Call<'_> {
    /// The type of the job that runs; the default one where the message named no other.
    pub fn job_type(&self) -> &JobType {
        &self.job.job_type
    }

    /// Runs the job and checks its response.
    ///
    /// # Errors
    /// [`RunFailure`]: what to tell the sender, and what may be tried before.
    pub async fn run(&self, context: JobContext) -> Result<Reply, RunFailure> {
        let job = (self.job.run)(self.data.clone(), context);
        running::run(job, self.time_limit, &self.job.response).await
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

fn default_job(
    jobs: &HashMap<JobType, LoadedJob>,
    job_type: JobType,
) -> Result<(JobType, Schema), LoadError> {
    match jobs.get(&job_type) {
        Some(job) => Ok((job_type, any_job_type(job)?)),
        None => Err(LoadError::UnknownDefault(job_type)),
    }
}

fn as_value(message: &Message) -> Value {
    let metadata = message.metadata.clone().map(|metadata| ("metadata".to_owned(), Value::Object(metadata)));
    let data = message.data.clone().map(|data| ("data".to_owned(), data));
    metadata.into_iter().chain(data).collect()
}
