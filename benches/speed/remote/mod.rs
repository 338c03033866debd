//! (g) A message of a bus elsewhere: posted to the gateway, worked on, and answered by calls of that bus.

mod bus;
mod cast;
mod child;
mod gateway;
mod posts;
mod rows;
mod yardstick;

pub(crate) use child::play;
pub(crate) use rows::measure;
