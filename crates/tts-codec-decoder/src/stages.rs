use std::fmt::Display;

use candle_core::{Result, Tensor};

use crate::decoder::Tap;

/// Whoever looks at the stages of a decode, perhaps nobody.
pub(crate) struct Stages<'a, 'b>(Option<&'a mut Tap<'b>>);

impl<'a, 'b> Stages<'a, 'b> {
    pub(crate) fn unseen() -> Self {
        Self(None)
    }

    pub(crate) fn seen_by(tap: &'a mut Tap<'b>) -> Self {
        Self(Some(tap))
    }

    pub(crate) fn are_seen(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn show(&mut self, name: impl Display, stage: &Tensor) -> Result<()> {
        self.show_made(name, || Ok(stage.clone()))
    }

    /// Shows a stage that is made only to be seen.
    pub(crate) fn show_made(
        &mut self,
        name: impl Display,
        make: impl FnOnce() -> Result<Tensor>,
    ) -> Result<()> {
        match &mut self.0 {
            Some(tap) => tap(&name.to_string(), &make()?),
            None => Ok(()),
        }
    }
}
