use std::{
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// Starts a server as `tests/run` does, says its port, and stops it when nobody holds the other end any more.
const SCRIPT: &str = r#"
root=$1; . "$root/tests/tools/install.sh"; . "$root/tests/tools/servers.sh"
start_postgres "$2" "${@:3}" && echo "$postgres_port" && read -r _
stop_servers
"#;

/// A server of one test's own, with settings of its own.
pub(crate) struct PrivatePostgres {
    child: Child,
    _folder: TempDir,
    pub(crate) server: String,
}

impl PrivatePostgres {
    pub(crate) fn start(settings: &[&str]) -> Self {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let folder = tempfile::Builder::new().prefix("gridcare-postgres-").tempdir_in("/tmp").unwrap();
        // The server runs as another user and walks the whole path.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let place = folder.path().join("server");
        let mut child = Command::new("bash")
            .args(["-c", SCRIPT, "private_postgres", root, place.to_str().unwrap()])
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let port: u16 = port.trim().parse().expect("the private Postgres starts and says its port");
        Self { child, _folder: folder, server: format!("postgres://postgres@127.0.0.1:{port}/postgres") }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
