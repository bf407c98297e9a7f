use super::units::Units;

/// Brackets inside which no sentence of the text around them ends. Quotes of
/// European languages are not among them: speech in them is cut like any other.
const PAIRS: [(char, char); 13] = [
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('（', '）'),
    ('［', '］'),
    ('「', '」'),
    ('『', '』'),
    ('【', '】'),
    ('〔', '〕'),
    ('〈', '〉'),
    ('《', '》'),
    ('｢', '｣'),
    ('〖', '〗'),
];

/// For every unit and for the end, the number of brackets open before it. A
/// bracket without a partner counts for nothing, so that a lone one cannot
/// swallow the rest of the text.
pub(super) fn depths(units: &Units) -> Vec<u32> {
    let mut opened: Vec<(usize, usize)> = Vec::new();
    let mut open_of_kind = [0_usize; PAIRS.len()];
    let mut change = vec![0_i32; units.len() + 1];
    for index in 0..units.len() {
        let Some(c) = units.get(index) else { break };
        if let Some(kind) = PAIRS.iter().position(|&(open, _)| open == c) {
            opened.push((kind, index));
            open_of_kind[kind] += 1;
        } else if let Some(kind) = PAIRS.iter().position(|&(_, close)| close == c)
            && open_of_kind[kind] > 0
        {
            while let Some((other, start)) = opened.pop() {
                open_of_kind[other] -= 1;
                if other == kind {
                    change[start + 1] += 1;
                    change[index + 1] -= 1;
                    break;
                }
            }
        }
    }
    let open = change.iter().scan(0, |open, change| {
        *open += change;
        Some(u32::try_from(*open).unwrap_or(0))
    });
    open.collect()
}
