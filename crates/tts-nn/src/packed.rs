//! Layers in few bits, for one pass of a team of threads on the CPU.

use std::sync::{Arc, OnceLock};

use candle_core::{Error, Result, Tensor};
use smallvec::SmallVec;
use tts_cpu::{
    Beginning, Cells, DecoderShape, Inputs, Layer, LayerWeights, Matrix, Place, Pool, Scheme,
    Sequence, ShapeError, Work,
};

use crate::buffer::Buffer;
use crate::decoder::{Blocks, DecoderConfig};
use crate::kv_cache::CacheFull;
use crate::source::{self, Source};
use crate::values::{Values, with_values};
use crate::works::Works;

/// The weights of a layer, in the order of [`LayerWeights`].
const WEIGHTS: [&str; 11] = [
    "input_layernorm",
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.q_norm",
    "self_attn.k_norm",
    "self_attn.o_proj",
    "post_attention_layernorm",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
];

/// Rows of a step that share one reading of the weights; bounds the memory of a prompt.
const ROWS: usize = 32;

/// A matrix in few bits that multiplies rows of tensors.
#[derive(Debug, Clone)]
pub(crate) struct PackedMatrix(Arc<Product>);

#[derive(Debug)]
struct Product {
    matrix: Matrix,
    /// Memory of products that are not being computed.
    works: Works<ProductWork>,
}

#[derive(Debug)]
struct ProductWork {
    inputs: Inputs,
    outputs: Cells,
}

impl PackedMatrix {
    /// From a tensor `[outputs, inputs]` in f32 on the CPU, or what was packed from it before.
    pub(crate) fn load<E: From<Error>>(
        scheme: Scheme,
        source: &impl Source<E>,
        name: &str,
    ) -> std::result::Result<Self, E> {
        let matrix = source::packed(source, name, &[name], |tensors| {
            let Some(weight) = tensors.first() else { candle_core::bail!("no tensor to pack") };
            let (outputs, inputs) = weight.dims2()?;
            let pack = |values: &[f32]| Matrix::pack(scheme, outputs, inputs, values);
            with_values(weight, pack)?.map_err(Error::wrap)
        })?;
        Ok(Self(Arc::new(Product { matrix, works: Works::default() })))
    }

    pub(crate) fn outputs(&self) -> usize {
        self.0.matrix.rows()
    }

    pub(crate) fn inputs(&self) -> usize {
        self.0.matrix.columns()
    }

    /// Rows of inputs to as many rows of outputs.
    pub(crate) fn multiply(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        let Product { matrix, works } = &*self.0;
        let width = matrix.rows();
        let mut work = works.take(|| ProductWork {
            inputs: Inputs::new(matrix.columns()),
            outputs: Cells::new(width),
        });
        work.inputs.set(matrix.scheme(), x).map_err(Error::wrap)?;
        let outputs = work.inputs.len() * width;
        if y.len() != outputs {
            candle_core::bail!("room for {} outputs of a product, expected {outputs}", y.len());
        }
        if work.outputs.len() < outputs {
            work.outputs = Cells::new(outputs);
        }
        together(|member| {
            let tiles = member.share(matrix.tiles());
            matrix.multiply_tiles(&work.inputs, tiles, |row, output, values| {
                work.outputs.write(row * width + output, values);
            })
        })?;
        work.outputs.read(0..outputs, y);
        works.put(work);
        Ok(())
    }
}

/// A stack of layers in few bits.
#[derive(Debug)]
pub(crate) struct PackedDecoder {
    decoder: tts_cpu::Decoder,
    /// Memory of steps that are not running.
    works: Works<Work>,
}

/// Keys and values of one sequence.
#[derive(Debug)]
pub(crate) struct PackedState(Sequence);

impl PackedState {
    pub(crate) fn position(&self) -> usize {
        self.0.position()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn beginning(&self, positions: usize) -> Beginning {
        self.0.beginning(positions)
    }

    pub(crate) fn begin(&mut self, beginning: &Beginning) -> Result<()> {
        self.0.begin(beginning).map_err(Error::wrap)
    }
}

impl PackedDecoder {
    pub(crate) fn load<E: From<Error>>(
        c: &DecoderConfig,
        scheme: Scheme,
        source: &impl Source<E>,
    ) -> std::result::Result<Self, E> {
        if c.window.is_some() || !c.head_norms || c.layer_scales || c.blocks != Blocks::RmsGated {
            return Err(Error::Msg(format!("a stack that cannot be packed: {c:?}")).into());
        }
        let norm = source.tensor("norm.weight")?;
        let shape = DecoderShape {
            hidden: norm.elem_count(),
            heads: c.heads,
            kv_heads: c.kv_heads,
            head_dim: c.head_dim,
            intermediate: c.intermediate,
            norm_eps: c.norm_eps as f32,
            rope_theta: c.rope_theta,
        };
        let norm = Values::<f32, _>::of(&norm)?;
        let mut decoder = tts_cpu::Decoder::new(shape, &norm).map_err(Error::wrap)?;
        for index in 0..c.layers {
            let names = WEIGHTS.map(|name| format!("layers.{index}.{name}.weight"));
            let names = names.each_ref().map(String::as_str);
            let layer = source::packed(source, &format!("layers.{index}"), &names, |tensors| {
                pack(scheme, &shape, tensors)
            })?;
            decoder.push_layer(layer).map_err(Error::wrap)?;
        }
        Ok(Self { decoder, works: Works::default() })
    }

