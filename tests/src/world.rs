use std::{collections::BTreeMap, path::PathBuf};

use tempfile::TempDir;

use crate::{Place, Process, lasting_port};

/// Keys of tests; real ones come from `openssl rand -hex 32`.
pub const UNIQUE_KEY: &str = "1111111111111111111111111111111111111111111111111111111111111111";

/// Folder and place of one test's country.
pub struct World {
    /// Where the rows are.
    pub place: Place,
    /// The test's own folder.
    pub folder: TempDir,
    /// Variables that every process gets.
    pub environment: BTreeMap<String, String>,
    /// Flags that every node gets.
    pub node_flags: Vec<String>,
    /// Flags that every gateway gets.
    pub gateway_flags: Vec<String>,
}

/// What a test says of a node.
pub struct NodeOf<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its corporation.
    pub region: &'a str,
    /// Its capabilities, YAML.
    pub capabilities: &'a str,
}

/// Hotline and messages, offered and reported since 2013.
pub const CAPABILITIES: &str = "[{channel: hotline, metric: offered, offered_from: 2013-01-01, reported_from: 2013-01-01}, \
    {channel: hotline, metric: answered, offered_from: 2013-01-01, reported_from: 2013-01-01}, \
    {channel: sms, metric: messages, offered_from: 2013-01-01, reported_from: 2013-01-01}]";

impl World {
    /// A new country.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    #[must_use]
    pub fn new(place: Place) -> Self {
        let folder = tempfile::Builder::new().prefix("gridcare-test-").tempdir().expect("a temporary folder");
        Self { place, folder, environment: BTreeMap::new(), node_flags: Vec::new(), gateway_flags: Vec::new() }
    }

    /// A file in its folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Flags of a node on this database.
    #[must_use]
    pub fn flags_of_node(&self, node: &NodeOf<'_>, database: &str) -> Vec<String> {
        let key = format!(
            "{:0>64}",
            node.id
                .bytes()
                .flat_map(|b| [b >> 4, b & 15])
                .filter_map(|n| char::from_digit(u32::from(n), 16))
                .collect::<String>()
        );
        let (grpc, http) = addresses();
        let pairs = [
            ("--node-id", node.id),
            ("--node-region", node.region),
            ("--listen-grpc", &grpc),
            ("--listen-http", &http),
            ("--database-url", database),
            ("--keys-pseudonym", &key[key.len() - 64..]),
            ("--keys-unique", UNIQUE_KEY),
            ("--telemetry-log", "json"),
            ("--capabilities", node.capabilities),
        ];
        let flags = pairs.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]);
        std::iter::once("node".to_owned()).chain(flags).chain(self.node_flags.iter().cloned()).collect()
    }

    /// Starts a node on a database of its own.
    pub async fn node(&self, id: &str, region: &str) -> Process {
        let database = self.place.database(&self.folder, id).await;
        self.node_on(&NodeOf { id, region, capabilities: CAPABILITIES }, &database).await
    }

    /// Starts a node on this database; several processes may share one on Postgres.
    pub async fn node_on(&self, node: &NodeOf<'_>, database: &str) -> Process {
        let log = self.file(&format!("{}-{}.log", node.id, gridcare_chassis::id::new_id().simple()));
        Process::start(&self.flags_of_node(node, database), &self.environment, &log).await
    }

    /// Starts a gateway over these members, on a database of its own.
    pub async fn gateway(&self, members: &[(&str, &str, &Process)]) -> Process {
        let database = self.place.database(&self.folder, "gateway").await;
        self.gateway_on("gateway-1", members, &database).await
    }

    /// Starts a gateway on this database.
    pub async fn gateway_on(&self, id: &str, members: &[(&str, &str, &Process)], database: &str) -> Process {
        let members: Vec<_> = members
            .iter()
            .map(|(node, region, process)| {
                format!("{{node: {node}, region: {region}, endpoint: \"{}\", from: 2013-01-01}}", process.endpoint())
            })
            .collect();
        let members = format!("[{}]", members.join(", "));
        let (grpc, http) = addresses();
        let pairs = [
            ("--gateway-id", id),
            ("--listen-grpc", &grpc),
            ("--listen-http", &http),
            ("--database-url", database),
            ("--telemetry-log", "json"),
            ("--members", &members),
        ];
        let flags = pairs.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]);
        let flags: Vec<_> =
            std::iter::once("gateway".to_owned()).chain(flags).chain(self.gateway_flags.iter().cloned()).collect();
        let log = self.file(&format!("{id}-{}.log", gridcare_chassis::id::new_id().simple()));
        Process::start(&flags, &self.environment, &log).await
    }
}

fn addresses() -> (String, String) {
    (format!("127.0.0.1:{}", lasting_port()), format!("127.0.0.1:{}", lasting_port()))
}
