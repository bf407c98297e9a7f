//! Tensors that are formatted: `Display` and `Debug` of a tensor read its values.

use proc_macro2::{Literal, Span, TokenStream, TokenTree};
use syn::{Expr, LitStr};

use super::names::Names;
use crate::source::tokens::is_punct;

/// Macros that format their arguments: those of the standard library, of `tracing` and
/// `log`, and of `anyhow`.
const FORMATTING: [&str; 33] = [
    "format",
    "format_args",
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "panic",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "dbg",
    "todo",
    "unimplemented",
    "unreachable",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "event",
    "trace_span",
    "debug_span",
    "info_span",
    "warn_span",
    "error_span",
    "anyhow",
    "bail",
    "ensure",
];

/// Those of them whose first argument is a condition.
const CONDITIONAL: [&str; 3] = ["assert", "debug_assert", "ensure"];

/// The tensors that a call of the macro `name` with `arguments` formats, and where: its
/// arguments, also as fields of an event (`?x`, `%x`), and names in its format strings.
pub(super) fn formatted_tensors(name: &str, arguments: &TokenStream, names: &Names) -> Vec<Span> {
    if !FORMATTING.contains(&name) {
        return Vec::new();
    }
    let trees: Vec<_> = arguments.clone().into_iter().collect();
    let arguments = trees.split(|tree| is_punct(tree, ','));
    let conditions = usize::from(CONDITIONAL.contains(&name));
    arguments.skip(conditions).flat_map(|argument| in_argument(argument, names)).collect()
}

fn in_argument(argument: &[TokenTree], names: &Names) -> Vec<Span> {
    if let [TokenTree::Literal(literal)] = argument {
        let captured = captures(literal);
        let tensors = captured.iter().filter(|name| names.is_tensor_name(name));
        return tensors.map(|_| literal.span()).collect();
    }
    let value: TokenStream = value_of(argument).iter().cloned().collect();
    let span = argument.first().map(TokenTree::span);
    let is_tensor = syn::parse2::<Expr>(value).is_ok_and(|value| names.is_tensor(&value));
    span.filter(|_| is_tensor).into_iter().collect()
}

/// The value of an argument: without `name =`, and without the `?` or `%` of an event.
fn value_of(argument: &[TokenTree]) -> &[TokenTree] {
    let value = match argument {
        [TokenTree::Ident(_), equals, value @ ..]
            if is_punct(equals, '=') && !value.first().is_some_and(|tree| is_punct(tree, '=')) =>
        {
            value
        }
        value => value,
    };
    match value {
        [sign, value @ ..] if is_punct(sign, '?') || is_punct(sign, '%') => value,
        value => value,
    }
}

/// The names that a format string captures: `a` and `b` of `"{a} {b:?} {} {{c}}"`.
fn captures(literal: &Literal) -> Vec<String> {
    let Ok(text) = syn::parse2::<LitStr>(TokenTree::from(literal.clone()).into()) else {
        return Vec::new();
    };
    let text = text.value().replace("{{", "").replace("}}", "");
    let holes = text.split('{').skip(1);
    let names = holes.filter_map(|hole| hole.split(['}', ':']).next());
    names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(call: &str) -> usize {
        let mut names = Names::default();
        names.bind_parameters(&syn::parse_str("fn f(t: &Tensor, n: usize)").unwrap());
        let call: syn::Macro = syn::parse_str(call).unwrap();
        let name = call.path.segments.last().unwrap().ident.to_string();
        formatted_tensors(&name, &call.tokens, &names).len()
    }

    #[test]
    fn tensors_are_found_in_every_position() {
        for call in [
            "println!(\"{}\", t)",
            "println!(\"{t:?}\")",
            "write!(f, \"{:?}\", &t)",
            "format!(\"{x}\", x = t)",
            "std::format!(\"{}\", (t.flatten_all()?))",
            "assert!(n == 1, \"{t}\")",
            "dbg!(t)",
            "tracing::info!(t = ?t, \"step\")",
            "debug!(%t)",
            "info!(name: \"x\", value = ?t.exp()?)",
            "panic!(\"{}\", Tensor::zeros(1, d, c)?)",
        ] {
            assert_eq!(count(call), 1, "{call}");
        }
    }

    #[test]
    fn what_is_known_of_a_tensor_without_reading_it_may_be_formatted() {
        for call in [
            "println!(\"{n}\")",
            "println!(\"{{t}} t {:?}\", t.dims())",
            "assert_eq!(t.shape(), other)",
            "println!(\"{}\", t.rank() == 2)",
            "println!(\"{:?}\", Tensor::dtype(t))",
            "assert!(t)",
            "vec![t]",
        ] {
            assert_eq!(count(call), 0, "{call}");
        }
    }
}
