use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};

/// Where something is in the memory of what runs the kernels: of a GPU, or of this process where
/// they are emulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub u64);

impl Address {
    /// Of values in the memory of this process, for kernels that are emulated.
    pub fn of<T>(values: *mut T) -> Self {
        Self(values as usize as u64)
    }

    /// Further on, by some bytes.
    #[must_use]
    pub fn after(self, bytes: usize) -> Self {
        Self(self.0 + bytes as u64)
    }
}

/// What runs kernels, one after the other.
#[derive(Debug, Clone)]
pub enum Queue {
    /// A stream of a GPU; a launch returns before the kernel has run.
    #[cfg(feature = "cuda")]
    Gpu(crate::gpu::Gpu),
    /// The calling thread.
    #[cfg(feature = "emulated")]
    Emulated(Order),
}

/// The order in which emulated threads of a block run between two barriers; results must not depend
/// on it.
#[cfg(feature = "emulated")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// From the first to the last.
    #[default]
    Forwards,
    /// From the last to the first.
    Backwards,
    /// As the dice fall.
    Shuffled(u32),
}

impl Queue {
    /// Puts a kernel into the queue.
    ///
    /// # Errors
    /// If the driver refuses it or, where it is emulated, if a thread breaks a rule.
    ///
    /// # Safety
    /// The arguments are those of the kernel. What it reads and writes from their addresses on is
    /// memory of the values that it takes them for, lives until it has run, and is not used
    /// otherwise meanwhile.
    pub unsafe fn launch(
        &self,
        kernel: Kernel,
        launch: Launch,
        args: &[Arg],
    ) -> Result<(), LaunchError> {
        match self {
            // SAFETY: as promised by the caller.
            #[cfg(feature = "cuda")]
            Self::Gpu(gpu) => unsafe { gpu.launch(kernel, launch, args) },
            // SAFETY: as promised by the caller.
            #[cfg(feature = "emulated")]
            Self::Emulated(order) => unsafe {
                crate::emulated::launch(*order, kernel, launch, args)
            },
            // There is no queue without one of the features.
            #[cfg(not(any(feature = "cuda", feature = "emulated")))]
            _ => {
                let _ = (kernel, launch, args);
                Ok(())
            }
        }
    }

    /// Does it run on the CPU?
    pub fn is_emulated(&self) -> bool {
        match self {
            #[cfg(feature = "cuda")]
            Self::Gpu(_) => false,
            #[cfg(feature = "emulated")]
            Self::Emulated(_) => true,
            #[cfg(not(any(feature = "cuda", feature = "emulated")))]
            _ => false,
        }
    }
}
