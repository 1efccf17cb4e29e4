use gridcare_chassis::id::new_id;
use gridcare_domain::{
    customer::{Customer, Premises},
    outage::Area,
};
use gridcare_store::dispatch::Dispatch;
use gridcare_tests::Place;

use crate::{
    customers::{customer, import},
    deliveries::{dispatch, turn},
    on_both_engines,
    samples::Home,
};

fn supplied(n: usize, provinces: &[Option<&str>]) -> Customer {
    let made = customer(n);
    let place = |(at, province): (usize, Option<&str>)| Premises {
        code: at.to_string(),
        province: province.map(str::to_owned),
        ..made.premises[0].clone()
    };
    Customer { premises: provinces.iter().copied().enumerate().map(place).collect(), ..made.clone() }
}

async fn a_whole_province_is_everybody_who_has_any_premises_there(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (here, there) = (Some("VN-SG"), Some("VN-57"));
    let customers = vec![
        supplied(1, &[here]),
        supplied(2, &[here, here]),
        supplied(3, &[there, here]),
        supplied(4, &[None, here]),
        supplied(5, &[there]),
        supplied(6, &[None]),
        supplied(7, &[]),
    ];
    import(&store, customers).await;
    let province = |code: &str| Area { province: Some(code.into()), ..Area::default() };
    let told = async |incident: &str, places: Vec<Area>| {
        let asked = Dispatch { incident: incident.into(), places, ..dispatch(new_id()) };
        turn(&store, store.open_dispatch(&asked).await.unwrap(), 3).await
    };
    assert_eq!(told("one province", vec![province("VN-SG")]).await, 4);
    assert_eq!(told("two provinces", vec![province("VN-SG"), province("VN-57")]).await, 5);
    let district = Area { district: Some(customer(5).premises[0].district.clone()), ..province("VN-57") };
    assert_eq!(told("a province and a district of another", vec![province("VN-SG"), district]).await, 5);
    assert_eq!(told("everybody", vec![]).await, 7);
}

on_both_engines!(a_whole_province_is_everybody_who_has_any_premises_there);
