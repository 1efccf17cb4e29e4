mod disk;
mod private_postgres;
mod settings;
mod syncs_on_postgres;
mod syncs_on_sqlite;
mod the_database_goes_away;
