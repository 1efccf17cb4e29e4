//! Press releases: sender, headline, dateline with the first paragraph, the rest, whom to ask, and `###` at the end.

use super::{
    Block, Matter, Paragraph, addressee, bold, middle, plain,
    wording::{contact, holds_until, moment, replaces},
};
use crate::customer::Language;

pub(super) fn blocks(matter: &Matter<'_>) -> Vec<Block> {
    let (vi, sender) = (matter.language == Language::Vi, matter.sender);
    let name = sender.name.of(matter.language);
    let kind = if vi { "THÔNG CÁO BÁO CHÍ" } else { "PRESS RELEASE" };
    let headline = matter.title();
    let mut blocks = vec![
        Block::Whole(middle(bold(&name.to_uppercase()))),
        Block::Whole(Paragraph { ruled: true, ..middle(bold(kind)) }),
        Block::Whole(Paragraph { large: true, ..middle(bold(&headline)) }),
    ];
    let (seat, at) = (sender.seat.of(matter.language), moment(matter.at(), matter));
    let dateline = if seat.is_empty() { at } else { format!("{seat}, {at}") };
    let mut body = matter.body().into_iter();
    let mut say = |text: &str| blocks.push(Block::Whole(plain(text)));
    say(&format!("{dateline} – {}", body.next().unwrap_or_default()));
    body.for_each(|paragraph| say(&paragraph));
    if let Some(area) = addressee::area(matter) {
        say(&if vi { format!("Khu vực liên quan: {area}.") } else { format!("Areas concerned: {area}.") });
    }
    let facts = [replaces(matter), Some(holds_until(matter)), contact(matter)];
    facts.into_iter().flatten().for_each(|fact| say(&fact));
    blocks.push(Block::Whole(middle(plain("###"))));
    blocks
}
