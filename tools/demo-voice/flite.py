"""Speech with phone times from libflite (Debian package libflite1), through its C interface."""

import ctypes as c
from dataclasses import dataclass

import numpy as np


class _Wave(c.Structure):
    _fields_ = [("type", c.c_char_p), ("rate", c.c_int), ("count", c.c_int), ("channels", c.c_int), ("samples", c.POINTER(c.c_short))]


@dataclass
class SpokenToken:
    """One token of the text between white space, as spoken."""

    name: str  # without punctuation
    words: list[str]  # numbers become several words
    phones: list[tuple[float, float]]  # start and end in seconds; pauses are left out


def _library(name):
    return c.CDLL(name, mode=c.RTLD_GLOBAL)


def _declare(lib):
    pointer, text = c.c_void_p, c.c_char_p
    signatures = {
        "flite_init": (c.c_int, []),
        "flite_synth_text": (pointer, [text, pointer]),
        "delete_utterance": (None, [pointer]),
        "utt_wave": (c.POINTER(_Wave), [pointer]),
        "utt_relation": (pointer, [pointer, text]),
        "relation_head": (pointer, [pointer]),
        "item_next": (pointer, [pointer]),
        "item_daughter": (pointer, [pointer]),
        "item_as": (pointer, [pointer, text]),
        "item_feat_string": (text, [pointer, text]),
        "item_feat_float": (c.c_float, [pointer, text]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments


class Teacher:
    """A voice of flite: rms, slt or awb (16 kHz)."""

    def __init__(self, voice):
        self.lib = _library("libflite.so.1")
        _library("libflite_usenglish.so.1")
        _library("libflite_cmulex.so.1")
        _declare(self.lib)
        self.lib.flite_init()
        register = getattr(_library(f"libflite_cmu_us_{voice}.so.1"), f"register_cmu_us_{voice}")
        register.restype, register.argtypes = c.c_void_p, [c.c_void_p]
        self.voice = register(None)

    def speak(self, text):
        """Samples in [-1, 1], their rate, and the tokens with phone times."""
        utterance = self.lib.flite_synth_text(text.encode(), self.voice)
        try:
            wave = self.lib.utt_wave(utterance).contents
            samples = np.ctypeslib.as_array(wave.samples, (wave.count,)).astype(np.float32) / 32768
            return samples, int(wave.rate), self._tokens(utterance)
        finally:
            self.lib.delete_utterance(utterance)

    def _siblings(self, item):
        while item:
            yield item
            item = self.lib.item_next(item)

    def _items(self, utterance, relation):
        return self._siblings(self.lib.relation_head(self.lib.utt_relation(utterance, relation)))

    def _name(self, item):
        return self.lib.item_feat_string(item, b"name").decode()

    def _tokens(self, utterance):
        spans, start = [], 0.0
        for segment in self._items(utterance, b"Segment"):
            end = self.lib.item_feat_float(segment, b"end")
            if self._name(segment) != "pau":
                spans.append((start, end))
            start = end
        spans = iter(spans)
        tokens = []
        for item in self._items(utterance, b"Token"):
            token = SpokenToken(self._name(item), [], [])
            for word in self._siblings(self.lib.item_daughter(item)):
                token.words.append(self._name(word))
                token.phones += [next(spans) for _ in range(self._count_phones(word))]
            tokens.append(token)
        return tokens

    def _count_phones(self, word):
        structure = self.lib.item_as(word, b"SylStructure")
        syllables = self._siblings(self.lib.item_daughter(structure)) if structure else ()
        return sum(1 for syllable in syllables for _ in self._siblings(self.lib.item_daughter(syllable)))
