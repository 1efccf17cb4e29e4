use std::process::Stdio;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::binary;

/// A message centre, `gridcare smsc-sim`. Dropping it kills it.
pub struct Centre {
    child: Child,
    /// Where it listens.
    pub address: String,
}

impl Centre {
    /// Starts it on a free port with these flags.
    ///
    /// # Panics
    /// When it does not say where it listens.
    pub async fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .args([&["smsc-sim", "--listen", "127.0.0.1:0"], flags].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the centre starts");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let first = lines.next_line().await.expect("a line").expect("the centre lives");
        let address = first.split_once("listening on ").and_then(|(_, rest)| rest.split(';').next());
        let address = address.unwrap_or_else(|| panic!("no address: {first}")).to_owned();
        // Nothing that it tells meanwhile may fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, address }
    }

    /// Asks it to end; what it counted.
    ///
    /// # Panics
    /// When it does not end well.
    pub async fn end(self) -> serde_json::Value {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).expect("the centre lives");
        kill(Pid::from_raw(pid), Signal::SIGTERM).expect("the centre is there");
        let ended = self.child.wait_with_output().await.expect("it ends");
        assert!(ended.status.success(), "{ended:?}");
        serde_json::from_slice(&ended.stdout).expect("its counts are JSON")
    }
}
