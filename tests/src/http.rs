use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// An answer of an HTTP port.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case, one to a line.
    pub headers: String,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// The value of a header; empty when it has none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let pairs = self.headers.lines().filter_map(|line| line.split_once(": "));
        pairs.filter(|(known, _)| *known == name).map(|(_, value)| value).next().unwrap_or_default()
    }

    /// Its body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON: {error}: {self:?}"))
    }
}

/// GETs a path, with further lines of headers, each ended.
///
/// # Panics
/// When nothing answers.
pub async fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    ask(address, format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n")).await
}

/// POSTs a body to a path.
///
/// # Panics
/// When nothing answers.
pub async fn post(address: SocketAddr, path: &str, kind: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
    ask(address, format!("{head}content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")).await
}

async fn ask(address: SocketAddr, request: String) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("the HTTP port is open");
    stream.write_all(request.as_bytes()).await.expect("a request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer comes");
    let answer = String::from_utf8(answer).expect("documents are UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let (status, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("an answer has a status");
    Answer { status, headers: headers.replace("\r\n", "\n"), body: body.to_owned() }
}
