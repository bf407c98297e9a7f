use std::sync::{Mutex, PoisonError};

/// Memory that one computation takes and gives back for the next one.
#[derive(Debug)]
pub(crate) struct Works<T>(Mutex<Vec<T>>);

impl<T> Works<T> {
    pub(crate) fn take(&self, new: impl FnOnce() -> T) -> T {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        taken.unwrap_or_else(new)
    }

    pub(crate) fn put(&self, work: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }
}

impl<T> Default for Works<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
