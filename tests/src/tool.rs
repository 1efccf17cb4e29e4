use std::{collections::BTreeMap, process::Stdio, time::Duration};

use tokio::process::Command;

use crate::binary;

/// How a command of the product ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output: results.
    pub out: String,
    /// Standard error: progress and complaints.
    pub err: String,
}

impl Ended {
    /// Its standard output as one JSON value.
    ///
    /// # Panics
    /// When it is not exactly one.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not one JSON value: {error}: {self:?}"))
    }
}

/// Runs `gridcare ARGUMENTS` to its end.
pub async fn run<A: AsRef<str>>(arguments: &[A]) -> Ended {
    run_with(arguments, &BTreeMap::new(), Duration::from_mins(2)).await
}

/// The same with these variables, and a limit of its own.
///
/// # Panics
/// When it does not end in time.
pub async fn run_with<A: AsRef<str>>(
    arguments: &[A],
    environment: &BTreeMap<String, String>,
    limit: Duration,
) -> Ended {
    let arguments: Vec<_> = arguments.iter().map(AsRef::as_ref).collect();
    let running =
        Command::new(binary()).args(&arguments).envs(environment).stdin(Stdio::null()).kill_on_drop(true).output();
    let Ok(ended) = tokio::time::timeout(limit, running).await else {
        panic!("gridcare {arguments:?} does not end within {limit:?}");
    };
    let ended = ended.expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the product speaks UTF-8");
    Ended { code: ended.status.code(), out: text(ended.stdout), err: text(ended.stderr) }
}
