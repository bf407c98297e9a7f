//! How a mark is written.

use proc_macro2::{Span, TokenStream};
use syn::{Expr, Lit, LitStr, Macro, Stmt};

use super::macros;
use super::reads::MARK;
use super::site::Class;

/// The mark that `statement` is.
pub(super) fn mark_of(statement: &Stmt) -> Option<&Macro> {
    let call = match statement {
        Stmt::Macro(statement) => &statement.mac,
        Stmt::Expr(Expr::Macro(expression), _) => &expression.mac,
        _ => return None,
    };
    (call.path.segments.last()?.ident == MARK).then_some(call)
}

/// The name and class that the arguments of a mark give.
pub(super) fn site(arguments: &TokenStream) -> Option<(String, Class)> {
    let arguments = macros::expressions(arguments)?;
    let [Expr::Lit(name), Expr::Path(class)] = arguments.as_slice() else { return None };
    let Lit::Str(name) = &name.lit else { return None };
    let variant = class.path.segments.last()?.ident.to_string();
    Some((LitStr::value(name), Class::of_variant(&variant)?))
}

/// Where a macro call is named.
pub(super) fn span_of(call: &Macro) -> Span {
    call.path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span())
}