    pub(crate) fn swap_layer(&mut self, index: usize, other: &mut Self) -> Result<()> {
        self.decoder.swap_layer(index, &mut other.decoder).map_err(Error::wrap)
    }

    pub(crate) fn new_state(&self, capacity: usize) -> PackedState {
        PackedState(self.decoder.new_sequence(capacity))
    }

    /// See [`Decoder::forward`](crate::Decoder::forward).
    pub(crate) fn forward(&self, x: &Tensor, states: &mut [&mut PackedState]) -> Result<Tensor> {
        let (batch, time, hidden) = x.dims3()?;
        let mut outputs = vec![0.0; batch * time * hidden];
        with_values(x, |inputs| {
            self.push(inputs, time, states, |row, read| {
                let start = row * hidden;
                read(outputs.get_mut(start..start + hidden).unwrap_or_default());
            })
        })??;
        Tensor::from_vec(outputs, (batch, time, hidden), x.device())
    }

    /// See [`Decoder::last_into`](crate::Decoder::last_into).
    pub(crate) fn last_into(
        &self,
        x: &Tensor,
        y: &Buffer,
        states: &mut [&mut PackedState],
    ) -> Result<()> {
        let (_, time, hidden) = x.dims3()?;
        with_values(x, |inputs| {
            y.change(|outputs: &mut [f32]| {
                self.push(inputs, time, states, |row, read| {
                    let start = row / time * hidden;
                    if row % time + 1 == time {
                        read(outputs.get_mut(start..start + hidden).unwrap_or_default());
                    }
                })
            })
        })??
    }

    /// Pushes `inputs`, `[batch, time, hidden]`; `see` is given the number of every row, and what
    /// copies its output.
    fn push(
        &self,
        inputs: &[f32],
        time: usize,
        states: &mut [&mut PackedState],
        mut see: impl FnMut(usize, &dyn Fn(&mut [f32])),
    ) -> Result<()> {
        let (hidden, rows) = (self.decoder.shape().hidden, states.len() * time);
        if inputs.len() != rows * hidden {
            candle_core::bail!("{} values for {rows} rows of {hidden}", inputs.len());
        }
        // All of them fit, or none goes on.
        for state in states.iter() {
            let (needed, capacity) = (state.position() + time, state.0.capacity());
            if needed > capacity {
                return Err(Error::wrap(CacheFull { needed, capacity }));
            }
        }
        for state in states.iter_mut() {
            state.0.advance(time).map_err(Error::wrap)?;
        }
        let mut places = (states.iter()).flat_map(|state| {
            let positions = state.position() - time..state.position();
            positions.map(|position| Place { sequence: &state.0, position })
        });
        let work = self.works.take(|| self.decoder.new_work(ROWS, Pool::shared().size()));
        let mut first = 0;
        for inputs in inputs.chunks(ROWS * hidden) {
            let places: SmallVec<[_; ROWS]> = places.by_ref().take(ROWS).collect();
            work.states.write(0, inputs);
            together(|member| self.decoder.step(&member, &places, &work))?;
            for row in 0..places.len() {
                let output = row * hidden..(row + 1) * hidden;
                see(first + row, &|values| work.states.read(output.clone(), values));
            }
            first += places.len();
        }
        self.works.put(work);
        Ok(())
    }
}

/// A layer from its [`WEIGHTS`].
fn pack(scheme: Scheme, shape: &DecoderShape, tensors: &[Tensor]) -> Result<Layer> {
    let values = tensors.iter().map(Values::<f32, _>::of).collect::<Result<Vec<_>>>()?;
    let mut values = values.iter().map(|values| &**values);
    let mut next = || values.next().unwrap_or_default();
    let weights = LayerWeights {
        attention_norm: next(),
        query: next(),
        key: next(),
        value: next(),
        query_norm: next(),
        key_norm: next(),
        output: next(),
        mlp_norm: next(),
        gate: next(),
        up: next(),
        down: next(),
    };
    Layer::pack(scheme, shape, weights).map_err(Error::wrap)
}

/// Every member of the shared team does its part.
fn together(
    part: impl Fn(tts_cpu::Member<'_>) -> std::result::Result<(), ShapeError> + Sync,
) -> Result<()> {
    let failure = OnceLock::new();
    Pool::shared().run(|member| {
        if let Err(error) = part(member) {
            // All fail alike; the first is as good as any.
            let _ = failure.set(error);
        }
    });
    failure.into_inner().map_or(Ok(()), |error| Err(Error::wrap(error)))
}
