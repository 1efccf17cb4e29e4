use gridcare_proto::contact::v1 as wire;
use gridcare_tests::{Place, calls, eventually, world::World};
use tokio_stream::StreamExt as _;

crate::on_both_engines!(
    a_recorded_contact_is_listed_watched_and_counted,
    an_import_stores_each_contact_once_and_rejects_bad_ones_alone,
    a_contact_that_goes_on_counts_when_it_ends,
    a_batch_for_those_who_cannot_stream_is_answered_once,
);

async fn a_recorded_contact_is_listed_watched_and_counted(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut contacts = calls::contacts(&node);

    let mut watch =
        contacts.watch_contacts(wire::WatchContactsRequest { after_arrival_no: Some(0) }).await.unwrap().into_inner();
    let request =
        wire::RecordContactRequest { request_id: calls::request_id(), contact: Some(calls::call("call-1", 0)) };
    let stored = contacts.record_contact(request.clone()).await.unwrap().into_inner().contact.unwrap();
    let again = contacts.record_contact(request).await.unwrap().into_inner().contact.unwrap();
    assert_eq!(stored, again, "the same request has the same answer");

    let seen = watch.next().await.unwrap().unwrap();
    assert_eq!(seen.contacts, vec![stored.clone()]);
    let listed = contacts.list_contacts(wire::ListContactsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.contacts, vec![stored.clone()]);
    let got = contacts.get_contact(wire::GetContactRequest { id: stored.id }).await.unwrap().into_inner();
    assert_eq!(got.contact.unwrap().contact.unwrap().source_key, "call-1");

    let rows = day(&node).await;
    assert_eq!(rows.len(), 1);
    let counts = rows[0].counts.unwrap();
    assert_eq!((counts.contacts, counts.answered, counts.answered_within), (1, 1, 1));
    assert_eq!((counts.wait_ms, counts.talk_ms), (10_000, 60_000));

    let future = contacts.watch_contacts(wire::WatchContactsRequest { after_arrival_no: Some(99) }).await.unwrap_err();
    assert_eq!((future.code(), calls::reason(&future).as_str()), (tonic::Code::OutOfRange, "TOKEN_OF_THE_FUTURE"));
}

