//! The codec with the kernels for GPUs, emulated on the CPU.

use candle_core::Device;
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_codec_decoder::CodecDecoder;

#[test]
fn samples_are_those_of_the_cpu_in_any_pieces() {
    let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES)).unwrap();
    let load = || {
        let weights = checkpoint.codec_weights(&Device::Cpu);
        CodecDecoder::load(&checkpoint.codec, &weights).unwrap()
    };
    let size = checkpoint.codec.decoder_config.codebook_size as u32;
    let code = |frame: u32, book: u32| (frame * 7919 + book * 104_729 + 13) % size;
    let frames: Vec<Vec<u32>> =
        (0..5).map(|frame| (0..16).map(|book| code(frame, book)).collect()).collect();
    let cpu = load();
    let mut expected = Vec::new();
    let mut see = |name: &str, x: &candle_core::Tensor| {
        expected.push((name.to_owned(), x.flatten_all()?.to_vec1::<f32>()?));
        Ok(())
    };
    cpu.push_with(&frames, &mut cpu.new_state().unwrap(), &mut see).unwrap();
    tts_nn::emulate_gpu();
    let gpu = load();
    let mut found = Vec::new();
    let mut see = |name: &str, x: &candle_core::Tensor| {
        found.push((name.to_owned(), x.flatten_all()?.to_vec1::<f32>()?));
        Ok(())
    };
    let samples = gpu.push_with(&frames, &mut gpu.new_state().unwrap(), &mut see).unwrap();
    assert_eq!(found.len(), expected.len());
    for ((name, found), (same, expected)) in found.iter().zip(&expected) {
        assert_eq!((name, found.len()), (same, expected.len()));
        let largest = expected.iter().fold(1.0_f32, |largest, x| largest.max(x.abs()));
        let pairs = found.iter().zip(expected);
        let worst = pairs.fold(0.0_f32, |worst, (a, b)| worst.max((a - b).abs()));
        // 1e-4 of the whole scale is the bound for the waveform.
        assert!(worst <= 2e-5 * largest, "{name}: {worst:e} of {largest}");
    }
    let mut state = gpu.new_state().unwrap();
    let mut pieces = Vec::new();
    for piece in [&frames[..1], &frames[1..4], &frames[4..]] {
        pieces.extend(gpu.push(piece, &mut state).unwrap());
    }
    assert_eq!(pieces, samples);
    // Who waits in what is recorded is named.
    let recorded =
        tts_nn::Graph::record(&Device::Cpu, || gpu.push(&frames, &mut state).map(|_| ()));
    let problem = recorded.unwrap_err().to_string();
    assert!(problem.contains("`codec_decoder.samples` waits"), "{problem}");
}
