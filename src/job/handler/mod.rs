//! External handlers: processes beside this one that run jobs, and get the opened secrets for it.

mod answer;
mod calling;
mod directories;
mod job_file;
mod question;

pub use calling::Handler;
pub use directories::Handlers;
pub use job_file::{JobFileError, job_file_schema};
pub(super) use question::Question;
