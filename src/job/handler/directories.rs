//! Job directories outside of this program: their documents, and the handlers that they name.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::directory::{DescribedJob, Documents};
use super::super::load_error::LoadError;
use super::super::runner::Runner;
use super::calling::{Handler, Line};
use super::job_file;
use crate::ambient::Clock;
use crate::egress::{Breaker, BreakerSettings, Egress, HandlerAddress};
use crate::signature::{Ed25519PrivateKey, MessageSigner};

/// Where external handlers are made. Those at the same address share a circuit breaker.
#[derive(Debug)]
pub struct Handlers {
    line: Arc<Line>,
    remote: bool,
    breakers: HashMap<HandlerAddress, Arc<Breaker>>,
}

impl Handlers {
    /// Handlers that are called through `egress`, by requests that this key signs; on other machines only if `remote`
    /// says so.
    pub fn new(egress: Egress, key: Ed25519PrivateKey, clock: Clock, remote: bool) -> Self {
        let line = Line { egress, signer: MessageSigner::new(key), clock };
        Self { line: Arc::new(line), remote, breakers: HashMap::new() }
    }

    /// The jobs whose directories are in `directory`, in the order of their names. What is hidden there, `.git`, is none.
    ///
    /// # Errors
    /// [`LoadError`] for a directory that describes a job but does not say what runs it.
    pub fn jobs_in(&mut self, directory: &Path) -> Result<Vec<DescribedJob>, LoadError> {
        let unreadable = |source| LoadError::Unreadable { directory: directory.to_owned(), source };
        let entries = directory.read_dir().map_err(unreadable)?;
        let mut paths = entries
            .map(|entry| Ok(entry.map_err(unreadable)?.path()))
            .collect::<Result<Vec<_>, LoadError>>()?;
        paths.retain(|path| path.is_dir() && !is_hidden(path));
        paths.sort();
        paths.iter().map(|path| self.job(path)).collect()
    }

    fn job(&mut self, path: &Path) -> Result<DescribedJob, LoadError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned().into();
        let [message, form, response] =
            ["message", "form", "response"].map(|document| read_document(path, document));
        let (message, form, response) = (message?, form?, response?);
        let file = path.join("job.yaml");
        let text = read_if_there(&file)?.ok_or_else(|| LoadError::NoCode(path.to_owned()))?;
        let job =
            job_file::parse(&text).map_err(|source| LoadError::JobFile { file: file.clone(), source })?;
        let handler = self.handler(&job.handler.url, job.repeatable, &file.display().to_string())?;
        let documents =
            Documents { name, message: message.into(), form: form.into(), response: response.into() };
        Ok(DescribedJob { documents, runner: Runner::Handler(handler), provider: None })
    }

    /// The handler at this address for every job type that nothing else runs.
    ///
    /// # Errors
    /// [`LoadError::Handler`].
    pub fn fallback(&mut self, url: &str) -> Result<Handler, LoadError> {
        self.handler(url, false, "jobs.fallback")
    }

    fn handler(&mut self, url: &str, repeatable: bool, named_in: &str) -> Result<Handler, LoadError> {
        let address = HandlerAddress::parse(url, self.remote)
            .map_err(|source| LoadError::Handler { named_in: named_in.to_owned(), source })?;
        let closed = || Breaker::new(BreakerSettings::default(), self.line.clock.clone());
        let breaker = self.breakers.entry(address.clone()).or_insert_with(closed).clone();
        Ok(Handler { address, repeatable, line: Arc::clone(&self.line), breaker })
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The text of a document; empty where there is none.
fn read_document(directory: &Path, document: &str) -> Result<String, LoadError> {
    let cson = directory.join(document).with_extension("cson");
    match read_if_there(&directory.join(document).with_extension("json"))? {
        Some(text) => Ok(text),
        None if cson.exists() => Err(LoadError::OnlyCson { file: cson, directory: directory.to_owned() }),
        None => Ok(String::new()),
    }
}

fn read_if_there(path: &PathBuf) -> Result<Option<String>, LoadError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LoadError::File { file: path.clone(), source }),
    }
}
