use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The built binary: beside the test's own executable.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows where it is");
    let path = own.parent().and_then(Path::parent).expect("a test lies in target/<profile>/deps").join("gridcare");
    assert!(path.exists(), "{} is missing; run cargo build --workspace first", path.display());
    path
}

/// A free port below those that the kernel hands out by itself, so that a process that was killed finds its own again:
/// nobody is given it meanwhile. Each test process has a range of its own.
///
/// # Panics
/// When the whole range is taken.
#[must_use]
pub fn lasting_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const RANGES: u32 = 180;
    const WIDTH: u16 = 100;
    let first = 11_000 + u16::try_from(std::process::id() % RANGES).expect("a remainder is small") * WIDTH;
    for _ in 0..WIDTH {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % WIDTH;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {first} on");
}

/// A running process of the product. Dropping it kills it.
pub struct Process {
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    log: PathBuf,
    child: Child,
    /// Its gRPC port; that of HTTP where it has none.
    pub grpc: SocketAddr,
    /// Its HTTP port.
    pub http: SocketAddr,
}

impl Process {
    /// Starts `gridcare ARGUMENTS`, waits until it says that it is up, and notes its ports. Its log goes to a file.
    ///
    /// # Panics
    /// When it does not come up within 30 s.
    pub async fn start(arguments: &[String], environment: &BTreeMap<String, String>, log: &Path) -> Self {
        let child = spawn(arguments, environment, log);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut process = Self {
            arguments: arguments.to_vec(),
            environment: environment.clone(),
            log: log.to_owned(),
            child,
            grpc: nowhere,
            http: nowhere,
        };
        process.wait_until_up(0).await;
        process
    }

    async fn wait_until_up(&mut self, skip: usize) {
        let until = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            if let Some((grpc, http)) = self.addresses(skip) {
                (self.grpc, self.http) = (grpc, http);
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("gridcare {:?} ended with {status}:\n{}", self.arguments, self.log_text());
            }
            assert!(
                tokio::time::Instant::now() < until,
                "gridcare {:?} does not come up:\n{}",
                self.arguments,
                self.log_text()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The addresses in the log line that says `is up`, after `skip` such lines of earlier lives.
    fn addresses(&self, skip: usize) -> Option<(SocketAddr, SocketAddr)> {
        let lines = BufReader::new(File::open(&self.log).ok()?).lines();
        let line = lines.map_while(Result::ok).filter(|line| line.contains("is up")).nth(skip)?;
        let line: serde_json::Value = serde_json::from_str(&line).ok()?;
        let field = |name: &str| -> Option<SocketAddr> {
            let found = line.get(name).or_else(|| line.get("fields")?.get(name))?;
            found.as_str()?.parse().ok()
        };
        let http = field("http")?;
        // A courier has no port for gRPC.
        Some((field("grpc").unwrap_or(http), http))
    }

    /// Address for clients.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let encrypted = self.arguments.iter().any(|argument| argument == "--tls-cert");
        format!("{}://{}", if encrypted { "https" } else { "http" }, self.grpc)
    }

    /// Its process id.
    ///
    /// # Panics
    /// Never: process ids are positive.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id fits"))
    }

    /// Everything it has logged.
    #[must_use]
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the process is there");
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop, and waits for its end.
    ///
    /// # Panics
    /// When it does not end within 30 s.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        crate::eventually("the process ends after SIGTERM", || {
            let ended = self.child.try_wait().ok().flatten();
            async move { ended }
        })
        .await
    }

    /// Starts it again, on the same ports, after a kill or a stop.
    pub async fn restart(&mut self) {
        let lives = self.log_text().lines().filter(|line| line.contains("is up")).count();
        let mut arguments = self.arguments.clone();
        let grpc = (self.grpc != self.http).then_some(("--listen-grpc", self.grpc));
        for (flag, address) in grpc.into_iter().chain([("--listen-http", self.http)]) {
            match arguments.iter().position(|argument| argument == flag) {
                Some(at) => arguments[at + 1] = address.to_string(),
                None => arguments.extend([flag.to_owned(), address.to_string()]),
            }
        }
        self.child = spawn(&arguments, &self.environment, &self.log);
        self.arguments = arguments;
        self.wait_until_up(lives).await;
    }

    /// Resident memory, in KiB.
    #[must_use]
    pub fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of gridcare {:?}:\n{}", self.arguments, self.log_text());
        }
    }
}

fn spawn(arguments: &[String], environment: &BTreeMap<String, String>, log: &Path) -> Child {
    let log = File::options().create(true).append(true).open(log).expect("the log file opens");
    Command::new(binary())
        .args(arguments)
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file handle is cloned"))
        .stderr(log)
        .spawn()
        .expect("the binary starts")
}
