/// Operands do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {found}, expected {expected}")]
pub struct ShapeError {
    /// What is of the wrong size.
    pub what: &'static str,
    /// Its size.
    pub found: usize,
    /// The size that fits.
    pub expected: usize,
}

impl ShapeError {
    pub(crate) fn check(
        what: &'static str,
        found: usize,
        expected: usize,
    ) -> Result<(), ShapeError> {
        if found == expected { Ok(()) } else { Err(Self { what, found, expected }) }
    }
}
