//! Imports the made contacts through the nodes' own API, all streams at once.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::{try_join, try_join_all};
use gridcare_proto::contact::v1::{
    GetImportCheckpointRequest, ImportContactsResponse, contact_service_client::ContactServiceClient,
};
use tokio::sync::mpsc;

use super::{
    Run,
    contacts::Contacts,
    country::Running,
    desks::{self, Desks},
    draw::GENERATION,
    plan::{self, STREAMS, Stream},
    tickets,
};
use crate::{
    connection::Connection,
    contacts::upload::{Batch, Upload},
    failure::{self, Failure},
    output,
    screen::Screen,
    status::Gateway,
};

/// Contacts in one batch.
const BATCH: usize = 2_000;
/// Batches under way without an answer.
const WINDOW: usize = 4;

/// What was brought in.
pub(super) struct Filled {
    /// Contacts by stream.
    pub(super) streams: Vec<(Stream, u64)>,
    /// Imported tickets by region.
    pub(super) tickets: Vec<(String, u64)>,
    /// What the live desks did, by region.
    pub(super) desks: Vec<(String, Desks)>,
}

impl Filled {
    /// Contacts of all streams.
    pub(super) fn contacts(&self) -> u64 {
        self.streams.iter().map(|(_, count)| count).sum()
    }

    /// Imported tickets of all regions.
    pub(super) fn tickets(&self) -> u64 {
        self.tickets.iter().map(|(_, count)| count).sum()
    }
}

/// Fills all nodes, and shows how the country fills up.
pub(super) async fn fill(run: &Run, running: &Running, gateway: &mut Gateway) -> Result<Filled, Failure> {
    let done = Arc::new(AtomicU64::new(0));
    let all: u64 = STREAMS.iter().map(|stream| u64::from(stream.total)).sum();
    let streams = STREAMS.iter().map(|stream| bring_in(run, running, *stream, done.clone()));
    let regions = run.country.regions.iter().map(async |region| {
        tickets::bring_in(running, &run.country, region).await.map(|count| (region.code.clone(), count))
    });
    let desks =
        run.country.regions.iter().map(async |region| {
            desks::work(running, &run.country, region).await.map(|done| (region.code.clone(), done))
        });
    let filling = async {
        let (streams, tickets) = try_join(try_join_all(streams), try_join_all(regions)).await?;
        // Afterwards, as in life: people do not call while a year's files are being read in.
        let desks = try_join_all(desks).await?;
        Ok(Filled { streams, tickets, desks })
    };
    tokio::select! {
        filled = filling => filled,
        failure = show(run, gateway, &done, all) => Err(failure),
    }
}

/// One stream: made in a thread of its own, sent while the next batch is made.
async fn bring_in(
    run: &Run,
    running: &Running,
    stream: Stream,
    done: Arc<AtomicU64>,
) -> Result<(Stream, u64), Failure> {
    let name = format!("{} {}", stream.region, stream.channel);
    let region = run.country.regions.iter().find(|region| region.code == stream.region).cloned();
    let (Some(region), Some(url)) = (region, running.node_url(stream.region)) else {
        return Err(Failure::said(format!("{name}: there is no such region in facts/regions.yaml")));
    };
    let failed = |status: tonic::Status| Failure::answered(format!("importing {name}"), &status);
    let (caller, source) = (Connection::near(url).caller()?, plan::source(stream.channel));
    let request = GetImportCheckpointRequest { source: source.clone() };
    let kept = ContactServiceClient::new(caller.clone()).get_import_checkpoint(request).await.map_err(failed)?;
    // Without a contact the stream is another one: nothing is skipped then, and its checkpoint is not kept.
    let dropped = run.drop_one == Some(stream);
    let begin = if dropped { 0 } else { parse(&kept.into_inner().checkpoint) };
    done.fetch_add(begin, Ordering::Relaxed);

    let (out, batches) = mpsc::channel(2);
    let making = tokio::task::spawn_blocking(move || make(Contacts::of(stream, &region), begin, dropped, &out));
    let upload = Upload { caller, source, window: WINDOW, patience: Duration::from_secs(30) };
    let mut refused = None;
    let acked = |batch: &Batch<()>, answer: ImportContactsResponse| {
        done.fetch_add(batch.contacts.len() as u64, Ordering::Relaxed);
        refused = answer.rejections.into_iter().next();
        if refused.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let lost = |status: &tonic::Status| tracing::warn!(stream = name, error = failure::told(status), "trying again");
    upload.run(batches, acked, lost).await.map_err(failed)?;
    if let Some(refused) = refused {
        let why = refused.violations.first().map_or("", |violation| violation.description.as_str());
        return Err(Failure::said(format!("importing {name}: the node refused {}: {why}", refused.source_key)));
    }
    let made = making.await.map_err(|error| Failure::because(format!("making {name}"), &error))?;
    Ok((stream, made))
}

/// Makes the contacts from number `begin` on, in batches; returns how many there are in all.
fn make(contacts: Contacts, begin: u64, dropped: bool, out: &mpsc::Sender<Batch<()>>) -> u64 {
    if begin >= u64::from(contacts.total()) {
        return begin;
    }
    let skip = usize::try_from(begin).unwrap_or(usize::MAX);
    let (mut contacts, mut made) = (contacts.skip(skip), begin);
    if dropped {
        contacts.next();
    }
    loop {
        let batch: Vec<_> = contacts.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return made;
        }
        made += batch.len() as u64;
        let checkpoint = if dropped { String::new() } else { format!("{GENERATION}: {made}") };
        if out.blocking_send(Batch { contacts: batch, checkpoint, mark: () }).is_err() {
            return made;
        }
    }
}

