//! Where, in which wave and in which province a customer is told of interruptions, as it stands in the customer's row.

use gridcare_domain::{
    customer::{ContactPoint, Customer, PointKind, Premises, Purpose},
    delivery::Wave,
};

/// The purposes that were agreed to, as a bit mask.
pub(crate) fn granted(point: &ContactPoint) -> i64 {
    point.consents.iter().filter(|consent| consent.granted).fold(0, |mask, c| mask | (1 << c.purpose.number()))
}

/// The number of the first contact point of a kind that agreed to be told of interruptions.
pub(crate) fn told_at(customer: &Customer, kind: PointKind) -> Option<i64> {
    let agreed = 1 << Purpose::OutageNotice.number();
    let told = |point: &ContactPoint| point.kind == kind && granted(point) & agreed != 0;
    (0..).zip(&customer.contact_points).find(|(_, point)| told(point)).map(|(no, _)| no)
}

/// In which wave a customer is told: that of whichever premises are told first.
pub(crate) fn wave(customer: &Customer) -> Wave {
    customer.premises.iter().map(|place| Wave::of_flags(flags(place))).min().unwrap_or(Wave::Others)
}

/// The province of all of a customer's premises; none when it is not one and the same.
pub(crate) fn province(customer: &Customer) -> Option<&str> {
    let first = customer.premises.first()?.province.as_deref()?;
    customer.premises.iter().all(|place| place.province.as_deref() == Some(first)).then_some(first)
}

/// What is sensitive of premises, as a bit mask.
pub(crate) fn flags(place: &Premises) -> i64 {
    i64::from(place.medical_equipment) | (i64::from(place.critical_service) << 1)
}
