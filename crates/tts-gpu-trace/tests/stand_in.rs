//! Against stand-ins for the libraries of NVIDIA.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use tts_gpu_stand_in::StandIn;
use tts_gpu_trace::{
    Activity, Counter, Counters, GpuError, Kernels, QueueMarks, Stream, Work, WorkKind,
};

fn names(work: &[Work]) -> Vec<(&str, Option<u64>)> {
    work.iter().map(|work| (work.name, work.section)).collect()
}

#[test]
fn kernels_belong_to_the_section_that_asked_for_them() {
    let cupti = StandIn::load("libcupti.so").unwrap();
    let epoch = Instant::now();
    // As without a GPU.
    cupti.tell("refuse", 1).unwrap();
    let refused = Kernels::start(epoch).unwrap_err();
    assert_eq!(refused.to_string(), "cuptiActivityEnable failed with code 999");
    cupti.tell("refuse", 0).unwrap();
    std::thread::sleep(Duration::from_millis(2));
    let kernels = Kernels::start(epoch).unwrap();
    assert!(matches!(Kernels::start(epoch), Err(GpuError::Busy)));

    kernels.enter(1);
    kernels.enter(2);
    kernels.exit();
    kernels.enter(3);
    kernels.exit();
    kernels.exit();
    let Activity { work, waits } = kernels.take();
    assert_eq!(waits, []);
    assert_eq!(
        names(&work),
        [
            ("cutlass::Kernel<float, 4>", Some(2)),
            ("badd_f32", Some(3)),
            ("cutlass::Kernel<float, 4>", Some(1)),
            ("copy device to host", Some(1)),
            ("fill", Some(1)),
        ]
    );
    let until = epoch.elapsed().as_nanos() as u64;
    for work in &work {
        assert_eq!((work.end_ns - work.start_ns, work.gpu, work.queue), (1000, 1, 7));
        // The stand-in's clock and ours are two.
        assert!(work.start_ns > 1_000_000 && work.end_ns < until + 1_000_000, "{work:?}");
    }
    assert_eq!((work[3].kind, work[4].kind), (WorkKind::Copy, WorkKind::Fill));
    assert_eq!(kernels.take(), Activity::default());

    // More than one buffer holds; and another recording may follow the first.
    drop(kernels);
    let kernels = Kernels::start(epoch).unwrap();
    for section in 0..100 {
        kernels.enter(section);
        kernels.exit();
    }
    let Activity { work, .. } = kernels.take();
    assert_eq!(work.len(), 300);
    assert!(work.iter().all(|work| work.section.is_some()));

    // A program that nests wrongly changes nothing for the next section.
    kernels.exit();
    kernels.enter(5);
    kernels.exit();
    assert_eq!(kernels.take().work.len(), 3);

    // Waits of the host are no work, and a queue that waits for an event (2) is not the host.
    let before = epoch.elapsed().as_nanos() as u64;
    kernels.enter(9);
    for what in [1, 2, 3, 4] {
        cupti.tell("wait", what).unwrap();
    }
    kernels.exit();
    cupti.tell("wait", 3).unwrap();
    let Activity { work, waits } = kernels.take();
    assert_eq!(work.len(), 3);
    let named: Vec<_> = waits.iter().map(|wait| (wait.name, wait.section)).collect();
    assert_eq!(
        named,
        [
            ("wait for an event", Some(9)),
            ("wait for a queue", Some(9)),
            ("wait for all queues", Some(9)),
            ("wait for a queue", None),
        ]
    );
    let until = epoch.elapsed().as_nanos() as u64;
    for wait in waits {
        assert!((1_000_000..until - before).contains(&(wait.end_ns - wait.start_ns)), "{wait:?}");
        assert!(wait.start_ns > before - 1_000_000 && wait.end_ns < until + 1_000_000, "{wait:?}");
    }
    assert_eq!(kernels.take(), Activity::default());

    // What has not ended comes later, and still knows its section.
    kernels.enter(6);
    kernels.exit();
    cupti.tell("unfinished", 1).unwrap();
    kernels.enter(7);
    kernels.exit();
    let mut work = kernels.take().work;
    cupti.tell("unfinished", 0).unwrap();
    work.extend(kernels.take().work);
    let sections: Vec<_> = work.iter().map(|work| work.section).collect();
    assert_eq!(sections, [6, 6, 6, 7, 7, 7].map(Some));

    // At the end it is lost, and counted, like what there was no room for.
    assert_eq!(kernels.lost(), 0);
    cupti.tell("drop", 5).unwrap();
    assert_eq!((kernels.take(), kernels.lost()), (Activity::default(), 5));
    cupti.tell("unfinished", 1).unwrap();
    kernels.enter(8);
    kernels.exit();
    assert_eq!((kernels.finish(), kernels.lost()), (Activity::default(), 8));
    cupti.tell("unfinished", 0).unwrap();
}

