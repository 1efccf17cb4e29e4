use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use gridcare_proto::ticket::v1::GetTicketRequest;
use gridcare_tests::{Place, Process, calls, eventually, world::World};
use sqlx::{
    Connection as _,
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous},
};
use tempfile::TempDir;

use super::disk::Disk;

/// Commits one after the other that were answered, and how often their log was synced meanwhile.
struct Counted {
    commits: usize,
    syncs: usize,
}

/// What is wrong with that: a commit that was answered without a sync of its own.
fn unsynced(counted: &Counted) -> Option<String> {
    let Counted { commits, syncs } = *counted;
    (syncs < commits).then(|| format!("{commits} commits were answered after {syncs} syncs"))
}

/// What was answered and is not there after the power was cut.
fn lost(answered: &BTreeSet<String>, there: &BTreeSet<String>) -> Option<String> {
    let lost = answered.difference(there).count();
    (lost > 0).then(|| format!("{lost} of {} answered commits are lost", answered.len()))
}

async fn open_on(disk: &Disk) -> (World, Process) {
    let mut world = World::new(Place::Sqlite);
    world.environment = disk.environment();
    let node = world.node("hcmc", "HCMC").await;
    (world, node)
}

async fn count(disk: &Disk) -> Counted {
    let (_world, node) = open_on(disk).await;
    let mut tickets = calls::tickets(&node);
    let (before, commits) = (disk.syncs("-wal"), 50);
    for n in 0..commits {
        tickets.open_ticket(calls::opening(&format!("số {n}"))).await.unwrap();
    }
    Counted { commits, syncs: disk.syncs("-wal") - before }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_syncs_its_log_for_every_ticket_it_answers() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(unsynced(&count(&Disk::new(&folder)).await), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_count_finds_a_node_that_does_not_sync() {
    let folder = tempfile::tempdir().unwrap();
    assert!(unsynced(&count(&Disk::lying(&folder)).await).is_some());
}

/// Opens tickets from eight callers until 200 are answered, cuts the power in the middle, and looks what is left.
async fn cut_the_power(disk: &Disk) -> Option<String> {
    let (_world, mut node) = open_on(disk).await;
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (mut tickets, answered) = (calls::tickets(&node), answered.clone());
            tokio::spawn(async move {
                while let Ok(opened) = tickets.open_ticket(calls::opening("Mất điện")).await {
                    answered.lock().unwrap().insert(opened.into_inner().ticket.unwrap().id);
                }
            })
        })
        .collect();
    eventually("200 tickets are answered", || {
        let enough = answered.lock().unwrap().len() >= 200;
        async move { enough.then_some(()) }
    })
    .await;
    disk.cut();
    for caller in callers {
        caller.await.unwrap();
    }
    node.kill();
    disk.restore();
    node.restart().await;

    let answered = std::mem::take(&mut *answered.lock().unwrap());
    let mut tickets = calls::tickets(&node);
    let mut there = BTreeSet::new();
    for id in &answered {
        if tickets.get_ticket(GetTicketRequest { name: id.clone() }).await.is_ok() {
            there.insert(id.clone());
        }
    }
    lost(&answered, &there)
}

#[tokio::test(flavor = "multi_thread")]
async fn answered_tickets_survive_a_power_cut_that_takes_every_unsynced_write() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(cut_the_power(&Disk::new(&folder)).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_finds_a_disk_that_lies() {
    let folder = tempfile::tempdir().unwrap();
    assert!(cut_the_power(&Disk::lying(&folder)).await.is_some());
}

/// A writer with a setting that the product does not have: this test's own executable, on a disk of ours.
fn writer(disk: &Disk, folder: &TempDir, synchronous: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "durability::syncs_on_sqlite::commits_rows_as_told_until_the_power_is_cut"])
        .envs(disk.environment())
        .env("WRITER_FOLDER", folder.path())
        .env("WRITER_SYNCHRONOUS", synchronous)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[expect(clippy::disallowed_methods, reason = "how the parent test tells its child what to do")]
fn told(name: &str) -> String {
    std::env::var(name).unwrap()
}

async fn open_plainly(folder: &Path, synchronous: SqliteSynchronous) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("plain.sqlite")).create_if_missing(true);
    SqliteConnection::connect_with(&options.journal_mode(SqliteJournalMode::Wal).synchronous(synchronous))
        .await
        .unwrap()
}

#[tokio::test]
#[ignore = "the child of the tests below"]
async fn commits_rows_as_told_until_the_power_is_cut() {
    let folder = told("WRITER_FOLDER");
    let synchronous =
        if told("WRITER_SYNCHRONOUS") == "FULL" { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
    let mut connection = open_plainly(Path::new(&folder), synchronous).await;
    sqlx::raw_sql("CREATE TABLE row (n INTEGER PRIMARY KEY)").execute(&mut connection).await.unwrap();
    let mut answers = File::create(Path::new(&folder).join("answers")).unwrap();
    for n in 1_i64.. {
        sqlx::query("INSERT INTO row (n) VALUES ($1)").bind(n).execute(&mut connection).await.unwrap();
        answers.seek(SeekFrom::Start(0)).unwrap();
        write!(answers, "{n:010}").unwrap();
    }
}

/// What the two checks say of a writer with this setting.
async fn check_writer(synchronous: &str) -> [Option<String>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(&folder);
    let mut child = writer(&disk, &folder, synchronous);
    let answers = folder.path().join("answers");
    let answered = || fs::read_to_string(&answers).ok().and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    eventually("200 rows are committed", || {
        let enough = answered() >= 200;
        async move { enough.then_some(()) }
    })
    .await;
    disk.cut();
    child.wait().unwrap();
    disk.restore();
    let commits = answered();
    let counted = Counted { commits: usize::try_from(commits).unwrap(), syncs: disk.syncs("-wal") };
    let mut connection = open_plainly(folder.path(), SqliteSynchronous::Full).await;
    let rows: Vec<i64> = sqlx::query_scalar("SELECT n FROM row").fetch_all(&mut connection).await.unwrap_or_default();
    let names = |numbers: &mut dyn Iterator<Item = i64>| numbers.map(|n| n.to_string()).collect::<BTreeSet<_>>();
    [unsynced(&counted), lost(&names(&mut (1..=commits)), &names(&mut rows.into_iter()))]
}

#[tokio::test(flavor = "multi_thread")]
async fn both_checks_pass_a_writer_with_synchronous_full() {
    assert_eq!(check_writer("FULL").await, [None, None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_checks_find_a_writer_with_synchronous_off() {
    let [unsynced, lost] = check_writer("OFF").await;
    assert!(unsynced.is_some() && lost.is_some(), "{unsynced:?}, {lost:?}");
}
