//! Where a premise lies, as far as limits depend on it.

use crate::contact::code::codes;

codes! {
    /// Where a premise lies, as far as limits depend on it.
    Locality {
        /// Cities and townships.
        Town = 1 "town",
        /// Everywhere else.
        Rural = 2 "rural",
    }
}
