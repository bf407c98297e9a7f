//! The team of threads under everything that can happen to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tts_cpu::Pool;

fn pool(size: usize) -> Pool {
    Pool::new(size).expect("a few threads")
}

#[test]
fn every_member_runs_once_and_shares_cover_everything() {
    for size in 0..=5 {
        let pool = pool(size);
        assert_eq!(pool.size(), size.max(1));
        for count in [0, 1, 3, 100] {
            let hits: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            let members = AtomicUsize::new(0);
            pool.run(|member| {
                members.fetch_add(1, Relaxed);
                member.share(count).for_each(|i| {
                    hits[i].fetch_add(1, Relaxed);
                });
            });
            assert_eq!(members.load(Relaxed), pool.size());
            assert!(hits.iter().all(|hits| hits.load(Relaxed) == 1));
        }
    }
}

#[test]
fn what_is_written_before_a_barrier_is_read_after_it() {
    let pool = pool(3);
    let cells: Vec<AtomicUsize> = (0..3).map(|_| AtomicUsize::new(0)).collect();
    for round in 1..=40 {
        pool.run(|member| {
            for step in 0..50 {
                cells[member.rank()].store(round * 1000 + step, Relaxed);
                member.wait();
                assert!(cells.iter().all(|cell| cell.load(Relaxed) == round * 1000 + step));
                member.wait();
            }
        });
    }
}

#[test]
fn a_busy_team_leaves_the_caller_alone() {
    let pool = pool(2);
    let inner = AtomicUsize::new(0);
    pool.run(|_| {
        pool.run(|member| {
            assert_eq!((member.rank(), member.size()), (0, 1));
            member.wait();
            inner.fetch_add(1, Relaxed);
        });
    });
    assert_eq!(inner.load(Relaxed), 2);

    let total = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    pool.run(|member| {
                        total.fetch_add(member.share(10).len(), Relaxed);
                        member.wait();
                    });
                }
            });
        }
    });
    assert_eq!(total.load(Relaxed), 4 * 100 * 10);
}

#[test]
fn sleeping_members_wake_up() {
    let pool = pool(3);
    for _ in 0..5 {
        let members = AtomicUsize::new(0);
        thread::sleep(Duration::from_millis(30));
        pool.run(|_| {
            members.fetch_add(1, Relaxed);
        });
        assert_eq!(members.load(Relaxed), 3);
    }
}

#[test]
fn a_panic_reaches_the_caller_and_the_team_works_on() {
    let pool = pool(3);
    for culprit in 0..3 {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            pool.run(|member| {
                assert!(member.rank() != culprit, "on purpose");
                member.wait();
            });
        }));
        assert!(outcome.is_err());
        let members = AtomicUsize::new(0);
        pool.run(|member| {
            members.fetch_add(1, Relaxed);
            member.wait();
            assert_eq!(members.load(Relaxed), 3);
        });
    }
}
