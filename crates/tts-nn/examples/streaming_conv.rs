//! A causal convolution gives the same output whole and in pieces.

use candle_core::{Device, Result, Tensor};
use tts_nn::{CausalConv1d, ConvState};

fn main() -> Result<()> {
    let device = Device::Cpu;
    let weight = Tensor::arange(0_f32, 12.0, &device)?.reshape((2, 2, 3))?;
    let conv = CausalConv1d::new(&weight, None, 2)?;
    let x = Tensor::arange(0_f32, 20.0, &device)?.reshape((2, 10))?;

    let whole = conv.forward(&x, &mut ConvState::default())?;
    let mut state = ConvState::default();
    let pieces = [
        conv.forward(&x.narrow(1, 0, 4)?.contiguous()?, &mut state)?,
        conv.forward(&x.narrow(1, 4, 6)?.contiguous()?, &mut state)?,
    ];
    let pieces = Tensor::cat(&pieces, 1)?;
    assert_eq!(whole.to_vec2::<f32>()?, pieces.to_vec2::<f32>()?);
    println!("{whole}");
    Ok(())
}
