//! The decoder in pieces, in batches and at the edges of its window and caches.

use candle_core::{DType, Device, Tensor};
use tts_cuda::{Order, Queue};
use tts_nn::{Blocks, Buffer, CacheFull, Counter, Decoder, DecoderConfig, DecoderState};

const HIDDEN: usize = 12;
const TIME: usize = 13;

fn config(layers: usize, window: Option<usize>) -> DecoderConfig {
    DecoderConfig {
        layers,
        heads: 4,
        kv_heads: 2,
        head_dim: 6,
        intermediate: 16,
        norm_eps: 1e-6,
        rope_theta: 1e4,
        window,
        head_norms: window.is_none(),
        layer_scales: window.is_some(),
        blocks: Blocks::RmsGated,
    }
}

fn tensor(shape: &[usize], seed: usize) -> Tensor {
    let count = shape.iter().product();
    let value = |i: usize| (((i + 13 * seed) * 29 + 3) % 83) as f32 / 80.0 - 0.5;
    Tensor::from_vec((0..count).map(value).collect::<Vec<_>>(), shape, &Device::Cpu).unwrap()
}

fn decoder(config: DecoderConfig) -> Decoder {
    decoder_for(None, config)
}

fn decoder_for(queue: Option<Queue>, config: DecoderConfig) -> Decoder {
    let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    Decoder::load_for(queue, config, &|name: &str| -> candle_core::Result<Tensor> {
        let seed = name.bytes().fold(0, |seed, byte| (seed * 31 + usize::from(byte)) % 997);
        let shape: &[usize] = match name.rsplit_once("layers.").map_or(name, |(_, rest)| &rest[2..])
        {
            "self_attn.q_proj.weight" => &[queries, HIDDEN],
            "self_attn.k_proj.weight" | "self_attn.v_proj.weight" => &[keys, HIDDEN],
            "self_attn.o_proj.weight" => &[HIDDEN, queries],
            "self_attn.q_norm.weight" | "self_attn.k_norm.weight" => &[6],
            "mlp.gate_proj.weight" | "mlp.up_proj.weight" => &[16, HIDDEN],
            "mlp.down_proj.weight" => &[HIDDEN, 16],
            _ => &[HIDDEN],
        };
        Ok(tensor(shape, seed))
    })
    .unwrap()
}

fn state(decoder: &Decoder, capacity: usize) -> DecoderState {
    decoder.new_state(capacity, DType::F32, &Device::Cpu).unwrap()
}

/// `[1, time, hidden]` in pieces of `step`, as rows.
fn run(decoder: &Decoder, x: &Tensor, step: usize) -> Vec<Vec<f32>> {
    let time = x.dim(1).unwrap();
    let mut state = state(decoder, time);
    let pieces: Vec<Tensor> = (0..time)
        .step_by(step)
        .map(|start| {
            let piece = x.narrow(1, start, step.min(time - start)).unwrap();
            decoder.forward(&piece, &mut [&mut state], &mut |_, _| Ok(())).unwrap()
        })
        .collect();
    assert_eq!(state.position(), time);
    Tensor::cat(&pieces, 1).unwrap().squeeze(0).unwrap().to_vec2().unwrap()
}

fn difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().flatten().zip(b.iter().flatten()).fold(0.0, |worst, (a, b)| worst.max((a - b).abs()))
}

#[test]
fn pieces_equal_the_whole_for_every_window() {
    let x = tensor(&[1, TIME, HIDDEN], 99);
    for window in [None, Some(1), Some(2), Some(5), Some(TIME), Some(40)] {
        let decoder = decoder(config(3, window));
        let whole = run(&decoder, &x, TIME);
        for step in [1, 2, 3, 5, 7] {
            let pieces = run(&decoder, &x, step);
            if window.is_some() {
                assert_eq!(pieces, whole, "window {window:?}, step {step}");
            } else {
                assert!(difference(&whole, &pieces) < 1e-5, "step {step}");
            }
        }
    }
}

