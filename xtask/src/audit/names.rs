//! What names stand for: tensors, the CPU, copies of tensors on the CPU.
//!
//! There are no types to ask, so this is what a reader of the one file would say. A tensor
//! is a parameter, `let`, field or result of a function of the file whose written type
//! contains `Tensor`, what `Tensor::…` makes, what methods of a tensor give that are
//! not listed in [`PLAIN`], and what is bound to any of them. Not seen are tensors from
//! functions of other files whose type is nowhere written, and structs that print
//! their tensors through a derived `Debug`.

use std::collections::HashSet;
use std::rc::Rc;

use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{Expr, ExprPath, Field, File, ItemConst, ItemStatic, Pat, ReturnType, Signature};

use super::reads::{is_copy, is_cpu};
use super::types::{TENSOR, bound, holds_tensor};

/// Words for the CPU as they occur in names.
const CPU: [&str; 2] = ["cpu", "host"];
/// Methods of tensors, and of collections of them, that give something else.
const PLAIN: [&str; 34] = [
    "dims",
    "dims0",
    "dims1",
    "dims2",
    "dims3",
    "dims4",
    "dims5",
    "dim",
    "shape",
    "dtype",
    "device",
    "rank",
    "elem_count",
    "layout",
    "stride",
    "id",
    "is_contiguous",
    "is_variable",
    "same_device",
    "to_vec0",
    "to_vec1",
    "to_vec2",
    "to_vec3",
    "to_scalar",
    "len",
    "is_empty",
    "is_some",
    "is_none",
    "is_ok",
    "is_err",
    "map",
    "and_then",
    "keys",
    "to_string",
];

/// What the names mean at one place of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    tensors: HashSet<String>,
    cpu: HashSet<String>,
    copies: HashSet<String>,
    of_file: Rc<OfFile>,
}

/// What names mean everywhere in a file.
#[derive(Debug, Default)]
struct OfFile {
    /// Functions that return tensors.
    functions: HashSet<String>,
    /// Functions that return something else.
    other_functions: HashSet<String>,
    fields: HashSet<String>,
    constants: HashSet<String>,
}

impl Names {
    /// The names that hold in the whole of `file`.
    pub(super) fn of_file(file: &File) -> Self {
        let mut of_file = OfFile::default();
        of_file.visit_file(file);
        Self { of_file: Rc::new(of_file), ..Self::default() }
    }

    /// Whether `name` is a tensor here.
    pub(super) fn is_tensor_name(&self, name: &str) -> bool {
        self.tensors.contains(name)
    }

    /// Whether `name` is the CPU.
    pub(super) fn is_cpu(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        CPU.iter().any(|word| lower.split('_').any(|part| part == *word))
            || self.cpu.contains(name)
            || self.of_file.constants.contains(name)
    }

    /// Whether `name` is a copy of a tensor on the CPU.
    pub(super) fn is_copy(&self, name: &str) -> bool {
        self.copies.contains(name)
    }

    #[cfg(test)]
    pub(super) fn bind_copy(&mut self, name: &str) {
        self.copies.insert(name.into());
    }

    /// Takes in the parameters of a function.
    pub(super) fn bind_parameters(&mut self, signature: &Signature) {
        for input in &signature.inputs {
            if let syn::FnArg::Typed(input) = input {
                self.bind_typed(&input.pat, holds_tensor(&input.ty));
            }
        }
    }

    /// Takes in the parameters of a closure.
    pub(super) fn bind_closure(&mut self, inputs: &Punctuated<Pat, syn::Token![,]>) {
        for input in inputs {
            match input {
                Pat::Type(typed) => self.bind_typed(&typed.pat, holds_tensor(&typed.ty)),
                other => self.bind_typed(other, false),
            }
        }
    }

    /// Takes in that `pattern` now stands for `value`.
    pub(super) fn bind(&mut self, pattern: &Pat, value: &Expr) {
        match (pattern, value) {
            (Pat::Type(typed), _) if holds_tensor(&typed.ty) => {
                let is_copy = is_copy(value, self);
                self.bind_all(&typed.pat, true, false, is_copy);
            }
            (Pat::Type(typed), _) => self.bind(&typed.pat, value),
            (Pat::Tuple(patterns), Expr::MethodCall(call)) if call.method == "enumerate" => {
                let mut patterns = patterns.elems.iter();
                patterns.next().into_iter().for_each(|index| self.bind_typed(index, false));
                patterns.for_each(|pattern| self.bind(pattern, &call.receiver));
            }
            (Pat::Tuple(patterns), Expr::Tuple(values))
                if patterns.elems.len() == values.elems.len() =>
            {
                for (pattern, value) in patterns.elems.iter().zip(&values.elems) {
                    self.bind(pattern, value);
                }
            }
            _ => {
                let is_tensor = self.is_tensor(value);
                let (is_cpu, is_copy) = (!is_tensor && is_cpu(value, self), is_copy(value, self));
                self.bind_all(pattern, is_tensor, is_cpu, is_copy);
            }
        }
    }

