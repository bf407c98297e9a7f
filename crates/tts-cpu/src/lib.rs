//! Kernels for a CPU: for language models, where a step is as fast as its weights can be read,
//! and for a codec, which is as fast as a processor multiplies.
//!
//! A [`Matrix`] holds weights in 8 or 4 bits, packed so that a thread reads one run of
//! memory from its first byte to its last. [`Inputs`] holds the vectors that it is
//! multiplied with, rounded to 16 or 8 bits in groups. A [`Pool`] is a team of threads that
//! work through a whole step together and meet at barriers, instead of being called
//! for every product.
//!
//! Sums inside a group are integers and groups are added in order, so a product is the
//! same, bit for bit, on every processor, with any number of threads and in any batch.
//!
//! A [`Conv`] is a causal or a transposed convolution in f32 over the pieces of a [`Signal`],
//! sixteen channels to a row, with the activation ([`Snake`]) and the residual sum behind it. Its
//! sums have an order too: a signal in pieces is the whole signal. One of seven taps over a signal
//! in whole frames needs less than half the products.
//!
//! ```
//! use tts_cpu::{Inputs, Matrix, Scheme};
//!
//! let weights = [0.5_f32, -0.25, 1.0, 0.0, 2.0, -1.0];
//! let matrix = Matrix::pack(Scheme::Q8, 2, 3, &weights)?;
//! let mut inputs = Inputs::new(3);
//! inputs.set(matrix.scheme(), &[1.0, 2.0, 3.0])?;
//! let mut outputs = [0.0; 2];
//! matrix.multiply(&inputs, &mut outputs)?;
//! assert!((outputs[0] - 3.0).abs() < 0.05 && (outputs[1] - 1.0).abs() < 0.05);
//! # Ok::<(), tts_cpu::ShapeError>(())
//! ```

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod arm;
mod cells;
mod conv;
mod cut;
mod decoder;
mod error;
mod inputs;
mod kernels;
mod layer;
mod math;
mod matrix;
mod packed;
mod panels;
mod pool;
#[cfg(any(all(target_arch = "aarch64", target_endian = "little"), target_arch = "x86_64"))]
mod products;
mod q4;
mod q8;
mod region;
mod sequence;
mod signal;
mod snake;
mod strip;
mod window;
mod winograd;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use cells::Cells;
pub use conv::{Activated, Conv, Outputs};
pub use decoder::{Decoder, DecoderShape, Place, Work};
pub use error::ShapeError;
pub use inputs::Inputs;
pub use kernels::Kernels;
pub use layer::{Layer, LayerWeights};
pub use matrix::{Matrix, Scheme};
pub use packed::{Bytes, Packed, PackedError};
pub use pool::{Member, Pool};
pub use sequence::{Beginning, Sequence};
pub use signal::{Signal, Tail};
pub use snake::Snake;
