//! Kernels that are parts of a frame, on their own.

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use tts_cuda::{
    Address, Attend, Caches, Embed, Float, Keep, LaunchError, NextInput, Queue, RmsNorm, advance,
};
use tts_nn::{address_of, queue_of};

use super::{COUNT, Case, Sizes, random};

/// Frames that there are texts and logs for.
const STEPS: usize = 16;

/// Memory of a kernel.
struct Memory<'a> {
    device: &'a Device,
    tensors: Vec<Tensor>,
}

impl Memory<'_> {
    fn add(&mut self, tensor: Tensor) -> Result<Address> {
        let address = address_of(&tensor)?;
        self.tensors.push(tensor);
        Ok(address)
    }

    fn random(&mut self, shape: &[usize], dtype: DType) -> Result<Address> {
        self.add(random(self.device, shape, dtype)?)
    }

    fn whole(&mut self, numbers: Vec<u32>) -> Result<Address> {
        self.add(Tensor::new(numbers, self.device)?)
    }
}

/// A kernel that is launched again and again with the same memory.
fn case(
    device: &Device,
    name: String,
    bytes: usize,
    launch: impl FnOnce(&mut Memory<'_>) -> Result<Launch>,
) -> Result<Case> {
    let queue = queue_of(device)?.context("a device with kernels of its own")?;
    let mut memory = Memory { device, tensors: Vec::new() };
    let launch = launch(&mut memory)?;
    let tensors = memory.tensors;
    Ok(Case::again(name, bytes, move || {
        // They live as long as the graph does.
        tensors.iter().try_for_each(|tensor| address_of(tensor).map(|_| ()))?;
        Ok((0..COUNT).try_for_each(|_| launch(&queue))?)
    }))
}

type Launch = Box<dyn Fn(&Queue) -> Result<(), LaunchError>>;

/// What a frame of `rows` does beside products and draws.
pub(super) fn of_frame(device: &Device, sizes: &Sizes, rows: usize) -> Result<[Case; 4]> {
    Ok([
        norm(device, sizes.hidden, rows)?,
        embedding(device, sizes, rows)?,
        next_input(device, sizes.hidden, rows)?,
        kept(device, rows)?,
    ])
}

/// Attention of one layer, with the cache in bf16.
pub(super) fn attention(
    device: &Device,
    sizes: &Sizes,
    rows: usize,
    context: usize,
) -> Result<Case> {
    let Sizes { heads, head_dim, .. } = *sizes;
    let (kv_heads, capacity) = (heads / 2, context + 1);
    let cached = rows * 2 * kv_heads * context * head_dim * DType::BF16.size_in_bytes();
    let name = format!("attention, {rows} rows after {context} positions");
    case(device, name, cached, |memory| {
        let mut caches = Vec::new();
        for _ in 0..rows {
            let Address(cache) = memory.random(&[2, kv_heads, capacity, head_dim], DType::BF16)?;
            caches.extend([cache as u32, (cache >> 32) as u32]);
        }
        let parts = Attend::parts(rows as u32, heads as u32, head_dim as u32, capacity as u32);
        let attend = Attend {
            qkv: memory.random(&[rows, heads + 2 * kv_heads, head_dim], DType::F32)?,
            head_norms: Some([
                memory.random(&[head_dim], DType::F32)?,
                memory.random(&[head_dim], DType::F32)?,
            ]),
            epsilon: 1e-6,
            caches: Caches {
                caches: memory.whole(caches)?,
                capacities: memory.whole(vec![capacity as u32; rows])?,
                positions: memory.whole(vec![context as u32; rows])?,
                offset: 0,
                count: None,
                window: None,
                dtype: Float::Bf16,
                longest: capacity as u32,
                cosines: memory.random(&[capacity, head_dim / 2], DType::F32)?,
                sines: memory.random(&[capacity, head_dim / 2], DType::F32)?,
                shared: false,
            },
            layer: 0,
            rows: rows as u32,
            heads: heads as u32,
            kv_heads: kv_heads as u32,
            head_dim: head_dim as u32,
            mixed: memory.random(&[rows, heads, head_dim], DType::F32)?,
            parts: memory.random(&[parts], DType::F32)?,
            arrived: memory.whole(vec![0; rows * kv_heads])?,
        };
        // SAFETY: the memory has these sizes, and the case keeps it.
        Ok(Box::new(move |queue| unsafe { attend.launch(queue) }))
    })
}

fn norm(device: &Device, width: usize, rows: usize) -> Result<Case> {
    let bytes = 2 * rows * width * size_of::<f32>();
    case(device, format!("norm of {rows} rows of {width}"), bytes, |memory| {
        let norm = RmsNorm {
            x: memory.random(&[rows, width], DType::F32)?,
            stride: width as u32,
            weights: memory.random(&[width], DType::F32)?,
            epsilon: 1e-6,
            rows: rows as u32,
            width: width as u32,
            y: memory.random(&[rows, width], DType::F32)?,
        };
        // SAFETY: as above.
        Ok(Box::new(move |queue| unsafe { norm.launch(queue) }))
    })
}

fn embedding(device: &Device, sizes: &Sizes, rows: usize) -> Result<Case> {
    let Sizes { vocab, hidden, .. } = *sizes;
    let bytes = rows * hidden * (DType::BF16.size_in_bytes() + 2 * size_of::<f32>());
    case(device, format!("embeddings of {rows} codes, added up"), bytes, |memory| {
        let embed = Embed {
            table: memory.random(&[vocab, hidden], DType::BF16)?,
            dtype: Float::Bf16,
            entries: vocab as u32,
            width: hidden as u32,
            tokens: memory.whole((0..rows).map(|row| (row * 7919 % vocab) as u32).collect())?,
            rows: rows as u32,
            y: None,
            sum: Some(memory.random(&[rows, hidden], DType::F32)?),
        };
        // SAFETY: as above.
        Ok(Box::new(move |queue| unsafe { embed.launch(queue) }))
    })
}

fn next_input(device: &Device, width: usize, rows: usize) -> Result<Case> {
    let bytes = 3 * rows * width * size_of::<f32>();
    case(device, format!("next input of {rows} rows"), bytes, |memory| {
        let next = NextInput {
            sum: memory.random(&[rows, width], DType::F32)?,
            texts: memory.random(&[STEPS, rows, width], DType::F32)?,
            steps: STEPS as u32,
            count: memory.whole(vec![3])?,
            rows: rows as u32,
            width: width as u32,
            x: memory.random(&[rows, width], DType::F32)?,
        };
        // SAFETY: as above.
        Ok(Box::new(move |queue| unsafe { next.launch(queue) }))
    })
}

/// The draws of a step are kept, and the step is counted.
fn kept(device: &Device, rows: usize) -> Result<Case> {
    let (name, bytes) = (format!("{rows} words kept, and a step counted"), 2 * rows * 4);
    case(device, name, bytes, |memory| {
        let keep = Keep {
            from: memory.whole(vec![7; rows])?,
            width: rows as u32,
            count: memory.whole(vec![0])?,
            steps: STEPS as u32,
            log: memory.whole(vec![0; STEPS * rows])?,
        };
        Ok(Box::new(move |queue| {
            // SAFETY: as above.
            unsafe { keep.launch(queue) }?;
            // SAFETY: as above.
            unsafe { advance(queue, keep.count) }
        }))
    })
}
