"""Utterances as training examples of the talker: prompts in both layouts, frames, and where attention should be."""

from dataclasses import dataclass

import numpy as np
import torch

from config import CODE_GROUPS, CODEBOOK_SIZE, FRAME_SECONDS, SILENT_FRAMES
from talker import NONE, Prompt

STREAMING_SHARE = 0.35
LANGUAGE_SHARE = 0.5  # with "english"; the others are Auto
ATTENTION_WIDTH = 0.7  # standard deviation, in text tokens
AFTER_LAST_TOKEN = 0.06  # seconds; then attention rests on the end-of-text token


@dataclass
class Example:
    body: list  # text token ids
    times: np.ndarray  # of every text token, seconds from the start of the codes
    codes: np.ndarray  # [frames, CODE_GROUPS], with the silent frames in front

    @classmethod
    def of(cls, utterance, tokenizer):
        body, lengths = tokenizer.encode(utterance.text)
        byte_times = np.repeat(utterance.times, [len(character.encode()) for character in utterance.text])
        ends = np.cumsum(lengths)
        times = np.array([byte_times[end - length : end].mean() for end, length in zip(ends, lengths)])
        return cls(body, times, utterance.codes)

    def length(self):
        return len(self.body) + len(self.codes)


@dataclass
class Batch:
    text: torch.Tensor  # [batch, time], NONE where the channel is empty
    control: torch.Tensor  # [batch, time], likewise
    codes: torch.Tensor  # [batch, time, CODE_GROUPS]: the frame that is the input of a position
    is_frame: torch.Tensor  # [batch, time]
    own_past: torch.Tensor  # [batch]: True where codes are the model's instead of the teacher's
    predicts: torch.Tensor  # [batch, time]: True where the next frame, or the end, is to be predicted
    next_codes: torch.Tensor  # [batch, time, CODE_GROUPS]; group 0 is CODEBOOK_SIZE for the end
    focus: torch.Tensor  # [batch, time, time]: where head 0 should look; zero rows where nothing is predicted


def make_batch(examples, tokenizer, rng, streaming_share=STREAMING_SHARE):
    """The layout and the language of every example are drawn from rng."""
    rows = []
    for example in examples:
        streaming = rng.random() < streaming_share
        language = "english" if rng.random() < LANGUAGE_SHARE else None
        skipped = 0 if streaming else SILENT_FRAMES
        prompt = Prompt(tokenizer, example.body, language, streaming)
        rows.append((prompt, example.codes[skipped:], example.times - skipped * FRAME_SECONDS))
    longest = max(len(prompt.text) + len(codes) for prompt, codes, _ in rows)
    shape = len(rows), longest
    text, control = np.full(shape, NONE), np.full(shape, NONE)
    codes, next_codes = np.zeros((*shape, CODE_GROUPS), np.int64), np.zeros((*shape, CODE_GROUPS), np.int64)
    is_frame, predicts = np.zeros(shape, bool), np.zeros(shape, bool)
    focus = np.zeros((*shape, longest), np.float32)
    for b, (prompt, frames, times) in enumerate(rows):
        start, end = len(prompt.text), len(prompt.text) + len(frames)
        text[b, :end] = prompt.text + prompt.trailing_text(len(frames))
        control[b, :start] = prompt.control
        codes[b, start:end] = frames
        next_codes[b, start - 1 : end - 1] = frames
        next_codes[b, end - 1, 0] = CODEBOOK_SIZE
        is_frame[b, start:end] = True
        predicts[b, start - 1 : end] = True
        focus[b, start - 1 : end, : end] = attention_focus(prompt.text_start, times, start - 1, len(frames) + 1)
    own_past = np.zeros(len(rows), bool)
    tensors = (torch.from_numpy(array) for array in (text, control, codes, is_frame, own_past, predicts, next_codes, focus))
    return Batch(*tensors)


def attention_focus(text_start, times, first_query, queries):
    """A Gaussian around the text token spoken at each predicted frame, [queries, positions]; rows sum to 1.

    In both layouts text token i lies at position text_start + i; later positions than the query's are invisible.
    """
    middle = (np.arange(queries) + 0.5) * FRAME_SECONDS
    anchors = np.append(times, times[-1] + AFTER_LAST_TOKEN)
    centre = text_start + np.interp(middle, anchors, np.arange(len(anchors)))
    keys, query = np.arange(first_query + queries), first_query + np.arange(queries)
    allowed = (keys >= text_start) & (keys <= text_start + len(times)) & (keys <= query[:, None])
    centre = np.minimum(centre, query)
    weights = np.exp(-0.5 * ((keys - centre[:, None]) / ATTENTION_WIDTH) ** 2) * allowed
    return weights[:, : first_query + queries] / weights.sum(1, keepdims=True)


class Epochs:
    """Which examples make up the batch of a step; follows from seed and step alone."""

    def __init__(self, examples, size, seed):
        self.examples, self.size, self.seed = examples, size, seed
        self.per_epoch = len(examples) // size
        self.epoch, self.order = None, []

    def batch(self, step):
        epoch, index = divmod(step, self.per_epoch)
        if epoch != self.epoch:
            rng = np.random.default_rng((self.seed, epoch))
            shuffled = rng.permutation(len(self.examples))[: self.per_epoch * self.size]
            pool = self.size * 16
            by_length = [i for at in range(0, len(shuffled), pool) for i in sorted(shuffled[at : at + pool], key=self._length)]
            batches = np.array(by_length).reshape(-1, self.size)
            self.epoch, self.order = epoch, batches[rng.permutation(len(batches))]
        return [self.examples[i] for i in self.order[index]]

    def _length(self, i):
        return self.examples[i].length()
