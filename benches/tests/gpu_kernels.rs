//! Every case of the timed kernels, emulated and small: they can be recorded, and run.

use candle_core::Device;
use tts_benches::gpu_kernels::{Case, Sizes, each_case};

#[test]
fn every_case_runs() {
    tts_nn::emulate_gpu();
    let sizes = Sizes {
        hidden: 16,
        intermediate: 24,
        heads: 4,
        head_dim: 8,
        vocab: 40,
        contexts: &[3],
        batches: &[1, 5],
        signals: &[(3, 20)],
        pieces: &[(2, 8)],
        bytes: 4096,
    };
    let mut count = 0;
    let run = |case: Case| {
        let (name, bytes) = (case.name.clone(), case.bytes);
        let timed = case.time(&Device::Cpu, 1)?;
        assert!(timed.microseconds > 0.0 && timed.gb_per_second > 0.0, "{name}");
        assert!(bytes >= timed.bytes, "{name}");
        count += 1;
        Ok(())
    };
    each_case(&Device::Cpu, &sizes, run).unwrap();
    // Of every batch: products and layers in three kinds of weights, attention, two draws, four more.
    assert_eq!(count, 1 + 2 * (3 * (4 + 1) + 1 + 2 + 4) + 2 + 4);
}
