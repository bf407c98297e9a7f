//! A team of threads that runs one function together.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::thread::{self, JoinHandle, Thread};

/// Rounds of waiting before a thread lets others run: a microsecond or two. Where another program
/// keeps a core busy, the system may put members on one, and who spins there keeps the one that it
/// waits for from running.
const SPINS: u32 = 1 << 6;
/// Rounds before an idle worker sleeps: some microseconds.
const IDLE_SPINS: u32 = 1 << 8;

/// Threads that wait for work, together with the one that brings it.
///
/// Between two calls in quick succession they spin; when nothing comes they sleep.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held by the caller whose function runs.
    turn: Mutex<()>,
}

/// One thread's place in the team.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    rank: usize,
    size: usize,
    barrier: &'a Barrier,
}

#[derive(Debug)]
struct Shared {
    /// Calls so far.
    calls: AtomicUsize,
    /// The function of the call, while it runs.
    job: AtomicPtr<Job<'static>>,
    /// Workers that have not finished the call.
    running: AtomicUsize,
    barrier: Barrier,
    stopping: AtomicBool,
    asleep: Vec<AtomicBool>,
}

struct Job<'a> {
    run: &'a (dyn Fn(Member<'_>) + Sync),
}

#[derive(Debug)]
struct Barrier {
    size: usize,
    arrived: AtomicUsize,
    rounds: AtomicUsize,
    /// A member panicked: nobody may wait for it.
    broken: AtomicBool,
}

/// What a member unwinds with that waited for one that panicked.
struct Abandoned;

impl Pool {
    /// A team of `size` threads, the caller's included; at least one.
    ///
    /// # Errors
    /// If the system gives no more threads.
    pub fn new(size: usize) -> std::io::Result<Self> {
        let mut pool = Self::without_workers(size.max(1));
        for rank in 1..size {
            let shared = Arc::clone(&pool.shared);
            let worker = thread::Builder::new().name(format!("tts-cpu-{rank}"));
            pool.workers.push(worker.spawn(move || shared.work(rank))?);
        }
        Ok(pool)
    }

