//! What single characters mean.

use super::units::Units;

/// Ends a sentence, or at least may.
pub(super) fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '‽' | '‼' | '⁇' | '⁈' | '⁉' | '؟' | '۔') || is_full_stop(c)
}

/// A full-width terminator: no space follows it.
pub(super) fn is_full_stop(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '．' | '｡')
}

/// Separates clauses more strongly than a comma.
pub(super) fn is_colon(c: char) -> bool {
    matches!(c, ';' | ':' | '；' | '：' | '…') || is_dash(c)
}

/// Separates clauses or the items of a list.
pub(super) fn is_comma(c: char) -> bool {
    matches!(c, ',' | '،' | '、' | '，' | '､')
}

pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '—' | '–' | '―' | '-' | '⸺')
}

/// A letter of a script in which sentences follow each other without a space,
/// or of Korean, in which some people write so.
pub(super) fn is_cjk(c: char) -> bool {
    is_ideograph_or_kana(c) || is_hangul(c)
}

pub(super) fn is_hangul(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}')
}

/// A character beside which a line break is not a space.
pub(super) fn is_full_width(c: char) -> bool {
    is_ideograph_or_kana(c) || matches!(c, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}')
}

fn is_ideograph_or_kana(c: char) -> bool {
    matches!(c, '々' | '〇' | '\u{2e80}'..='\u{2fdf}' | '\u{3041}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9d}' | '\u{20000}'..='\u{3ffff}')
}

/// A space at which lines are not broken.
pub(super) fn is_no_break_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// Opens a bracket or quotation, in every language that has the character.
pub(super) fn is_opener(c: char) -> bool {
    matches!(
        c,
        '(' | '[' | '{' | '（' | '［' | '｛' | '「' | '『' | '【' | '〔' | '〈' | '《' | '｢' | '〖'
    ) || matches!(c, '“' | '‘' | '„' | '‚' | '«' | '‹' | '"' | '\'')
}

/// Closes a bracket or quotation, in every language that has the character.
fn is_closer(c: char) -> bool {
    matches!(
        c,
        ')' | ']' | '}' | '）' | '］' | '｝' | '」' | '』' | '】' | '〕' | '〉' | '》' | '｣' | '〗'
    ) || matches!(c, '”' | '’')
}

/// Opens in one language and closes in another, or is emphasis of Markdown.
fn is_ambiguous(c: char) -> bool {
    matches!(c, '"' | '\'' | '“' | '‘' | '«' | '»' | '‹' | '›' | '*' | '_')
}

/// The end of the closing quotes and brackets at `index`. `quotes` counts the
/// straight double quotes before.
pub(super) fn skip_closers(units: &Units, mut index: usize, mut quotes: usize) -> usize {
    while let Some(c) = units.get(index) {
        let next = units.get(index + 1);
        if is_closer(c) || is_ambiguous(c) && is_closing_place(c, next, quotes) {
            index += 1;
            quotes += usize::from(c == '"');
        } else if c.is_whitespace()
            && matches!(next, Some('»' | '›'))
            && is_closing_place('»', units.get(index + 2), quotes)
        {
            // French has a space inside its quotes.
            index += 2;
        } else {
            break;
        }
    }
    index
}

/// Whether an ambiguous quote closes, judged by what follows it.
fn is_closing_place(quote: char, next: Option<char>, quotes: usize) -> bool {
    next.is_none_or(|next| {
        let is_mark = is_terminator(next) || is_colon(next) || is_comma(next);
        let is_quote = is_closer(next) || is_ambiguous(next);
        // Korean has a space before an opening quote; Chinese and Japanese do not.
        let is_second = quote == '"' && is_cjk(next) && (is_hangul(next) || quotes % 2 == 1);
        next.is_whitespace() || is_mark || is_quote || is_second
    })
}
