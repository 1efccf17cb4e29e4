use std::collections::BTreeSet;

use super::{Matter, sender};
use crate::{
    customer::Language,
    province::{self, Province},
};

/// Provinces in which somebody is told, in the order of their names; empty where an audience does not say.
///
/// Named places decide; otherwise all that the named corporations serve.
fn provinces(matter: &Matter<'_>) -> Vec<&'static Province> {
    let audience = &matter.revision.content.audience;
    let named: BTreeSet<_> = audience.places.iter().filter_map(|place| place.province.as_deref()).collect();
    let mut found: Vec<_> = if named.is_empty() {
        province::all().iter().filter(|province| audience.regions.iter().any(|code| code == province.region)).collect()
    } else {
        named.into_iter().filter_map(province::find).collect()
    };
    found.sort_by_key(|province| province.name_ascii);
    found
}

fn english(province: &Province) -> String {
    let city = province.name_ascii.strip_prefix("Thanh pho ");
    city.map_or_else(|| province.name_ascii.to_owned(), |name| format!("{name} City"))
}

fn list(matter: &Matter<'_>) -> Option<String> {
    let provinces = provinces(matter);
    let name = |province: &&Province| match matter.language {
        Language::Vi => province.name_vi.to_owned(),
        Language::En => english(province),
    };
    // Everywhere is shorter said than listed.
    let some = !provinces.is_empty() && provinces.len() < province::all().len();
    some.then(|| provinces.iter().map(name).collect::<Vec<_>>().join(", "))
}

/// The People's Committees to which a letter goes.
pub(super) fn committees(matter: &Matter<'_>) -> String {
    match (matter.language, list(matter)) {
        (Language::Vi, Some(list)) => format!("Ủy ban nhân dân các tỉnh, thành phố: {list}"),
        (Language::Vi, None) => "Ủy ban nhân dân các tỉnh, thành phố".to_owned(),
        (Language::En, Some(list)) => format!("The People's Committees of {list}"),
        (Language::En, None) => "The People's Committees of the provinces and cities".to_owned(),
    }
}

/// Where it is, for those who must know whether it concerns them.
pub(super) fn area(matter: &Matter<'_>) -> Option<String> {
    if let Some(list) = list(matter) {
        return Some(list);
    }
    let regions = &matter.revision.content.audience.regions;
    let name = |code: &String| sender::name_of(code, matter.language).map_or_else(|| code.clone(), str::to_owned);
    (!regions.is_empty()).then(|| regions.iter().map(name).collect::<Vec<_>>().join(", "))
}