    fn bind_typed(&mut self, pattern: &Pat, is_tensor: bool) {
        self.bind_all(pattern, is_tensor, false, false);
    }

    fn bind_all(&mut self, pattern: &Pat, is_tensor: bool, is_cpu: bool, is_copy: bool) {
        for name in bound(pattern) {
            set(&mut self.tensors, &name, is_tensor);
            set(&mut self.cpu, &name, is_cpu);
            set(&mut self.copies, &name, is_copy);
        }
    }

    /// Whether `value` is a tensor, or holds some.
    pub(super) fn is_tensor(&self, value: &Expr) -> bool {
        match value {
            Expr::Path(path) => {
                path.path.get_ident().is_some_and(|n| self.is_tensor_name(&n.to_string()))
            }
            Expr::Reference(inner) => self.is_tensor(&inner.expr),
            Expr::Paren(inner) => self.is_tensor(&inner.expr),
            Expr::Try(inner) => self.is_tensor(&inner.expr),
            Expr::Unary(inner) => self.is_tensor(&inner.expr),
            Expr::Index(inner) => self.is_tensor(&inner.expr),
            Expr::Array(array) => array.elems.iter().any(|element| self.is_tensor(element)),
            Expr::Field(field) => match &field.member {
                syn::Member::Named(name) => self.of_file.fields.contains(&name.to_string()),
                syn::Member::Unnamed(_) => self.is_tensor(&field.base),
            },
            Expr::MethodCall(call) => {
                let method = call.method.to_string();
                self.of_file.makes_tensor(&method)
                    || (!PLAIN.contains(&method.as_str()) && self.is_tensor(&call.receiver))
            }
            Expr::Call(call) => match call.func.as_ref() {
                Expr::Path(path) => self.makes_tensor(path),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether the function `path` returns a tensor.
    fn makes_tensor(&self, path: &ExprPath) -> bool {
        let Some(last) = path.path.segments.last().map(|segment| segment.ident.to_string()) else {
            return false;
        };
        let of_tensor = path.path.segments.iter().any(|segment| segment.ident == TENSOR)
            || path.qself.as_ref().is_some_and(|qself| holds_tensor(&qself.ty));
        self.of_file.makes_tensor(&last) || (of_tensor && !PLAIN.contains(&last.as_str()))
    }
}

impl<'ast> Visit<'ast> for OfFile {
    fn visit_signature(&mut self, signature: &'ast Signature) {
        let makes_tensor = match &signature.output {
            ReturnType::Type(_, ty) => holds_tensor(ty),
            ReturnType::Default => false,
        };
        let functions = if makes_tensor { &mut self.functions } else { &mut self.other_functions };
        functions.insert(signature.ident.to_string());
    }

    fn visit_field(&mut self, field: &'ast Field) {
        if let Some(name) = &field.ident
            && holds_tensor(&field.ty)
        {
            self.fields.insert(name.to_string());
        }
    }

    fn visit_item_const(&mut self, constant: &'ast ItemConst) {
        self.constant(&constant.ident, &constant.expr);
    }

    fn visit_item_static(&mut self, constant: &'ast ItemStatic) {
        self.constant(&constant.ident, &constant.expr);
    }
}

impl OfFile {
    /// Whether every function of that name returns a tensor.
    fn makes_tensor(&self, function: &str) -> bool {
        self.functions.contains(function) && !self.other_functions.contains(function)
    }

    fn constant(&mut self, name: &syn::Ident, value: &Expr) {
        if is_cpu(value, &Names::default()) {
            self.constants.insert(name.to_string());
        }
    }
}

fn set(names: &mut HashSet<String>, name: &str, is_in: bool) {
    if is_in {
        names.insert(name.into());
    } else {
        names.remove(name);
    }
}
