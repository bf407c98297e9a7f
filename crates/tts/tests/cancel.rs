//! A stream that is dropped leaves nothing behind.

mod counting;

use candle_core::Device;
use tts::{ChunkSchedule, Model, ModelFiles, Voice};

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
    let before = counting::live_bytes();
    (0..1000).for_each(|i| cancel(i % 3));
    let after = counting::live_bytes();
    // Worker threads keep a few buffers of their own; a leak would be kilobytes a cancel.
    assert!(after < before + 50_000, "{before} bytes before, {after} after");
}
