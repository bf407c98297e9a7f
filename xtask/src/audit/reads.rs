//! Which calls read device memory or wait for the device.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;
use syn::{Expr, Ident};

use super::names::Names;
use crate::source::tokens::each_tree;

/// Moves a tensor; a read if it goes to the CPU.
pub(super) const TO_DEVICE: &str = "to_device";
/// Marks a read.
pub(super) const MARK: &str = "gpu_sync";

/// Methods of tensors, storages, devices, streams, events and command buffers.
const METHODS: [&str; 8] = [
    "to_vec0",
    "to_vec1",
    "to_vec2",
    "to_vec3",
    "to_scalar",
    "to_cpu_storage",
    "synchronize",
    "wait_until_completed",
];
/// Parts of names of copies from device to host: `memcpy_dtoh`, `clone_dtoh`,
/// `dtoh_sync_copy_into`, `memcpy_dtov`, `cuMemcpyDtoHAsync_v2`.
const COPIES: [&str; 2] = ["dtoh", "dtov"];
/// Ends of names of waits: `cudaDeviceSynchronize`, `cuStreamSynchronize`.
const WAITS: [&str; 2] = ["Synchronize", "_synchronize"];

/// Whether a call of `name` reads or waits, whatever it is given.
pub(super) fn is_read(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    METHODS.contains(&name)
        || COPIES.iter().any(|part| lower.contains(part))
        || WAITS.iter().any(|end| name.ends_with(end))
}

/// Whether `device` is the CPU: it mentions `Cpu`, or a name that is known to stand for it
/// or says so itself.
pub(super) fn is_cpu(device: &Expr, names: &Names) -> bool {
    struct Search<'a>(&'a Names, bool);
    impl<'ast> Visit<'ast> for Search<'_> {
        fn visit_ident(&mut self, name: &'ast Ident) {
            self.1 |= self.0.is_cpu(&name.to_string());
        }
    }
    let mut search = Search(names, false);
    search.visit_expr(device);
    search.1
}

/// As [`is_cpu`], of tokens that are no expression.
pub(super) fn mentions_cpu(device: &TokenStream, names: &Names) -> bool {
    let mut found = false;
    each_tree(device, &mut |tree| {
        if let TokenTree::Ident(name) = tree {
            found |= names.is_cpu(&name.to_string());
        }
    });
    found
}

/// Whether `tensor` has been copied to the CPU already: a chain of methods behind a
/// `to_device`, or a name bound to one.
pub(super) fn is_copy(tensor: &Expr, names: &Names) -> bool {
    match tensor {
        Expr::Path(path) => {
            path.path.get_ident().is_some_and(|name| names.is_copy(&name.to_string()))
        }
        Expr::MethodCall(call) => {
            let moves = call.method == TO_DEVICE
                && call.args.first().is_some_and(|device| is_cpu(device, names));
            moves || is_copy(&call.receiver, names)
        }
        Expr::Try(inner) => is_copy(&inner.expr, names),
        Expr::Paren(inner) => is_copy(&inner.expr, names),
        Expr::Reference(inner) => is_copy(&inner.expr, names),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_known_by_name() {
        for name in [
            "to_vec0",
            "to_vec1",
            "to_vec2",
            "to_vec3",
            "to_scalar",
            "synchronize",
            "memcpy_dtoh",
            "clone_dtoh",
            "dtoh_sync_copy",
            "dtoh_sync_copy_into",
            "memcpy_dtov",
            "to_cpu_storage",
            "cuMemcpyDtoHAsync_v2",
            "cudaDeviceSynchronize",
            "cuStreamSynchronize",
        ] {
            assert!(is_read(name), "{name}");
        }
        for name in ["to_vec", "to_dtype", "to_device", "memcpy_htod", "memcpy_dtod", "is_sync"] {
            assert!(!is_read(name), "{name}");
        }
    }

    #[test]
    fn the_cpu_is_known_by_name() {
        let names = Names::default();
        let is_cpu = |device: &str| is_cpu(&syn::parse_str(device).unwrap(), &names);
        assert!(is_cpu("&Device::Cpu"));
        assert!(is_cpu("&candle_core::Device::Cpu"));
        assert!(is_cpu("&self.cpu"));
        assert!(is_cpu("host_device()"));
        assert!(!is_cpu("&self.device"));
        assert!(!is_cpu("weight.device()"));
    }

    #[test]
    fn what_was_copied_is_on_the_cpu() {
        let mut names = Names::default();
        names.bind_copy("there");
        let is_copy = |tensor: &str| is_copy(&syn::parse_str(tensor).unwrap(), &names);
        assert!(is_copy("x.to_device(&Device::Cpu)?"));
        assert!(is_copy("(&x.to_device(&Device::Cpu)?).flatten_all()?"));
        assert!(is_copy("there"));
        assert!(!is_copy("x.to_device(gpu)?"));
        assert!(!is_copy("x"));
    }
}
