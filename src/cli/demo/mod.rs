//! `endo demo`: the main job, played on this machine over real HTTP.

mod acts;
mod directory;
mod play;
mod stage;
mod telling;

pub(super) use play::{DemoArguments, run};
