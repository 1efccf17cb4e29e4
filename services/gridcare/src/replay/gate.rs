//! A way over which one part reaches another, and which can be closed: connections break, and new ones are refused.

use std::{io, net::SocketAddr};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

/// A way to one address; clones are the same one.
#[derive(Clone)]
pub(super) struct Gate {
    address: SocketAddr,
    open: watch::Sender<bool>,
}

impl Gate {
    /// An open way to `target`, until `stop`.
    pub(super) async fn to(target: SocketAddr, stop: CancellationToken) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (open, state) = watch::channel(true);
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let Ok((near, _)) = accepted else { return };
                // Dropped at once while the way is closed.
                if *state.borrow() {
                    tokio::spawn(carry(near, target, state.clone(), stop.clone()));
                }
            }
        });
        Ok(Self { address, open })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn open(&self, open: bool) {
        self.open.send_replace(open);
    }
}

async fn carry(mut near: TcpStream, target: SocketAddr, mut open: watch::Receiver<bool>, stop: CancellationToken) {
    let carrying = async {
        let mut far = TcpStream::connect(target).await?;
        far.set_nodelay(true)?;
        near.set_nodelay(true)?;
        copy_bidirectional(&mut near, &mut far).await
    };
    tokio::select! {
        // Either end may go; whoever uses it sees that.
        _ = carrying => {}
        _ = open.wait_for(|open| !open) => {}
        () = stop.cancelled() => {}
    }
}
