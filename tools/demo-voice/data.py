"""Read back what stages 2 and 3 wrote."""

import json
from dataclasses import dataclass

import numpy as np

from config import FRAME


@dataclass
class Utterance:
    text: str
    spoken: str  # the words, numbers written out
    times: list  # of every character, in seconds from the start of the wave
    wave: np.ndarray  # 16-bit samples
    codes: np.ndarray | None  # [frames, 16]


def load(work, corpus, with_codes=True):
    """All utterances of a corpus (train, valid, heldout_domain, heldout_open); waves stay on disk until they are read."""
    utterances = []
    for path in sorted((work / "speech").glob(f"{corpus}-*.json")):
        waves = np.load(path.with_suffix(".wav.npy"), mmap_mode="r")
        codes = np.load(work / "codes" / f"{path.stem}.npy") if with_codes else None
        start = 0
        for row in json.loads(path.read_text()):
            end = start + row["frames"]
            wave = waves[start * FRAME : end * FRAME]
            utterances.append(Utterance(row["text"], row["spoken"], row["times"], wave, codes[start:end] if with_codes else None))
            start = end
    return utterances
