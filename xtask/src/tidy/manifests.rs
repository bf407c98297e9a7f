//! Rule `manifests`: lints and dependency versions come from the workspace.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Finding;
use super::workspace::{Package, Workspace};

const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let path = &package.manifest_path;
    let manifest = match DeTable::parse(&package.manifest) {
        Ok(manifest) => manifest.into_inner(),
        Err(error) => return vec![Finding::in_file(path, error.message())],
    };
    let mut findings = Vec::new();
    if !manifest.get("lints").is_some_and(is_inherited) {
        let message = "`[lints] workspace = true` is missing";
        findings.push(Finding::in_file(path, message));
    }
    for table in dependency_tables(&manifest) {
        for (name, value) in table {
            if !is_inherited(value) {
                let before = &package.manifest[..name.span().start];
                let line = before.matches('\n').count() + 1;
                let message = format!("`{}` lacks `workspace = true`", name.as_ref());
                findings.push(Finding::at_line(path, line, message));
            }
        }
    }
    findings
}

/// The dependency tables of the package and of each of its `[target.*]`.
fn dependency_tables<'m, 'i>(manifest: &'m DeTable<'i>) -> Vec<&'m DeTable<'i>> {
    let targets = manifest.get("target").and_then(as_table);
    let per_target = targets.into_iter().flat_map(DeTable::values);
    let mut owners = vec![manifest];
    owners.extend(per_target.filter_map(as_table));
    owners
        .into_iter()
        .flat_map(|owner| DEPENDENCY_TABLES.map(|name| owner.get(name)))
        .flatten()
        .filter_map(as_table)
        .collect()
}

fn is_inherited(value: &Spanned<DeValue<'_>>) -> bool {
    let key = as_table(value).and_then(|table| table.get("workspace"));
    key.is_some_and(|key| key.as_ref().as_bool() == Some(true))
}

fn as_table<'m, 'i>(value: &'m Spanned<DeValue<'i>>) -> Option<&'m DeTable<'i>> {
    value.as_ref().as_table()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(manifest: &str) -> Vec<(Option<usize>, String)> {
        let package = Package { manifest: manifest.into(), ..Package::default() };
        let findings = check_package(&package).into_iter();
        findings.map(|found| (found.line, found.message)).collect()
    }

    #[test]
    fn inherited_lints_and_dependencies_pass() {
        let manifest = "[lints]\nworkspace = true\n[dependencies]\na.workspace = true\n\
                        b = { workspace = true, optional = true }\n";
        assert_eq!(findings(manifest), []);
    }

    #[test]
    fn missing_lints_are_found() {
        let expected = (None, "`[lints] workspace = true` is missing".into());
        assert_eq!(findings("[package]\nname = \"a\"\n"), [expected]);
    }

    #[test]
    fn versions_are_found_in_every_table() {
        let tables = [
            "dependencies",
            "dev-dependencies",
            "build-dependencies",
            "target.'cfg(unix)'.dependencies",
        ];
        for table in tables {
            for value in ["\"1\"", "{ version = \"1\" }", "{ path = \"../a\" }"] {
                let manifest = format!("lints.workspace = true\n\n[{table}]\na = {value}\n");
                let expected = (Some(4), "`a` lacks `workspace = true`".into());
                assert_eq!(findings(&manifest), [expected], "{manifest}");
            }
        }
    }

    #[test]
    fn a_table_header_per_dependency_is_read_too() {
        let manifest = "lints.workspace = true\n[dependencies.a]\nversion = \"1\"\n";
        assert_eq!(findings(manifest)[0].0, Some(2));
    }
}
