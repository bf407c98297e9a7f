//! The spans as areas: what is inside of what, and for how long.
//!
//! Drawn here and not by inferno, whose pictures bring a script, a style sheet for the
//! whole page and one light palette.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};

use super::html::{Cell, Text, fitting, percent, table};
use super::stages::Tints;

/// Height of a row in pixels, with the gap below it.
const ROW: u32 = 26;

/// What takes a smaller part of the time cannot be seen, and is only in the table.
const VISIBLE: f64 = 0.001;

/// A path of spans.
#[derive(Default)]
struct Node {
    self_us: u64,
    children: BTreeMap<String, Node>,
}

pub(super) fn section(stacks: &str, tints: &Tints<'_>) -> Result<String> {
    let root = Node::parse(stacks)?;
    let picture = Picture { tints, total: root.total_us().max(1) };
    let mut html = format!(
        "<svg class=\"flame\" width=\"100%\" height=\"{}\" role=\"img\" \
         aria-label=\"Flame graph of the spans; the table below has its figures\">\n",
        picture.depth(&root) * ROW
    );
    picture.children(&mut html, &root, 0.0, 0);
    html.push_str("</svg>\n<details>\n<summary>Figures</summary>\n");
    let mut rows = Vec::new();
    picture.rows(&mut rows, &root, 0);
    html.push_str(&table("Paths of spans", &["stage", "total ms", "self ms", "share"], &rows));
    html.push_str("</details>\n");
    Ok(html)
}

impl Node {
    /// Reads folded stacks, in microseconds.
    fn parse(stacks: &str) -> Result<Self> {
        let mut root = Self::default();
        for line in stacks.lines() {
            let parsed =
                line.rsplit_once(' ').and_then(|(path, us)| Some((path, us.parse::<u64>().ok()?)));
            let (path, us) = parsed.with_context(|| format!("no folded stack: {line}"))?;
            let mut node = &mut root;
            for name in path.split(';') {
                node = node.children.entry(name.to_owned()).or_default();
            }
            node.self_us += us;
        }
        Ok(root)
    }

    fn total_us(&self) -> u64 {
        self.self_us + self.children.values().map(Self::total_us).sum::<u64>()
    }

    /// The children with what they take, the longest first.
    fn longest_first(&self) -> Vec<(&str, &Self, u64)> {
        let children = self.children.iter();
        let mut children: Vec<_> =
            children.map(|(name, child)| (name.as_str(), child, child.total_us())).collect();
        children.sort_by_key(|(_, _, us)| std::cmp::Reverse(*us));
        children
    }
}

struct Picture<'a> {
    tints: &'a Tints<'a>,
    total: u64,
}

impl Picture<'_> {
    fn share(&self, us: u64) -> f64 {
        us as f64 / self.total as f64
    }

    /// The children that can be seen.
    fn visible<'n>(&self, node: &'n Node) -> impl Iterator<Item = (&'n str, &'n Node, u64)> {
        node.longest_first().into_iter().filter(|(_, _, us)| self.share(*us) >= VISIBLE)
    }

    /// Rows below a node.
    fn depth(&self, node: &Node) -> u32 {
        self.visible(node).map(|(_, child, _)| self.depth(child) + 1).max().unwrap_or(0)
    }

    fn children(&self, html: &mut String, node: &Node, x: f64, row: u32) {
        let mut x = x;
        for (name, child, us) in self.visible(node) {
            let width = self.share(us) * 100.0;
            let class = self.tints.class(name);
            _ = writeln!(
                html,
                "<svg class=\"{class}\" x=\"{x:.3}%\" y=\"{y}\" width=\"{width:.3}%\" \
                 height=\"{height}\"><title>{name}: {ms:.2} ms, {percent}</title>\
                 <rect width=\"100%\" height=\"{height}\"/>{text}</svg>",
                y = row * ROW,
                height = ROW - 2,
                name = Text(name),
                ms = us as f64 / 1e3,
                percent = percent(self.share(us)),
                text = fitting(name, width, 16)
            );
            self.children(html, child, x, row + 1);
            x += width;
        }
    }

    /// A row for every path, set in below the one above it.
    fn rows(&self, rows: &mut Vec<Vec<Cell>>, node: &Node, depth: usize) {
        for (name, child, us) in node.longest_first() {
            rows.push(vec![
                Cell::Words("\u{a0}\u{a0}\u{a0}".repeat(depth) + name),
                Cell::Number(format!("{:.2}", us as f64 / 1e3)),
                Cell::Number(format!("{:.2}", child.self_us as f64 / 1e3)),
                Cell::Share(self.share(us)),
            ]);
            self.rows(rows, child, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_lie_inside_of_their_parent() {
        let html = section("a 10\na;b 30\na;c;d 60\n", &Tints::of(&[])).unwrap();
        for area in [
            "x=\"0.000%\" y=\"0\" width=\"100.000%\" height=\"24\"><title>a: 0.10 ms, 100.0\u{a0}%",
            "x=\"0.000%\" y=\"26\" width=\"60.000%\" height=\"24\"><title>c: 0.06 ms",
            "x=\"0.000%\" y=\"52\" width=\"60.000%\" height=\"24\"><title>d: 0.06 ms",
            "x=\"60.000%\" y=\"26\" width=\"30.000%\" height=\"24\"><title>b: 0.03 ms",
        ] {
            assert!(html.contains(area), "{area} in {html}");
        }
        assert!(html.contains("height=\"78\""), "{html}");
        assert!(
            html.contains("<th scope=\"row\">\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}d</th>"),
            "{html}"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_in_the_table() {
        let html = section("a 9999\na;b 1\n", &Tints::of(&[])).unwrap();
        assert!(html.contains("height=\"26\"") && !html.contains("<title>b"), "{html}");
        assert!(html.contains("<th scope=\"row\">\u{a0}\u{a0}\u{a0}b</th>"), "{html}");
    }

    #[test]
    fn damaged_stacks_are_an_error() {
        let problem = section("a b\n", &Tints::of(&[])).unwrap_err();
        assert_eq!(problem.to_string(), "no folded stack: a b");
    }

    #[test]
    fn no_stacks_are_an_empty_picture() {
        assert!(section("", &Tints::of(&[])).unwrap().contains("height=\"0\""));
    }
}
