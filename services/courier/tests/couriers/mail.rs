//! A mail server with habits: what it does depends on whom a letter is for.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// A letter that it has.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) text: String,
}

#[derive(Clone, Default)]
pub(crate) struct PlayedMail {
    pub(crate) letters: Arc<Mutex<Vec<Taken>>>,
    greeted: Arc<Mutex<BTreeSet<String>>>,
    international: bool,
}

impl PlayedMail {
    /// One that takes addresses with diacritics.
    pub(crate) fn international() -> Self {
        Self { international: true, ..Self::default() }
    }

    /// Serves at a port of its own.
    pub(crate) async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mail = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mail = mail.clone();
                tokio::spawn(async move { mail.converse(stream).await });
            }
        });
        address
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn converse(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let (mut from, mut to) = (String::new(), String::new());
        stream.write_all(b"220 mail.example ESMTP\r\n").await.ok()?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let address = line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(inner, _)| inner);
            let answer = match line.get(..4).unwrap_or_default() {
                "EHLO" if self.international => "250-mail.example\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
                "EHLO" => "250-mail.example\r\n250 8BITMIME\r\n",
                "MAIL" if line.contains("SMTPUTF8") && !self.international => "555 5.5.4 no such parameter\r\n",
                "MAIL" => {
                    from = address?.to_owned();
                    "250 ok\r\n"
                }
                "RCPT" => {
                    to = address?.to_owned();
                    let first = self.greeted.lock().unwrap_or_else(PoisonError::into_inner).insert(to.clone());
                    match to.split('@').next()? {
                        "nobody" => "550 5.1.1 no such user\r\n",
                        "grey" if first => "450 4.7.1 come again\r\n",
                        _ => "250 ok\r\n",
                    }
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    let mut text = String::new();
                    while !text.ends_with("\r\n.\r\n") {
                        if stream.read_line(&mut text).await.ok()? == 0 {
                            return None;
                        }
                    }
                    match to.split('@').next()? {
                        "dropped" => return None,
                        "silent" => std::future::pending().await,
                        "spam" => "554 5.7.1 not such a letter\r\n",
                        _ => {
                            let taken = Taken { from: from.clone(), to: to.clone(), text };
                            self.letters.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
                            "250 taken\r\n"
                        }
                    }
                }
                _ => "250 ok\r\n",
            };
            stream.write_all(answer.as_bytes()).await.ok()?;
        }
    }
}
