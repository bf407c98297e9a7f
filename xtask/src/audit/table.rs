//! The report for people.

use std::fmt::Write as _;

use super::report::Report;
use super::site::Class;

/// Reads, findings and a summary, as text.
pub(super) fn render(report: &Report) -> String {
    let header = ["LOCATION", "FUNCTION", "CLASS", "SITE", "READ"].map(String::from);
    let rows: Vec<_> = [header]
        .into_iter()
        .chain(report.sites.iter().map(|site| {
            [
                format!("{}:{}", site.file, site.place.line),
                site.place.function.clone(),
                site.class.map_or("unmarked", Class::name).into(),
                site.name.clone().unwrap_or_else(|| "-".into()),
                site.what.clone(),
            ]
        }))
        .collect();
    let mut text = aligned(&rows);
    for finding in &report.findings {
        let (file, line, rule) = (&finding.file, finding.line, finding.rule.id());
        _ = writeln!(text, "{file}:{line}: {rule}: {}", finding.message);
    }
    let in_tests = report.sites.iter().filter(|site| site.class == Some(Class::Test)).count();
    _ = writeln!(
        text,
        "audit-gpu-syncs: {} reads and {in_tests} in tests, {} of {} per frame, {} findings",
        report.sites.len() - in_tests,
        report.per_frame,
        report.budget,
        report.findings.len(),
    );
    text
}

/// `rows`, a line each, in columns as wide as their widest cell.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let widths = rows.iter().filter_map(|row| row.get(column));
            let width = widths.map(|cell| cell.chars().count()).max().unwrap_or(0);
            _ = write!(line, "{cell:width$}  ");
        }
        _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "bbb"], ["cc…c", "d"]].map(|row| row.map(String::from));
        assert_eq!(aligned(&rows), "a     bbb\ncc…c  d\n");
    }
}
