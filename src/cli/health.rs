//! `endo health`: asks the gateway whether it is ready, for supervisors that know no HTTP.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::CommandError;
use crate::config::Config;
use crate::gateway::reachable;

/// How long the gateway may take to accept, and then to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Prints that the gateway of this configuration is ready.
///
/// # Errors
/// [`CommandError::Unreachable`] when it does not answer, [`CommandError::NotReady`] when it says no.
pub(super) fn run(config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let address = reachable(config.listen.gateway);
    let status = ask(address).map_err(|source| CommandError::Unreachable { address, source })?;
    if status.split(' ').nth(1) != Some("200") {
        return Err(CommandError::NotReady { address, status });
    }
    Ok(writeln!(out, "ready: {address}")?)
}

/// The status line of `/readyz`.
fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(io::Read::take(stream, 1024)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