/// How many contacts of a stream were brought in by an earlier run.
fn parse(checkpoint: &str) -> u64 {
    checkpoint.strip_prefix(GENERATION).and_then(|rest| rest.strip_prefix(": ")?.parse().ok()).unwrap_or(0)
}

/// Shows the national table while it fills up, or a line now and then where nobody watches. Ends only when it fails.
async fn show(run: &Run, gateway: &mut Gateway, done: &AtomicU64, all: u64) -> Failure {
    let mut screen = match run.watched.then(Screen::open).transpose() {
        Ok(screen) => screen,
        Err(error) => return error.into(),
    };
    let pause = Duration::from_millis(if screen.is_some() { 400 } else { 5_000 });
    loop {
        tokio::time::sleep(pause).await;
        let done = done.load(Ordering::Relaxed);
        let progress = format!("{} of {} contacts", run.texts.number(done), run.texts.number(all));
        let Some(screen) = &mut screen else {
            output::tell(format_args!("gridcare demo: {progress}"));
            continue;
        };
        let table = match gateway.ask().await {
            Ok(status) => run.table(&status),
            // The gateway may be slower to start than the import.
            Err(status) => failure::told(&status),
        };
        let filled = usize::try_from(done * 40 / all.max(1)).unwrap_or(40).min(40);
        let bar = format!("{}{}", "█".repeat(filled), "░".repeat(40 - filled));
        if let Err(error) = screen.draw(&format!("{bar} {progress}\n\n{table}")) {
            return error.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::facts::Country;

    fn made(begin: u64, dropped: bool) -> (u64, Vec<Batch<()>>) {
        let region = Country::read().unwrap().regions.into_iter().find(|region| region.code == "HANOI").unwrap();
        let (out, mut batches) = mpsc::channel(16);
        let made = make(Contacts::of(STREAMS[0], &region), begin, dropped, &out);
        let mut sent = Vec::new();
        while let Ok(batch) = batches.try_recv() {
            sent.push(batch);
        }
        (made, sent)
    }

    #[test]
    fn a_run_goes_on_where_the_one_before_ended_and_a_dropped_contact_is_only_dropped() {
        let (all, batches) = made(0, false);
        assert_eq!((all, batches.len()), (11_574, 6));
        assert_eq!(parse(&batches[1].checkpoint), 4_000);
        assert_eq!(parse("another generation: 4000"), 0);
        let (all, rest) = made(4_000, false);
        assert_eq!((all, rest.len()), (11_574, 4));
        assert_eq!(rest[0].contacts[0], batches[2].contacts[0]);
        let (all, dropped) = made(0, true);
        assert_eq!(all, 11_573);
        assert!(dropped.iter().all(|batch| batch.checkpoint.is_empty()));
        assert_eq!(dropped[0].contacts[0], batches[0].contacts[1]);
    }
}
