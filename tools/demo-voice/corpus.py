"""Stage 1: collect the sentences that the teacher will speak.

Three sources: the grammar of the stated domain (grammar.txt), example sentences of WordNet, and clauses of fortunes and
of the King James Bible. Writes train.tsv, valid.tsv, heldout_domain.tsv and heldout_open.tsv (source, tab, text), and
more.tsv, further sentences of the domain for the last part of the training.
"""

import argparse
import random
import re
import subprocess
from pathlib import Path

from numbers_in_words import fill_number

HERE = Path(__file__).parent
WORDNET = Path("/usr/share/wordnet")
FORTUNES = Path("/usr/share/games/fortunes")
UNSUITABLE_FORTUNES = {"art", "ascii-art", "perl", "zippy", "translate-me", "debian", "linux", "knghtbrd", "magic", "computers"}
CHARACTERS = re.compile(r"[A-Za-z ,.;:!?'\"-]+")
LONGEST = 110  # characters; about seven seconds


def load_grammar(path):
    rules = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, alternatives = line.split(":", 1)
            rules[name] = [a.strip() for a in alternatives.split(" | ")]
    return rules


def expand(rules, text, rng):
    """Replace every {slot}; a repeated noun or name inside one sentence is drawn again."""
    seen = set()

    def fill(match):
        slot = match.group(1)
        number = fill_number(slot, rng)
        if number is not None:
            return number
        choice = rng.choice([a for a in rules[slot] if a not in seen] or rules[slot])
        seen.add(choice)
        return expand(rules, choice, rng)

    return re.sub(r"\{(\w+)\}", fill, text)


def polish(text):
    """Articles, the closing mark and the first capital that slots cannot know."""
    text = re.sub(r"\b([Aa]) (?=[aeiouAEIOU])(?!one |uni)", r"\1n ", text)
    text = re.sub(r"^(\"?)([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)
    text = re.sub(r"(?<=[.?!] )([a-z])", lambda m: m.group(1).upper(), text)
    return text if text[-1] in ".?!\"" else text + "."


def grammar_sentences(count, rng):
    rules = load_grammar(HERE / "grammar.txt")
    found = {}
    for _ in range(count * 30):
        text = polish(expand(rules, "{sentence}", rng))
        repeats = found.get(text, 0)
        if repeats < 3:
            found[text] = repeats + 1
        if len(found) >= count:
            break
    return list(found)


def suitable(text):
    words = text.split()
    return 2 <= len(words) <= 25 and len(text) <= LONGEST and CHARACTERS.fullmatch(text) and not re.search(r"[A-Z]{2}|--|\.\.|\.[A-Za-z]", text)


def wordnet_sentences():
    for part in ("noun", "verb", "adj", "adv"):
        for line in (WORDNET / f"data.{part}").read_text(errors="ignore").splitlines():
            gloss = line.partition(" | ")[2]
            for example in re.findall(r'"([^"]+)"', gloss):
                yield example.strip()


def fortune_sentences():
    for path in sorted(FORTUNES.iterdir()):
        if "." in path.name or path.name in UNSUITABLE_FORTUNES:
            continue
        for saying in path.read_text(errors="ignore").split("%\n"):
            for part in re.split(r"(?<=[.!?;:])\s+", " ".join(saying.split())):
                yield part.strip(" \"'-,;:")


def bible_sentences():
    verses = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], capture_output=True, text=True, check=True).stdout
    for verse in verses.splitlines():
        for part in re.split(r"(?<=[.!?;:])\s+", verse.split(" ", 1)[-1]):
            yield part.strip(" \"'-,;:")


def prose(source, count, rng):
    kept = sorted({polish(text) for text in source if text and suitable(text)})
    rng.shuffle(kept)
    return kept[:count]


def typographic(text, rng):
    """One text in twenty is written with curly quotes, as people paste it."""
    if rng.random() > 0.05:
        return text
    text = re.sub(r'"([^"]*)"', "\u201c\\1\u201d", text)
    return text.replace("'", "\u2019")


def join_short(texts, rng, share):
    """Put some neighbours together, so that two-sentence texts and pauses are learned."""
    joined, rest = [], list(texts)
    while rest:
        text = rest.pop()
        if rest and rng.random() < share and len(text) + len(rest[-1]) < LONGEST + 20 and text[-1] in ".?!":
            text = f"{text} {rest.pop()}"
        joined.append(text)
    return joined


def write(path, rows):
    path.write_text("".join(f"{source}\t{text}\n" for source, text in rows), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--domain", type=int, default=13000, help="sentences from the grammar")
    parser.add_argument("--wordnet", type=int, default=7000)
    parser.add_argument("--fortunes", type=int, default=5000)
    parser.add_argument("--bible", type=int, default=2500)
    parser.add_argument("--more", type=int, default=14000, help="further sentences from the grammar")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)

    domain = grammar_sentences(args.domain + 200, rng)
    rng.shuffle(domain)
    held_domain = [t for t in domain if len(t.split()) >= 3][:100]
    domain = [t for t in domain if t not in set(held_domain)]
    open_text = (
        [("wordnet", t) for t in prose(wordnet_sentences(), args.wordnet + 80, rng)]
        + [("fortunes", t) for t in prose(fortune_sentences(), args.fortunes + 80, rng)]
        + [("bible", t) for t in prose(bible_sentences(), args.bible + 40, rng)]
    )
    rng.shuffle(open_text)
    held_open, valid_open, open_text = open_text[:100], open_text[100:150], open_text[150:]
    valid = [("domain", t) for t in domain[:50]] + valid_open
    domain = domain[50:]

    train = [("domain", t) for t in join_short(domain, rng, 0.12)]
    for source in ("wordnet", "fortunes", "bible"):
        train += [(source, t) for t in join_short([t for s, t in open_text if s == source], rng, 0.08)]
    train = [(source, typographic(text, rng)) for source, text in train]
    rng.shuffle(train)

    known = {*domain, *held_domain, *(text for _, text in valid)}
    more = [text for text in grammar_sentences(args.more, rng) if text not in known]
    more = [("domain", typographic(text, rng)) for text in join_short(more, rng, 0.12)]

    out = args.work / "corpus"
    out.mkdir(parents=True, exist_ok=True)
    write(out / "train.tsv", train)
    write(out / "more.tsv", more)
    write(out / "valid.tsv", valid)
    write(out / "heldout_domain.tsv", [("domain", t) for t in held_domain])
    write(out / "heldout_open.tsv", held_open)
    print(f"{len(train)} sentences, {sum(len(t) for _, t in train)} characters, {len({w for _, t in train for w in t.lower().split()})} words")


if __name__ == "__main__":
    main()
