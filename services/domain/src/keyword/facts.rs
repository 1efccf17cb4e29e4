use std::sync::OnceLock;

use super::KeywordSet;

/// `facts/sms-keywords.yaml`.
const FACTS: &str = include_str!("../../facts/sms-keywords.yaml");

/// The keywords that this corporation published in 2013; none when it published none.
#[must_use]
pub fn published(region: &str) -> Option<&'static KeywordSet> {
    static ALL: OnceLock<Vec<KeywordSet>> = OnceLock::new();
    // The file is part of the program; a test reads every line of it.
    let all = ALL.get_or_init(|| serde_yaml_ng::from_str(FACTS).unwrap_or_default());
    all.iter().find(|set| set.region == region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyword::{Answer, Grammar};

    #[test]
    fn two_corporations_published_theirs_and_all_of_it_compiles() {
        let hcmc = published("HCMC").unwrap();
        assert_eq!((hcmc.short_code.as_str(), hcmc.subscribe_short_code.as_deref()), ("8055", Some("8655")));
        let spc = published("SPC").unwrap();
        assert_eq!((spc.short_code.as_str(), spc.keywords.len(), hcmc.keywords.len()), ("8655", 5, 5));
        for set in [hcmc, spc] {
            Grammar::compile(set).unwrap();
            assert!(set.keywords.iter().all(|keyword| Answer::parse(&keyword.answer).is_some()));
        }
        assert_eq!(published("NPC"), None);
    }
}
