//! The form of one job, made from its schemas: what it asks, as HTML, and back from what was posted to `data`.

mod faults;
mod field;
mod formats;
mod group;
mod html;
mod html_controls;
mod job_form;
mod kind;
mod layout;
mod posted;
mod range;
mod reading;
mod sentences;
mod values;

pub use faults::Faults;
pub use job_form::JobForm;
pub use posted::Posted;
