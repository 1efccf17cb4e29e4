//! The house stays as it was drawn: who imports whom, what things are called, where they are, and what may leave a node.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the repository has failed")]

mod documents;
mod exports;
mod imports;
mod names;
mod personal_data;
mod sizes;
mod sources;
mod top_level;
