//! temporary
use crate::{calendar::Span, refusal::Refusal};
use jiff::tz::TimeZone;
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    pub id: String,
    pub team: String,
    pub skills: Vec<String>,
    pub shifts: [Vec<Span>; 7],
    pub zone: TimeZone,
    pub capacity: u32,
    pub active: bool,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub open: u32,
    pub last_assigned_us: i64,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    RoundRobin,
    BySkill,
}
pub struct Needs<'a> {
    pub category: &'a str,
}
pub fn choose<'a>(_s: Strategy, _n: &Needs<'_>, _a: &'a [(Agent, Load)], _now: i64) -> Result<&'a Agent, Refusal> {
    unreachable!()
}
