//! The decoder in pieces, in batches and at the edges of its window and caches.

use std::cell::Cell;

use candle_core::{DType, Device, Tensor};
use tts_nn::{Blocks, CacheFull, Decoder, DecoderConfig, DecoderState};

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
    let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    let seed = Cell::new(0);
    Decoder::load(None, config, &|name: &str| -> candle_core::Result<Tensor> {
        seed.set(seed.get() + 1);
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
        Ok(tensor(shape, seed.get()))
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
