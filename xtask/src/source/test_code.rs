//! Finds the code that exists in test builds only.

use std::ops::Range;

use proc_macro2::{Span, TokenStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Attribute, ImplItem, ImplItemConst, ImplItemFn, ImplItemMacro, ImplItemType, Item, ItemConst,
    ItemEnum, ItemExternCrate, ItemFn, ItemForeignMod, ItemImpl, ItemMacro, ItemMod, ItemStatic,
    ItemStruct, ItemTrait, ItemTraitAlias, ItemType, ItemUnion, ItemUse, Meta, Token,
};

/// The test code that one file holds or declares.
#[derive(Default)]
pub(crate) struct TestCode {
    /// Byte ranges of the `#[cfg(test)]` items.
    ranges: Vec<Range<usize>>,
    /// Paths, without `.rs`, of the modules declared by `#[cfg(test)] mod name;`.
    pub(crate) modules: Vec<String>,
    /// Where modules declared at the visited place live.
    directory: String,
}

impl TestCode {
    /// Looks at the file `path`, whose content is `tokens`.
    pub(crate) fn find(path: &str, tokens: &TokenStream) -> syn::Result<Self> {
        let mut found = Self { directory: module_directory(path), ..Self::default() };
        found.visit_file(&syn::parse2(tokens.clone())?);
        Ok(found)
    }

    /// Whether `span` lies in a test item of the file.
    pub(crate) fn contains(&self, span: Span) -> bool {
        let start = span.byte_range().start;
        self.ranges.iter().any(|range| range.contains(&start))
    }
}

/// Whether the file `path` belongs to `module`, a path without `.rs`.
pub(crate) fn is_in_module(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The directory in which the file `path` finds its modules.
fn module_directory(path: &str) -> String {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    match stem.rsplit_once('/') {
        Some((parent, "lib" | "main" | "mod")) => parent.into(),
        _ => stem.into(),
    }
}

impl<'ast> Visit<'ast> for TestCode {
    fn visit_file(&mut self, file: &'ast syn::File) {
        if is_test_only(&file.attrs) {
            self.ranges.push(0..usize::MAX);
        }
        visit::visit_file(self, file);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_only(item_attributes(item)) {
            return visit::visit_item(self, item);
        }
        self.ranges.push(item.span().byte_range());
        if let Item::Mod(ItemMod { ident, content: None, .. }) = item {
            self.modules.push(format!("{}/{ident}", self.directory));
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let inside = format!("{}/{}", self.directory, module.ident);
        let outside = std::mem::replace(&mut self.directory, inside);
        visit::visit_item_mod(self, module);
        self.directory = outside;
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if is_test_only(impl_item_attributes(item)) {
            self.ranges.push(item.span().byte_range());
        } else {
            visit::visit_impl_item(self, item);
        }
    }
}

fn item_attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(ItemConst { attrs, .. })
        | Item::Enum(ItemEnum { attrs, .. })
        | Item::ExternCrate(ItemExternCrate { attrs, .. })
        | Item::Fn(ItemFn { attrs, .. })
        | Item::ForeignMod(ItemForeignMod { attrs, .. })
        | Item::Impl(ItemImpl { attrs, .. })
        | Item::Macro(ItemMacro { attrs, .. })
        | Item::Mod(ItemMod { attrs, .. })
        | Item::Static(ItemStatic { attrs, .. })
        | Item::Struct(ItemStruct { attrs, .. })
        | Item::Trait(ItemTrait { attrs, .. })
        | Item::TraitAlias(ItemTraitAlias { attrs, .. })
        | Item::Type(ItemType { attrs, .. })
        | Item::Union(ItemUnion { attrs, .. })
        | Item::Use(ItemUse { attrs, .. }) => attrs,
        _ => &[],
    }
}

fn impl_item_attributes(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(ImplItemConst { attrs, .. })
        | ImplItem::Fn(ImplItemFn { attrs, .. })
        | ImplItem::Macro(ImplItemMacro { attrs, .. })
        | ImplItem::Type(ImplItemType { attrs, .. }) => attrs,
        _ => &[],
    }
}

fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args().is_ok_and(|predicate| implies_test(&predicate))
        }
        _ => false,
    })
}

/// Whether `predicate` holds in test builds only: `test`, or `all` with it.
fn implies_test(predicate: &Meta) -> bool {
    match predicate {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|parts| parts.iter().any(implies_test)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_test_attribute(attribute: &str) -> bool {
        let code = format!("#[{attribute}] mod a {{ fn f() {{}} }}");
        !find("src/lib.rs", &code).ranges.is_empty()
    }

    fn find(path: &str, code: &str) -> TestCode {
        TestCode::find(path, &code.parse().unwrap()).unwrap()
    }

    #[test]
    fn only_predicates_that_imply_test_count() {
        assert!(is_test_attribute("cfg(test)"));
        assert!(is_test_attribute("cfg(all(unix, test))"));
        assert!(!is_test_attribute("cfg(not(test))"));
        assert!(!is_test_attribute("cfg(any(unix, test))"));
        assert!(!is_test_attribute("cfg(feature = \"test\")"));
        assert!(!is_test_attribute("test"));
    }

    #[test]
    fn ranges_cover_items_at_every_depth() {
        let code = "impl A { #[cfg(test)] fn f() {} } mod m { #[cfg(test)] use x::y; }";
        let ranges = find("src/lib.rs", code).ranges;
        let found: Vec<_> = ranges.into_iter().map(|range| &code[range]).collect();
        assert_eq!(found, ["#[cfg(test)] fn f() {}", "#[cfg(test)] use x::y;"]);
    }

    #[test]
    fn an_inner_attribute_covers_the_file() {
        let tokens = "#![cfg(test)] fn f() {}".parse().unwrap();
        let found = TestCode::find("src/a.rs", &tokens).unwrap();
        assert!(tokens.into_iter().all(|tree| found.contains(tree.span())));
    }

    #[test]
    fn declared_modules_are_resolved_to_paths() {
        let code = "#[cfg(test)] mod t; mod inline { #[cfg(test)] mod u; }";
        assert_eq!(find("src/lib.rs", code).modules, ["src/t", "src/inline/u"]);
        assert_eq!(find("src/a.rs", code).modules, ["src/a/t", "src/a/inline/u"]);
        assert!(is_in_module("src/t.rs", "src/t"));
        assert!(is_in_module("src/t/mod.rs", "src/t"));
        assert!(!is_in_module("src/tokens.rs", "src/t"));
    }
}
