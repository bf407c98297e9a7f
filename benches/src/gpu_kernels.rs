//! Kernels for GPUs, each on its own and many times in a row.

mod clock;
mod codec;
mod single;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use serde::Serialize;
use tts_nn::{
    Bits, Blocks, Buffer, Decoder, DecoderBatch, DecoderConfig, DecoderState, Graph, Linear,
};
use tts_sampler::{BatchSampler, Draw, DrawKey, DrawRow, History, SamplingParams, TokenRules};

/// The sizes that are timed.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Width of the talker.
    pub hidden: usize,
    /// Width inside its MLP.
    pub intermediate: usize,
    /// Query heads, twice as many as key heads, and their width.
    pub heads: usize,
    /// See there.
    pub head_dim: usize,
    /// Tokens of codebook 0.
    pub vocab: usize,
    /// Positions that attention looks at.
    pub contexts: &'static [usize],
    /// Rows of a batch.
    pub batches: &'static [usize],
    /// Channels and times of the codec's residual units.
    pub signals: &'static [(usize, usize)],
    /// Rows and channels of the codec before its waveform.
    pub pieces: &'static [(usize, usize)],
    /// Bytes that a launch and the next ones read before the first are read again: more than the
    /// caches of a GPU have.
    pub bytes: usize,
}

impl Sizes {
    /// Those of the released 0.6B model.
    pub const REAL_06B: Self = Self {
        hidden: 1024,
        intermediate: 3072,
        heads: 16,
        head_dim: 128,
        vocab: 3072,
        contexts: &[63, 511, 2047],
        batches: &[1, 4, 8, 64],
        // Four frames.
        signals: &[(768, 128), (384, 640), (192, 2560), (96, 7680)],
        pieces: &[(4, 1024), (16, 1024), (100, 1024)],
        bytes: 256 << 20,
    };
}

/// Launches that are timed together.
pub struct Case {
    /// What it is.
    pub name: String,
    /// Bytes that they read and write.
    pub bytes: usize,
    /// How many there are of what the name says.
    pub count: usize,
    /// Is nothing read twice, so that it comes from memory and not from a cache?
    pub is_cold: bool,
    launch: Box<dyn FnOnce() -> Result<()>>,
}

/// A case, as it was timed.
#[derive(Debug, Clone, Serialize)]
pub struct Timed {
    /// What it is.
    pub name: String,
    /// Bytes of one.
    pub bytes: usize,
    /// Microseconds of one.
    pub microseconds: f64,
    /// Billions of bytes in a second.
    pub gb_per_second: f64,
    /// As in [`Case`].
    pub is_cold: bool,
}

impl Case {
    /// Launches with memory of their own.
    fn new(
        name: String,
        bytes: usize,
        count: usize,
        launch: impl FnOnce() -> Result<()> + 'static,
    ) -> Self {
        Self { name, bytes, count, is_cold: true, launch: Box::new(launch) }
    }

    /// [`COUNT`] launches with the same memory, of so many bytes each.
    fn again(name: String, bytes: usize, launch: impl FnOnce() -> Result<()> + 'static) -> Self {
        Self { is_cold: false, ..Self::new(name, COUNT * bytes, COUNT, launch) }
    }

    /// Records the launches.
    ///
    /// # Errors
    /// If the device refuses them, or has no kernels.
    pub fn record(self, device: &Device) -> Result<Graph> {
        let launch = || (self.launch)().map_err(candle_core::Error::wrap);
        Graph::record(device, launch)?.context("a device with kernels of its own")
    }

    /// Times them, repeated as one graph.
    ///
    /// # Errors
    /// As [`Case::record`].
    pub fn time(self, device: &Device, repetitions: usize) -> Result<Timed> {
        let (name, bytes, count) = (self.name.clone(), self.bytes, self.count);
        let is_cold = self.is_cold;
        let graph = self.record(device)?;
        graph.launch()?;
        let work = || (0..repetitions).try_for_each(|_| graph.launch());
        let seconds = clock::seconds(device, work)? / repetitions.max(1) as f64;
        Ok(Timed {
            name,
            bytes: bytes / count,
            microseconds: seconds / count as f64 * 1e6,
            gb_per_second: bytes as f64 / seconds / 1e9,
            is_cold,
        })
    }
}

