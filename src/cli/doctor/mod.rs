//! `endo doctor`: looks at everything that has to be right for messages to come in and people to sign in
//! (`spec/meshblu.md` 7), and mends what it may.

mod case;
mod checks;
mod examine;
mod files;
mod finding;
mod here;
mod lists;
mod mend;
mod opening;
mod owner;
mod owners;
mod queue;
mod records;
mod report;
mod run;
mod urls;
mod webhooks;

pub(super) use examine::examine;
pub(super) use finding::Change;
pub(super) use mend::mend;
pub(super) use run::{DoctorArguments, run};
