//! `gridcare bench documents`: how many requests a second an HTTP port answers from what it keeps.

use std::time::Duration;

use axum::http::Uri;
use clap::Args;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::{JoinSet, LocalSet},
    time::Instant,
};
use tonic::Status;

use super::summary::Summary;
use crate::{failure::Failure, output};

/// Most of one answer's head, in bytes.
const HEAD: usize = 64 << 10;

/// Ask for one document over connections that stay open, and print the rate and the latencies.
#[derive(Debug, Args)]
pub(crate) struct Documents {
    /// Address of the document, such as <http://127.0.0.1:7480/outages.geojson>
    #[arg(long, value_name = "URL")]
    url: Uri,
    /// Connections, each of which asks again when it was answered
    #[arg(long, value_name = "C", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Seconds that are measured
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Seconds before that, which are not
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    warmup: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Documents {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let json = self.json;
        // On a thread of its own: with one thread no connection ever wakes another core.
        let ended = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            LocalSet::new().block_on(&runtime, self.load())
        });
        let summary = ended.await.map_err(|error| Failure::because("the load broke off", &error))??;
        if json {
            output::line(summary.json())?;
            return Ok(());
        }
        summary.show("requests")
    }

    async fn load(self) -> Result<Summary, Failure> {
        let (Some("http"), Some(host)) = (self.url.scheme_str(), self.url.host()) else {
            return Err(Failure::said("--url: give an address that begins with http://"));
        };
        let address = (host.to_owned(), self.url.port_u16().unwrap_or(80));
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let begin = Instant::now() + Duration::from_secs(self.warmup.into());
        let end = begin + Duration::from_secs(self.seconds.into());
        let mut asking = JoinSet::new();
        for _ in 0..self.connections {
            asking.spawn_local(ask(address.clone(), request.clone(), begin, end));
        }
        let mut summary = Summary::new()?;
        while let Some(asked) = asking.join_next().await {
            match asked {
                Ok(Ok(latencies)) => latencies.into_iter().for_each(|latency| summary.well(Some(latency), true)),
                Ok(Err(error)) => summary.badly(&Status::unavailable(error.to_string())),
                Err(error) => return Err(Failure::because("the load broke off", &error)),
            }
        }
        summary.took = end - begin;
        Ok(summary)
    }
}

/// Asks over one connection until the end; how long each answer within the measured time took.
async fn ask(address: (String, u16), request: String, begin: Instant, end: Instant) -> std::io::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut buffer, mut latencies) = (Vec::with_capacity(HEAD), Vec::new());
    loop {
        let asked = Instant::now();
        if asked >= end {
            return Ok(latencies);
        }
        stream.write_all(request.as_bytes()).await?;
        answered(&mut stream, &mut buffer).await?;
        let now = Instant::now();
        if asked >= begin && now < end {
            latencies.push(now - asked);
        }
    }
}

/// Reads one answer of a known length to its end.
async fn answered(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            if buffer.len() > HEAD {
                return Err(std::io::Error::other("an answer's head has no end"));
            }
            continue;
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        if !text.starts_with("http/1.1 200") {
            return Err(std::io::Error::other(text.lines().next().unwrap_or_default().to_owned()));
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        let length = length.ok_or_else(|| std::io::Error::other("an answer does not say how long it is"))?;
        while buffer.len() < head + 4 + length {
            if stream.read_buf(buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        return Ok(());
    }
}
