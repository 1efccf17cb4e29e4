use gridcare_domain::metric::Bucket;
use gridcare_proto::{
    contact::v1 as contact,
    convert::metric::bucket_from_wire,
    federation::v1::{self as federation, feed_entry::Change},
    metric::v1 as metric,
};
use gridcare_tests::{Place, Process, calls, eventually, world::World};
use tokio_stream::StreamExt as _;

crate::on_both_engines!(
    buckets_of_two_nodes_merge_to_those_of_the_union_corrections_and_late_contacts_included,
    a_tampered_bucket_is_found,
);

fn draft(i: i64) -> contact::ContactDraft {
    let mut draft = calls::call(&format!("m{i}"), (i * 37) % 7_200);
    draft.customer_code = format!("PE{:011}", i % 40);
    if i % 7 == 0 {
        draft.outcome = contact::Outcome::Abandoned.into();
        draft.answered_at = None;
        draft.talk = None;
        draft.wait = Some(prost_types::Duration { seconds: i % 60, nanos: 0 });
    }
    draft
}

async fn import(node: &Process, drafts: Vec<contact::ContactDraft>) {
    let batch = contact::ImportContactsRequest { source: "pbx".into(), contacts: drafts, ..Default::default() };
    let answer =
        calls::contacts(node).import_contacts(tokio_stream::iter([batch])).await.unwrap().into_inner().next().await;
    assert!(answer.unwrap().unwrap().rejections.is_empty());
}

async fn correct(node: &Process, key: &str) {
    let all = calls::contacts(node)
        .list_contacts(contact::ListContactsRequest { page_size: 1_000, ..Default::default() })
        .await
        .unwrap();
    let stored = all.into_inner().contacts.into_iter().find(|c| c.contact.as_ref().unwrap().source_key == key).unwrap();
    let mut corrected = stored.contact.unwrap();
    corrected.talk = Some(prost_types::Duration { seconds: 600, nanos: 0 });
    corrected.customer_code = "PE99999999999".into();
    // It turns out to have arrived in another quarter.
    corrected.arrived_at = Some(calls::at(9_000));
    corrected.answered_at = Some(calls::at(9_010));
    corrected.ended_at = Some(calls::at(9_900));
    corrected.outcome = contact::Outcome::Answered.into();
    let request = contact::CorrectContactRequest {
        request_id: calls::request_id(),
        id: stored.id,
        etag: stored.etag,
        contact: Some(corrected),
    };
    calls::contacts(node).correct_contact(request).await.unwrap();
}

/// The newest published state of each bucket, once the feed shows `contacts` of them.
async fn published(node: &Process, contacts: i64) -> Vec<Bucket> {
    eventually("the published buckets hold all contacts, and verify", || async {
        let mut chunks = calls::feed(node).get_snapshot(federation::GetSnapshotRequest {}).await.ok()?.into_inner();
        let mut buckets = Vec::new();
        while let Some(chunk) = chunks.next().await {
            for entry in chunk.ok()?.entries {
                if let Some(Change::MetricBucket(bucket)) = entry.change {
                    buckets.push(bucket_from_wire(&bucket).unwrap());
                }
            }
        }
        let sum: i64 = buckets.iter().map(|bucket| bucket.counts.contacts).sum();
        let verified = verify(node).await;
        // A rebuild may still be due; until then some buckets differ from what the tallies say.
        let talk: i64 = buckets.iter().map(|bucket| bucket.counts.talk_ms).sum();
        let tallied: u64 = super::contact_arrives::day(node).await.iter().map(|row| row.counts.unwrap().talk_ms).sum();
        (sum == contacts && verified.is_empty() && u64::try_from(talk).ok()? == tallied).then_some(buckets)
    })
    .await
}

async fn verify(node: &Process) -> Vec<metric::BucketMismatch> {
    let stream =
        calls::metrics(node).verify_metrics(metric::VerifyMetricsRequest::default()).await.unwrap().into_inner();
    stream.collect::<Result<Vec<_>, _>>().await.unwrap().pop().unwrap().mismatches
}

