//! One stepped clock for everything in this process: timers stand still until the replay moves them, and it does so only when
//! nothing is left to do at the present moment.
//!
//! All parts live on one thread. It is about to park when no task is ready; then, when no database is waited for and a look
//! at the sockets brings nothing new either, everything that this moment causes has happened: queues are idle, and readers of
//! feeds stand at their heads.

use std::{io, sync::Arc, sync::mpsc, time::Duration};

use gridcare_chassis::clock::{Clock as _, SharedClock, TimerClock};
use gridcare_store::calls_under_way;
use jiff::{SignedDuration, Timestamp};
use tokio::{runtime::Runtime, sync::Notify, task::yield_now, time::advance};

/// Looks at the sockets that must bring nothing new: more than a request passes hands between two calls of a database.
const LOOKS: u32 = 24;

/// The runtime of a replay: one thread, its timers stopped.
pub(super) struct Stage {
    runtime: Runtime,
    idle: Arc<Notify>,
}

impl Stage {
    pub(super) fn new() -> io::Result<Self> {
        let idle = Arc::new(Notify::new());
        let told = Arc::clone(&idle);
        let park = move || {
            if calls_under_way() == 0 {
                told.notify_one();
            }
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).on_thread_park(park).build()?;
        Ok(Self { runtime, idle })
    }

    /// Plays on it, with a clock that begins at `now`. `speed` is how many seconds pass in one of the audience's, if there is
    /// one.
    pub(super) fn play<T>(self, now: Timestamp, speed: Option<f64>, play: impl AsyncFnOnce(Stepper) -> T) -> T {
        let Self { runtime, idle } = self;
        let played = runtime.block_on(async move {
            // Stopped timers jump ahead by themselves whenever the thread is idle, though a database may be at work. Not while
            // something blocks.
            let (held, holding) = mpsc::channel::<()>();
            let blocked = tokio::task::spawn_blocking(move || holding.recv());
            let stepper = Stepper { idle, clock: TimerClock::starting_at(now), speed };
            let played = play(stepper).await;
            drop(held);
            let _ = blocked.await;
            played
        });
        runtime.shutdown_background();
        played
    }
}

/// Moves the clock.
pub(super) struct Stepper {
    idle: Arc<Notify>,
    clock: TimerClock,
    speed: Option<f64>,
}

impl Stepper {
    /// The clock that all parts share.
    pub(super) fn clock(&self) -> SharedClock {
        Arc::new(self.clock)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Until nothing is left to do at this moment.
    pub(super) async fn rest(&self) {
        for _ in 0..LOOKS {
            self.idle.notified().await;
            // Polls the sockets once.
            yield_now().await;
        }
        self.idle.notified().await;
    }

    /// Goes on to `until`, in steps as large as `step` says before each.
    pub(super) async fn go_on(&self, until: Timestamp, mut step: impl FnMut() -> Duration) {
        self.rest().await;
        loop {
            let left = until.duration_since(self.now());
            let Ok(left) = Duration::try_from(left.max(SignedDuration::ZERO)) else { return };
            if left.is_zero() {
                return;
            }
            let step = step().min(left);
            if let Some(speed) = self.speed {
                wait(step.div_f64(speed));
            }
            advance(step).await;
            self.rest().await;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this runtime's own timers stand still, and nothing is to happen meanwhile"
)]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[test]
    fn a_moment_ends_only_when_all_that_it_causes_has_happened() {
        let zero = Timestamp::UNIX_EPOCH;
        Stage::new().unwrap().play(zero, None, async |stepper| {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}", folder.path().join("node.db").display());
            let store = gridcare_store::NodeStore::open(&url, 2, |_| {}).await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let clock = stepper.clock();
            // Asks a database for each byte and gives it back, with the time.
            let server = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut times = Vec::new();
                while let Ok(byte) = stream.read_u8().await {
                    store.turning_dispatches().await.unwrap();
                    times.push(clock.now().as_millisecond());
                    stream.write_u8(byte).await.unwrap();
                }
                times
            });
            let client = tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                for second in 1..=3_u8 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    for _ in 0..20 {
                        stream.write_u8(second).await.unwrap();
                        assert_eq!(stream.read_u8().await.unwrap(), second);
                    }
                }
            });
            stepper.go_on(zero + SignedDuration::from_secs(10), || Duration::from_millis(100)).await;
            assert!(client.is_finished());
            let times = server.await.unwrap();
            let expected: Vec<_> = [1_000, 2_000, 3_000].into_iter().flat_map(|at| [at; 20]).collect();
            assert_eq!(times, expected);
        });
    }
}
