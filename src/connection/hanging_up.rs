//! Notices that a caller has closed its half while nothing is said to it.
//!
//! A server that only waits for something to say does not look, so what is kept for such a caller would be kept for ever.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::TcpStream;

use tokio::io::Interest;
use tokio::sync::watch;

use super::attendance::{Connection, HangingUp, Now};

/// Tells the connection that its caller has hung up, once somebody asks for that.
pub(super) async fn report_hanging_up(
    socket: &TcpStream,
    mut asked: watch::Receiver<Now>,
    connection: Connection,
) -> Infallible {
    let is_asked = asked.wait_for(|now| now.hanging_up == HangingUp::Awaited).await.is_ok();
    // Where it cannot be watched, the next thing that is said will show it.
    if is_asked && hung_up(socket).await.is_ok() {
        connection.hangs_up();
    }
    pending().await
}

/// Done when the other side has closed its half; what it sent before that stays for the server to read.
async fn hung_up(socket: &TcpStream) -> io::Result<()> {
    let socket = tokio::net::TcpStream::from_std(socket.try_clone()?)?;
    while !socket.ready(Interest::READABLE).await?.is_read_closed() {
        // What there is to read is not for here: the next sign is waited for.
        let _ = socket.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    }
    Ok(())
}
