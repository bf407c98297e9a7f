//! A stream that is dropped leaves nothing behind.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::Device;
use tts::{ChunkSchedule, Model, ModelFiles, Voice};

/// Counts the bytes that are allocated.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system allocator unchanged; the counter is atomic.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_thousand_cancelled_streams_leave_no_memory_behind() {
    let model = Model::load(ModelFiles::Embedded(tts_fixture::FILES), &Device::Cpu).unwrap();
    let mut request = model.request("Never finished.", Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = 100;
    let cancel = |at: usize| {
        let stream = model.stream(&request, ChunkSchedule::constant(1)).unwrap();
        assert_eq!(stream.take(at).flatten().count(), at);
    };
    // Caches of the libraries fill up at first.
    (0..20).for_each(|i| cancel(i % 3));
    let before = LIVE.load(Ordering::Relaxed);
    (0..1000).for_each(|i| cancel(i % 3));
    let after = LIVE.load(Ordering::Relaxed);
    // Worker threads keep a few buffers of their own; a leak would be kilobytes a cancel.
    assert!(after < before + 50_000, "{before} bytes before, {after} after");
}
