//! Real processes under `kill -9`, pauses, restored backups and missing servers, against a ledger that the client keeps.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect stops there")]

mod a_killed_gateway_hands_over_once;
mod a_killed_node_finishes_its_rebase;
mod a_notice_survives_kills;
mod acknowledged_writes_survive_kills;
mod paused_gateway_applies_nothing_twice;
mod redis_goes_away;
mod restored_backup_is_noticed;
mod two_processes_notice_a_breach_once;
mod two_processes_share_one_feed;

/// The same trial on both engines.
macro_rules! on_both_engines {
    ($($journey:ident),+ $(,)?) => {$(
        mod $journey {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() { super::$journey(gridcare_tests::Place::Sqlite).await; }
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() { super::$journey(gridcare_tests::Place::Postgres).await; }
        }
    )+};
}
pub(crate) use on_both_engines;
