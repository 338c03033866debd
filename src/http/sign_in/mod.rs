//! Signing in and out: with the bus, at the API, and by the link of the terminal.

mod api;
mod becoming_owner;
mod bus;
mod coming_back;
mod finish;
mod give_back;
mod gone;
mod keeping;
mod key;
mod link;
mod next;
mod nothing;
mod page;
mod redeeming;
mod sign_out;
mod visitor;
mod ways;
mod wish;

pub(super) use api::{back as back_from_api, forward as forward_from_api};
pub(super) use bus::{back as back_from_bus, begin as go_to_bus};
pub(super) use link::enter as enter_by_link;
pub(super) use next::NextPage;
pub(super) use page::show as show_ways_in;
pub(super) use sign_out::sign_out;
pub(super) use ways::{begin as begin_at_api, take as take_at_api};
