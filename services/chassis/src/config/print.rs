//! A configuration as it may be shown to others.

use serde_yaml_ng::Value;

use super::Settings;

const HIDDEN: &str = "(hidden)";

/// The configuration as YAML, with secrets hidden. Of an address with a password only the password is.
#[must_use]
pub fn print<T: Settings>(config: &T) -> String {
    let mut value = serde_yaml_ng::to_value(config).unwrap_or_default();
    for setting in T::SETTINGS.iter().filter(|setting| setting.secret) {
        let secret = setting.path.split('.').try_fold(&mut value, |value, key| value.get_mut(key));
        if let Some(secret) = secret
            && !secret.is_null()
            && !secret.as_str().is_some_and(|text| text.is_empty() || text.contains("://"))
        {
            *secret = HIDDEN.into();
        }
    }
    hide_passwords(&mut value);
    serde_yaml_ng::to_string(&value).unwrap_or_default()
}

/// Wherever an address stands, also inside lists.
fn hide_passwords(value: &mut Value) {
    match value {
        Value::String(text) => *text = without_password(text),
        Value::Sequence(values) => values.iter_mut().for_each(hide_passwords),
        Value::Mapping(entries) => entries.values_mut().for_each(hide_passwords),
        _ => {}
    }
}

fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    // The last @ ends the credentials: a password may hold one unescaped.
    let from = rest.rfind('@').unwrap_or(0);
    let end = rest[from..].find(['/', '?', '#']).map_or(rest.len(), |end| from + end);
    let (authority, tail) = rest.split_at(end);
    let authority = match authority.rsplit_once('@') {
        Some((credentials, host)) => match credentials.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
            None => authority.to_owned(),
        },
        None => authority.to_owned(),
    };
    let tail = match tail.split_once('?') {
        Some((path, query)) => {
            let pairs = query.split('&').map(|pair| match pair.split_once('=') {
                Some((key, _)) if key.to_ascii_lowercase().contains("password") => format!("{key}={HIDDEN}"),
                _ => pair.to_owned(),
            });
            format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
        }
        None => tail.to_owned(),
    };
    format!("{scheme}://{authority}{tail}")
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn only_the_password_is_hidden() {
        for (given, shown) in [
            ("postgres://care:s3cret@db:5432/care", "postgres://care:(hidden)@db:5432/care"),
            ("postgres://care:p@ss/w0rd@db/care?sslmode=require", "postgres://care:(hidden)@db/care?sslmode=require"),
            ("postgres://db/care?user=care&password=s3cret", "postgres://db/care?user=care&password=(hidden)"),
            ("redis://:s3cret@cache", "redis://:(hidden)@cache"),
            ("sqlite:///var/lib/gridcare/node.db", "sqlite:///var/lib/gridcare/node.db"),
            ("http://127.0.0.1:4317", "http://127.0.0.1:4317"),
            ("plain text", "plain text"),
        ] {
            assert_eq!(without_password(given), shown);
        }
    }
}
