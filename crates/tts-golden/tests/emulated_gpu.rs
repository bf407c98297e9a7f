//! The kernels for GPUs, emulated, against the official implementation.

use std::path::Path;

use candle_core::Device;
use tts::Precision;
use tts_golden::{Row, Target, run_set};

#[test]
fn kernels_equal_the_official_implementation() {
    tts_nn::emulate_gpu();
    let set = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden"));
    for (precision, cases) in [
        (Precision::F32, &["codec_decode_one_frame", "codec_decode", "cv_english_streaming"][..]),
        (Precision::Bf16, &["cvb_long", "cv_english", "vd_batch", "base_xvector"]),
    ] {
        let target = Target { device: Device::Cpu, precision };
        for case in cases {
            let rows = run_set(set, &target, Some(case)).unwrap();
            let failed: Vec<String> =
                rows.iter().filter(|row| !row.passed()).map(Row::to_string).collect();
            assert!(failed.is_empty(), "{precision}:\n{}", failed.join("\n"));
            assert!(rows.len() > 5, "{case}: {}", rows.len());
        }
    }
}
