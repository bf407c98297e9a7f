//! Rule `examples`: every library has a runnable example.

use super::Finding;
use super::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace
        .packages
        .iter()
        .filter(|package| package.manifest_path.starts_with("crates/"))
        .filter(|package| package.has_library && !package.has_example)
        .map(|package| {
            let message = format!("library `{}` has no file in `examples/`", package.name);
            Finding::in_file(&package.manifest_path, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::workspace::Package;
    use super::*;

    fn count(manifest_path: &str, has_library: bool, has_example: bool) -> usize {
        let package = Package {
            manifest_path: manifest_path.into(),
            has_library,
            has_example,
            ..Package::default()
        };
        let workspace = Workspace { packages: vec![package], ..Workspace::default() };
        check(&workspace).len()
    }

    #[test]
    fn libraries_need_an_example_and_programs_do_not() {
        assert_eq!(count("crates/a/Cargo.toml", true, false), 1);
        assert_eq!(count("crates/a/Cargo.toml", true, true), 0);
        assert_eq!(count("crates/a/Cargo.toml", false, false), 0);
        assert_eq!(count("benches/Cargo.toml", true, false), 0);
    }
}
