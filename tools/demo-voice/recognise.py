"""Word error rate by pocketsphinx with its packaged English model: a weak judge, so quote the teacher beside the voice."""

import re

import numpy as np
import soxr
from pocketsphinx import Decoder

from config import SAMPLE_RATE
from numbers_in_words import in_words

RECOGNISER_RATE = 16000


class Recogniser:
    def __init__(self):
        self.decoder = Decoder(samprate=RECOGNISER_RATE, loglevel="FATAL")

    def words(self, wave):
        """What the recogniser hears in samples at 24 kHz, as a list of words."""
        heard = soxr.resample(np.asarray(wave, np.float32), SAMPLE_RATE, RECOGNISER_RATE)
        heard = heard / max(1e-4, np.abs(heard).max()) * 0.6
        heard = np.concatenate([np.zeros(3200), heard, np.zeros(4800)])
        heard = heard + np.random.default_rng(0).normal(size=len(heard)) * 2e-4  # digital silence confuses it
        self.decoder.start_utt()
        self.decoder.process_raw((heard * 32767).astype(np.int16).tobytes(), full_utt=True)
        self.decoder.end_utt()
        hypothesis = self.decoder.hyp()
        return comparable(re.sub(r"\(\d+\)", "", hypothesis.hypstr)) if hypothesis else []


def comparable(text):
    """Lower-case words without marks, numbers written out."""
    text = re.sub(r"\d+", lambda m: f" {in_words(int(m.group()))} ", text.lower().replace("\u2019", "'"))
    text = text.replace(" 's", "'s").replace("'", "")
    return re.sub(r"[^a-z]+", " ", text).split()


def word_errors(reference, heard):
    """Substitutions, insertions and deletions between two lists of words."""
    distances = np.arange(len(heard) + 1)
    for i, expected in enumerate(reference, 1):
        previous, distances = distances, np.empty_like(distances)
        distances[0] = i
        for j, word in enumerate(heard, 1):
            distances[j] = min(previous[j] + 1, distances[j - 1] + 1, previous[j - 1] + (expected != word))
    return int(distances[-1])
