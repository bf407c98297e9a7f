//! Stacks in few bits against dense ones with the same rounded weights.

use candle_core::{DType, Device, Error, Result, Tensor};
use tts_nn::{Bits, Blocks, CacheFull, Decoder, DecoderConfig, DecoderState, Linear, Scheme};

const SCHEMES: [Scheme; 2] = [Scheme::Q8, Scheme::Q4];
const HIDDEN: usize = 48;
const INNER: usize = 80;
const CONFIG: DecoderConfig = DecoderConfig {
    layers: 3,
    heads: 4,
    kv_heads: 2,
    head_dim: 10,
    intermediate: INNER,
    norm_eps: 1e-6,
    rope_theta: 1e4,
    window: None,
    head_norms: true,
    layer_scales: false,
    blocks: Blocks::RmsGated,
};

/// Numbers that look random, in -1..1.
fn tensor(shape: &[usize], seed: usize) -> Tensor {
    let mut state = (seed as u32).wrapping_mul(747_796_405).wrapping_add(1);
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The tensor of a name; every name has its own.
fn weight(name: &str) -> Result<Tensor> {
    let (queries, keys) = (CONFIG.heads * CONFIG.head_dim, CONFIG.kv_heads * CONFIG.head_dim);
    let part = name.strip_prefix("layers.").map_or(name, |layer| &layer[2..]);
    let shape: &[usize] = match part {
        "self_attn.q_proj.weight" => &[queries, HIDDEN],
        "self_attn.k_proj.weight" | "self_attn.v_proj.weight" => &[keys, HIDDEN],
        "self_attn.o_proj.weight" => &[HIDDEN, queries],
        "self_attn.q_norm.weight" | "self_attn.k_norm.weight" => &[CONFIG.head_dim],
        "mlp.gate_proj.weight" | "mlp.up_proj.weight" => &[INNER, HIDDEN],
        "mlp.down_proj.weight" => &[HIDDEN, INNER],
        _ => &[HIDDEN],
    };
    let seed = name.bytes().fold(7, |seed, byte| seed * 31 % 65_521 + usize::from(byte));
    let numbers = tensor(shape, seed);
    match shape {
        [_, inputs] => numbers * (1.5 / (*inputs as f64).sqrt()),
        _ => (numbers * 0.3)? + 1.0,
    }
}

/// The weights as a layer in few bits holds them: what it gives for each input by itself.
fn rounded(scheme: Scheme, name: &str) -> Result<Tensor> {
    let weight = weight(name)?;
    let &[_, inputs] = weight.dims() else { return Ok(weight) };
    let each = Tensor::eye(inputs, DType::F32, &Device::Cpu)?;
    let linear =
        Linear::in_bits::<Error>(Bits::Packed(scheme), &|_: &str| Ok(weight.clone()), "", None)?;
    linear.forward(&each)?.t()?.contiguous()
}

fn packed(scheme: Scheme) -> Decoder {
    Decoder::load(Bits::Packed(scheme), CONFIG, &weight).unwrap()
}

fn state(decoder: &Decoder, capacity: usize) -> DecoderState {
    decoder.new_state(capacity, DType::F32, &Device::Cpu).unwrap()
}

fn forward(decoder: &Decoder, x: &Tensor, states: &mut [&mut DecoderState]) -> Result<Tensor> {
    decoder.forward(x, states, &mut |_, _| Ok(()))
}

fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// Only the inputs of the products are left to differ, rounded to 16 bits beside weights in 8 and
/// to 8 bits beside weights in 4: each by a 250th, and a stack spreads that. What the kernels
/// compute from rounded inputs has narrower bounds, in `tts-cpu`.
#[test]
fn a_packed_stack_computes_what_its_weights_say() {
    let x = tensor(&[1, 40, HIDDEN], 3);
    for (scheme, bound) in [(Scheme::Q8, 1e-4), (Scheme::Q4, 0.02)] {
        let dense =
            Decoder::load(Bits::Stored, CONFIG, &|name: &str| rounded(scheme, name)).unwrap();
        let [exact, found] = [&dense, &packed(scheme)].map(|decoder| {
            let mut state = state(decoder, 40);
            values(&forward(decoder, &x, &mut [&mut state]).unwrap())
        });
        let power = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let difference: Vec<f32> = exact.iter().zip(&found).map(|(a, b)| a - b).collect();
        let error = (power(&difference) / power(&exact)).sqrt();
        assert!(error < bound, "{scheme:?}: {error}");
    }
}

#[test]
fn rows_of_a_batch_are_those_of_one_sequence_bit_for_bit() {
    for scheme in SCHEMES {
        let decoder = packed(scheme);
        let inputs = [tensor(&[1, 5, HIDDEN], 1), tensor(&[1, 5, HIDDEN], 2)];
        let alone = inputs.each_ref().map(|x| {
            let mut state = state(&decoder, 5);
            let steps = (0..5).map(|t| {
                forward(&decoder, &x.narrow(1, t, 1).unwrap(), &mut [&mut state]).unwrap()
            });
            values(&Tensor::cat(&steps.collect::<Vec<_>>(), 1).unwrap())
        });
        let (mut first, mut second) = (state(&decoder, 5), state(&decoder, 5));
        let both = Tensor::cat(&inputs, 0).unwrap();
        let together = forward(&decoder, &both, &mut [&mut first, &mut second]).unwrap();
        assert_eq!(values(&together), alone.concat(), "{scheme:?}");
    }
}

#[test]
fn where_one_sequence_is_full_none_goes_on() {
    let decoder = packed(Scheme::Q8);
    let (mut roomy, mut full) = (state(&decoder, 9), state(&decoder, 2));
    let x = tensor(&[2, 3, HIDDEN], 1);
    let error = forward(&decoder, &x, &mut [&mut roomy, &mut full]).unwrap_err();
    let expected = CacheFull { needed: 3, capacity: 2 };
    assert!(error.to_string().contains(&expected.to_string()), "{error}");
    assert_eq!((roomy.position(), full.position()), (0, 0));
}

#[test]
fn a_state_of_another_kind_is_refused() {
    let dense = Decoder::load(Bits::Stored, CONFIG, &weight).unwrap();
    let decoder = packed(Scheme::Q8);
    let x = tensor(&[1, 1, HIDDEN], 1);
    assert!(forward(&decoder, &x, &mut [&mut state(&dense, 1)]).is_err());
    assert!(forward(&dense, &x, &mut [&mut state(&decoder, 1)]).is_err());
}
