//! One journey per sentence of ARCHITECTURE.md, on `SQLite` and on Postgres: real processes, real gRPC, from the request to
//! the national figure.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect stops there")]

mod a_configuration_is_refused_whole;
mod a_customer_is_forgotten;
mod a_customer_is_imported;
mod a_foreign_centre_takes_messages;
mod a_message_reaches_a_centre;
mod a_notice_goes_out;
mod a_notice_lands;
mod a_plan_is_asked_for;
mod a_queue_log_is_imported;
mod a_report_is_drawn;
mod a_report_joins_an_outage;
mod a_standard_takes_effect;
mod an_outage_unfolds;
mod an_owner_is_named;
mod an_sms_is_answered;
mod bad_input_is_refused;
mod clock_runs_out;
mod contact_arrives;
mod feed_flows_in;
mod foreign_client_finds_its_way;
mod metric_rolls_up_and_merges;
mod node_disappears_and_returns;
mod one_trace_tells_the_whole_way;
mod open_formats_are_read;
mod personal_data_stays_at_home;
mod printed_notices_are_read_by_others;
mod strangers_stay_outside;
mod supply_is_reliable;
mod the_day_is_replayed;
mod the_demo_meets_the_published_figures;
mod the_status_is_readable;
mod ticket_is_explained;
mod ticket_moves;
mod tickets_are_shared_out;
mod tickets_become_one;
mod work_is_planned;

/// The same journey on both engines.
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
