"""Byte-level BPE in the Qwen2 form: learn a small vocabulary from the corpus, write its files, and encode text.

Merges stay short (at most three letters, with or without the blank before them): a small model reads unknown words better
from small pieces, and with about two characters a token the text still runs ahead of the audio in the streaming layout.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import regex

MERGES = 224
LONGEST_PIECE = 3  # letters
# The split rule of the Qwen2 tokenizers.
SPLIT = regex.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Every prompt contains this word as one token, so it gets merges of its own, last and therefore least urgent.
ROLE = "assistant"
SPECIAL_TOKENS = (
    ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    + [f"<|{name}|>" for name in "object_ref_start object_ref_end box_start box_end quad_start quad_end vision_start vision_end".split()]
    + [f"<|{name}|>" for name in "vision_pad image_pad video_pad".split()]
    + ["<tool_call>", "</tool_call>"]
    + [f"<|{name}|>" for name in "fim_prefix fim_middle fim_suffix fim_pad repo_name file_sep".split()]
    + ["<tool_response>", "</tool_response>", "<think>", "</think>", "<|audio_start|>", "<|audio_end|>"]
    + ["<tts_pad>", "<tts_text_bos>", "<tts_text_eod>", "<tts_text_bos_single>", "<|audio_pad|>"]
)
NOT_SPECIAL = {t for t in SPECIAL_TOKENS if t.startswith(("<tool", "</tool", "<think", "</think", "<|fim", "<|repo", "<|file"))}


def byte_alphabet():
    """The printable character that stands for each byte in vocab.json."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(others)}}


ALPHABET = byte_alphabet()
BLANK = ALPHABET[0x20]


def symbols(piece):
    return [ALPHABET[byte] for byte in piece.encode()]


def merge_pair(parts, pair):
    merged, i = [], 0
    while i < len(parts):
        if tuple(parts[i : i + 2]) == pair:
            merged.append(parts[i] + parts[i + 1])
            i += 2
        else:
            merged.append(parts[i])
            i += 1
    return merged


def learn_merges(texts, count):
    counts = Counter(piece for text in texts for piece in SPLIT.findall(text))
    words = [(symbols(piece), n) for piece, n in counts.items()]
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for parts, n in words:
            for pair in zip(parts, parts[1:]):
                letters = "".join(pair).removeprefix(BLANK)
                if letters.isascii() and letters.isalpha() and len(letters) <= LONGEST_PIECE:
                    pairs[pair] += n
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = [(merge_pair(parts, best), n) for parts, n in words]
    parts = apply_merges(symbols(ROLE), {pair: rank for rank, pair in enumerate(merges)})
    while len(parts) > 1:
        merges.append((parts[0], parts[1]))
        parts = merge_pair(parts, merges[-1])
    return merges


def apply_merges(parts, ranks):
    while len(parts) > 1:
        best = min(zip(parts, parts[1:]), key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        parts = merge_pair(parts, best)
    return parts


class Tokenizer:
    def __init__(self, folder):
        self.vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
        self.ranks = {tuple(line.split(" ")): rank for rank, line in enumerate(lines)}
        self.special = {token: len(self.vocabulary) + i for i, token in enumerate(SPECIAL_TOKENS)}
        self.rows = -(-(len(self.vocabulary) + len(SPECIAL_TOKENS)) // 16) * 16  # of the text embedding
        self.cache = {}

    def encode(self, text):
        """Ids, and the number of bytes of each."""
        ids, lengths = [], []
        for piece in SPLIT.findall(text):
            if piece not in self.cache:
                self.cache[piece] = apply_merges(symbols(piece), self.ranks)
            ids += [self.vocabulary[part] for part in self.cache[piece]]
            lengths += [len(part) for part in self.cache[piece]]
        return ids, lengths


def tokenizer_config(first_special):
    added = {
        str(first_special + i): {
            "content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
            "special": token not in NOT_SPECIAL,
        }
        for i, token in enumerate(SPECIAL_TOKENS)
    }  # fmt: skip
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": added,
        "additional_special_tokens": [t for t in SPECIAL_TOKENS[1:] if t not in NOT_SPECIAL],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 131072,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def write_files(folder, merges):
    pieces = dict.fromkeys([*sorted(ALPHABET.values()), *("".join(pair) for pair in merges)])
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False) + "\n", encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    config = json.dumps(tokenizer_config(len(vocabulary)), indent=1, ensure_ascii=False)
    (folder / "tokenizer_config.json").write_text(config + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    lines = (args.work / "corpus" / "train.tsv").read_text(encoding="utf-8").splitlines()
    texts = [line.split("\t", 1)[1] for line in lines]
    write_files(args.work / "tokenizer", learn_merges(texts, MERGES))
    tokenizer = Tokenizer(args.work / "tokenizer")
    tokens = sum(len(tokenizer.encode(text)[0]) for text in texts)
    print(f"{tokenizer.rows} rows, {sum(map(len, texts)) / tokens:.2f} characters a token")


if __name__ == "__main__":
    main()
