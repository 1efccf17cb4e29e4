use crate::text;

/// Why a text is no email address. The text itself is personal and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give an email address such as lan@example.vn")]
pub struct EmailError;

/// An email address in lower case and normal form C.
///
/// The shape alone is checked: one @, a local part of at most 64 bytes, and a domain of at least two labels. Whether it
/// exists is known only when something was delivered. Hosts that tell the case of the local part apart are not met any more,
/// and two rows for one person would be worse.
///
/// # Errors
/// [`EmailError`] when it has another shape.
pub fn email(text: &str) -> Result<String, EmailError> {
    let address = text::nfc(text.trim()).to_lowercase();
    let (local, domain) = address.split_once('@').ok_or(EmailError)?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || "@,;:<>()[]\\\"".contains(c);
    let local_fits = (1..=64).contains(&local.len())
        && !local.contains(odd)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let domain_fits = domain.contains('.') && domain.split('.').all(label);
    let last_is_name =
        domain.rsplit('.').next().is_some_and(|last| last.len() > 1 && !last.chars().all(|c| c.is_ascii_digit()));
    if local_fits && domain_fits && last_is_name && address.len() <= 254 { Ok(address) } else { Err(EmailError) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_lower_case_and_trimmed() {
        assert_eq!(email(" Lan.Nguyen+dien@Example.VN ").as_deref(), Ok("lan.nguyen+dien@example.vn"));
        assert_eq!(email("lan@điện.vn").as_deref(), Ok("lan@điện.vn"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "lan",
            "lan@",
            "@example.vn",
            "lan@example",
            "lan@@example.vn",
            "lan @example.vn",
            "lan@-a.vn",
            "lan@a..vn",
            ".lan@a.vn",
            "lan@127.0.0.1",
            "a@b.vn, c@d.vn",
            "lan@exam_ple.vn",
        ] {
            assert_eq!(email(text), Err(EmailError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_normal_form_is_normal(text in "[A-Za-z.đĐ+-]{1,8}@[A-Za-z.đ-]{1,12}") {
            if let Ok(address) = email(&text) {
                prop_assert_eq!(email(&address), Ok(address.clone()));
            }
        }
    }
}
