use crate::contact::code::codes;

codes! {
    /// Where premises are, as the standards tell them apart.
    Locality {
        /// In a town.
        Town = 1 "town",
        /// In the country.
        Rural = 2 "rural",
    }
}