async fn an_import_stores_each_contact_once_and_rejects_bad_ones_alone(place: Place) {
    let world = World::new(place);
    let node = world.node("spc-1", "SPC").await;
    let mut contacts = calls::contacts(&node);
    let mut drafts: Vec<_> = (0..3_000).map(|i| calls::call(&format!("k{i}"), i % 3_000)).collect();
    drafts[1_234].ended_at = Some(calls::at(-5_000));
    drafts[77].wait = Some(prost_types::Duration { seconds: -1, nanos: 0 });
    let batches = vec![
        wire::ImportContactsRequest {
            source: "pbx".into(),
            batch: 1,
            contacts: drafts[..2_000].to_vec(),
            checkpoint: "after 1".into(),
        },
        // Overlaps the first.
        wire::ImportContactsRequest {
            source: "pbx".into(),
            batch: 2,
            contacts: drafts[1_000..].to_vec(),
            checkpoint: "after 2".into(),
        },
    ];
    let answers: Vec<_> = contacts
        .import_contacts(tokio_stream::iter(batches.clone()))
        .await
        .unwrap()
        .into_inner()
        .collect::<Result<_, _>>()
        .await
        .unwrap();
    assert_eq!(answers.iter().map(|a| a.batch).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((answers[0].accepted, answers[0].duplicates, answers[0].rejections.len()), (1_998, 0, 2));
    assert_eq!((answers[1].accepted, answers[1].duplicates, answers[1].rejections.len()), (1_000, 999, 1));
    let rejected = &answers[0].rejections[0];
    assert_eq!(
        (rejected.index, rejected.source_key.as_str(), rejected.violations[0].field.as_str()),
        (77, "k77", "wait")
    );
    assert_eq!(answers[0].rejections[1].violations[0].reason, "ENDED_BEFORE_ANSWERED");

    let checkpoint =
        contacts.get_import_checkpoint(wire::GetImportCheckpointRequest { source: "pbx".into() }).await.unwrap();
    assert_eq!(checkpoint.into_inner().checkpoint, "after 2");
    let again: Vec<_> = contacts
        .import_contacts(tokio_stream::iter(batches))
        .await
        .unwrap()
        .into_inner()
        .collect::<Result<_, _>>()
        .await
        .unwrap();
    assert_eq!((again[0].accepted, again[1].accepted), (0, 0), "importing again doubles nothing");
    assert_eq!(day(&node).await.iter().map(|row| row.counts.unwrap().contacts).sum::<u64>(), 2_998);
}

async fn a_contact_that_goes_on_counts_when_it_ends(place: Place) {
    let world = World::new(place);
    let node = world.node("npc-1", "NPC").await;
    let mut contacts = calls::contacts(&node);
    let ended = calls::call("long", 0);
    let going_on = wire::ContactDraft { ended_at: None, outcome: 0, talk: None, ..ended.clone() };
    let batch = |contact: &wire::ContactDraft| wire::ImportContactsRequest {
        source: "pbx".into(),
        contacts: vec![contact.clone()],
        ..Default::default()
    };
    for (draft, expected, counted) in [
        (&going_on, (1, 0, 0), 0),
        (&going_on, (0, 0, 1), 0),
        (&ended, (0, 1, 0), 1),
        (&ended, (0, 0, 1), 1),
        (&going_on, (0, 0, 1), 1),
    ] {
        let answer = contacts
            .import_contacts(tokio_stream::iter([batch(draft)]))
            .await
            .unwrap()
            .into_inner()
            .next()
            .await
            .unwrap()
            .unwrap();
        assert_eq!((answer.accepted, answer.completed, answer.duplicates), expected);
        assert_eq!(day(&node).await.iter().map(|row| row.counts.unwrap().contacts).sum::<u64>(), counted);
    }
}

async fn a_batch_for_those_who_cannot_stream_is_answered_once(place: Place) {
    let world = World::new(place);
    let node = world.node("cpc-1", "CPC").await;
    let mut contacts = calls::contacts(&node);
    let request = wire::BatchImportContactsRequest {
        request_id: calls::request_id(),
        source: "office".into(),
        contacts: (0..50).map(|i| calls::call(&format!("o{i}"), i)).collect(),
        checkpoint: "page 1".into(),
    };
    let first = contacts.batch_import_contacts(request.clone()).await.unwrap().into_inner();
    let again = contacts.batch_import_contacts(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.accepted, first.clone()), (50, again));
    let other = wire::BatchImportContactsRequest { contacts: vec![calls::call("other", 0)], ..request };
    let reused = contacts.batch_import_contacts(other).await.unwrap_err();
    assert_eq!(calls::reason(&reused), "REQUEST_ID_REUSED");
    eventually("the roller publishes them", || {
        let mut feed = calls::feed(&node);
        async move {
            let head = feed
                .describe_node(gridcare_proto::federation::v1::DescribeNodeRequest {})
                .await
                .ok()?
                .into_inner()
                .head?;
            // Three capabilities, and one bucket at least.
            (head.position >= 4).then_some(())
        }
    })
    .await;
}

/// The rows of 22 May 2013 at a node.
pub(crate) async fn day(node: &gridcare_tests::Process) -> Vec<gridcare_proto::metric::v1::MetricRow> {
    let request = gridcare_proto::metric::v1::QueryMetricsRequest {
        from: Some(calls::at(-86_400)),
        until: Some(calls::at(2 * 86_400)),
        ..Default::default()
    };
    calls::metrics(node).query_metrics(request).await.unwrap().into_inner().rows
}
