use gridcare_chassis::config::Setting;
use serde::{Deserialize, Serialize};

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keep {
    /// Days after which feed entries are compacted away; a reader further behind takes a snapshot.
    pub feed_days: u32,
    /// Days within which a repeated `request_id` gets its first answer.
    pub request_days: u32,
    /// Days after which nobody reads any more what watchers and roles were told.
    pub notification_days: u32,
    /// Days after their end for which bulk operations can be asked for.
    pub bulk_days: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { feed_days: 30, request_days: 7, notification_days: 90, bulk_days: 90 }
    }
}

impl Keep {
    /// Its keys, under `keep`.
    pub const SETTINGS: [Setting; 4] = [
        Setting::new("keep.feed_days", "days after which feed entries are compacted away"),
        Setting::new("keep.request_days", "days within which a repeated request_id gets its first answer"),
        Setting::new("keep.notification_days", "days after which notifications are removed"),
        Setting::new("keep.bulk_days", "days after their end for which bulk operations and their results are kept"),
    ];

    /// Violations of its rules.
    pub(crate) fn check(&self) -> Vec<String> {
        let days = [self.feed_days, self.request_days, self.notification_days, self.bulk_days];
        if days.contains(&0) { vec!["keep: give at least one day".to_owned()] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_kept_for_a_day_at_least() {
        assert_eq!(Keep::default().check(), Vec::<String>::new());
        let none = [
            Keep { feed_days: 0, ..Keep::default() },
            Keep { request_days: 0, ..Keep::default() },
            Keep { notification_days: 0, ..Keep::default() },
            Keep { bulk_days: 0, ..Keep::default() },
        ];
        assert!(none.iter().all(|keep| keep.check().len() == 1));
    }
}
