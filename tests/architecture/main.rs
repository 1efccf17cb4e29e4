//! .

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect stops there")]
