use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use tts_gpu_trace::{Activity, GpuError, Stream, Wait, Work, WorkKind};

use super::allocations::Allocations;
use super::gpu::Gpu;
use super::trace::{GpuRecord, SpanRecord, SyncRecord, Trace, WaitRecord};
use crate::{SPAN_TARGET, SYNC_TARGET, SyncClass};

/// Starts a recording: the layer that is given to a subscriber, and where its records are
/// found.
pub fn record() -> (Recorder, Recording) {
    start(|_| None)
}

/// As [`record`], with what the GPUs of this machine do meanwhile, where there are any.
pub fn record_with_gpu() -> (Recorder, Recording) {
    start(|epoch| Some(Gpu::start(epoch)))
}

fn start(gpu: impl FnOnce(Instant) -> Option<Gpu>) -> (Recorder, Recording) {
    let started = Instant::now();
    let log = Log { gpu: gpu(started), ..Log::default() };
    let log = Arc::new(Mutex::new(log));
    (Recorder { log: log.clone(), started }, Recording { log, started })
}

/// Records the spans and sync marks of the engine, and no others.
#[derive(Debug)]
pub struct Recorder {
    log: Arc<Mutex<Log>>,
    started: Instant,
}

/// The records so far.
#[derive(Debug, Clone)]
pub struct Recording {
    log: Arc<Mutex<Log>>,
    started: Instant,
}

/// A span without an end.
const OPEN: u64 = u64::MAX;

#[derive(Debug, Default)]
struct Log {
    trace: Trace,
    threads: HashMap<ThreadId, Thread>,
    /// Spans that were forgotten: what a GPU did for them is, too.
    forgotten: u64,
    gpu: Option<Gpu>,
}

#[derive(Debug)]
struct Thread {
    /// From 1 in the order of appearance.
    number: usize,
    /// The spans it is in, innermost last.
    open: Vec<usize>,
}

impl Log {
    /// The current thread.
    fn thread(&mut self) -> &mut Thread {
        let number = self.threads.len() + 1;
        let id = std::thread::current().id();
        self.threads.entry(id).or_insert(Thread { number, open: Vec::new() })
    }

    /// The number of a span for the GPU: no other one has it, before or after.
    const fn section(&self, span: usize) -> u64 {
        self.forgotten + span as u64
    }

    /// Adds what a GPU did so far and the waits for it, but for forgotten spans.
    fn take_from_gpu(&mut self, is_last: bool) {
        let Some(gpu) = &mut self.gpu else { return };
        let (Activity { work, waits }, counters) = gpu.take(is_last);
        let forgotten = self.forgotten;
        let is_known = |section: Option<u64>| section.is_none_or(|section| section >= forgotten);
        let span_of = |section: Option<u64>| section.map(|section| (section - forgotten) as usize);
        let trace = &mut self.trace;
        trace.gpu.lost = gpu.lost();
        trace.gpu.unknown = gpu.unknown();
        trace.gpu.counters.extend(counters);
        for work in work.into_iter().filter(|work| is_known(work.section)) {
            let span = span_of(work.section);
            let name = match span.and_then(|span| trace.spans.get(span)) {
                Some(span) if work.kind == WorkKind::Section => span.name,
                _ => work.name,
            };
            let Work { kind, gpu, queue, start_ns, end_ns, .. } = work;
            trace.gpu.work.push(GpuRecord { kind, name, span, gpu, queue, start_ns, end_ns });
        }
        for wait in waits.into_iter().filter(|wait| is_known(wait.section)) {
            let Wait { name, section, start_ns, end_ns } = wait;
            let span = span_of(section);
            trace.gpu.waits.push(WaitRecord { name, span, start_ns, end_ns });
        }
    }

    /// The trace so far. Open spans end at its last time.
    fn trace(&self) -> Trace {
        let mut trace = self.trace.clone();
        let starts = trace.spans.iter().map(|span| span.start_ns);
        let ends = trace.spans.iter().map(|span| span.end_ns).filter(|&end| end != OPEN);
        let last = starts.chain(ends).chain(trace.syncs.iter().map(|sync| sync.at_ns)).max();
        for span in trace.spans.iter_mut().filter(|span| span.end_ns == OPEN) {
            span.end_ns = last.unwrap_or(span.start_ns);
            span.allocations = Allocations::default();
        }
        trace
    }
}