/// Gives every case to `run`, one after the other, so that only one has memory at a time: first a
/// copy, whose speed is what the others can have.
///
/// # Errors
/// If the device has no room for one; those of `run`.
pub fn each_case(
    device: &Device,
    sizes: &Sizes,
    mut run: impl FnMut(Case) -> Result<()>,
) -> Result<()> {
    run(copy(device, sizes)?)?;
    let (queries, keys) = (sizes.heads * sizes.head_dim, sizes.heads / 2 * sizes.head_dim);
    for &rows in sizes.batches {
        for (name, outputs, inputs) in [
            ("queries, keys, values", queries + 2 * keys, sizes.hidden),
            ("attention output", sizes.hidden, queries),
            ("MLP output", sizes.hidden, sizes.intermediate),
            ("head", sizes.vocab, sizes.hidden),
        ] {
            for bits in BITS {
                run(product(device, sizes, bits, name, [rows, outputs, inputs])?)?;
            }
        }
    }
    for &rows in sizes.batches {
        for &context in sizes.contexts {
            for bits in BITS {
                run(layers(device, sizes, bits, rows, context)?)?;
            }
            run(single::attention(device, sizes, rows, context)?)?;
        }
        for dtype in [DType::F32, DType::BF16] {
            run(draw(device, sizes, rows, dtype)?)?;
        }
        single::of_frame(device, sizes, rows)?.into_iter().try_for_each(&mut run)?;
    }
    for &(channels, time) in sizes.signals {
        run(codec::convolution(device, channels, time)?)?;
        run(codec::transposed(device, channels, time)?)?;
    }
    for &(rows, channels) in sizes.pieces {
        codec::rows(device, rows, channels)?.into_iter().try_for_each(&mut run)?;
    }
    Ok(())
}

/// Of matrices.
const BITS: [Bits; 3] = [Bits::Stored, Bits::Int8, Bits::Fp8];

fn bytes_of(bits: Bits) -> usize {
    if bits == Bits::Stored { DType::BF16.size_in_bytes() } else { 1 }
}

fn name_of(bits: Bits) -> &'static str {
    match bits {
        Bits::Int8 => "int8",
        Bits::Fp8 => "fp8",
        Bits::Stored | Bits::Packed(_) => "bf16",
    }
}

fn copy(device: &Device, sizes: &Sizes) -> Result<Case> {
    let count = sizes.bytes / size_of::<f32>();
    let from = Tensor::zeros(count, DType::F32, device)?;
    let to = Buffer::zeros(count, DType::F32, device)?;
    Ok(Case::new("copy".to_owned(), 2 * sizes.bytes, 1, move || Ok(to.set(&from)?)))
}

fn random(device: &Device, shape: &[usize], dtype: DType) -> candle_core::Result<Tensor> {
    Tensor::rand(-0.1_f32, 0.1, shape, device)?.to_dtype(dtype)
}

fn product(
    device: &Device,
    sizes: &Sizes,
    bits: Bits,
    name: &str,
    [rows, outputs, inputs]: [usize; 3],
) -> Result<Case> {
    let bytes = outputs * inputs * bytes_of(bits);
    let count = sizes.bytes.div_ceil(bytes);
    let weights = |_: &str| random(device, &[outputs, inputs], DType::BF16);
    let matrices = (0..count)
        .map(|_| Linear::in_bits::<candle_core::Error>(bits, &weights, "", None))
        .collect::<candle_core::Result<Vec<_>>>()?;
    let x = random(device, &[rows, inputs], DType::F32)?;
    let y = Buffer::zeros((rows, outputs), DType::F32, device)?;
    let name = format!("{name} [{outputs}, {inputs}], {}, {rows} rows", name_of(bits));
    Ok(Case::new(name, bytes * count, count, move || {
        Ok(matrices.iter().try_for_each(|matrix| matrix.forward_into(&x, &y))?)
    }))
}