    /// The team of the whole process, started by the first call: as many threads as
    /// `RAYON_NUM_THREADS` says, or else as the system has to give; the caller alone if it
    /// gives none.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Pool> = OnceLock::new();
        SHARED.get_or_init(|| {
            let asked = std::env::var("RAYON_NUM_THREADS").ok();
            Self::new(threads(asked.as_deref())).unwrap_or_else(|_| Self::without_workers(1))
        })
    }

    fn without_workers(size: usize) -> Self {
        let shared = Arc::new(Shared {
            calls: AtomicUsize::new(0),
            job: AtomicPtr::new(std::ptr::null_mut()),
            running: AtomicUsize::new(0),
            barrier: Barrier::new(size),
            stopping: AtomicBool::new(false),
            asleep: (1..size).map(|_| AtomicBool::new(false)).collect(),
        });
        Self { shared, workers: Vec::new(), turn: Mutex::new(()) }
    }

    /// Threads of the team.
    pub fn size(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `run` on every member at once and returns when all have finished. While the
    /// team is busy (another thread's call, or a call from inside), the caller runs it as
    /// a team of one.
    pub fn run(&self, run: impl Fn(Member<'_>) + Sync) {
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            // An earlier call panicked; nothing is left of it.
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return run(Member { rank: 0, size: 1, barrier: &Barrier::new(1) });
            }
        };
        if self.workers.is_empty() {
            return run(Member { rank: 0, size: 1, barrier: &self.shared.barrier });
        }
        let job = Job { run: &run };
        self.start(&job);
        let barrier = &self.shared.barrier;
        let member = Member { rank: 0, size: self.size(), barrier };
        let own = catch_unwind(AssertUnwindSafe(|| run(member)));
        if own.is_err() {
            barrier.broken.store(true, Ordering::Release);
        }
        let mut spins = 0;
        while self.shared.running.load(Ordering::Acquire) > 0 {
            wait_a_little(&mut spins);
        }
        self.shared.job.store(std::ptr::null_mut(), Ordering::Relaxed);
        let broken = barrier.mend();
        match own {
            Err(payload) => resume_unwind(payload),
            // The worker has printed what happened to it.
            Ok(()) if broken => resume_unwind(Box::new(Abandoned)),
            Ok(()) => {}
        }
    }

    /// Does `work` with each of `items`; members take the next one when they are done with one.
    pub(crate) fn for_each<T>(
        &self,
        items: impl Iterator<Item = T> + Send,
        work: impl Fn(T) + Sync,
    ) {
        let items = Mutex::new(items);
        self.run(|_| {
            loop {
                let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(item) = next else { break };
                work(item);
            }
        });
    }

    fn start(&self, job: &Job<'_>) {
        let shared = &self.shared;
        let job: *const Job<'_> = job;
        shared.job.store(job.cast_mut().cast(), Ordering::Relaxed);
        shared.running.store(self.workers.len(), Ordering::Relaxed);
        shared.calls.fetch_add(1, Ordering::SeqCst);
        for (worker, asleep) in self.workers.iter().zip(&shared.asleep) {
            if asleep.swap(false, Ordering::SeqCst) {
                Thread::unpark(worker.thread());
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker does not panic: it catches what it runs.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn work(&self, rank: usize) {
        let mut seen = 0;
        loop {
            seen = self.next_call(rank, seen);
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            let job = self.job.load(Ordering::Relaxed);
            // SAFETY: `Pool::run` stored the job before it counted the call, which this
            // thread has seen, and keeps it until `running` is zero, which this thread
            // has not yet made it.
            let job: &Job<'_> = unsafe { &*job };
            let member = Member { rank, size: self.barrier.size, barrier: &self.barrier };
            if catch_unwind(AssertUnwindSafe(|| (job.run)(member))).is_err() {
                self.barrier.broken.store(true, Ordering::Release);
            }
            self.running.fetch_sub(1, Ordering::Release);
        }
    }

    /// Waits for a call that is not `seen`, and gives its number.
    fn next_call(&self, rank: usize, seen: usize) -> usize {
        let mut spins = 0_u32;
        loop {
            let calls = self.calls.load(Ordering::SeqCst);
            if calls != seen {
                return calls;
            }
            spins += 1;
            if spins < IDLE_SPINS {
                std::hint::spin_loop();
            } else if let Some(asleep) = self.asleep.get(rank - 1) {
                asleep.store(true, Ordering::SeqCst);
                // A call that was counted before the flag was seen may not wake us.
                if self.calls.load(Ordering::SeqCst) == seen {
                    thread::park();
                }
                asleep.store(false, Ordering::SeqCst);
            }
        }
    }
}

impl Member<'_> {
    /// Number of this member, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Members of the team.
    pub fn size(&self) -> usize {
        self.size
    }

    /// This member's share of `count` things: neighbours, as many as the others' to within
    /// one.
    pub fn share(&self, count: usize) -> std::ops::Range<usize> {
        let start = |rank: usize| count / self.size * rank + (count % self.size).min(rank);
        start(self.rank)..start(self.rank + 1)
    }

    /// Waits until every member is here; what each wrote before, all can read afterwards.
    pub fn wait(&self) {
        self.barrier.wait();
    }
}

impl Barrier {
    fn new(size: usize) -> Self {
        Self {
            size,
            arrived: AtomicUsize::new(0),
            rounds: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    fn wait(&self) {
        if self.size == 1 {
            return;
        }
        let round = self.rounds.load(Ordering::Relaxed);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.size {
            self.arrived.store(0, Ordering::Relaxed);
            self.rounds.store(round.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut spins = 0;
        while self.rounds.load(Ordering::Acquire) == round {
            if self.broken.load(Ordering::Acquire) {
                resume_unwind(Box::new(Abandoned));
            }
            wait_a_little(&mut spins);
        }
    }

    /// After a call: as new. Says whether it was broken.
    fn mend(&self) -> bool {
        self.arrived.store(0, Ordering::Relaxed);
        self.broken.swap(false, Ordering::AcqRel)
    }
}

fn wait_a_little(spins: &mut u32) {
    if *spins < SPINS {
        *spins += 1;
        std::hint::spin_loop();
    } else {
        thread::yield_now();
    }
}

/// Threads that were asked for; where nothing useful was, those the system runs at once.
fn threads(asked: Option<&str>) -> usize {
    match asked.and_then(|asked| asked.trim().parse().ok()) {
        Some(threads) if threads > 0 => threads,
        _ => thread::available_parallelism().map_or(1, NonZero::get),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_or_else_the_system() {
        assert_eq!(threads(Some("3")), 3);
        assert_eq!(threads(Some(" 12 ")), 12);
        let system = threads(None);
        assert!(system > 0);
        for nothing in ["", "0", "-1", "many"] {
            assert_eq!(threads(Some(nothing)), system, "{nothing}");
        }
    }

    #[test]
    fn there_is_one_shared_team() {
        assert!(std::ptr::eq(Pool::shared(), Pool::shared()));
        assert!(Pool::shared().size() > 0);
    }
}