#[test]
fn a_window_longer_than_the_signal_sees_all_of_it() {
    let x = tensor(&[1, TIME, HIDDEN], 99);
    let unlimited = DecoderConfig { window: None, ..config(2, Some(1)) };
    let whole = run(&decoder(unlimited), &x, TIME);
    assert!(difference(&whole, &run(&decoder(config(2, Some(TIME))), &x, 1)) < 1e-5);
    assert!(difference(&whole, &run(&decoder(config(2, Some(TIME - 1))), &x, 1)) > 1e-4);
}

#[test]
fn a_window_ends_where_it_says() {
    let (window, changed) = (4, 3);
    let decoder = decoder(config(1, Some(window)));
    let x = tensor(&[1, TIME, HIDDEN], 5);
    let other = {
        let bump = tensor(&[1, 1, HIDDEN], 6);
        let row = (x.narrow(1, changed, 1).unwrap() + bump).unwrap();
        x.slice_assign(&[0..1, changed..changed + 1, 0..HIDDEN], &row).unwrap()
    };
    let (a, b) = (run(&decoder, &x, TIME), run(&decoder, &other, TIME));
    for t in 0..TIME {
        let differs = difference(&a[t..=t], &b[t..=t]) > 1e-6;
        assert_eq!(differs, (changed..changed + window).contains(&t), "position {t}");
    }
}

#[test]
fn rows_of_a_batch_do_not_see_each_other() {
    let decoder = decoder(config(2, None));
    let prompts = [tensor(&[1, 5, HIDDEN], 1), tensor(&[1, 2, HIDDEN], 2)];
    let steps = [tensor(&[1, 1, HIDDEN], 3), tensor(&[1, 1, HIDDEN], 4)];
    let mut states = [state(&decoder, 8), state(&decoder, 8)];
    let mut ignore = |_: usize, _: &Tensor| Ok(());
    for (prompt, state) in prompts.iter().zip(&mut states) {
        decoder.forward(prompt, &mut [state], &mut ignore).unwrap();
    }
    let [first, second] = &mut states;
    let together = decoder
        .forward(&Tensor::cat(&steps, 0).unwrap(), &mut [first, second], &mut ignore)
        .unwrap();
    for (row, (prompt, step)) in prompts.iter().zip(&steps).enumerate() {
        let whole = Tensor::cat(&[prompt, step], 1).unwrap();
        let alone = run(&decoder, &whole, whole.dim(1).unwrap());
        let last = &alone[alone.len() - 1..];
        let shared: Vec<Vec<f32>> = together.get(row).unwrap().to_vec2().unwrap();
        assert!(difference(last, &shared) < 1e-5, "row {row}");
    }
}

#[test]
fn a_full_cache_is_a_typed_error_and_a_cleared_one_starts_anew() {
    let decoder = decoder(config(1, None));
    let x = tensor(&[1, 3, HIDDEN], 1);
    let mut state = state(&decoder, 4);
    let mut ignore = |_: usize, _: &Tensor| Ok(());
    let first = decoder.forward(&x, &mut [&mut state], &mut ignore).unwrap();
    let error = decoder.forward(&x, &mut [&mut state], &mut ignore).unwrap_err();
    let full = CacheFull { needed: 6, capacity: 4 };
    assert!(error.to_string().contains(&full.to_string()), "{error}");
    assert_eq!(state.position(), 3);
    state.clear();
    let again = decoder.forward(&x, &mut [&mut state], &mut ignore).unwrap();
    assert_eq!(first.to_vec3::<f32>().unwrap(), again.to_vec3::<f32>().unwrap());
}

