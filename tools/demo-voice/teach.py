"""Stage 2: let the teacher speak the sentences.

Writes parts of 500 utterances to WORK/speech: NAME.wav.npy (16-bit samples at 24 kHz, all utterances in a row) and
NAME.json (text, spoken words, frames and the time of every character). Finished parts are skipped, so the stage can be
stopped and started again, and several processes can share the work with --stride and --offset.
"""

import argparse
import json
import os
import re
from pathlib import Path

import numpy as np
import soxr

from config import FRAME, ONSET_SECONDS, SAMPLE_RATE, SILENT_FRAMES, SPEAKER, TAIL_SECONDS
from flite import Teacher

PART = 500
GAIN = 0.7 / 0.5  # loudest teacher samples come to about 0.7
ASCII = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})


def character_times(text, tokens):
    """The time at which every character is spoken, in seconds of the teacher's audio.

    Letters and digits of a token share its phones evenly; marks and blanks lie at the token's edges. None when flite's
    tokens cannot be matched with the text.
    """
    words = text.split(" ")
    if len(words) != len(tokens):
        return None
    times, previous_end = [], None
    for word, token in zip(words, tokens):
        if not token.phones or token.name.lower() not in word.lower().translate(ASCII):
            return None
        first, last = token.phones[0][0], token.phones[-1][1]
        if previous_end is not None:
            times.append((previous_end + first) / 2)  # the blank
        spoken = [m.start() for m in re.finditer(r"[A-Za-z0-9]", word)]
        edges = np.array([first, *(end for _, end in token.phones)])
        for i in range(len(word)):
            if i < spoken[0]:
                times.append(first)
            elif i > spoken[-1]:
                times.append(last + 0.02)
            else:
                rank = sum(j < i for j in spoken) + 0.5 * (i in spoken)
                times.append(float(np.interp(rank / len(spoken) * (len(edges) - 1), np.arange(len(edges)), edges)))
        previous_end = last
    return np.maximum.accumulate(times)


def speech_onset(wave):
    energy = np.convolve(wave * wave, np.ones(240) / 240, "same")
    return int(np.argmax(energy > energy.max() * 3e-4))


def utterance(teacher, text):
    """Samples from SILENT_FRAMES of silence to the end, a whole number of frames, with character times; or None."""
    samples, rate, tokens = teacher.speak(text.translate(ASCII))
    times = character_times(text, tokens)
    if times is None or len(times) != len(text):
        return None
    wave = soxr.resample(samples, rate, SAMPLE_RATE).astype(np.float32) * GAIN
    start = speech_onset(wave) - int((SILENT_FRAMES * FRAME / SAMPLE_RATE + ONSET_SECONDS) * SAMPLE_RATE)
    end = min(len(wave), int((tokens[-1].phones[-1][1] + TAIL_SECONDS) * SAMPLE_RATE))
    keep = wave[max(start, 0) : end].copy()
    keep[-240:] *= np.linspace(1, 0, 240)
    wave = np.concatenate([np.zeros(max(-start, 0), np.float32), keep])
    wave[: SILENT_FRAMES * FRAME] = 0
    wave = np.pad(wave, (0, -len(wave) % FRAME))
    return {
        "text": text,
        "spoken": " ".join(w for t in tokens for w in t.words),
        "frames": len(wave) // FRAME,
        "times": [round(float(t) - start / SAMPLE_RATE, 3) for t in times],
        "wave": (np.clip(wave, -1, 1) * 32767).astype(np.int16),
    }


def write_part(folder, name, rows):
    waves = np.concatenate([row.pop("wave") for row in rows])
    scratch = folder / f".{name}.{os.getpid()}"
    with scratch.open("wb") as file:
        np.save(file, waves)
    scratch.replace(folder / f"{name}.wav.npy")
    scratch.write_text(json.dumps(rows))
    scratch.replace(folder / f"{name}.json")  # last: its presence marks the part as complete


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--stride", type=int, default=1, help="processes that share the work")
    parser.add_argument("--offset", type=int, default=0, help="number of this process")
    args = parser.parse_args()
    folder = args.work / "speech"
    folder.mkdir(parents=True, exist_ok=True)

    parts = []
    for corpus in ("valid", "heldout_domain", "heldout_open", "train", "more"):
        lines = (args.work / "corpus" / f"{corpus}.tsv").read_text(encoding="utf-8").splitlines()
        texts = [line.split("\t", 1)[1] for line in lines]
        parts += [(f"{corpus}-{i // PART:03d}", texts[i : i + PART]) for i in range(0, len(texts), PART)]

    teacher = Teacher(SPEAKER)
    for name, texts in parts[args.offset :: args.stride]:
        if (folder / f"{name}.json").exists():
            continue
        rows = [row for row in (utterance(teacher, text) for text in texts) if row]
        write_part(folder, name, rows)
        hours = sum(row["frames"] for row in rows) * FRAME / SAMPLE_RATE / 3600
        print(f"{name}: {len(rows)} of {len(texts)} utterances, {hours:.2f} h", flush=True)


if __name__ == "__main__":
    main()