#[test]
fn marks_tell_when_the_queue_came_by() {
    let driver = StandIn::load("libcuda.so.1").unwrap();
    // SAFETY: the stand-in takes any address but null for a stream.
    let (stream, none) =
        unsafe { (Stream::from_raw(8 as *mut _, ()), Stream::from_raw(std::ptr::null_mut(), ())) };
    let epoch = Instant::now();
    let refused = QueueMarks::start(none, epoch).unwrap_err();
    assert_eq!(refused.to_string(), "cuStreamGetCtx failed with code 999");

    let earliest = epoch.elapsed().as_nanos() as u64;
    let marks = QueueMarks::start(stream, epoch).unwrap();
    let latest = epoch.elapsed().as_nanos() as u64;
    marks.enter(1);
    marks.enter(2);
    marks.exit(2);
    // Work that is captured into a graph has no time of its own.
    driver.tell("capture", 1).unwrap();
    marks.enter(3);
    marks.exit(3);
    driver.tell("capture", 0).unwrap();
    marks.exit(1);
    let work = marks.take();
    let times: Vec<_> = work
        .iter()
        .map(|w| {
            (w.section, (w.start_ns - work[0].start_ns) / 1000, (w.end_ns - w.start_ns) / 1000)
        })
        .collect();
    assert_eq!(times, [(Some(1), 0, 3000), (Some(2), 1000, 1000)]);
    assert_eq!(work[0].gpu, 1);
    // The queue started in between, and the first mark came 1 ms later.
    assert!((earliest..=latest).contains(&(work[0].start_ns - 1_000_000)), "{work:?}");
    assert_eq!(marks.take(), []);

    // Events are used again as soon as the queue has passed them, without waiting.
    driver.tell("behind", 1).unwrap();
    for section in 0..3000 {
        marks.enter(section);
        marks.exit(section);
        if section == 1500 {
            driver.tell("behind", 0).unwrap();
        }
    }
    let most = driver.ask("live_events").unwrap();
    assert!((3000..5000).contains(&most), "{most} events");
    let work = marks.take();
    assert_eq!(work.len(), 3000);
    assert!(work.iter().all(|work| work.end_ns - work.start_ns == 1_000_000));
    drop(marks);
    assert_eq!(driver.ask("live_events").unwrap(), 0);
    assert_eq!(driver.ask("contexts").unwrap(), 0);
}

#[test]
fn counters_are_read_until_the_end() {
    let nvml = StandIn::load("libnvidia-ml.so.1").unwrap();
    nvml.tell("no_gpu", 1).unwrap();
    let epoch = Instant::now();
    let none = Counters::start(epoch, Duration::from_millis(1)).unwrap_err();
    assert_eq!(none.to_string(), "there is no GPU");
    nvml.tell("no_gpu", 0).unwrap();
    let counters = Counters::start(epoch, Duration::from_millis(1)).unwrap();
    let mut samples = Vec::new();
    while samples.len() < 20 {
        assert!(epoch.elapsed() < Duration::from_mins(1), "{samples:?}");
        std::thread::sleep(Duration::from_millis(2));
        samples.extend(counters.take());
    }
    drop(counters);
    assert_eq!(nvml.ask("users").unwrap(), 0);
    let of = |gpu, counter| -> Vec<u64> {
        let of = samples.iter().filter(|s| s.gpu == gpu && s.counter == counter);
        of.map(|sample| sample.value).collect()
    };
    assert_eq!(of(0, Counter::Use)[..4], [0, 1, 2, 3]);
    // What does not change is said once.
    assert_eq!(of(0, Counter::Memory), [2000]);
    assert_eq!((of(0, Counter::Power), of(1, Counter::Power)), (vec![350], vec![]));
    assert_eq!(of(1, Counter::Clock), [1980]);
    assert!(samples.is_sorted_by_key(|sample| sample.at_ns));
}
