//! The GitHub jobs, and the stand-in for GitHub's API.

mod stand_in;
