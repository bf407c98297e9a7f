//! Walks through a file and notes reads and marks.
//!
//! A mark is the statement `gpu_sync!("site", SyncClass::Class);`. It marks one read: the
//! first in the statement that follows it directly in the same block. Reads in blocks and
//! closures of that statement, and in the condition of its `while`, happen another number
//! of times than the mark: they need marks of their own. `unsafe { … }` around one
//! statement does not count as a block.

use proc_macro2::{Span, TokenStream};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, ExprCall, ExprClosure, ExprForLoop, ExprLet, ExprMethodCall, ExprPath,
    ExprUnsafe, ExprWhile, File, Ident, ImplItemFn, ItemConst, ItemFn, ItemImpl, ItemMacro,
    ItemStatic, ItemTrait, Local, Macro, Signature, Stmt, Token, TraitItemFn, UseRename,
};

use super::formats::formatted_tensors;
use super::macros;
use super::marks::{mark_of, site, span_of};
use super::names::Names;
use super::reads::{MARK, TO_DEVICE, is_copy, is_cpu, is_read};
use super::site::{Mark, Marked, Place, Read, Rename, Scan, type_name};
use super::unparsed;
use crate::source::test_code::TestCode;

/// The reads and marks of a file with the content `tokens`, of which `tests` is test code.
pub(super) fn scan(tokens: &TokenStream, tests: &TestCode) -> syn::Result<Scan> {
    let file: File = syn::parse2(tokens.clone())?;
    let mut scanner = Scanner {
        tests,
        found: Scan::default(),
        owner: None,
        function: "-".into(),
        in_test: false,
        cover: None,
        names: Names::of_file(&file),
    };
    scanner.visit_file(&file);
    Ok(scanner.found)
}

pub(super) struct Scanner<'a> {
    tests: &'a TestCode,
    found: Scan,
    /// The type or trait that the functions belong to.
    owner: Option<String>,
    function: String,
    /// Whether the function is a `#[test]`.
    in_test: bool,
    /// The mark of the statement.
    pub(super) cover: Option<usize>,
    pub(super) names: Names,
}

impl Scanner<'_> {
    fn place(&self, span: Span) -> Place {
        let start = span.start();
        Place {
            line: start.line,
            column: start.column + 1,
            function: self.function.clone(),
            in_test: self.in_test || self.tests.contains(span),
        }
    }

    /// Notes a read; it takes the mark of the statement.
    pub(super) fn read(&mut self, what: impl Into<String>, span: Span) {
        let marked =
            match self.cover.and_then(|index| Some((index, self.found.marks.get_mut(index)?))) {
                Some((_, mark)) if mark.used => Marked::Twice,
                Some((index, mark)) => {
                    mark.used = true;
                    Marked::By(index)
                }
                None => Marked::No,
            };
        let read = Read { place: self.place(span), what: what.into(), marked };
        self.found.reads.push(read);
    }

    /// Notes a mark and returns its index.
    pub(super) fn mark(&mut self, arguments: &TokenStream, span: Span) -> usize {
        let mark = Mark { place: self.place(span), site: site(arguments), used: false };
        self.found.marks.push(mark);
        self.found.marks.len() - 1
    }

    /// Visits what is no part of the statement that a mark may stand before.
    pub(super) fn apart(&mut self, visit: impl FnOnce(&mut Self)) {
        let (cover, names) = (self.cover.take(), self.names.clone());
        visit(self);
        (self.cover, self.names) = (cover, names);
    }

    pub(super) fn statements(&mut self, statements: &[Stmt]) {
        self.apart(|scanner| {
            for statement in statements {
                if let Some(call) = mark_of(statement) {
                    scanner.cover = Some(scanner.mark(&call.tokens, span_of(call)));
                } else {
                    scanner.visit_stmt(statement);
                    scanner.cover = None;
                }
            }
        });
    }

    fn function(&mut self, signature: &Signature, attributes: &[Attribute], body: Option<&Block>) {
        let name = match &self.owner {
            Some(owner) => format!("{owner}::{}", signature.ident),
            None => signature.ident.to_string(),
        };
        let is_test = attributes.iter().any(|attribute| {
            attribute.path().segments.last().is_some_and(|segment| segment.ident == "test")
        });
        self.within(name, |scanner| {
            scanner.in_test |= is_test;
            scanner.names.bind_parameters(signature);
            if let Some(body) = body {
                scanner.visit_block(body);
            }
        });
    }

    /// Visits what belongs to the function `name`.
    fn within(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        let outer = (std::mem::replace(&mut self.function, name), self.in_test);
        self.apart(visit);
        (self.function, self.in_test) = outer;
    }

    fn of_owner(&mut self, owner: String, visit: impl FnOnce(&mut Self)) {
        let outer = self.owner.replace(owner);
        visit(self);
        self.owner = outer;
    }

    /// Notes what a call of the macro `name` is or reads, not what its arguments read.
    pub(super) fn macro_itself(&mut self, name: &Ident, arguments: &TokenStream) {
        if name == MARK {
            self.mark(arguments, name.span());
        }
        for span in formatted_tensors(&name.to_string(), arguments, &self.names) {
            self.read(format!("{name}!"), span);
        }
    }

    /// Notes what a call of the function `path` reads, if it does.
    fn call(&mut self, path: &ExprPath, arguments: &Punctuated<Expr, Token![,]>) {
        let Some(last) = path.path.segments.last() else { return };
        let name = last.ident.to_string();
        let is_read = match name.as_str() {
            TO_DEVICE => arguments.last().is_some_and(|device| is_cpu(device, &self.names)),
            "fmt" => arguments.iter().any(|argument| self.names.is_tensor(argument)),
            _ => {
                is_read(&name)
                    && !arguments.first().is_some_and(|tensor| is_copy(tensor, &self.names))
            }
        };
        if is_read {
            self.read(name, last.ident.span());
        }
    }
}

