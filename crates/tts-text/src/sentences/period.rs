//! What a full stop before a space means.

use super::abbreviations::{self, Class};
use super::units::Units;

/// The end of the word before a full stop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The sentence goes on.
    Inside,
    /// The sentence goes on, unless a word follows that likes to start one.
    EndBeforeStarter,
    /// The sentence goes on, unless a capital or a digit follows.
    EndBeforeCapital,
    /// An ordinary word: the sentence ends.
    EndOfWord,
}

/// Reads the full stop at unit `stop`. `next` is the next letter or digit,
/// `sentence` the start of the sentence.
pub(super) fn read(units: &Units, stop: usize, next: usize, sentence: usize) -> Reading {
    let range = units.word_before(stop);
    let word = units.text(range.clone());
    let word = word.trim_start_matches('.');
    let previous = previous_word(units, range.start, sentence);
    if word.is_empty() {
        return Reading::EndOfWord;
    }
    if word.chars().all(|c| c.is_numeric() || c == '.') {
        let is_first = units.run_before(range.start, |c| !c.is_alphanumeric()) <= sentence;
        return read_number(units, word, &previous, next, is_first);
    }
    let phrase = format!("{}.{word}", previous.trim_end_matches('.'));
    let class = abbreviations::class(&phrase).or_else(|| abbreviations::class(word));
    class.map_or_else(|| read_unknown(word), |class| read_class(units, class, next))
}

/// Whether the word at unit `next` is one that many sentences start with.
pub(super) fn is_starter(units: &Units, next: usize) -> bool {
    abbreviations::is_starter(&units.text(units.word_after(next)))
}

fn read_class(units: &Units, class: Class, next: usize) -> Reading {
    let has_number = units.get(next).is_some_and(char::is_numeric)
        || is_roman(&units.text(units.word_after(next)));
    match class {
        Class::Title => Reading::Inside,
        Class::Label if has_number => Reading::Inside,
        Class::Date if has_number || is_date(units, next) => Reading::Inside,
        Class::Label | Class::Date => Reading::EndOfWord,
        Class::Unit => Reading::EndBeforeStarter,
        Class::Closing => Reading::EndBeforeCapital,
    }
}

fn is_date(units: &Units, next: usize) -> bool {
    let word = units.text(units.word_after(next));
    abbreviations::is_month(&word) || abbreviations::class(&word) == Some(Class::Date)
}

/// Enumerators and ordinals: "1. Eier", "am 3. Mai", "2024. 1. 5.".
fn read_number(
    units: &Units,
    number: &str,
    previous: &str,
    next: usize,
    is_first: bool,
) -> Reading {
    let has_parts_up_to = |digits| number.split('.').all(|part| part.chars().count() <= digits);
    if is_first && has_parts_up_to(3) || units.get(next).is_some_and(char::is_numeric) {
        return Reading::Inside;
    }
    if previous.ends_with('.') && previous.starts_with(char::is_numeric) {
        return Reading::EndBeforeStarter;
    }
    if !has_parts_up_to(2) {
        return Reading::EndOfWord;
    }
    let follower = units.text(units.word_after(next));
    if abbreviations::is_month(&follower) || abbreviations::takes_ordinal(&follower) {
        Reading::Inside
    } else if abbreviations::precedes_ordinal(previous) {
        Reading::EndBeforeStarter
    } else {
        Reading::EndOfWord
    }
}

/// Initials, acronyms and the numbers of kings end a sentence only if that is
/// likely.
fn read_unknown(word: &str) -> Reading {
    let is_initial = |part: &str| {
        let mut letters = part.chars();
        letters.next().is_some_and(|c| c.is_uppercase() || c.is_lowercase())
            && letters.next().is_none()
    };
    let is_short = |part: &str| {
        (1..=2).contains(&part.chars().count()) && part.chars().all(char::is_alphabetic)
    };
    let is_acronym =
        word.contains('.') && word.split('.').all(is_short) && word.split('.').any(is_initial);
    // "Это я." is a common end.
    if is_acronym || is_roman(word) || is_initial(word) && !matches!(word, "я" | "Я") {
        Reading::EndBeforeStarter
    } else {
        Reading::EndOfWord
    }
}

/// Whether this is a Roman numeral; one digit alone is more likely a letter.
fn is_roman(word: &str) -> bool {
    word.len() > 1 && word.chars().all(|c| matches!(c, 'I' | 'V' | 'X'))
}

/// The word of the same sentence before the space before unit `start`.
fn previous_word(units: &Units, start: usize, sentence: usize) -> String {
    let end = units.run_before(start, char::is_whitespace);
    let has_word = sentence < end && end < start;
    if has_word { units.text(units.word_before(end)) } else { String::new() }
}
