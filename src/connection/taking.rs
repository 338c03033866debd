//! Notices that a caller does not take what lies there for it.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use tokio::io::Interest;
use tokio::time::{sleep, timeout};

/// Done when the caller has taken nothing for so long, or takes nothing any more. What it takes shows a good part of a send
/// buffer at a time.
pub(super) async fn stopped_taking(socket: &TcpStream, patience: Duration) {
    let Ok(socket) = socket.try_clone().and_then(tokio::net::TcpStream::from_std) else {
        // It cannot be watched.
        return sleep(patience).await;
    };
    while let Ok(Ok(())) = timeout(patience, took(&socket)).await {}
}

/// Done when there is room again for more.
///
/// # Errors
/// Where the connection is over: that is a sign for ever, of which no next one would be waited for.
async fn took(socket: &tokio::net::TcpStream) -> io::Result<()> {
    if socket.ready(Interest::WRITABLE).await?.is_write_closed() {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    // What there is to write is not for here: the next sign is waited for.
    let _ = socket.try_io(Interest::WRITABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    Ok(())
}
