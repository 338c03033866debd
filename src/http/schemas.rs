//! The schemas that come with the program.

/// Name and text of each file in `schemas/`, for [`Documents::with_schemas`](super::Documents::with_schemas).
pub const SCHEMAS: &[(&str, &str)] =
    &[("endo", include_str!("../../schemas/endo.json")), ("job", include_str!("../../schemas/job.json"))];
