//! What types and patterns mention.

use syn::visit::{self, Visit};
use syn::{ParenthesizedGenericArguments, Pat, PatIdent, PathSegment, Type, TypeFnPtr};

/// The type of tensors.
pub(super) const TENSOR: &str = "Tensor";

/// The names that `pattern` binds.
pub(super) fn bound(pattern: &Pat) -> Vec<String> {
    struct Bound(Vec<String>);
    impl<'ast> Visit<'ast> for Bound {
        fn visit_pat_ident(&mut self, name: &'ast PatIdent) {
            self.0.push(name.ident.to_string());
            visit::visit_pat_ident(self, name);
        }
    }
    let mut found = Bound(Vec::new());
    found.visit_pat(pattern);
    found.0
}

/// Whether a value of type `ty` is a tensor or holds some; a function that takes or gives
/// them does not.
pub(super) fn holds_tensor(ty: &Type) -> bool {
    struct Search(bool);
    impl<'ast> Visit<'ast> for Search {
        fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
            self.0 |= segment.ident == TENSOR;
            visit::visit_path_segment(self, segment);
        }

        fn visit_parenthesized_generic_arguments(
            &mut self,
            _: &'ast ParenthesizedGenericArguments,
        ) {
        }

        fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}
    }
    let mut search = Search(false);
    search.visit_type(ty);
    search.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_hold_tensors() {
        let holds = |ty: &str| holds_tensor(&syn::parse_str(ty).unwrap());
        assert!(holds("&candle_core::Tensor"));
        assert!(holds("Result<Vec<(usize, Tensor)>>"));
        assert!(!holds("TensorResult<u32>"));
        assert!(!holds("&mut dyn FnMut(&Tensor) -> Result<()>"));
        assert!(!holds("fn(&Tensor) -> usize"));
    }
}
