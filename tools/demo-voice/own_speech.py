"""Let the model speak its training sentences, so that it learns to go on from its own speech.

Taught on the teacher's frames alone, a model is right while it hears them and gets lost among its own. So a part of the
utterances has its own frames as the past. What is to be predicted is how the teacher goes on from there: own frames are
aligned with the teacher's, and the next frame to say is the one after the aligned one. (The teacher's frame of the same
moment is the wrong lesson: a model that is late learns to skip words.)
"""

import numpy as np
import torch
from torch.nn import functional as F

from batches import make_batch
from config import CODEBOOK_SIZE, LIVE_GROUPS
from generate import Sampling, draw, predict_frames
from talker import NONE

OWN_SHARE = 0.5  # of the utterances
WINDOW = 16  # steps whose utterances are spoken together, which is several times faster than one step's
DETOUR = 0.15  # of the median distance: what it costs to say a frame twice or to leave one out
SAMPLING = Sampling(temperature=0.4, predictor_temperature=0.3)


@torch.no_grad()
def speak(model, text, control, is_frame, sampling, generator):
    """The frames that the model says where is_frame is set: [batch, time] each -> codes [batch, time, CODE_GROUPS]."""
    states = model.prompt_states(text, control)
    begin = int(is_frame.any(0).float().argmax())  # the first position of any frame
    caches = model.model.new_caches()
    hidden = model.model(states[:, :begin], caches)[:, -1]
    codes = []
    for position in range(begin, text.shape[1]):
        speaking = is_frame[:, position]
        first = draw(model.first_logits(hidden[speaking])[:, :CODEBOOK_SIZE], sampling.temperature, sampling, generator)
        frames = predict_frames(model, hidden[speaking], first, sampling, generator)
        codes.append(frames.new_zeros(len(text), frames.shape[1]).index_put((speaking,), frames))
        state = states[:, position] + model.frame_states(codes[-1]) * speaking[:, None]
        hidden = model.model(state[:, None], caches)[:, 0]
    return F.pad(torch.stack(codes, 1), (0, 0, begin, 0))


def aligned(own, taught):
    """The taught frame [taught, width] that each own frame [own, width] stands for; never goes back."""
    distances = torch.cdist(own, taught).numpy()
    detour = DETOUR * float(np.median(distances))
    total, back = distances[0] + detour * np.arange(len(taught)), []
    for distance in distances[1:]:
        # The taught frame before, the same again, or one left out.
        ways = np.stack([np.roll(total, 1), total + detour, np.roll(total, 2) + detour])
        ways[0, 0] = ways[2, :2] = np.inf
        back.append(ways.argmin(0))
        total = ways.min(0) + distance
    path = [int(total.argmin())]
    for way in reversed(back):
        path.append(path[-1] - (1, 0, 2)[way[path[-1]]])
    return np.array(path[::-1])


def go_on_from_own(batch, row, codebooks):
    """Make the lesson of a row what the teacher says after the frames that its own past stands for."""
    frames = batch.is_frame[row].nonzero()[:, 0]
    first = int(frames[0]) - 1  # predicts the first frame
    own, lesson = batch.codes[row, frames], slice(first, first + len(frames) + 1)
    taught = batch.next_codes[row, first : first + len(frames)]
    path = aligned(code_vectors(own, codebooks), code_vectors(taught, codebooks))
    source = torch.from_numpy(np.concatenate([[0], path + 1]))
    batch.next_codes[row, lesson] = batch.next_codes[row, lesson][source]
    focus = batch.focus[row, lesson][source] * (torch.arange(batch.focus.shape[2]) <= torch.arange(first, lesson.stop)[:, None])
    total = focus.sum(1, keepdim=True)
    batch.focus[row, lesson] = torch.where(total > 0.1, focus / total, 0.0)
    # After the end nothing is to be learned.
    ended = (source == len(frames)).cumsum(0) > 1
    batch.predicts[row, lesson] &= ~ended
    batch.focus[row, lesson] *= ~ended[:, None]


def code_vectors(codes, codebooks):
    """[frames, CODE_GROUPS] -> [frames, CODE_WIDTH]"""
    return sum(codebooks[group][codes[:, group]] for group in range(1, LIVE_GROUPS))


class Batches:
    """The batch of every step, a part of the utterances with the model's own frames as their past.

    Batches follow from seed and step, the frames also from the model when the window of the step was begun.
    """

    def __init__(self, epochs, tokenizer, seed, model, codebooks):
        self.epochs, self.tokenizer, self.seed, self.model = epochs, tokenizer, seed, model
        self.codebooks = codebooks
        self.begin, self.batches = None, []

    def batch(self, step, own_speech):
        if not own_speech:
            return make_batch(self.epochs.batch(step), self.tokenizer, np.random.default_rng((self.seed, step)))
        begin = step - step % WINDOW
        if begin != self.begin:
            self.begin, self.batches = begin, self._window(begin)
        return self.batches[step - begin]

    def _window(self, begin):
        batches, chosen = [], []
        for step in range(begin, begin + WINDOW):
            rng = np.random.default_rng((self.seed, step))
            batches.append(make_batch(self.epochs.batch(step), self.tokenizer, rng))
            chosen.append(torch.from_numpy(rng.random(len(batches[-1].text)) < OWN_SHARE))
        longest = max(batch.text.shape[1] for batch in batches)

        def joined(name, filling):
            rows = (getattr(batch, name)[rows] for batch, rows in zip(batches, chosen))
            return torch.cat([F.pad(part, (0, longest - part.shape[1]), value=filling) for part in rows])

        generator = torch.Generator().manual_seed((self.seed << 32) + begin)
        spoken = speak(self.model, joined("text", NONE), joined("control", NONE), joined("is_frame", False), SAMPLING, generator)
        for batch, rows in zip(batches, chosen):
            own, spoken = spoken.split([int(rows.sum()), len(spoken) - int(rows.sum())])
            batch.codes[rows] = own[:, : batch.text.shape[1]]
            batch.own_past[rows] = True
            for row in rows.nonzero()[:, 0].tolist():
                go_on_from_own(batch, row, self.codebooks)
        return batches
