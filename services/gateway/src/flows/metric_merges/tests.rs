use gridcare_domain::{
    capability::Capability,
    completeness::Link,
    contact::{Channel, Direction},
    feed::Cursor,
    metric::{Counts, fold::Grain},
};
use gridcare_proto::federation::v1::{FigureStatus, NationalFigure};
use gridcare_store::gateway::{Member, PeriodSum, Seat, TicketTotals};
use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use super::*;

const DEFINITION: &str = "contact/1";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn period() -> Period {
    Period { from: at("2013-01-01T00:00:00Z"), until: at("2013-06-01T00:00:00Z") }
}

fn view(node: &str, region: &str) -> MemberView {
    let seat = Seat { node: node.into(), region: region.into(), endpoint: String::new(), expected_from_us: 0 };
    let cursor = Cursor { incarnation: Uuid::nil(), position: 9, batch_id: None };
    let link = Link { seen_at: Some(at("2013-06-01T00:00:00Z")), failing: None };
    let member = Member { seat, time_zone: None, product_version: None, cursor, head: 9, link };
    MemberView { member, capabilities: Vec::new(), sums: Vec::new(), tickets: TicketTotals { open: 1, total: 3 } }
}

fn answered(offered: Option<&str>, reported: Option<&str>, through: Option<&str>) -> Capability {
    Capability {
        channel: Channel::Hotline,
        metric: "answered".into(),
        offered_from: offered.map(at),
        reported_from: reported.map(at),
        reported_through: through.map(at),
    }
}

fn calls(answered: i64, definition: &str) -> PeriodSum {
    let counts = Counts { contacts: answered, answered, ..Counts::default() };
    PeriodSum { definition: definition.into(), channel: Channel::Hotline, direction: Direction::Inbound, counts }
}

fn hotline_answered(regions: &[&str], views: &[MemberView]) -> NationalFigure {
    let figures = figures(regions, views, period(), DEFINITION);
    figures.into_iter().find(|f| f.channel == 1 && f.metric == "answered").unwrap()
}

const EARLY: Option<&str> = Some("2012-01-01T00:00:00Z");

#[test]
fn four_answers_are_four_answers() {
    let mut whole = view("a", "north");
    whole.capabilities = vec![answered(EARLY, EARLY, None)];
    whole.sums = vec![calls(40, DEFINITION)];
    let mut silent = view("b", "south");
    silent.capabilities = vec![answered(EARLY, None, None)];
    let without = view("c", "centre");
    let mut part = view("d", "hcmc");
    part.capabilities = vec![answered(EARLY, Some("2013-03-01T00:00:00Z"), None)];
    part.sums = vec![calls(2, DEFINITION)];
    let mut zero = view("e", "hanoi");
    zero.capabilities = vec![answered(EARLY, EARLY, None)];
    let mut unreached = view("f", "isles");
    unreached.member.link.seen_at = None;
    let mut unread = view("g", "hills");
    unread.member.head = 100;

    let regions = ["north", "south", "centre", "hcmc", "hanoi", "isles", "hills"];
    let views = [whole, silent, without, part, zero, unreached, unread];
    let figure = hotline_answered(&regions, &views);
    let shown: Vec<_> = figure.regions.iter().map(|r| (r.region.as_str(), r.status(), r.value)).collect();
    assert_eq!(
        shown,
        [
            ("north", FigureStatus::Reported, 40),
            ("south", FigureStatus::NotReported, 0),
            ("centre", FigureStatus::NotOffered, 0),
            ("hcmc", FigureStatus::Reported, 2),
            ("hanoi", FigureStatus::Reported, 0),
            ("isles", FigureStatus::Unknown, 0),
            ("hills", FigureStatus::Unknown, 0),
        ]
    );
    assert_eq!(figure.total, 42);
    let completeness = figure.completeness.unwrap();
    assert_eq!((completeness.expected, completeness.covered), (7, 3));
    assert_eq!(completeness.not_reported, ["south"]);
    assert_eq!(completeness.not_offered, ["centre"]);
    assert_eq!(completeness.partial, ["hcmc"]);

    // What was never reached has no count of tickets, not even zero.
    let tickets = tickets(&regions, &views);
    assert_eq!(tickets.len(), 6);
    assert!(tickets.iter().all(|t| t.region != "isles" && (t.open, t.total) == (1, 3)));
}

#[test]
fn a_region_is_the_sum_of_its_nodes_and_partial_when_one_is_missing() {
    let mut one = view("a", "north");
    one.capabilities = vec![answered(EARLY, EARLY, None)];
    one.sums = vec![calls(40, DEFINITION)];
    let mut two = view("b", "north");
    two.capabilities = vec![answered(EARLY, EARLY, None)];
    two.sums = vec![calls(2, DEFINITION)];
    let figure = hotline_answered(&["north"], &[one.clone(), two.clone()]);
    assert_eq!((figure.total, figure.completeness.unwrap().partial.len()), (42, 0));
    two.capabilities = vec![answered(EARLY, None, None)];
    let figure = hotline_answered(&["north"], &[one, two]);
    assert_eq!(figure.total, 40);
    assert_eq!(figure.completeness.unwrap().partial, ["north"]);
}

#[test]
fn sums_of_another_definition_are_left_out_and_seen_to_be() {
    let mut view = view("a", "north");
    view.capabilities = vec![answered(EARLY, EARLY, None)];
    view.sums = vec![calls(40, DEFINITION), calls(5, "contact/2")];
    let figure = hotline_answered(&["north"], &[view]);
    assert_eq!(figure.total, 40);
    assert_eq!(figure.completeness.unwrap().partial, ["north"]);
}

#[test]
fn the_month_so_far_ends_with_the_running_quarter() {
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let period = month_so_far(at("2013-05-22T07:20:00.5Z"), &zone);
    assert_eq!(period, Period { from: at("2013-04-30T17:00:00Z"), until: at("2013-05-22T07:30:00Z") });
    let on_the_quarter = month_so_far(at("2013-05-22T07:30:00Z"), &zone);
    assert_eq!(on_the_quarter.until, at("2013-05-22T07:30:00Z"));
    let first_moment = month_so_far(at("2013-04-30T17:00:00Z"), &zone);
    assert_eq!(first_moment.from, at("2013-04-30T17:00:00Z"));
    assert!(first_moment.until > first_moment.from);
}

#[test]
fn a_period_is_cut_at_local_midnights_and_months_without_gaps() {
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let period = Period { from: at("2013-01-15T00:00:00Z"), until: at("2013-04-30T17:00:00Z") };
    let months = Intervals::of(period, Grain::Month, &zone, 100).unwrap();
    assert_eq!(months.as_slice().len(), 4);
    assert_eq!(months.as_slice()[1].from, at("2013-01-31T17:00:00Z"));
    let hours = Intervals::of(period, Grain::Hour, &TimeZone::get("Europe/Berlin").unwrap(), 10_000).unwrap();
    assert!(hours.as_slice().windows(2).all(|pair| pair[0].until == pair[1].from));
    assert_eq!(hours.as_slice().first().map(|i| i.from), Some(period.from));
    assert_eq!(hours.as_slice().last().map(|i| i.until), Some(period.until));
    assert_eq!(hours.find(period.from.as_microsecond() - 1), None);
    assert_eq!(hours.find(period.from.as_microsecond()), Some(0));
    assert_eq!(hours.find(period.until.as_microsecond()), None);
    assert!(Intervals::of(period, Grain::Hour, &zone, 10).is_none());
}
