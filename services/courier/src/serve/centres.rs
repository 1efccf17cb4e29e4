//! Text messages: sessions with all centres, and what they hear.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use gridcare_chassis::clock::SharedClock;
use gridcare_domain::delivery::DeliveryState;
use gridcare_proto::notice::v1::NoticeChannel;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{CourierError, Shared};
use crate::{
    carrier::sms::{SmsCarrier, number, part_id},
    config::{Centre, Sms},
    flows::{
        message_leaves::{self, Late},
        receipt_returns::{Returned, Waits, Whose},
        reply_arrives::{self, Replies, SeenMessages},
    },
    smpp::{
        Event, Route, Sender, Session,
        inbound::Inbound,
        matching::{IdForm, Matching, candidates},
        receipt::{Receipt, State},
        route::Choice,
        session::{self, Dial},
    },
};

/// What comes from one centre and waits to be sorted.
const EVENTS: usize = 1_000;

/// One session, and whose it is.
struct Seat {
    centre: String,
    ids: IdForm,
    session: Session,
    seen: SeenMessages,
    events: mpsc::Receiver<Event>,
}

/// Binds to all centres; what is given back works until it is told to stop, and then ends everything in order.
pub(super) fn start(
    shared: &Shared,
    config: &Sms,
    mut dials: BTreeMap<String, Arc<dyn Dial>>,
) -> Result<impl Future<Output = ()> + Send + use<>, CourierError> {
    let sender = Sender::parse(&config.sender);
    let sender = sender.map_err(|violation| CourierError::Config(format!("sms.sender: {}", violation.description)))?;
    // Sessions outlive the last message that goes through them.
    let (unbind, mut seats, mut living) = (CancellationToken::new(), Vec::new(), JoinSet::new());
    for centre in &config.centres {
        bind(shared, centre, dials.remove(&centre.name), &unbind, &mut seats, &mut living)?;
    }
    let window = |choice: Choice| {
        let windows = config.centres.iter().map(|centre| {
            let window = usize::try_from(centre.session.window.get()).unwrap_or(usize::MAX);
            (window, usize::from(centre.connections))
        });
        match choice {
            Choice::Preferred => windows.map(|(window, _)| window).max(),
            Choice::Shared => Some(windows.map(|(window, sessions)| window * sessions).sum()),
        }
    };
    let window = window(config.choice).unwrap_or(1).max(1);
    let patience = Duration::from_secs(config.patience_s);
    let sessions = seats.iter().map(|seat| seat.session.clone()).collect();
    let names = seats.iter().map(|seat| (seat.session.name().to_owned(), seat.centre.clone())).collect();
    let route = Route::new(sessions, config.choice, patience).stopped_by(shared.stop.clone());
    let carrier = SmsCarrier::new(route, sender, window, names);
    let (late, heard_late) = mpsc::channel(EVENTS);
    let mut listening = JoinSet::new();
    for seat in seats {
        let (messages, to_answer) = mpsc::channel(EVENTS);
        let replies = Replies {
            node: shared.node.clone(),
            clock: Arc::clone(&shared.clock),
            told: shared.told.clone(),
            centre: seat.centre.clone(),
            route: Route::new(vec![seat.session.clone()], Choice::Preferred, patience).stopped_by(shared.stop.clone()),
            seen: seat.seen,
        };
        listening.spawn(reply_arrives::run(replies, to_answer));
        let listener = Listener {
            centre: seat.centre,
            ids: seat.ids,
            carrier: carrier.clone(),
            clock: Arc::clone(&shared.clock),
            returned: shared.returned.clone(),
            late: late.clone(),
            messages,
        };
        listening.spawn(listener.listen(seat.events));
    }
    let leaving = shared.leaving(NoticeChannel::Sms, Arc::new(carrier), heard_late);
    Ok(async move {
        message_leaves::run(leaving).await;
        unbind.cancel();
        while living.join_next().await.is_some() {}
        while listening.join_next().await.is_some() {}
    })
}

