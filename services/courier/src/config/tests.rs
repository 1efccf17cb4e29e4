use gridcare_chassis::config::unlisted;

use super::*;

// Ways to servers are made within a runtime.
#[tokio::test]
async fn every_problem_is_reported_at_once() {
    let mut config = CourierConfig::default();
    assert_eq!(config.check(), Vec::<String>::new());
    config.courier.name = "two words".into();
    config.node.endpoint = "http://10.0.0.1:7400".into();
    config.lease = Leasing { seconds: 1, wait_seconds: 31 };
    config.sms.sender = "Điện lực".into();
    config.sms.patience_s = 0;
    let wrong = Centre { name: "a b".into(), address: "nowhere".into(), connections: 0, ..Centre::default() };
    config.sms.centres = vec![wrong.clone(), wrong];
    config.email = Email { server: Some("mail.example:25".into()), tls: MailTls::None, ..Email::default() };
    let hook = |url: &str| Hook { name: "press".into(), url: url.into(), secret_file: "s".into(), timeout_ms: 0 };
    config.webhook.hooks = vec![hook("http://press.example/"), hook("ftp://press.example/")];
    let violations = config.check().join("\n");
    for key in [
        "courier.name:",
        "node.endpoint:",
        "lease.seconds:",
        "lease.wait_seconds:",
        "sms.sender:",
        "sms.patience_s:",
        "sms.centres[0].name:",
        "sms.centres[1].name: \"a b\" is listed twice",
        "sms.centres[0].address:",
        "sms.centres[0].connections:",
        "email.tls:",
        "email.from:",
        "email.bounce:",
        "webhook.hooks[0].url: plain http",
        "webhook.hooks[1].url: give",
        "webhook.hooks[1].name: \"press\" is listed twice",
        "webhook.hooks[0].timeout_ms:",
    ] {
        assert!(violations.contains(key), "{key} in {violations}");
    }
}

#[test]
fn every_leaf_is_a_setting_and_a_password_is_never_printed() {
    let client_tls =
        ClientTls { ca: Some("a".into()), cert: Some("c".into()), key: Some("k".into()), domain: Some("d".into()) };
    let mut sample = CourierConfig { client_tls, ..CourierConfig::default() };
    sample.telemetry.otlp_endpoint = Some("http://h".into());
    let mut centre = Centre::default();
    centre.session.password = "geheim".into();
    sample.sms.centres = vec![centre];
    let email = Email {
        server: Some("mail.example:25".into()),
        ca: Some("c".into()),
        user: Some("u".into()),
        password_file: Some("p".into()),
        bounce_key_file: Some("s".into()),
        bounces: Some("b".into()),
        ..Email::default()
    };
    (sample.email, sample.webhook.ca) = (email, Some("c".into()));
    assert_eq!(unlisted(&sample), Vec::<String>::new());
    assert!(!gridcare_chassis::config::print(&sample).contains("geheim"));
}