/// The kernels for GPUs, emulated: prompts of several steps, long sequences, batches.
#[test]
fn kernels_for_gpus_compute_what_the_tensor_library_does() {
    let dense = decoder(config(2, None));
    let time = 140;
    let x = tensor(&[1, time, HIDDEN], 5);
    let whole = run(&dense, &x, time);
    for (order, step) in [(Order::Forwards, 7), (Order::Backwards, 13), (Order::Shuffled(3), 140)] {
        let resident = decoder_for(Some(Queue::Emulated(order)), config(2, None));
        let worst = difference(&run(&resident, &x, step), &whole);
        assert!(worst < 1e-5, "{order:?} {step}: {worst:e}");
    }
}

/// A window, with scales and without norms of heads: positions take the place of those that are out
/// of sight.
#[test]
fn kernels_for_gpus_see_through_a_window() {
    for (window, time) in [(1, 9), (5, 80), (70, 150)] {
        let x = tensor(&[1, time, HIDDEN], 5);
        let whole = run(&decoder(config(2, Some(window))), &x, time);
        let resident =
            decoder_for(Some(Queue::Emulated(Order::default())), config(2, Some(window)));
        let pieces = run(&resident, &x, 7);
        let worst = difference(&pieces, &whole);
        assert!(worst < 1e-5, "{window}: {worst:e}");
        for step in [1, 64, time] {
            assert_eq!(run(&resident, &x, step), pieces, "window {window}, step {step}");
        }
    }
}

/// As a codec does it: as many positions in every step, further than there are angles for at first.
#[test]
fn steps_behind_a_window_go_on_for_ever() {
    let window = Some(3);
    let resident = decoder_for(Some(Queue::Emulated(Order::default())), config(1, window));
    let dense = decoder(config(1, window));
    let (time, step) = (1100, 50);
    let x = tensor(&[1, time, HIDDEN], 5);
    let whole = run(&dense, &x, time);
    for stack in [&resident, &dense] {
        let mut state = state(stack, 0);
        let mut batch = stack.new_batch(1, step).unwrap();
        let output = Buffer::zeros((step, HIDDEN), DType::F32, &Device::Cpu).unwrap();
        let mut versions = Vec::new();
        let mut found = Vec::new();
        for start in (0..time).step_by(step) {
            let piece = x.squeeze(0).unwrap().narrow(0, start, step).unwrap();
            stack.begin(&mut batch, &mut [&mut state]).unwrap();
            let mut layers = 0;
            let mut tap = |layer: usize, x: &Tensor| {
                layers += usize::from(layer == layers && x.elem_count() == step * HIDDEN);
                Ok(())
            };
            stack.all_into(&piece, &output, &batch, &mut [&mut state], &mut tap).unwrap();
            assert_eq!(layers, 1);
            versions.push(batch.version());
            found.extend(output.to_vec2::<f32>().unwrap());
        }
        assert!(difference(&found, &whole) < 1e-5);
        versions.dedup();
        // The device is told once of angles, and once of more.
        let of_resident = std::ptr::eq(stack, &raw const resident);
        assert_eq!(versions, if of_resident { vec![1, 2] } else { vec![0] });
    }
    assert!(resident.new_batch(1, 65).is_err());
}

/// Two positions of each sequence at once, then one, again and again: as in a frame.
#[test]
fn a_frame_on_a_gpu_is_told_once_where_its_sequences_are() {
    let resident = decoder_for(Some(Queue::Emulated(Order::default())), config(2, None));
    let (pair, one) = (tensor(&[3, 2, HIDDEN], 1), tensor(&[3, 1, HIDDEN], 2));
    let mut states: Vec<_> = (0..3).map(|_| state(&resident, 5)).collect();
    let mut batches = [2, 1].map(|time| resident.new_batch(3, time).unwrap());
    for batch in &mut batches {
        resident.begin(batch, &mut states.iter_mut().collect::<Vec<_>>()).unwrap();
    }
    let output = Buffer::zeros((3, HIDDEN), DType::F32, &Device::Cpu).unwrap();
    for _ in 0..2 {
        states.iter_mut().for_each(DecoderState::clear);
        for (index, (x, batch)) in [(&pair, 0), (&one, 1), (&one, 1), (&one, 1)].iter().enumerate()
        {
            let mut all: Vec<_> = states.iter_mut().collect();
            resident.last_into(x, &output, &batches[*batch], None, &mut all).unwrap();
            let found = output.to_vec2::<f32>().unwrap();
            for (row, found) in found.iter().enumerate() {
                let row = |x: &Tensor| x.narrow(0, row, 1).unwrap();
                let pieces: Vec<_> =
                    std::iter::once(row(&pair)).chain((0..index).map(|_| row(&one))).collect();
                let whole = run(&resident, &Tensor::cat(&pieces, 1).unwrap(), 1);
                assert_eq!(whole.last().unwrap(), found);
            }
        }
    }
    let mut all: Vec<_> = states.iter_mut().collect();
    let full = resident.last_into(&one, &output, &batches[1], None, &mut all).unwrap_err();
    assert!(full.to_string().contains(&CacheFull { needed: 6, capacity: 5 }.to_string()));
}

