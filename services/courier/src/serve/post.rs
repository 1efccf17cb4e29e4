//! Email and webhooks: what they need, put together.

use std::{sync::Arc, time::Duration};

use gridcare_proto::notice::v1::NoticeChannel;
use lettre::{Address, message::Mailbox};
use tokio::sync::mpsc;

use super::{CourierError, Shared};
use crate::{
    carrier::{email::EmailCarrier, webhook::WebhookCarrier},
    config::{Email, Webhooks, secret},
    flows::message_leaves,
    smtp::{Bounces, Letters, MailServer},
};

fn wrong(key: &'static str) -> impl Fn(lettre::address::AddressError) -> CourierError {
    move |error| CourierError::Config(format!("{key}: {error}"))
}

/// Sends email and looks for its bounces, until it is told to stop.
pub(super) fn email(
    shared: &Shared,
    server: &str,
    config: &Email,
) -> Result<impl Future<Output = ()> + Send + use<>, CourierError> {
    let from: Mailbox = config.from.parse().map_err(wrong("email.from"))?;
    let bounce: Address = config.bounce.parse().map_err(wrong("email.bounce"))?;
    let key = config.bounce_key_file.as_deref().map(secret).transpose();
    let key = key.map_err(|error| CourierError::Files("the key of bounces", Box::new(error)))?;
    let letters = Arc::new(Letters::new(from, bounce, key.as_deref()));
    let files = |error| CourierError::Files("the mail server", Box::new(error));
    let carrier = EmailCarrier {
        letters: Arc::clone(&letters),
        server: Arc::new(MailServer::new(server, config).map_err(files)?),
        clock: Arc::clone(&shared.clock),
        window: usize::from(config.window),
    };
    let bounces = config.bounces.clone().map(|folder| Bounces {
        folder,
        every: Duration::from_secs(config.bounces_every_s),
        letters,
        clock: Arc::clone(&shared.clock),
        returned: shared.returned.clone(),
        stop: shared.stop.clone(),
    });
    let leaving = shared.leaving(NoticeChannel::Email, Arc::new(carrier), mpsc::channel(1).1);
    Ok(async move {
        let looking = async {
            if let Some(bounces) = bounces {
                bounces.run().await;
            }
        };
        tokio::join!(message_leaves::run(leaving), looking);
    })
}

/// Posts to webhooks, until it is told to stop.
pub(super) fn webhooks(
    shared: &Shared,
    config: &Webhooks,
) -> Result<impl Future<Output = ()> + Send + use<>, CourierError> {
    let carrier = WebhookCarrier::new(config, Arc::clone(&shared.clock), shared.returned.clone());
    let carrier = carrier.map_err(|error| CourierError::Files("a webhook", Box::new(error)))?;
    Ok(message_leaves::run(shared.leaving(NoticeChannel::Webhook, Arc::new(carrier), mpsc::channel(1).1)))
}
