//! Pieces of well-formed HTML.

use std::fmt::{self, Display, Write};

/// Something as text of a page, or of an attribute in double quotes.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&quot;"),
            '\n' | '\t' => self.0.write_char(c),
            // XML has no way to write the others.
            '\u{fffe}' | '\u{ffff}' => self.0.write_char(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => self.0.write_char(char::REPLACEMENT_CHARACTER),
            c => self.0.write_char(c),
        })
    }
}

/// A number with a narrow space between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A quantity with the prefix that makes it short.
pub(super) fn scaled(quantity: f64, unit: &str) -> String {
    let prefixes = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    match prefixes.into_iter().find(|(size, _)| quantity >= *size) {
        Some((size, prefix)) => format!("{:.2}\u{a0}{prefix}{unit}", quantity / size),
        None => format!("{quantity:.0}\u{a0}{unit}"),
    }
}

/// A fraction as percent.
pub(super) fn percent(fraction: f64) -> String {
    format!("{:.1}\u{a0}%", fraction * 100.0)
}

/// What stands in a table.
pub(super) enum Cell {
    Words(String),
    /// To the right.
    Number(String),
    /// A part of a whole, from 0 to 1, with a bar behind it.
    Share(f64),
}

/// A table that scrolls inside of its box. The first cell of a row names it.
pub(super) fn table(label: &str, header: &[&str], rows: &[Vec<Cell>]) -> String {
    let label = Text(label);
    let mut html = format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\">\n\
         <table>\n<thead><tr>"
    );
    for (column, name) in header.iter().enumerate() {
        let is_words = rows.first().and_then(|row| row.get(column));
        let is_words = is_words.is_none_or(|cell| matches!(cell, Cell::Words(_)));
        let class = if is_words { "" } else { " class=\"number\"" };
        _ = write!(html, "<th scope=\"col\"{class}>{}</th>", Text(name));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            _ = match cell {
                Cell::Words(text) if column == 0 => {
                    write!(html, "<th scope=\"row\">{}</th>", Text(text))
                }
                Cell::Words(text) => write!(html, "<td>{}</td>", Text(text)),
                Cell::Number(text) => write!(html, "<td class=\"number\">{}</td>", Text(text)),
                Cell::Share(share) => write!(
                    html,
                    "<td class=\"number share\" style=\"--share:{:.1}%\">{}</td>",
                    share.clamp(0.0, 1.0) * 100.0,
                    percent(*share)
                ),
            };
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
    html
}

/// Width of a letter in a picture, in pixels: an upper bound for common system fonts.
const LETTER: f64 = 7.5;
/// Width of a picture on a desk and on a phone, in pixels.
const WIDE: f64 = 900.0;
const NARROW: f64 = 320.0;

/// A text inside of a piece of a picture that is `percent` wide: left out where there is
/// no room for it.
pub(super) fn fitting(text: &str, percent: f64, y: u32) -> String {
    let width = text.chars().count() as f64 * LETTER + 12.0;
    let fits = |picture: f64| width <= picture * percent / 100.0;
    let class = match (fits(WIDE), fits(NARROW)) {
        (false, _) => return String::new(),
        (true, false) => " class=\"wide\"",
        (true, true) => "",
    };
    format!("<text{class} x=\"6\" y=\"{y}\">{}</text>", Text(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(Text("<a b=\"c\">&\u{1}\u{7f}").to_string(), "&lt;a b=&quot;c&quot;&gt;&amp;��");
        assert_eq!(Text(1.5).to_string(), "1.5");
        let table = table("a\"b", &["<"], &[vec![Cell::Words("<script>".into())]]);
        assert!(table.contains("aria-label=\"a&quot;b\""), "{table}");
        assert!(table.contains("<th scope=\"row\">&lt;script&gt;</th>"), "{table}");
    }

    #[test]
    fn thousands_are_apart() {
        let numbers = [0, 12, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "12", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
    }

    #[test]
    fn quantities_are_short() {
        let texts = [0.0, 999.0, 12_288.0, 1.79e9].map(|bytes| scaled(bytes, "B"));
        assert_eq!(texts, ["0\u{a0}B", "999\u{a0}B", "12.29\u{a0}kB", "1.79\u{a0}GB"]);
    }

    #[test]
    fn text_is_where_there_is_room() {
        assert_eq!(fitting("ten letters", 5.0, 9), "");
        assert_eq!(
            fitting("ten letters", 20.0, 9),
            "<text class=\"wide\" x=\"6\" y=\"9\">ten letters</text>"
        );
        assert_eq!(fitting("ten <", 50.0, 9), "<text x=\"6\" y=\"9\">ten &lt;</text>");
    }
}