/// A step of a stack of layers, as many as the bytes are for.
fn layers(device: &Device, sizes: &Sizes, bits: Bits, rows: usize, context: usize) -> Result<Case> {
    let Sizes { hidden, intermediate, heads, head_dim, .. } = *sizes;
    let (queries, keys) = (heads * head_dim, heads / 2 * head_dim);
    let values = hidden * (2 * queries + 2 * keys + 3 * intermediate);
    let cached = rows * context * 2 * keys;
    let bytes = values * bytes_of(bits) + cached * DType::BF16.size_in_bytes();
    let count = sizes.bytes.div_ceil(bytes);
    let config = DecoderConfig {
        layers: count,
        heads,
        kv_heads: heads / 2,
        head_dim,
        intermediate,
        norm_eps: 1e-6,
        rope_theta: 1e6,
        window: None,
        head_norms: true,
        layer_scales: false,
        blocks: Blocks::RmsGated,
    };
    let source = |name: &str| {
        let part = name.rsplit('.').nth(1).unwrap_or_default();
        let shape: &[usize] = match part {
            "q_proj" => &[queries, hidden],
            "k_proj" | "v_proj" => &[keys, hidden],
            "o_proj" => &[hidden, queries],
            "gate_proj" | "up_proj" => &[intermediate, hidden],
            "down_proj" => &[hidden, intermediate],
            "q_norm" | "k_norm" => &[head_dim],
            _ => &[hidden],
        };
        random(device, shape, DType::BF16)
    };
    let decoder = Decoder::load::<candle_core::Error>(bits, config, &source)?;
    let new = || decoder.new_state(context + 1, DType::BF16, device);
    let mut states: Vec<DecoderState> =
        (0..rows).map(|_| new()).collect::<candle_core::Result<_>>()?;
    for state in &mut states {
        state.pass(context)?;
    }
    let mut batch: DecoderBatch = decoder.new_batch(rows, 1)?;
    decoder.begin(&mut batch, &mut states.iter_mut().collect::<Vec<_>>())?;
    let x = random(device, &[rows, 1, hidden], DType::F32)?;
    let y = Buffer::zeros((rows, hidden), DType::F32, device)?;
    let name = format!("layer, {}, {rows} rows after {context} positions", name_of(bits));
    Ok(Case::new(name, bytes * count, count, move || {
        let mut states: Vec<_> = states.iter_mut().collect();
        Ok(decoder.last_into(&x, &y, &batch, None, &mut states)?)
    }))
}

/// Launches of what takes little time.
const COUNT: usize = 16;

fn draw(device: &Device, sizes: &Sizes, rows: usize, dtype: DType) -> Result<Case> {
    let rules = TokenRules::talker(sizes.vocab, sizes.vocab / 2, sizes.vocab as u32 - 1);
    let params = SamplingParams {
        temperature: 0.9,
        top_k: 50,
        repetition_penalty: 1.05,
        ..SamplingParams::default()
    };
    let history = History::new(sizes.vocab);
    let row = |request: usize| DrawRow {
        params: &params,
        history: Some(&history),
        key: DrawKey { seed: 1, request: request as u32, step: 0, codebook: 0 },
    };
    let mut sampler = BatchSampler::new(&rules, rows, device)?;
    sampler.begin(&(0..rows).map(row).collect::<Vec<_>>())?;
    let logits = (random(device, &[rows, sizes.vocab], DType::F32)? * 30.0)?.to_dtype(dtype)?;
    let words = Buffer::zeros((Draw::WORDS, rows), DType::U32, device)?;
    let bytes = rows * sizes.vocab * (dtype.size_in_bytes() + size_of::<f32>());
    let name = format!("draw from {}, {rows} rows", dtype.as_str());
    Ok(Case::again(name, bytes, move || {
        Ok((0..COUNT).try_for_each(|_| sampler.draw_into(&logits, 0, true, &words))?)
    }))
}
