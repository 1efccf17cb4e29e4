use std::{fs, path::PathBuf};

use gridcare_proto::contact::v1::{Channel, Direction, Outcome};
use tokio::sync::mpsc;

use super::*;
use crate::contacts::{checkpoint::Checkpoint, report::Mark, upload::Batch};

const MAPPING: &str =
    "columns: { source_key: id, arrived_at: at, ended_at: at, outcome: result }\nconstants: { channel: sms }\n";

fn import(
    path: &PathBuf,
    mapping: &str,
    checkpoint: Checkpoint,
    strict: bool,
) -> (Vec<Batch<Mark>>, u64, Result<(), Stop>) {
    let files = Files::open(std::slice::from_ref(path), checkpoint).unwrap();
    let report = Report::new("test", vec!["table.csv".to_owned()], files.bytes());
    let (out, mut batches) = mpsc::channel::<Batch<Mark>>(64);
    let ended = read(files, &Rows::parse(mapping).unwrap(), strict, Batcher::new(out, strict), &report);
    let mut sent = Vec::new();
    while let Ok(batch) = batches.try_recv() {
        sent.push(batch);
    }
    (sent, report.finish().bad_lines, ended)
}

fn contacts(sent: &[Batch<Mark>]) -> Vec<&ContactDraft> {
    sent.iter().flat_map(|batch| &batch.contacts).collect()
}

#[test]
fn rows_become_contacts_and_bad_ones_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(
        &path,
        b"id,at,result\nm1,2013-05-22T14:19:00Z,answered\nm2,yesterday,answered\nm3,2013-05-22T14:20:00Z,nonsense\n\xff\xfe,x,y\nm4,2013-05-22T14:21:00Z,failed",
    )
    .unwrap();
    let (sent, bad_lines, ended) = import(&path, MAPPING, Checkpoint::default(), false);
    assert!(ended.is_ok());
    let made = contacts(&sent);
    assert_eq!((made.len(), bad_lines), (2, 3));
    assert_eq!(
        (made[0].channel(), made[0].direction(), made[0].outcome()),
        (Channel::Sms, Direction::Inbound, Outcome::Answered)
    );
    assert_eq!(made[1].source_key, "m4");
    assert_eq!(sent[0].mark.origins[1].line, 6);
    let (sent, bad_lines, ended) = import(&path, MAPPING, Checkpoint::default(), true);
    assert!(matches!(ended, Err(Stop::Strict)) && sent.is_empty() && bad_lines == 1);
}

#[test]
fn a_table_that_has_grown_is_read_on_and_a_large_one_goes_in_batches() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    let row = |n: u32| format!("m{n},2013-05-22T14:19:00Z,answered\n");
    let text: String = std::iter::once("id,at,result\n".to_owned()).chain((0..4_500).map(row)).collect();
    fs::write(&path, &text).unwrap();
    let (sent, ..) = import(&path, MAPPING, Checkpoint::default(), false);
    assert_eq!(contacts(&sent).len(), 4_500);
    // From the checkpoint in the middle.
    let (rest, ..) = import(&path, MAPPING, Checkpoint::parse(&sent[0].checkpoint), false);
    assert_eq!(contacts(&rest).len(), 2_500);
    assert_eq!(contacts(&rest)[0].source_key, "m2000");
    assert_eq!(rest[0].mark.origins[0].line, 2_002);
    let last = Checkpoint::parse(&sent.last().unwrap().checkpoint);
    fs::write(&path, format!("{text}{}", row(9_000))).unwrap();
    let (grown, ..) = import(&path, MAPPING, last, false);
    assert_eq!(contacts(&grown)[0].source_key, "m9000");
    assert_eq!(contacts(&grown).len(), 1);
}

#[test]
fn without_a_key_the_row_itself_is_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, "at,result\n2013-05-22T14:19:00Z,answered\n2013-05-22T14:20:00Z,answered\n2013-05-22T14:19:00Z\n")
        .unwrap();
    let mapping = MAPPING.replace("source_key: id, ", "");
    let (sent, bad_lines, _) = import(&path, &mapping, Checkpoint::default(), false);
    let keys: Vec<_> = contacts(&sent).iter().map(|contact| contact.source_key.clone()).collect();
    assert!(keys.len() == 2 && bad_lines == 1 && keys[0] != keys[1] && keys[0].starts_with("row-"), "{keys:?}");
    let (again, ..) = import(&path, &mapping, Checkpoint::default(), false);
    assert!(contacts(&again).iter().zip(&keys).all(|(contact, key)| contact.source_key == *key));
}

#[test]
fn a_mapping_that_does_not_fit_is_refused_before_anything_is_sent() {
    assert!(Rows::parse("columns: { source_key: id }").is_err());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, "id,when\n").unwrap();
    let (sent, _, ended) = import(&path, MAPPING, Checkpoint::default(), false);
    assert!(sent.is_empty() && matches!(ended, Err(Stop::Failed(text)) if text.contains("no column \"at\"")));
}
