//! Matrix products whose rounding does not depend on how much is computed at once.
//!
//! A signal that is pushed in pieces has to come out the same, bit for bit, whatever
//! the pieces. The matrix library adds up every column of a product in the same
//! order however many columns there are, with three exceptions: a single column takes
//! a routine of its own, a small product with a transposed factor another one, and
//! sums longer than [`DEPTH`] are cut into other blocks where both sides of the
//! product are at most [`SMALL`]. A copy and zero columns lead around them.

use candle_core::{Result, Tensor};

const SMALL: usize = 64;
const DEPTH: usize = 512;

/// `a b` with `a` `[m, k]` and `b` `[k, time]`.
pub(crate) fn over_time(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let ((rows, depth), time) = (a.dims2()?, b.dim(1)?);
    let least = if rows <= SMALL && depth > DEPTH { SMALL + 1 } else { 2 };
    let b = b.contiguous()?;
    if time >= least {
        return a.matmul(&b);
    }
    a.matmul(&b.pad_with_zeros(1, 0, least - time)?)?.narrow(1, 0, time)?.contiguous()
}
