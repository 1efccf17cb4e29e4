use std::{collections::BTreeMap, fs};

use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sample {
    listen: Listen,
    tls: Tls,
    telemetry: Telemetry,
    database: Database,
    members: Vec<Member>,
    offered: BTreeMap<String, u32>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Database {
    url: String,
    connections: Option<u16>,
    pepper: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    code: String,
    endpoint: String,
}

impl Settings for Sample {
    const SETTINGS: &'static [Setting] = &[
        Listen::SETTINGS[0],
        Listen::SETTINGS[1],
        Tls::SETTINGS[0],
        Tls::SETTINGS[1],
        Tls::SETTINGS[2],
        Telemetry::SETTINGS[0],
        Telemetry::SETTINGS[1],
        Telemetry::SETTINGS[2],
        Setting::secret("database.url", "postgres://… or sqlite://…"),
        Setting::new("database.connections", "how many at most"),
        Setting::secret("database.pepper", "a secret word"),
        Setting::new("members", "list of {code, endpoint}"),
        Setting::new("offered", "map of numbers"),
    ];

    fn check(&self) -> Vec<String> {
        let mut violations = self.listen.check();
        violations.extend(self.tls.check(self.listen.grpc));
        violations.extend(self.telemetry.check());
        if self.database.url.is_empty() {
            violations.push("database.url: missing; name the database".to_owned());
        }
        violations
    }
}

fn read(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Result<Sample, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.yaml");
    fs::write(&path, file).unwrap();
    let arguments = ["node", "--config", path.to_str().unwrap()].into_iter().chain(flags.iter().copied());
    let matches = command("node", "a node", Sample::SETTINGS).try_get_matches_from(arguments).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load_from(&matches, &environment)
}

#[test]
fn every_leaf_has_a_setting() {
    let mut sample = Sample::default();
    sample.offered.insert("web".to_owned(), 1);
    assert_eq!(unlisted(&sample), Vec::<String>::new());
}

#[test]
fn flags_go_before_variables_before_the_file_before_defaults() {
    let file = "database: {url: 'sqlite://file', connections: 3}\nlisten: {http: '127.0.0.1:1'}\n";
    let environment = [("GRIDCARE_DATABASE_URL", "sqlite://variable"), ("GRIDCARE_LISTEN_HTTP", "127.0.0.1:2")];
    let config = read(file, &environment, &["--listen-http", "127.0.0.1:3"]).unwrap();
    assert_eq!(config.database, Database { url: "sqlite://variable".into(), connections: Some(3), pepper: None });
    assert_eq!(config.listen.http.port(), 3);
    assert_eq!(config.listen.grpc, Listen::default().grpc);
}

#[test]
fn text_stays_text_and_lists_are_yaml() {
    let members = r#"[{"code": "north", "endpoint": "http://127.0.0.1:1"}]"#;
    let environment = [
        ("GRIDCARE_DATABASE_URL", "12345"),
        ("GRIDCARE_DATABASE_PEPPER", "0755"),
        ("GRIDCARE_MEMBERS", members),
        ("GRIDCARE_OFFERED", "{web: 2}"),
        ("GRIDCARE_TELEMETRY_OTLP_ENDPOINT", ""),
    ];
    let config = read("tls:\n", &environment, &["--database-connections", "7"]).unwrap();
    assert_eq!(config.database, Database { url: "12345".into(), connections: Some(7), pepper: Some("0755".into()) });
    assert_eq!(config.members[0].code, "north");
    assert_eq!(config.offered["web"], 2);
    assert_eq!(config.telemetry.otlp_endpoint, None);
}

#[test]
fn every_violation_is_reported_at_once_with_its_key() {
    let file =
        "listn: {grpc: 1}\ndatabase: {conections: 1, connections: many}\nmembers: [{code: a, endpoint: b, extra: c}]\n";
    let environment = [("GRIDCARE_LISTEN_HTTP", "nowhere"), ("GRIDCARE_DATABASE_PEPPER", "@/no/such/file")];
    let refusal =
        read(file, &environment, &["--telemetry-filter", "a=b=c", "--listen-grpc", "0.0.0.0:7400"]).unwrap_err();
    let text = refusal.to_string();
    for expected in [
        "listn.grpc (in ",
        "did you mean listen.grpc?",
        "database.conections (in ",
        "did you mean database.connections?",
        "database.connections (in ",
        "members (in ",
        "extra",
        "listen.http (GRIDCARE_LISTEN_HTTP): ",
        "database.pepper (GRIDCARE_DATABASE_PEPPER): cannot read /no/such/file",
        "telemetry.filter: ",
        "tls.cert",
        "database.url: missing",
    ] {
        assert!(text.contains(expected), "{expected:?} is missing in:\n{text}");
    }
    assert_eq!(refusal.violations.len(), 9, "{text}");
}

#[test]
fn secrets_come_from_files_and_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pepper");
    fs::write(&path, "black\n").unwrap();
    let flags =
        ["--database-pepper", &format!("@{}", path.display()), "--database-url", "postgres://care:s3cret@db/care"];
    let config = read("", &[], &flags).unwrap();
    assert_eq!(config.database.pepper.as_deref(), Some("black"));
    let shown = print(&config);
    assert!(!shown.contains("black") && !shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("pepper: (hidden)") && shown.contains("postgres://care:(hidden)@db/care"), "{shown}");
}

#[test]
fn a_refused_secret_is_not_quoted() {
    let refusal = read("database: {url: [s3cret]}", &[], &[]).unwrap_err();
    assert!(refusal.to_string().contains("database.url (in "), "{refusal}");
    assert!(!refusal.to_string().contains("s3cret"), "{refusal}");
}

#[test]
fn help_names_every_flag_and_variable() {
    let help = command("node", "a node", Sample::SETTINGS).render_long_help().to_string();
    assert!(help.contains("--listen-grpc") && help.contains("GRIDCARE_LISTEN_GRPC"), "{help}");
    assert!(help.contains("--print-config") && help.contains("@FILE"), "{help}");
}
