use gridcare_domain::{
    customer_code::CustomerCode,
    refusal::{Refusal, RefusalKind},
    routing::Owner,
};
use jiff::{Timestamp, civil::Date};

use crate::Node;

impl Node {
    /// Who serves this code today; a province decides where no prefix does.
    pub(crate) fn owner_of(&self, code: &CustomerCode, province: Option<&str>) -> Result<Owner, Refusal> {
        self.routing.owner(code, province, self.day(self.now()))
    }

    /// Nothing when this node's corporation serves the code today; else `NOT_OURS`, which names who does and since when, or
    /// `UNKNOWN_CODE`.
    pub(crate) fn own(&self, code: &CustomerCode, province: Option<&str>) -> Result<(), Refusal> {
        let owner = self.owner_of(code, province)?;
        if self.owns(&owner) { Ok(()) } else { Err(owner.refusal()) }
    }

    /// Whether that is this node's own corporation.
    pub(crate) fn owns(&self, owner: &Owner) -> bool {
        owner.region == self.region
    }

    /// The local day of an instant.
    pub(crate) fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Why there is no such customer here.
    pub(crate) fn no_such_customer(&self, code: &CustomerCode) -> Refusal {
        let none = || Refusal::new(RefusalKind::NotFound, "NO_SUCH_CUSTOMER", "there is no such customer at this node");
        self.own(code, None).map_or_else(|refusal| refusal, |()| none())
    }
}