#[test]
fn steps_of_a_batch_on_a_gpu_are_those_of_single_sequences() {
    let resident = decoder_for(Some(Queue::Emulated(Order::default())), config(2, None));
    let mut ignore = |_: usize, _: &Tensor| Ok(());
    let prompts = [tensor(&[1, 3, HIDDEN], 1), tensor(&[1, 130, HIDDEN], 2)];
    let steps = tensor(&[2, 1, HIDDEN], 3);
    let states = || -> Vec<DecoderState> {
        let mut states = vec![state(&resident, 8), state(&resident, 200)];
        for (prompt, state) in prompts.iter().zip(&mut states) {
            resident.forward(prompt, &mut [state], &mut |_, _| Ok(())).unwrap();
        }
        states
    };
    let (mut shared, mut own) = (states(), states());
    let output = Buffer::zeros((2, HIDDEN), DType::F32, &Device::Cpu).unwrap();
    let mut batch = resident.new_batch(2, 1).unwrap();
    let counter = Counter::new(&Device::Cpu).unwrap();
    for index in 0..5 {
        let mut together: Vec<_> = shared.iter_mut().collect();
        // The device is told again, counts on by itself, or is told how far it is.
        let counter = match index {
            0 => resident.begin(&mut batch, &mut together).map(|()| Some(&counter)).unwrap(),
            1 | 2 => counter.advance().map(|()| Some(&counter)).unwrap(),
            _ => None,
        };
        resident.last_into(&steps, &output, &batch, counter, &mut together).unwrap();
        for (row, state) in own.iter_mut().enumerate() {
            let step = steps.narrow(0, row, 1).unwrap();
            let alone = resident.forward(&step, &mut [state], &mut ignore).unwrap();
            let alone = alone.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(output.get(row).unwrap().to_vec1::<f32>().unwrap(), alone);
        }
    }
    let alone = shared.split_first_mut().unwrap().0;
    assert!(resident.last_into(&steps, &output, &batch, None, &mut [alone]).is_err());
    let full = tensor(&[1, 3, HIDDEN], 4);
    let error = resident.forward(&full, &mut [&mut shared[0]], &mut ignore).unwrap_err();
    assert!(error.to_string().contains("11 positions"), "{error}");
    let mut foreign = state(&decoder(config(2, None)), 8);
    assert!(resident.forward(&full, &mut [&mut foreign], &mut ignore).is_err());
    let other = decoder_for(Some(Queue::Emulated(Order::default())), config(1, None));
    assert!(resident.forward(&full, &mut [&mut state(&other, 8)], &mut ignore).is_err());
    shared[0].clear();
    let again = resident.forward(&prompts[0], &mut [&mut shared[0]], &mut ignore).unwrap();
    let first =
        resident.forward(&prompts[0], &mut [&mut state(&resident, 8)], &mut ignore).unwrap();
    assert_eq!(again.to_vec3::<f32>().unwrap(), first.to_vec3::<f32>().unwrap());
}
