use std::{collections::BTreeMap, net::TcpListener, time::Duration};

use gridcare_tests::{
    Place,
    tool::{self, Ended},
    world::{CAPABILITIES, NodeOf, UNIQUE_KEY, World},
};

const NODE: NodeOf<'static> = NodeOf { id: "hcmc-1", region: "HCMC", capabilities: CAPABILITIES };

async fn with(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    tool::run_with(arguments, &environment.collect::<BTreeMap<_, _>>(), Duration::from_secs(30)).await
}

/// The lines that name a violation, without their marks.
fn violations(ended: &Ended) -> Vec<&str> {
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.err.starts_with("gridcare: the configuration is refused:\n"), "{}", ended.err);
    ended.err.lines().filter_map(|line| line.strip_prefix("  - ")).collect()
}

#[tokio::test]
async fn every_violation_is_named_at_once_and_nothing_was_bound_or_created() {
    let world = World::new(Place::Sqlite);
    // Held by somebody else: whoever tried to bind it would say so.
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let (taken, database) = (held.local_addr().unwrap(), world.file("node.sqlite"));
    let file = world.file("node.yaml");
    let text = format!(
        "node: {{ id: \"a node\", region: HCMC, time_zone: Mars/Olympus }}\n\
         listne: {{ grpc: \"127.0.0.1:1\" }}\n\
         listen: {{ grpc: \"{taken}\", http: nowhere }}\n\
         keys: {{ pseudonym: hunter2, unique: \"{UNIQUE_KEY}\" }}\n\
         keep: {{ feed_day: 3 }}\n\
         capabilities: [{{ channel: fax, metric: answered, offered_from: 2013-01-01 }}]\n"
    );
    std::fs::write(&file, text).unwrap();
    let (file, url) = (file.display().to_string(), format!("sqlite://{}", database.display()));
    let arguments = ["node", "--config", &file, "--database-url", &url, "--tls-cert", "/no/such/file"];
    let ended = with(&arguments, &[("GRIDCARE_KEEP_REQUEST_DAYS", "soon")]).await;

    let found = violations(&ended);
    for beginning in [
        "node.id: ".to_owned(),
        "node.time_zone: \"Mars/Olympus\" is not an IANA time zone; ".to_owned(),
        format!("listne.grpc (in {file}): unknown key; did you mean listen.grpc?"),
        format!("listen.http (in {file}): "),
        "keys.pseudonym: give 64 hexadecimal digits".to_owned(),
        format!("keep.feed_day (in {file}): unknown key; did you mean keep.feed_days?"),
        "keep.request_days (GRIDCARE_KEEP_REQUEST_DAYS): ".to_owned(),
        "tls.cert: ".to_owned(),
        "capabilities[0].channel: \"fax\" is not a channel; ".to_owned(),
    ] {
        let named = found.iter().filter(|violation| violation.starts_with(&beginning)).count();
        assert_eq!(named, 1, "{beginning} once in {found:#?}");
    }
    assert_eq!(found.len(), 9, "{found:#?}");
    assert!(!ended.err.contains("hunter2"), "a secret is not quoted: {}", ended.err);
    assert!(!database.exists(), "no database was created");
    drop(held);
}

#[tokio::test]
async fn a_gateway_is_refused_whole_too() {
    let world = World::new(Place::Sqlite);
    let (database, members) = (
        world.file("gateway.sqlite"),
        "[{node: a, region: HCMC, endpoint: \"http://10.0.0.1:7400\"}, {node: a, region: NPC, endpoint: nowhere}]",
    );
    let url = format!("sqlite://{}", database.display());
    let arguments = ["gateway", "--database-url", &url, "--members", members, "--lease-ttl-ms", "1"];
    let ended = with(&arguments, &[]).await;
    let found = violations(&ended);
    let keys: Vec<_> = found.iter().filter_map(|violation| violation.split_once(": ")).map(|(key, _)| key).collect();
    assert_eq!(keys, ["lease.ttl_ms", "members[0].endpoint", "members[1].node", "members[1].endpoint"], "{found:#?}");
    assert!(!database.exists(), "no database was created");
}

