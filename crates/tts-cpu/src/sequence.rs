use std::sync::{Arc, Mutex, PoisonError};

use crate::error::ShapeError;

/// What a stack remembers of one sequence: keys and values of all positions, and the
/// rotations of all that there may be.
#[derive(Debug)]
pub struct Sequence {
    /// Of every layer and key head.
    pub(crate) heads: Vec<Mutex<HeadCache>>,
    pub(crate) rotations: Arc<Rotations>,
    capacity: usize,
    position: usize,
}

/// The first positions of a sequence, for others that begin alike.
#[derive(Debug)]
pub struct Beginning {
    heads: Vec<HeadCache>,
    positions: usize,
}

/// Keys and values `[positions, head_dim]` of one head.
#[derive(Debug)]
pub(crate) struct HeadCache {
    pub(crate) keys: Vec<f32>,
    pub(crate) values: Vec<f32>,
}

impl Sequence {
    pub(crate) fn new(
        heads: usize,
        head_dim: usize,
        capacity: usize,
        rotations: Arc<Rotations>,
    ) -> Self {
        let buffer = || Vec::with_capacity(capacity * head_dim);
        let head = |_| Mutex::new(HeadCache { keys: buffer(), values: buffer() });
        Self { heads: (0..heads).map(head).collect(), rotations, capacity, position: 0 }
    }

    /// Positions so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Positions there is room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Starts anew in the same memory.
    pub fn clear(&mut self) {
        self.position = 0;
        for head in &mut self.heads {
            let head = head.get_mut().unwrap_or_else(PoisonError::into_inner);
            head.keys.clear();
            head.values.clear();
        }
    }

    /// A copy of the first positions, as many of them as there are.
    pub fn beginning(&self, positions: usize) -> Beginning {
        let positions = positions.min(self.position);
        let first = |values: &[f32]| {
            let width = values.len().checked_div(self.position).unwrap_or(0);
            values.get(..positions * width).unwrap_or_default().to_vec()
        };
        let heads = self.heads.iter().map(|head| {
            let head = head.lock().unwrap_or_else(PoisonError::into_inner);
            HeadCache { keys: first(&head.keys), values: first(&head.values) }
        });
        Beginning { heads: heads.collect(), positions }
    }

    /// Starts anew as a sequence of the same stack began.
    ///
    /// # Errors
    /// If it is of another stack, or there is no room for it; the sequence is as it was then.
    pub fn begin(&mut self, beginning: &Beginning) -> Result<(), ShapeError> {
        let Beginning { heads, positions } = beginning;
        ShapeError::check("heads of a sequence", heads.len(), self.heads.len())?;
        ShapeError::check("positions of a sequence", *positions, self.capacity.min(*positions))?;
        self.clear();
        for (head, first) in self.heads.iter_mut().zip(heads) {
            let head = head.get_mut().unwrap_or_else(PoisonError::into_inner);
            head.keys.extend_from_slice(&first.keys);
            head.values.extend_from_slice(&first.values);
        }
        self.position = *positions;
        Ok(())
    }

    /// Takes `count` more positions, which the next step fills.
    ///
    /// # Errors
    /// If there is no room for them; nothing is taken then.
    pub fn advance(&mut self, count: usize) -> Result<(), ShapeError> {
        let needed = self.position + count;
        if needed > self.capacity {
            let (found, expected) = (needed, self.capacity);
            return Err(ShapeError { what: "positions of a sequence", found, expected });
        }
        self.position = needed;
        Ok(())
    }
}

/// Cosines and sines `[positions, head_dim / 2]`.
#[derive(Debug, Default)]
pub(crate) struct Rotations {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotations {
    /// The products are rounded to f32 as in the reference, so far positions agree with it.
    pub(crate) fn new(theta: f64, head_dim: usize, positions: usize) -> Self {
        let half = head_dim / 2;
        let frequency = |j: usize| theta.powf(-((2 * j) as f64) / head_dim as f64) as f32;
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let mut rotations = Self { half, ..Self::default() };
        for position in 0..positions {
            for &frequency in &frequencies {
                let (sin, cos) = f64::from(position as f32 * frequency).sin_cos();
                rotations.cos.push(cos as f32);
                rotations.sin.push(sin as f32);
            }
        }
        rotations
    }

    pub(crate) fn positions(&self) -> usize {
        self.cos.len().checked_div(self.half).unwrap_or(usize::MAX)
    }

    /// Cosines and sines of a position.
    pub(crate) fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let range = position * self.half..(position + 1) * self.half;
        (self.cos.get(range.clone()).unwrap_or_default(), self.sin.get(range).unwrap_or_default())
    }
}
