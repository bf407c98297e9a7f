use std::cell::Cell;

use candle_core::{DType, Device, Error, Result, Tensor};
use tts_cuda::{Keep, NextInput, Queue, advance};

use crate::buffer::Buffer;
use crate::gpu::{address_of, queue_of, values_of};
use crate::values::{with_ids, with_values};

/// Counts steps where the model is, for all that is different in every step: what a kernel for a GPU
/// is told by the host would be the same in a step that is repeated without the host.
#[derive(Debug)]
pub struct Counter {
    /// `[1]` in u32.
    steps: Buffer,
    /// The same, as the host counts.
    known: Cell<usize>,
    queue: Option<Queue>,
}

impl Counter {
    /// At 0.
    ///
    /// # Errors
    /// As [`queue_of`].
    pub fn new(device: &Device) -> Result<Self> {
        Ok(Self {
            steps: Buffer::zeros(1, DType::U32, device)?,
            known: Cell::new(0),
            queue: queue_of(device)?,
        })
    }

    /// Steps so far, which nobody has to read.
    pub fn steps(&self) -> usize {
        self.known.get()
    }

    /// Begins anew.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset(&self) -> Result<()> {
        self.known.set(0);
        self.steps.write(&[0_u32])
    }

    /// Counts one.
    ///
    /// # Errors
    /// If the kernel cannot be launched.
    pub fn advance(&self) -> Result<()> {
        self.pass();
        let Some(queue) = &self.queue else { return self.steps.write(&[self.known.get() as u32]) };
        // SAFETY: one number, which is freed in the order of the queue.
        unsafe { advance(queue, address_of(&self.steps)?) }.map_err(Error::wrap)
    }

    /// Notes a step that a [graph](crate::Graph) counted.
    pub fn pass(&self) {
        self.known.set(self.known.get() + 1);
    }

    /// Where it is.
    pub(crate) fn as_tensor(&self) -> &Tensor {
        &self.steps
    }

    /// Puts `sum`, `[batch, width]`, and those rows of `[steps, batch, width]` whose turn it is
    /// into `x`, `[batch, width]`.
    ///
    /// # Errors
    /// If shapes or types differ; if there is no such step.
    pub fn add_rows(&self, sum: &Tensor, rows: &Buffer, x: &Buffer) -> Result<()> {
        let (batch, width) = x.dims2()?;
        let steps = self.within(rows)?;
        if rows.dims() != [steps, batch, width] || sum.dims() != x.dims() {
            candle_core::bail!("{:?} and {:?} for {:?}", sum.dims(), rows.dims(), x.dims());
        }
        let Some(queue) = &self.queue else {
            x.set(sum)?;
            if !x.is_on_host() {
                return x.add(&rows.get(self.steps())?);
            }
            let places = self.steps() * batch * width..(self.steps() + 1) * batch * width;
            return with_values(rows, |rows| {
                x.change(|x: &mut [f32]| {
                    let rows = rows.get(places).into_iter().flatten();
                    x.iter_mut().zip(rows).for_each(|(x, row)| *x += row);
                })
            })?;
        };
        let next = NextInput {
            sum: values_of(sum, x.dims())?,
            texts: values_of(rows, rows.dims())?,
            steps: steps as u32,
            count: address_of(&self.steps)?,
            rows: batch as u32,
            width: width as u32,
            x: values_of(x, x.dims())?,
        };
        // SAFETY: the tensors have these shapes, and are freed in the order of the queue.
        unsafe { next.launch(queue) }.map_err(Error::wrap)
    }

    /// Puts `values`, in u32, into that place of `log` whose turn it is: as many of its first
    /// dimension as values have.
    ///
    /// # Errors
    /// If shapes or types differ; if there is no such step.
    pub fn keep(&self, values: &Tensor, log: &Buffer) -> Result<()> {
        let width = values.elem_count();
        let steps = log.elem_count() / width.max(1);
        if self.steps() >= steps || log.dtype() != DType::U32 || values.dtype() != DType::U32 {
            candle_core::bail!(
                "{:?} in {:?} of step {} for {:?} in {:?}",
                values.dims(),
                values.dtype(),
                self.steps(),
                log.dims(),
                log.dtype()
            );
        }
        let Some(queue) = &self.queue else {
            if log.device().is_cpu() {
                let places = self.steps() * width..(self.steps() + 1) * width;
                return with_ids(values, |values| {
                    log.change(|log: &mut [u32]| {
                        let own = log.get_mut(places).into_iter().flatten();
                        own.zip(values).for_each(|(own, value)| *own = *value);
                    })
                })?;
            }
            return log.set_rows(self.steps() * values.dim(0)?, values);
        };
        let keep = Keep {
            from: address_of(values)?,
            width: width as u32,
            count: address_of(&self.steps)?,
            steps: steps as u32,
            log: address_of(log)?,
        };
        // SAFETY: the tensors have these sizes, and are freed in the order of the queue.
        unsafe { keep.launch(queue) }.map_err(Error::wrap)
    }

    /// Steps of `rows`, if the next is one.
    fn within(&self, rows: &Tensor) -> Result<usize> {
        let steps = rows.dim(0)?;
        if self.steps() >= steps {
            candle_core::bail!("step {} of {steps}", self.steps());
        }
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_its_place() -> Result<()> {
        let device = &Device::Cpu;
        let counter = Counter::new(device)?;
        let rows = Tensor::arange(0_f32, 12.0, device)?.reshape((3, 2, 2))?;
        let rows = Buffer::of(rows)?;
        let (sum, x) =
            (Tensor::ones((2, 2), DType::F32, device)?, Buffer::of(rows.get(0)?.copy()?)?);
        let log = Buffer::zeros((6, 2), DType::U32, device)?;
        for _ in 0..2 {
            counter.reset()?;
            for step in 0..3_u32 {
                counter.add_rows(&sum, &rows, &x)?;
                let first = step as f32 * 4.0 + 1.0;
                assert_eq!(x.to_vec2::<f32>()?, [[first, first + 1.0], [first + 2.0, first + 3.0]]);
                counter.keep(&Tensor::full(step + 5, (2, 2), device)?, &log)?;
                counter.advance()?;
            }
            assert_eq!(counter.steps(), 3);
            assert_eq!(counter.as_tensor().to_vec1::<u32>()?, [3]);
            assert_eq!(log.to_vec2::<u32>()?, [[5, 5], [5, 5], [6, 6], [6, 6], [7, 7], [7, 7]]);
        }
        assert!(counter.add_rows(&sum, &rows, &x).is_err());
        assert!(counter.keep(&Tensor::full(9_u32, (2, 2), device)?, &log).is_err());
        counter.reset()?;
        assert!(counter.keep(&Tensor::full(9_i64, (2, 2), device)?, &log).is_err());
        assert!(counter.add_rows(&sum.narrow(0, 0, 1)?, &rows, &x).is_err());
        Ok(())
    }
}