fn bind(
    shared: &Shared,
    centre: &Centre,
    dial: Option<Arc<dyn Dial>>,
    unbind: &CancellationToken,
    seats: &mut Vec<Seat>,
    living: &mut JoinSet<()>,
) -> Result<(), CourierError> {
    let failed = |source| CourierError::Centre { centre: centre.name.clone(), source };
    let dial = match dial {
        Some(dial) => dial,
        None => centre.dial().map_err(failed)?,
    };
    let matching = Arc::new(Mutex::new(Matching::new(centre.session.receipts)));
    let seen = SeenMessages::default();
    for config in centre.sessions().map_err(failed)? {
        let (told, events) = mpsc::channel(EVENTS);
        let around = session::Surroundings {
            dial: Arc::clone(&dial),
            clock: Arc::clone(&shared.clock),
            events: told,
            stop: unbind.clone(),
            matching: (centre.connections > 1).then(|| Arc::clone(&matching)),
        };
        let (session, life) = Session::start(config, around);
        living.spawn(async move {
            if let Err(error) = life.await {
                tracing::error!(%error, "a session panicked");
            }
        });
        let ids = centre.session.receipts.ids;
        seats.push(Seat { centre: centre.name.clone(), ids, session, seen: Arc::clone(&seen), events });
    }
    Ok(())
}

/// Sorts what one session hears.
struct Listener {
    centre: String,
    ids: IdForm,
    carrier: SmsCarrier,
    clock: SharedClock,
    returned: mpsc::Sender<Returned>,
    late: mpsc::Sender<Late>,
    messages: mpsc::Sender<(Inbound, crate::smpp::Taken)>,
}

impl Listener {
    async fn listen(self, mut events: mpsc::Receiver<Event>) {
        while let Some(event) = events.recv().await {
            // Whoever has gone meanwhile takes nothing: dropped, the centre is told to come again.
            match event {
                Event::Receipt { part, answered, receipt, from, taken } => {
                    let known = part.zip(answered).map(|(part, id)| (number(part.delivery), id));
                    let whose = match known {
                        Some((Some(number), id)) => Whose::Known { number, id: part_id(&self.centre, &id) },
                        // An answer to a customer: nobody keeps what became of it.
                        Some((None, _)) => {
                            taken.taken();
                            continue;
                        }
                        None => self.stranger(&receipt, &from),
                    };
                    let (state, at) = (state(&receipt), self.clock.now());
                    let returned = Returned { whose, state, at, waits: Waits::Centre(taken) };
                    drop(self.returned.send(returned).await);
                }
                Event::Message { inbound, taken } => drop(self.messages.send((inbound, taken)).await),
                Event::Late { part, outcome } => {
                    if let Some(late) = self.carrier.late(part.delivery, part.number, outcome) {
                        drop(self.late.send(late).await);
                    }
                }
            }
        }
    }

    fn stranger(&self, receipt: &Receipt, from: &str) -> Whose {
        let ids = match self.ids {
            IdForm::Auto => candidates(&receipt.id),
            form => form.answered(&receipt.id).into_iter().collect(),
        };
        let clue = self.carrier.clue(receipt, from, self.clock.now());
        Whose::Unknown { clue, ids: ids.iter().map(|id| part_id(&self.centre, id)).collect() }
    }
}

/// What a receipt says of a delivery. What says nothing leaves it as sent.
fn state(receipt: &Receipt) -> DeliveryState {
    match receipt.state {
        Some(State::Delivered) => DeliveryState::Delivered,
        Some(State::Expired) => DeliveryState::Expired,
        Some(State::Deleted | State::Undeliverable | State::Rejected) => DeliveryState::Failed,
        Some(State::Enroute | State::Accepted | State::Unknown) | None => DeliveryState::Sent,
    }
}