#[tokio::test]
async fn the_configuration_is_printed_without_secrets_and_without_a_word_to_the_database() {
    let world = World::new(Place::Sqlite);
    let (server, cache) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (at, cached) = (server.local_addr().unwrap(), cache.local_addr().unwrap());
    let pseudonym = "23".repeat(32);
    let secret = world.file("pseudonym");
    std::fs::write(&secret, format!("{pseudonym}\n")).unwrap();
    let (url, redis) = (format!("postgres://care:hunter2@{at}/care"), format!("redis://:hunter3@{cached}"));
    let secret = format!("@{}", secret.display());
    let arguments = [
        "node",
        "--print-config",
        "--node-id",
        "hcmc-1",
        "--node-region",
        "HCMC",
        "--database-url",
        &url,
        "--bus-redis-url",
        &redis,
        "--keys-pseudonym",
        &secret,
    ];
    let printed = with(&arguments, &[("GRIDCARE_KEYS_UNIQUE", UNIQUE_KEY)]).await;
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{printed:?}");
    for shown in [
        format!("url: postgres://care:(hidden)@{at}/care\n"),
        format!("redis_url: redis://:(hidden)@{cached}\n"),
        "pseudonym: (hidden)\n".to_owned(),
        "unique: (hidden)\n".to_owned(),
        "id: hcmc-1\n".to_owned(),
    ] {
        assert!(printed.out.contains(&shown), "no {shown} in\n{}", printed.out);
    }
    for hidden in ["hunter2", "hunter3", pseudonym.as_str(), UNIQUE_KEY] {
        assert!(!printed.out.contains(hidden), "{hidden} in\n{}", printed.out);
    }

    let arguments = ["gateway", "--print-config", "--database-url", &url, "--bus-redis-url", &redis];
    let printed = with(&arguments, &[]).await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(printed.out.contains(&format!("care:(hidden)@{at}/care\n")), "{}", printed.out);
    assert!(!printed.out.contains("hunter"), "{}", printed.out);

    let mut flags = world.flags_of_node(&NODE, &format!("sqlite://{}", world.file("never.sqlite").display()));
    flags.push("--print-config".to_owned());
    assert_eq!(tool::run(&flags).await.code, Some(0));
    assert!(!world.file("never.sqlite").exists(), "no database was created");
    for listener in [server, cache] {
        listener.set_nonblocking(true).unwrap();
        let nobody = listener.accept().map_err(|error| error.kind());
        assert!(matches!(nobody, Err(std::io::ErrorKind::WouldBlock)), "somebody connected: {nobody:?}");
    }
}

#[tokio::test]
async fn a_flag_goes_before_a_variable_and_a_variable_before_the_file() {
    let world = World::new(Place::Sqlite);
    let file = world.file("node.yaml");
    let text = "figures: { definition: of-the-file, service_level_s: 31, short_abandon_s: 41 }\n";
    std::fs::write(&file, text).unwrap();
    let database = format!("sqlite://{}", world.file("node.sqlite").display());
    let file = file.display().to_string();
    let mut arguments = world.flags_of_node(&NODE, &database);
    arguments.extend(["--print-config", "--config", &file, "--figures-service-level-s", "33"].map(str::to_owned));
    let variables = [("GRIDCARE_FIGURES_SERVICE_LEVEL_S", "32"), ("GRIDCARE_FIGURES_SHORT_ABANDON_S", "42")];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let printed = with(&arguments, &variables).await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    // And below all of them, what nobody said.
    for shown in ["definition: of-the-file\n", "service_level_s: 33\n", "short_abandon_s: 42\n", "feed_days: 30\n"] {
        assert!(printed.out.contains(shown), "no {shown} in\n{}", printed.out);
    }
}

#[tokio::test]
async fn outside_loopback_nothing_starts_without_certificates_and_the_cure_is_said() {
    let world = World::new(Place::Sqlite);
    for role in ["node", "gateway"] {
        let database = world.file(&format!("{role}.sqlite"));
        let url = format!("sqlite://{}", database.display());
        let mut arguments = match role {
            "node" => world.flags_of_node(&NODE, &url),
            _ => ["gateway", "--database-url", &url].map(str::to_owned).to_vec(),
        };
        for flag in ["--listen-grpc", "--listen-http"] {
            if let Some(at) = arguments.iter().position(|argument| argument == flag) {
                arguments.drain(at..at + 2);
            }
        }
        arguments.extend(["--listen-grpc", "0.0.0.0:0", "--listen-http", "127.0.0.1:0"].map(str::to_owned));
        let ended = tool::run(&arguments).await;
        let found = violations(&ended);
        let expected = "tls.cert, tls.key, tls.client_ca: missing, and 0.0.0.0:0 is not loopback; \
            give tls.cert, tls.key and tls.client_ca (PEM files), or listen on 127.0.0.1";
        assert_eq!(found, [expected], "{role}");
        assert!(!database.exists(), "no database was created");
    }
}
