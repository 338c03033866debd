//! The words of the commands that have to do with accounts and the devices that use them.

use clap::{Args, Subcommand};

use super::arguments::ListArguments;
use crate::legible;

/// What `endo credentials` can do.
#[derive(Debug, Subcommand)]
pub enum CredentialsCommand {
    /// Store credentials; their secret is read from standard input
    Add(CredentialsAddArguments),
    /// List the accounts whose credentials are kept
    Ls(ListArguments),
    /// Print everything about the credentials of one account, but for the secret
    Show {
        /// The credentials device
        uuid: String,
    },
    /// Forget a secret for ever: its devices are cut off, and the API is told
    ///
    /// At a terminal it asks first. With no gateway running the API is told at once or, where it does not answer, when one
    /// runs within a day.
    Forget(ForgetArguments),
}

/// What `endo credentials add` takes.
#[derive(Debug, Args)]
pub struct CredentialsAddArguments {
    /// The account's id at the API, such as 583231; digits are taken as a number
    #[arg(long, value_name = "ID")]
    pub id: String,
    /// The account's name at the API, such as octocat
    #[arg(long, value_name = "NAME", value_parser = legible::given)]
    pub username: Option<String>,
    /// The device that may manage these credentials; without it, the owner made on first start
    #[arg(long, value_name = "UUID")]
    pub owner: Option<String>,
    /// How many seconds the secret lives from now on; without it, it is renewed when the API refuses it
    #[arg(long, value_name = "SECONDS")]
    pub expires_in: Option<u32>,
    /// Read a second line from standard input: the refresh token
    #[arg(long)]
    pub with_refresh_token: bool,
}

/// What `endo credentials forget` takes.
#[derive(Debug, Args)]
pub struct ForgetArguments {
    /// The credentials device
    pub uuid: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// What `endo devices` can do.
#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// Make a user device that uses stored credentials
    Add(DevicesAddArguments),
    /// List the user devices, those that were cut off too
    Ls(ListArguments),
    /// Cut a user device off from its credentials, or all off from some
    Revoke(DevicesRevokeArguments),
}

/// What `endo devices revoke` takes.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct DevicesRevokeArguments {
    /// The user device
    pub uuid: Option<String>,
    /// Cut off all that use the credentials of this credentials device, those included that are only being made
    #[arg(long, value_name = "UUID")]
    pub credentials: Option<String>,
}

/// What `endo devices add` takes.
#[derive(Debug, Args)]
pub struct DevicesAddArguments {
    /// The credentials device whose credentials it shall use; without it, the only one
    #[arg(long, value_name = "UUID")]
    pub credentials: Option<String>,
    /// What people shall call it
    #[arg(long, value_name = "NAME", value_parser = legible::given)]
    pub name: Option<String>,
    /// The device that owns it; without it, the owner made on first start
    #[arg(long, value_name = "UUID")]
    pub owner: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}
