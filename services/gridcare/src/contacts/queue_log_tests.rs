use std::{fs, path::PathBuf};

use tokio::sync::mpsc;

use super::*;
use crate::contacts::{checkpoint::Checkpoint, report::Mark, upload::Batch};

const ANSWERED: &str = "100|c1|care|NONE|ENTERQUEUE||0901|1\n110|c1|care|a1|CONNECT|10|c1x|3\n";
const COMPLETED: &str = "170|c1|care|a1|COMPLETECALLER|10|60|1\n";

struct Import {
    contacts: Vec<ContactDraft>,
    origins: Vec<Origin>,
    checkpoint: Checkpoint,
    unfinished: Vec<Unfinished>,
    bad_lines: u64,
    incomplete: bool,
    ended: Result<(), Stop>,
}

fn import(paths: &[PathBuf], checkpoint: Checkpoint, manner: Manner) -> Import {
    let files = Files::open(paths, checkpoint.clone()).unwrap();
    let report = Report::new("test", paths.iter().map(|path| path.display().to_string()).collect(), files.bytes());
    let (out, mut batches) = mpsc::channel::<Batch<Mark>>(64);
    let ended = read(files, manner, Batcher::new(out, manner.strict), &report);
    let (mut contacts, mut origins, mut kept) = (Vec::new(), Vec::new(), checkpoint);
    while let Ok(batch) = batches.try_recv() {
        contacts.extend(batch.contacts);
        origins.extend(batch.mark.origins);
        if !batch.checkpoint.is_empty() {
            kept = Checkpoint::parse(&batch.checkpoint);
        }
    }
    let totals = report.finish();
    let (unfinished, bad_lines, incomplete) = (totals.unfinished, totals.bad_lines, totals.incomplete_last_line);
    Import { contacts, origins, checkpoint: kept, unfinished, bad_lines, incomplete, ended }
}

const GROWING: Manner = Manner { strict: false, complete: false };

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

#[test]
fn a_call_that_is_still_open_is_stored_and_completed_when_the_file_has_grown() {
    let folder = Folder::new();
    let log = folder.write("queue_log", ANSWERED);
    let first = import(std::slice::from_ref(&log), Checkpoint::default(), GROWING);
    assert!(first.ended.is_ok());
    assert_eq!((first.contacts.len(), first.unfinished.len()), (1, 1));
    assert_eq!((first.unfinished[0].queue.as_str(), first.unfinished[0].call.as_str()), ("care", "c1"));
    assert_eq!(first.contacts[0].ended_at, None);

    folder.write("queue_log", &format!("{ANSWERED}{COMPLETED}"));
    let second = import(std::slice::from_ref(&log), first.checkpoint, GROWING);
    assert_eq!((second.contacts.len(), second.unfinished.len()), (1, 0));
    assert_eq!(second.contacts[0].source_key, first.contacts[0].source_key);
    assert_eq!(second.contacts[0].arrived_at.unwrap().seconds, 100);
    assert_eq!(second.contacts[0].contact_point, "0901");
    assert_eq!(second.origins[0], Origin { file: 0, line: 3 });

    // Nothing new: nothing is sent.
    let third = import(&[log], second.checkpoint, GROWING);
    assert!(third.contacts.is_empty() && third.unfinished.is_empty());
}

#[test]
fn a_rotated_file_is_read_on_and_the_new_one_after_it() {
    let folder = Folder::new();
    let log = folder.write("queue_log", ANSWERED);
    let first = import(std::slice::from_ref(&log), Checkpoint::default(), GROWING);
    let old = folder.write("queue_log.1", &format!("{ANSWERED}nonsense\n"));
    folder.write("queue_log", &format!("{COMPLETED}200|c2|care|NONE|ENTERQUEUE||0902|1\nbad\n"));
    let second = import(&[old, log], first.checkpoint, GROWING);
    // The call that entered in the old file ends in the new one, with what the old one said about it.
    let ended: Vec<_> = second.contacts.iter().filter(|contact| contact.ended_at.is_some()).collect();
    assert_eq!((ended.len(), ended[0].contact_point.as_str()), (1, "0901"));
    assert_eq!(second.origins[0], Origin { file: 1, line: 1 });
    assert_eq!(second.unfinished.len(), 1);
    assert_eq!(second.bad_lines, 2);
}

#[test]
fn a_last_line_without_its_end_waits_unless_the_file_is_complete() {
    let folder = Folder::new();
    let log = folder.write("queue_log", &format!("{ANSWERED}{}", COMPLETED.trim_end()));
    let waiting = import(std::slice::from_ref(&log), Checkpoint::default(), GROWING);
    assert!(waiting.incomplete && waiting.contacts[0].ended_at.is_none());
    let whole = import(&[log], waiting.checkpoint, Manner { strict: false, complete: true });
    assert!(!whole.incomplete && whole.contacts[0].ended_at.is_some());
}

#[test]
fn strict_stops_at_the_first_bad_line_and_sends_nothing_of_that_batch() {
    let folder = Folder::new();
    let log = folder.write("queue_log", &format!("{ANSWERED}{COMPLETED}bad\n{}\n", "x".repeat(100_000)));
    let strict = import(std::slice::from_ref(&log), Checkpoint::default(), Manner { strict: true, complete: false });
    assert!(matches!(strict.ended, Err(Stop::Strict)) && strict.contacts.is_empty() && strict.bad_lines == 1);
    assert_eq!(strict.checkpoint, Checkpoint::default());
    let lenient = import(&[log], Checkpoint::default(), GROWING);
    assert_eq!((lenient.contacts.len(), lenient.bad_lines), (1, 2));
}

#[test]
fn a_long_log_is_sent_in_batches_that_each_say_where_to_go_on() {
    let folder = Folder::new();
    let call = |n: u32| format!("{n}|c{n}|care|NONE|ENTERQUEUE||0901|1\n{n}|c{n}|care|NONE|ABANDON|1|1|0\n");
    let text: String = (10_000..15_000).map(call).collect();
    let log = folder.write("queue_log", &text);
    let all = import(std::slice::from_ref(&log), Checkpoint::default(), GROWING);
    assert_eq!(all.contacts.len(), 5_000);
    // As if the connection had broken after the first batch: the next import reads on from its checkpoint.
    let files = Files::open(std::slice::from_ref(&log), Checkpoint::default()).unwrap();
    let report = Report::new("test", vec!["queue_log".to_owned()], files.bytes());
    let (out, mut batches) = mpsc::channel::<Batch<Mark>>(64);
    read(files, GROWING, Batcher::new(out, false), &report).unwrap();
    let first = batches.try_recv().unwrap();
    let rest = import(&[log], Checkpoint::parse(&first.checkpoint), GROWING);
    assert_eq!(first.contacts.len() + rest.contacts.len(), 5_000);
    assert!(first.contacts.iter().chain(&rest.contacts).eq(all.contacts.iter()));
    assert_eq!(rest.origins[0], Origin { file: 0, line: 4_002 });
}
