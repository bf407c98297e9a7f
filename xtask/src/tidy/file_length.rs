//! Rule `file-length`: a source file is something a reader can hold.

use super::Finding;
use super::workspace::Workspace;

const MAX_LINES: usize = 600;

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &workspace.files {
        let lines = file.text.lines().count();
        if lines > MAX_LINES {
            let message = format!("{lines} lines, more than {MAX_LINES}: split it");
            findings.push(Finding::in_file(&file.path, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::workspace::SourceFile;
    use super::*;

    fn count(path: &str, lines: usize) -> usize {
        let workspace = Workspace {
            files: vec![SourceFile::new(path, "\n".repeat(lines)).unwrap()],
            ..Workspace::default()
        };
        check(&workspace).len()
    }

    #[test]
    fn the_limit_holds_for_every_language() {
        for path in ["a.rs", "a.py", "a.cu"] {
            assert_eq!(count(path, MAX_LINES), 0, "{path}");
            assert_eq!(count(path, MAX_LINES + 1), 1, "{path}");
        }
    }
}
