//! What the store promises, on `SQLite` and on Postgres alike.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect stops there")]

mod samples;

mod audiences;
mod cancelled_notices;
mod consents;
mod contact_tallies;
mod contacts;
mod customer_traces;
mod customers;
mod deliveries;
mod durability;
mod feed;
mod group_commit;
mod idempotency;
mod leases;
mod merging;
mod national_notices;
mod notices;
mod open311;
mod outages;
mod personal_columns;
mod questions;
mod rebasing;
mod repeated_contacts;
mod reports;
mod side_by_side;
mod sms_exchanges;
mod standards;
mod statements;
mod ticket_care;
mod ticket_search;
mod tickets;

/// Makes of each `async fn(Place)` a test on `SQLite` and a test on Postgres.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(gridcare_tests::Place::Sqlite).await; }
        )+ }
        mod on_postgres { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(gridcare_tests::Place::Postgres).await; }
        )+ }
    };
}
use on_both_engines;