impl<'ast> Visit<'ast> for Scanner<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let owner = self.owner.take();
        self.function(&item.sig, &item.attrs, Some(&item.block));
        self.owner = owner;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.sig, &item.attrs, Some(&item.block));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.function(&item.sig, &item.attrs, item.default.as_ref());
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        self.of_owner(type_name(&item.self_ty), |scanner| visit::visit_item_impl(scanner, item));
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.of_owner(item.ident.to_string(), |scanner| visit::visit_item_trait(scanner, item));
    }

    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        self.within(format!("const {}", item.ident), |scanner| scanner.visit_expr(&item.expr));
    }

    fn visit_item_static(&mut self, item: &'ast ItemStatic) {
        self.within(format!("static {}", item.ident), |scanner| scanner.visit_expr(&item.expr));
    }

    fn visit_item_macro(&mut self, item: &'ast ItemMacro) {
        match &item.ident {
            Some(name) => self.within(format!("macro {name}!"), |scanner| {
                for body in macros::expansions(&item.mac.tokens) {
                    unparsed::body(scanner, &body);
                }
            }),
            None => self.visit_macro(&item.mac),
        }
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.statements(&block.stmts);
    }

    fn visit_expr_unsafe(&mut self, expression: &'ast ExprUnsafe) {
        match expression.block.stmts.as_slice() {
            [one] => self.visit_stmt(one),
            _ => self.visit_block(&expression.block),
        }
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.apart(|scanner| {
            scanner.names.bind_closure(&closure.inputs);
            scanner.visit_expr(&closure.body);
        });
    }

    fn visit_expr_while(&mut self, expression: &'ast ExprWhile) {
        self.apart(|scanner| visit::visit_expr_while(scanner, expression));
    }

    fn visit_expr_for_loop(&mut self, expression: &'ast ExprForLoop) {
        self.visit_expr(&expression.expr);
        self.apart(|scanner| {
            scanner.names.bind(&expression.pat, &expression.expr);
            scanner.visit_block(&expression.body);
        });
    }

    fn visit_expr_let(&mut self, expression: &'ast ExprLet) {
        visit::visit_expr_let(self, expression);
        self.names.bind(&expression.pat, &expression.expr);
    }

    fn visit_local(&mut self, local: &'ast Local) {
        visit::visit_local(self, local);
        if let Some(init) = &local.init {
            self.names.bind(&local.pat, &init.expr);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        visit::visit_expr_method_call(self, call);
        let name = call.method.to_string();
        let is_read = match name.as_str() {
            TO_DEVICE => call.args.first().is_some_and(|device| is_cpu(device, &self.names)),
            "to_string" => self.names.is_tensor(&call.receiver),
            _ => is_read(&name) && !is_copy(&call.receiver, &self.names),
        };
        if is_read {
            self.read(name, call.method.span());
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        for argument in &call.args {
            self.visit_expr(argument);
        }
        match call.func.as_ref() {
            Expr::Path(path) => self.call(path, &call.args),
            other => self.visit_expr(other),
        }
    }

    /// A function that is not called here but handed on.
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(last) = path.path.segments.last()
            && (is_read(&last.ident.to_string()) || last.ident == TO_DEVICE)
        {
            self.apart(|scanner| scanner.read(last.ident.to_string(), last.ident.span()));
        }
    }

    fn visit_use_rename(&mut self, rename: &'ast UseRename) {
        let name = rename.ident.to_string();
        if is_read(&name) || name == MARK {
            self.found.renames.push(Rename { place: self.place(rename.ident.span()), name });
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let Some(name) = call.path.segments.last().map(|segment| &segment.ident) else { return };
        self.macro_itself(name, &call.tokens);
        unparsed::arguments(self, &call.tokens);
    }
}
