use gridcare_domain::{
    contact::{Channel, Outcome},
    customer::Language,
    keyword::Answer as Asked,
    standard::Standard,
    ticket::{State, Ticket},
    topic::Topic,
};
use gridcare_proto::ticket::v1 as wire;
use gridcare_store::{
    StoreError,
    ticket::{Order, TicketQuery},
};
use jiff::{SignedDuration, Timestamp};

use super::{Cause, Message, Told, Trouble, asker::Asker, done};
use crate::{Node, flows::ticket_moves::Opening, texts::Texts};

/// Whoever reports again within this long, while the case is open, means the same outage.
const SAME_CASE: SignedDuration = SignedDuration::from_hours(6);

impl Node {
    /// A report that supply is lost: a ticket is opened, unless the customer has one about it, and its reference told. Whoever
    /// another corporation serves would wait for nothing here, and is told who does.
    pub(super) async fn report_outage(
        &self,
        cause: &Cause<'_>,
        message: &Message,
        asker: &Asker,
    ) -> Result<Told, Trouble> {
        if let Some(text) = self.elsewhere(asker) {
            return Ok(Told::answer(text, Asked::ReportOutage, asker));
        }
        let open = self.open_report_of(asker).await?;
        let reference = if let Some(ticket) = open {
            ticket.reference.to_string()
        } else {
            let opening = report(message, asker, &self.standards.current());
            let (answer, own) = self.open_ticket(cause.of("/ticket"), Box::new(opening)).await;
            let opened = match own {
                Some(own) => own,
                None => done::<wire::OpenTicketResponse>(answer)?,
            };
            opened.ticket.unwrap_or_default().reference
        };
        let texts = asker.texts();
        let more = match self.outage_of(asker).await? {
            Some(outage) => self.return_of(texts, &outage),
            None if asker.customer.is_none() => self.plainly(asker, "reported-where"),
            None => texts.say("reported-thanks", &[]),
        };
        Ok(Told {
            ticket: Some(reference.clone()),
            // Somebody has to act.
            outcome: Outcome::Answered,
            ..Told::answer(
                texts.say("reported", &[("ticket", &reference), ("more", &more)]),
                Asked::ReportOutage,
                asker,
            )
        })
    }

    /// The ticket about the same outage, when the customer's last one is. Others who know the code are told of none.
    async fn open_report_of(&self, asker: &Asker) -> Result<Option<Ticket>, StoreError> {
        let Some(customer) = asker.customer.as_ref().filter(|_| asker.is_the_customer()) else { return Ok(None) };
        let done = [State::Resolved, State::Closed, State::Cancelled];
        let query = TicketQuery {
            states: State::ALL.iter().copied().filter(|state| !done.contains(state)).collect(),
            topics: vec![Topic::Outage],
            customer_code: Some(customer.code.as_str().to_owned()),
            opened_from_us: self.now().checked_sub(SAME_CASE).ok().map(Timestamp::as_microsecond),
            ..TicketQuery::default()
        };
        Ok(self.store.tickets(&query, Order::OpenedDesc, None, 1).await?.pop())
    }
}

/// What the desk sees of a report. A category may ask for more than a message has: a report is taken all the same.
fn report(message: &Message, asker: &Asker, standard: &Standard) -> Opening {
    let customer = asker.customer.as_ref();
    let premises = customer.and_then(|customer| customer.premises.first());
    let category = standard.category_of_topic(Topic::Outage);
    // In the language of the desk.
    let subject = Texts::of(Language::Vi).say("ticket-subject", &[]);
    let blank = Ticket::draft(Topic::Outage, Channel::Sms, subject);
    let draft = Ticket {
        priority: category.map_or(blank.priority, |category| category.default_priority),
        category: category.map(|category| category.code.clone()).unwrap_or_default(),
        description: message.text.clone(),
        customer_code: asker.code.clone(),
        // A code proves nothing: it stands on every bill.
        requester_name: customer.filter(|_| asker.is_the_customer()).map(|customer| customer.name.clone()),
        requester_contact_point: asker.number.clone(),
        province: premises.and_then(|premises| premises.province.clone()),
        locality: premises.and_then(|premises| premises.locality),
        ..blank
    };
    Opening { draft, author: "sms".to_owned() }
}
