//! The layers of the codec.

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use tts_nn::{Buffer, Epilogue, GpuCodebooks, GpuConv, GpuDepthwiseNorm, GpuMatrix, SnakeBeta};

use super::{COUNT, Case, random};

/// The first convolution of a residual unit, with the activation before it.
pub(super) fn convolution(device: &Device, channels: usize, time: usize) -> Result<Case> {
    const KERNEL: usize = 7;
    let vector = || random(device, &[channels], DType::F32);
    let snake = SnakeBeta::new(&vector()?, &vector()?)?;
    let weight = random(device, &[channels, channels, KERNEL], DType::F32)?;
    let conv = GpuConv::new(&weight, &vector()?, 1, Some(snake))?;
    let (x, state) = (random(device, &[channels, time], DType::F32)?, conv.new_state()?);
    let bytes = (weight.elem_count() + 2 * x.elem_count()) * size_of::<f32>();
    let name = format!("convolution of {channels} channels at {time} times");
    let y = Buffer::zeros((channels, time), DType::F32, device)?;
    Ok(Case::again(name, bytes, move || {
        Ok((0..COUNT).try_for_each(|_| conv.forward_into(&x, &state, None, &y))?)
    }))
}

/// Half as many channels at twice as many times, with the activation before.
pub(super) fn transposed(device: &Device, channels: usize, time: usize) -> Result<Case> {
    const STRIDE: usize = 2;
    let outputs = channels.div_ceil(STRIDE);
    let vector = |width: usize| random(device, &[width], DType::F32);
    let snake = SnakeBeta::new(&vector(channels)?, &vector(channels)?)?;
    let weight = random(device, &[channels, outputs, 2 * STRIDE], DType::F32)?;
    let conv = GpuConv::transposed(&weight, &vector(outputs)?, STRIDE, Some(snake))?;
    let (x, state) = (random(device, &[channels, time], DType::F32)?, conv.new_state()?);
    let bytes = (weight.elem_count() + 2 * x.elem_count()) * size_of::<f32>();
    let name = format!("transposed convolution of {channels} channels at {time} times");
    let y = Buffer::zeros((outputs, STRIDE * time), DType::F32, device)?;
    Ok(Case::again(name, bytes, move || {
        Ok((0..COUNT).try_for_each(|_| conv.forward_into(&x, &state, None, &y))?)
    }))
}

/// What comes before the waveform, on a row for each time.
pub(super) fn rows(device: &Device, rows: usize, channels: usize) -> Result<[Case; 4]> {
    Ok([
        quantizer(device, rows, channels)?,
        windows(device, rows, channels)?,
        depthwise(device, rows, channels)?,
        columns(device, rows, channels)?,
    ])
}

/// Codes to a row each.
fn quantizer(device: &Device, rows: usize, channels: usize) -> Result<Case> {
    const BOOKS: usize = 16;
    const ENTRIES: usize = 2048;
    let tables = random(device, &[BOOKS, ENTRIES, channels], DType::F32)?;
    let codebooks = GpuCodebooks::new(&tables)?;
    let codes = (0..rows * BOOKS).map(|i| (i * 7919 % ENTRIES) as u32);
    let codes = Tensor::from_iter(codes, device)?.reshape((rows, BOOKS))?;
    let y = Buffer::zeros((rows, channels), DType::F32, device)?;
    let bytes = rows * channels * (BOOKS + 1) * size_of::<f32>();
    let name = format!("codes of {rows} frames to {channels} channels");
    Ok(Case::again(name, bytes, move || {
        Ok((0..COUNT).try_for_each(|_| codebooks.sum_into(&codes, 0..BOOKS, &y))?)
    }))
}

/// The first convolution of the codec: products of three rows at once.
fn windows(device: &Device, rows: usize, channels: usize) -> Result<Case> {
    const TAPS: usize = 3;
    let inputs = channels / 2;
    let weight = random(device, &[channels, TAPS * inputs], DType::F32)?;
    let matrix = GpuMatrix::new(&weight, None)?;
    let x = random(device, &[TAPS - 1 + rows, inputs], DType::F32)?;
    let y = Buffer::zeros((rows, channels), DType::F32, device)?;
    let bytes = weight.elem_count() * size_of::<f32>();
    let name = format!("windows of {TAPS} rows of {inputs} to {channels} channels, {rows} rows");
    Ok(Case::again(name, bytes, move || {
        Ok((0..COUNT).try_for_each(|_| matrix.windows_into(&x, &y, Epilogue::Gelu))?)
    }))
}

/// The convolution of every channel on its own, and the norm behind it.
fn depthwise(device: &Device, rows: usize, channels: usize) -> Result<Case> {
    const TAPS: usize = 7;
    let vector = || random(device, &[channels], DType::F32);
    let weight = random(device, &[channels, 1, TAPS], DType::F32)?;
    let conv = GpuDepthwiseNorm::new(&weight, &vector()?, [&vector()?, &vector()?], 1e-6)?;
    let x = Buffer::of(random(device, &[conv.keep() + rows, channels], DType::F32)?)?;
    let y = Buffer::zeros((rows, channels), DType::F32, device)?;
    let bytes = (TAPS + 2 * rows) * channels * size_of::<f32>();
    let name = format!("channels on their own, {rows} rows of {channels}, and their tail");
    Ok(Case::again(name, bytes, move || {
        Ok((0..COUNT).try_for_each(|_| {
            conv.forward_into(&x, &y)?;
            x.carry(conv.keep())
        })?)
    }))
}

fn columns(device: &Device, rows: usize, channels: usize) -> Result<Case> {
    let x = random(device, &[rows, channels], DType::F32)?;
    let y = Buffer::zeros((channels, rows), DType::F32, device)?;
    let bytes = 2 * rows * channels * size_of::<f32>();
    let name = format!("rows to columns, [{rows}, {channels}]");
    Ok(Case::again(name, bytes, move || Ok((0..COUNT).try_for_each(|_| y.set_transposed(&x))?)))
}
