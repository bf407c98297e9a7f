use libloading::Library;

use crate::GpuError;

/// Opens the library `name`, or the first of the `others` that is there.
///
/// Only for the libraries of the CUDA driver and toolkit.
pub(crate) fn open(name: &'static str, others: &[&'static str]) -> Result<Library, GpuError> {
    others.iter().fold(load(name), |found, other| {
        // The first name is the one to report: the one that should be there.
        found.or_else(|error| load(other).map_err(|_| error))
    })
}

fn load(name: &'static str) -> Result<Library, GpuError> {
    // SAFETY: loading a library of NVIDIA runs its initialisers, which ask nothing of the
    // program.
    let library = unsafe { Library::new(name) };
    library.map_err(|source| GpuError::Library { library: name, source })
}

/// A function of the library that was opened as `name`.
///
/// # Safety
/// `F` has to be its type.
pub(crate) unsafe fn function<F: Copy>(
    library: &Library,
    name: &'static str,
    function: &'static str,
) -> Result<F, GpuError> {
    // SAFETY: the caller knows its type.
    let symbol = unsafe { library.get::<F>(function.as_bytes()) };
    symbol.map(|symbol| *symbol).map_err(|source| GpuError::Function {
        library: name,
        function,
        source,
    })
}

/// Declares a struct of the functions of a library, with `open`, which finds them.
macro_rules! functions {
    (
        $(#[$doc:meta])*
        $table:ident of $name:literal or $others:expr;
        $($field:ident = $symbol:literal: fn($($argument:ty),*);)*
    ) => {
        $(#[$doc])*
        pub(crate) struct $table {
            $(pub(crate) $field: unsafe extern "C" fn($($argument),*) -> u32,)*
            /// Keeps the functions where they are.
            _library: libloading::Library,
        }

        impl $table {
            pub(crate) fn open() -> Result<Self, $crate::GpuError> {
                let library = $crate::library::open($name, &$others)?;
                Ok(Self {
                    // SAFETY: these are their types in the headers of the library.
                    $($field: unsafe { $crate::library::function(&library, $name, $symbol)? },)*
                    _library: library,
                })
            }
        }
    };
}
pub(crate) use functions;
