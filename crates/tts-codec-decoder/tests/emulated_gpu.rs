//! The codec with the kernels for GPUs, emulated on the CPU.

use candle_core::Device;
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_codec_decoder::{CodecDecoder, CodecError};

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
    // The next two states have these; no piece has so many frames.
    gpu.warm_up(2, &[1, 5]).unwrap();
    assert!(gpu.warm_up(1, &[33]).is_err());
    // Told, recorded and repeated, in any order; samples are taken at once, later, or not at all.
    for graphs in [true, false] {
        for lengths in [&[1, 3, 1][..], &[1, 1, 1, 1, 1], &[2, 1, 2], &[5]] {
            let mut state = gpu.new_state().unwrap();
            state.set_graphs(graphs);
            let (mut pieces, mut rest) = (Vec::new(), &frames[..]);
            for &length in lengths {
                let (piece, others) = rest.split_at(length);
                rest = others;
                if length == 3 {
                    pieces.extend(state.take().unwrap());
                    gpu.skip(piece, &mut state).unwrap();
                    pieces.extend(vec![f32::NAN; length * gpu.samples_per_frame()]);
                    continue;
                }
                gpu.begin(piece, &mut state).unwrap();
                if length == 2 {
                    pieces.extend(state.take().unwrap());
                }
            }
            pieces.extend(state.take().unwrap());
            assert!(state.take().unwrap().is_empty());
            let differ = pieces.iter().zip(&samples).filter(|(a, b)| !a.is_nan() && a != b).count();
            assert_eq!((pieces.len(), differ), (samples.len(), 0), "{graphs} {lengths:?}");
        }
    }
    // What is skipped does not touch samples that nobody has taken.
    let mut state = gpu.new_state().unwrap();
    gpu.begin(&frames[..1], &mut state).unwrap();
    gpu.skip(&frames[1..2], &mut state).unwrap();
    assert_eq!(state.take().unwrap(), samples[..gpu.samples_per_frame()]);
    let mut state = gpu.new_state().unwrap();
    state.set_graphs(false);
    // Who waits in what is recorded is named.
    let recorded =
        tts_nn::Graph::record(&Device::Cpu, || gpu.push(&frames, &mut state).map(|_| ()));
    let problem = recorded.unwrap_err().to_string();
    assert!(problem.contains("`codec_decoder.samples` waits"), "{problem}");
    // More frames than a piece has.
    let many = [&frames[..]; 7].concat();
    let mut state = gpu.new_state().unwrap();
    let whole = gpu.push(&many, &mut state).unwrap();
    let expected = cpu.push(&many, &mut cpu.new_state().unwrap()).unwrap();
    let worst = whole.iter().zip(&expected).fold(0.0_f32, |worst, (a, b)| worst.max((a - b).abs()));
    assert!(whole.len() == expected.len() && worst <= 2e-5, "{worst:e}");
    assert!(matches!(cpu.push(&frames, &mut state), Err(CodecError::ForeignState)));
    assert!(matches!(gpu.push(&[[0_u32; 3]], &mut state), Err(CodecError::FrameWidth { .. })));
}
