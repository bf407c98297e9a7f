//! Neural network blocks shared by the talker, the code predictor and the codec.
//!
//! [`Decoder`] is the pre-norm transformer that all three use, over a
//! [`DecoderState`] that belongs to one sequence. [`CausalConv1d`],
//! [`CausalConvTranspose1d`] and [`DepthwiseConv1d`] keep the tail of their input
//! in a state, so a signal may be pushed through in pieces of any size.
//! Everything runs on any device of the tensor library; stacks and linear layers [in
//! bits](Decoder::load), and products [in pieces](Linear::in_pieces), have kernels of
//! their own on the CPU (`tts-cpu`).
//!
//! Modules are built from a closure that returns the tensor of a name, or from any [`Source`] if
//! there may be something [`packed`] for them. Shapes are written `[batch, time, hidden]` for
//! transformers and `[channels, time]` for convolutions.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use tts_nn::{CausalConv1d, ConvState};
//!
//! // A moving sum over three samples, pushed in two pieces.
//! let weight = Tensor::ones((1, 1, 3), candle_core::DType::F32, &Device::Cpu)?;
//! let conv = CausalConv1d::new(&weight, None, 1)?;
//! let mut state = ConvState::default();
//! let first = conv.forward(&Tensor::new(&[[1f32, 2.0]], &Device::Cpu)?, &mut state)?;
//! let second = conv.forward(&Tensor::new(&[[3f32]], &Device::Cpu)?, &mut state)?;
//! assert_eq!(first.to_vec2::<f32>()?, [[1.0, 3.0]]);
//! assert_eq!(second.to_vec2::<f32>()?, [[6.0]]);
//! # Ok::<(), candle_core::Error>(())
//! ```

mod attention;
mod bits;
mod buffer;
mod conv;
mod conv_transpose;
mod counter;
mod decoder;
mod dense;
mod embedding;
mod gpu;
mod gpu_conv;
mod gpu_matrix;
mod gpu_rows;
mod gpu_weights;
mod graph;
mod kv_cache;
mod linear;
mod mlp;
mod norm;
mod packed;
mod product;
mod resident;
mod rope;
mod snake;
mod source;
mod time_product;
mod values;
mod works;

pub use bits::{Bits, Format, Packing};
pub use buffer::{Buffer, HostValue};
pub use conv::{CausalConv1d, ConvState, DepthwiseConv1d};
pub use conv_transpose::CausalConvTranspose1d;
pub use counter::Counter;
pub use decoder::{Beginning, Blocks, Decoder, DecoderBatch, DecoderConfig, DecoderState};
pub use embedding::Embedding;
#[cfg(feature = "emulated")]
pub use gpu::emulate_gpu;
pub use gpu::{address_of, computed_in, queue_of};
pub use gpu_conv::{GpuConv, GpuConvState};
pub use gpu_matrix::{Epilogue, GpuMatrix};
pub use gpu_rows::{GpuCodebooks, GpuDepthwiseNorm};
pub use graph::{Graph, can_wait};
pub use kv_cache::{CacheFull, KvCache};
pub use linear::Linear;
pub use norm::{LayerNorm, RmsNorm};
pub use snake::SnakeBeta;
pub use source::{Source, packed};
pub use tts_cpu::Scheme;
pub use values::{with_ids, with_values};
