//! Whether a process is ready, for containers that have no other client.

use std::time::Duration;

use clap::Args;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{failure::Failure, output};

/// The longest answer that is read; it is a list of what is missing.
const LONGEST: u64 = 64 << 10;

/// Ask a process whether it is ready; exits 0 when it is and 1 when it is not.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// HTTP address of the process (`listen.http`), without TLS
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7480")]
    address: String,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

impl Health {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let host = self.address.strip_prefix("http://").unwrap_or(&self.address).trim_end_matches('/');
        if host.contains('/') || !host.contains(':') {
            return Err(Failure::said(format!("{}: not an address such as http://127.0.0.1:7480", self.address)));
        }
        let answer = tokio::time::timeout(Duration::from_secs(self.timeout), get(host, "/readyz"));
        let answer = answer.await.map_err(|_| Failure::said(format!("{host}: no answer within {} s", self.timeout)))?;
        let answer = answer.map_err(|error| Failure::because(format!("{host} cannot be asked"), &error))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        if head.split(' ').nth(1) == Some("200") {
            output::line("ready")?;
            return Ok(());
        }
        let missing = body.lines().collect::<Vec<_>>().join("; ");
        Err(Failure::said(format!("{host} is not ready: {missing}")))
    }
}

/// What a port answers, head and body. HTTP/1.0, so that the end of the connection is the end of the answer and no chunks need
/// decoding.
pub(crate) async fn get(host: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn answering(answer: &'static str) -> Result<(), Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 512];
            let size = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            assert!(request[..size].starts_with(b"GET /readyz HTTP/1.0\r\n"));
        });
        let ended = Health { address, timeout: 5 }.run().await;
        server.await.unwrap();
        ended
    }

    #[tokio::test]
    async fn a_process_that_is_not_ready_says_what_is_missing() {
        assert!(answering("HTTP/1.0 200 OK\r\n\r\nready\n").await.is_ok());
        match answering("HTTP/1.0 503 Service Unavailable\r\n\r\ndatabase: it does not answer\n").await {
            Err(Failure::Said(text)) => assert!(text.ends_with("is not ready: database: it does not answer"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}