async fn buckets_of_two_nodes_merge_to_those_of_the_union_corrections_and_late_contacts_included(place: Place) {
    let world = World::new(place);
    let (one, two, union) =
        tokio::join!(world.node("hcmc-1", "HCMC"), world.node("hcmc-2", "HCMC"), world.node("hcmc-3", "HCMC"));
    let (even, odd): (Vec<_>, Vec<_>) = (0..600).partition(|i| i % 2 == 0);
    import(&one, even.iter().map(|i| draft(*i)).collect()).await;
    import(&two, odd.iter().map(|i| draft(*i)).collect()).await;
    import(&union, (0..600).map(draft).collect()).await;
    published(&one, 300).await;
    // Late ones arrive after their bucket was published, and two are corrected into another bucket.
    for (node, late) in [(&one, vec![700, 702]), (&two, vec![701]), (&union, vec![700, 701, 702])] {
        import(node, late.into_iter().map(draft).collect()).await;
    }
    correct(&one, "m14").await;
    correct(&two, "m21").await;
    correct(&union, "m14").await;
    correct(&union, "m21").await;

    let mut merged = published(&one, 302).await;
    for bucket in published(&two, 301).await {
        match merged.iter_mut().find(|b| b.key == bucket.key) {
            Some(same) => same.merge(&bucket).unwrap(),
            None => merged.push(bucket),
        }
    }
    let mut union = published(&union, 603).await;
    for buckets in [&mut merged, &mut union] {
        buckets.sort_by_key(|bucket| bucket.key);
        // Empty buckets and revisions tell of a bucket's history, not of what is in it.
        buckets.retain(|bucket| bucket.counts.contacts > 0);
        for bucket in buckets.iter_mut() {
            bucket.revision = 0;
        }
    }
    assert_eq!(merged, union);

    // And the gateway's national figure is that of the union too.
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &one), ("hcmc-2", "HCMC", &two)]).await;
    let answered: i64 = union.iter().map(|bucket| bucket.counts.answered).sum();
    eventually("the gateway shows the merged figure", || async {
        let request =
            federation::GetNationalStatusRequest { from: Some(calls::at(-86_400)), until: Some(calls::at(2 * 86_400)) };
        let status = calls::nation(&gateway).get_national_status(request).await.ok()?.into_inner();
        let figure = status.figures.iter().find(|f| f.metric == "answered")?;
        (i64::try_from(figure.total).ok()? == answered).then_some(())
    })
    .await;
    let request = federation::QueryNationalMetricsRequest {
        from: Some(calls::at(-86_400)),
        until: Some(calls::at(2 * 86_400)),
        with_sketches: true,
        ..Default::default()
    };
    let national = calls::nation(&gateway).query_national_metrics(request).await.unwrap().into_inner();
    let row = national.rows.iter().find(|row| row.region.is_empty()).and_then(|row| row.row.clone()).unwrap();
    let mut sketches = union[0].sketches.clone();
    union[1..].iter().for_each(|bucket| sketches.merge(&bucket.sketches).unwrap());
    assert_eq!(row.wait.unwrap(), gridcare_proto::convert::metric::duration_sketch_to_wire(&sketches.wait));
    assert_eq!(row.customers.unwrap(), gridcare_proto::convert::metric::unique_sketch_to_wire(&sketches.customers));
}

async fn a_tampered_bucket_is_found(place: Place) {
    let world = World::new(place);
    let database = place.database(&world.folder, "tampered").await;
    let of = gridcare_tests::world::NodeOf {
        id: "hcmc-1",
        region: "HCMC",
        capabilities: gridcare_tests::world::CAPABILITIES,
    };
    let mut node = world.node_on(&of, &database).await;
    import(&node, (0..100).map(draft).collect()).await;
    published(&node, 100).await;
    assert!(node.stop().await.success());
    tamper(&database).await;
    node.restart().await;
    let mismatches = verify(&node).await;
    assert!(mismatches.iter().any(|m| m.what == "counts" && m.stored.contains("answered")), "{mismatches:?}");
}

async fn tamper(database: &str) {
    let sql =
        "UPDATE metric_bucket SET answered = answered + 1 WHERE start_us = (SELECT MIN(start_us) FROM metric_bucket)";
    if database.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(database).await.unwrap();
        assert_eq!(sqlx::query(sql).execute(&pool).await.unwrap().rows_affected(), 1);
        pool.close().await;
    } else {
        let pool = sqlx::PgPool::connect(database).await.unwrap();
        assert_eq!(sqlx::query(sql).execute(&pool).await.unwrap().rows_affected(), 1);
    }
}