impl Recording {
    /// The records so far. It goes on.
    pub fn trace(&self) -> Trace {
        let mut log = lock(&self.log);
        log.take_from_gpu(false);
        log.trace()
    }

    /// The records so far. The GPU is not asked any more.
    pub fn finish(&self) -> Trace {
        let mut log = lock(&self.log);
        log.take_from_gpu(true);
        log.gpu = None;
        log.trace()
    }

    /// Forgets the records so far, for instance those of a warm-up, and the spans that are
    /// open.
    pub fn clear(&self) {
        let now = self.started.elapsed().as_nanos() as u64;
        let mut log = lock(&self.log);
        log.take_from_gpu(false);
        log.forgotten += log.trace.spans.len() as u64;
        let mut counters = std::mem::take(&mut log.trace).gpu.counters;
        // Counters go on with the values they have.
        let mut seen = HashSet::new();
        counters.reverse();
        counters.retain(|sample| seen.insert((sample.gpu, sample.counter)));
        for sample in &mut counters {
            sample.at_ns = now;
        }
        log.trace.gpu.counters = counters;
        for thread in log.threads.values_mut() {
            thread.open.clear();
        }
    }

    /// Marks the begins and ends of spans in this queue of a GPU from now on, to know how
    /// long it takes for each, unless it tells its kernels itself. For recordings with a
    /// GPU; does nothing for others.
    ///
    /// # Errors
    /// If the driver refuses.
    pub fn watch(&self, stream: Stream) -> Result<(), GpuError> {
        lock(&self.log).gpu.as_mut().map_or(Ok(()), |gpu| gpu.watch(stream))
    }
}

/// A panic inside of a span leaves the log as it is.
fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }
}

struct FrameIndex(u64);

/// A span, if it is one of the engine.
pub(super) fn engine_span<'s, S: Subscriber + for<'l> LookupSpan<'l>>(
    id: &Id,
    context: &'s Context<'_, S>,
) -> Option<SpanRef<'s, S>> {
    context.span(id).filter(|span| span.metadata().target() == SPAN_TARGET)
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(frame), Some(span)) = (fields.frame, context.span(id)) {
            span.extensions_mut().insert(FrameIndex(frame));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = engine_span(id, &context) else { return };
        let frame = span.extensions().get::<FrameIndex>().map(|frame| frame.0);
        let mut log = lock(&self.log);
        let index = log.trace.spans.len();
        let Thread { number: thread, open } = log.thread();
        let (thread, parent) = (*thread, open.last().copied());
        open.push(index);
        let section = log.section(index);
        if let Some(gpu) = &log.gpu {
            gpu.enter(section);
        }
        let allocations = Allocations::so_far();
        let start_ns = self.now();
        log.trace.spans.push(SpanRecord {
            name: span.name(),
            frame,
            thread,
            parent,
            start_ns,
            end_ns: OPEN,
            allocations,
        });
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if engine_span(id, &context).is_none() {
            return;
        }
        let end_ns = self.now();
        let allocations = Allocations::so_far();
        let mut log = lock(&self.log);
        let index = log.thread().open.pop();
        if let Some(gpu) = &log.gpu {
            gpu.exit(index.map(|index| log.section(index)));
        }
        if let Some(span) = index.and_then(|index| log.trace.spans.get_mut(index)) {
            span.end_ns = end_ns;
            span.allocations = allocations - span.allocations;
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != SYNC_TARGET {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Some(class) = fields.class else { return };
        let at_ns = self.now();
        let mut log = lock(&self.log);
        let Thread { number: thread, open } = log.thread();
        let (thread, parent) = (*thread, open.last().copied());
        let site = event.metadata().name();
        log.trace.syncs.push(SyncRecord { site, class, thread, parent, at_ns });
    }
}

#[derive(Default)]
struct Fields {
    frame: Option<u64>,
    class: Option<SyncClass>,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "frame" {
            self.frame = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "class" {
            self.class = SyncClass::ALL.into_iter().find(|class| class.name() == value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
