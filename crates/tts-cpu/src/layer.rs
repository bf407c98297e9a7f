use crate::decoder::DecoderShape;
use crate::error::ShapeError;
use crate::matrix::{Matrix, Scheme};
use crate::packed::{Packed, PackedError, Reader, Store, Writer};

/// The weights of one layer, row by row, one row an output.
#[derive(Debug, Clone, Copy)]
pub struct LayerWeights<'a> {
    /// Norm before attention, `[hidden]`.
    pub attention_norm: &'a [f32],
    /// `[heads * head_dim, hidden]`.
    pub query: &'a [f32],
    /// `[kv_heads * head_dim, hidden]`.
    pub key: &'a [f32],
    /// `[kv_heads * head_dim, hidden]`.
    pub value: &'a [f32],
    /// Norm of every query head, `[head_dim]`.
    pub query_norm: &'a [f32],
    /// Norm of every key head, `[head_dim]`.
    pub key_norm: &'a [f32],
    /// `[hidden, heads * head_dim]`.
    pub output: &'a [f32],
    /// Norm before the MLP, `[hidden]`.
    pub mlp_norm: &'a [f32],
    /// `[intermediate, hidden]`.
    pub gate: &'a [f32],
    /// `[intermediate, hidden]`.
    pub up: &'a [f32],
    /// `[hidden, intermediate]`.
    pub down: &'a [f32],
}

/// A layer of a [`Decoder`](crate::Decoder), its matrices in few bits.
#[derive(Debug)]
pub struct Layer {
    pub(crate) attention_norm: Store<f32>,
    pub(crate) qkv: Matrix,
    pub(crate) query_norm: Store<f32>,
    pub(crate) key_norm: Store<f32>,
    pub(crate) output: Matrix,
    pub(crate) mlp_norm: Store<f32>,
    /// Rows of gate and up in turn.
    pub(crate) gate_up: Matrix,
    pub(crate) down: Matrix,
}

impl Layer {
    /// Rounds and packs the weights of a layer.
    ///
    /// # Errors
    /// If one has another size than `shape` says.
    pub fn pack<'a>(
        scheme: Scheme,
        shape: &DecoderShape,
        weights: LayerWeights<'a>,
    ) -> Result<Self, ShapeError> {
        let (s, w) = (shape, weights);
        ShapeError::check("weights of the queries", w.query.len(), s.queries() * s.hidden)?;
        ShapeError::check("weights of the keys", w.key.len(), s.keys() * s.hidden)?;
        ShapeError::check("weights of the values", w.value.len(), s.keys() * s.hidden)?;
        ShapeError::check("weights of the gate", w.gate.len(), s.intermediate * s.hidden)?;
        ShapeError::check("weights of the up product", w.up.len(), s.intermediate * s.hidden)?;
        let (queries, keys) = (s.queries(), s.keys());
        let row = |weight: &'a [f32], row: usize| {
            weight.get(row * s.hidden..(row + 1) * s.hidden).unwrap_or_default()
        };
        let qkv = |index: usize| match index.checked_sub(queries) {
            None => row(w.query, index),
            Some(index) if index < keys => row(w.key, index),
            Some(index) => row(w.value, index - keys),
        };
        let gate_up = |index| row(if index % 2 == 0 { w.gate } else { w.up }, index / 2);
        let own = |values: &[f32]| Store::Own(values.to_vec());
        let layer = Self {
            attention_norm: own(w.attention_norm),
            qkv: Matrix::pack_rows(scheme, queries + 2 * keys, s.hidden, qkv),
            query_norm: own(w.query_norm),
            key_norm: own(w.key_norm),
            output: Matrix::pack(scheme, s.hidden, s.queries(), w.output)?,
            mlp_norm: own(w.mlp_norm),
            gate_up: Matrix::pack_rows(scheme, 2 * s.intermediate, s.hidden, gate_up),
            down: Matrix::pack(scheme, s.hidden, s.intermediate, w.down)?,
        };
        layer.check(shape)?;
        Ok(layer)
    }

    /// Compares all sizes with those of a stack.
    pub(crate) fn check(&self, s: &DecoderShape) -> Result<(), ShapeError> {
        let norm = |what, norm: &Store<f32>, expected| {
            ShapeError::check(what, norm.values().len(), expected)
        };
        norm("weights of the attention norm", &self.attention_norm, s.hidden)?;
        norm("weights of the query norm", &self.query_norm, s.head_dim)?;
        norm("weights of the key norm", &self.key_norm, s.head_dim)?;
        norm("weights of the MLP norm", &self.mlp_norm, s.hidden)?;
        let matrix = |matrix: &Matrix, rows, columns| {
            ShapeError::check("rows of a matrix", matrix.rows(), rows)?;
            ShapeError::check("columns of a matrix", matrix.columns(), columns)
        };
        matrix(&self.qkv, s.queries() + 2 * s.keys(), s.hidden)?;
        matrix(&self.output, s.hidden, s.queries())?;
        matrix(&self.gate_up, 2 * s.intermediate, s.hidden)?;
        matrix(&self.down, s.hidden, s.intermediate)
    }

    /// Bytes that a step reads of the matrices.
    pub(crate) fn bytes(&self) -> usize {
        self.qkv.bytes() + self.output.bytes() + self.gate_up.bytes() + self.down.bytes()
    }
}

/// In front of a packed layer; another one for every layout that there was.
const TAG: [u8; 8] = *b"ttslayr1";

impl Packed for Layer {
    const IS_COPIED: bool = true;

    fn write(&self, writer: &mut Writer) {
        let norms = [&self.attention_norm, &self.query_norm, &self.key_norm, &self.mlp_norm];
        writer.header(TAG, &norms.map(|norm| norm.values().len()));
        for norm in norms {
            writer.values(norm.values());
        }
        for matrix in [&self.qkv, &self.output, &self.gate_up, &self.down] {
            matrix.write(writer);
        }
    }

    fn read(reader: &mut Reader) -> Result<Self, PackedError> {
        let [attention, query, key, mlp] = reader.header(TAG)?;
        Ok(Self {
            attention_norm: reader.values(&[attention])?,
            query_norm: reader.values(&[query])?,
            key_norm: reader.values(&[key])?,
            mlp_norm: reader.values(&[mlp])?,
            qkv: Matrix::read(reader)?,
            output: Matrix::read(reader)?,
            gate_up: Matrix::read(reader)?,
            down: Matrix::read(reader)?,
        })
    }
}
