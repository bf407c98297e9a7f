"""Stage 5: train talker and code predictor to turn text into codes.

Past frames are damaged at random, so that the model learns to go on from its own imperfect output, and head 0 of two
layers is taught from the teacher's phone times to look at the text being spoken. Can be stopped and started again at any
time; it continues where it was.
"""

import numpy as np
import torch
from torch.nn import functional as F

import data
from batches import Epochs, Example, make_batch
from checkpoints import Run
from codec import scaled
from config import CODEBOOK_SIZE, LIVE_GROUPS, Sizes
from exported import check_codes, load_talker
from own_speech import Batches
from quantise import Quantiser
from talker import Talker
from tokenizer import Tokenizer
from training import arguments, train

DAMAGED_FRAMES = 0.15  # of the past, with half of their codes replaced
LOST_FRAMES = 0.07  # of the past, without their code embedding
# Weight of codes 1..9 in the loss; code 1 only repeats code 0.
LEVEL_WEIGHTS = torch.tensor([0.5, 2.0, 1.5, 1.2, 1.0, 0.9, 0.8, 0.7, 0.6])
# From this share of the training on, a part of the utterances is spoken by the model itself (own_speech.py).
OWN_FROM = 0.6
# The predictor learns from a part of the frames at first, which is faster, then from all; at last the talker needs the time.
PREDICTOR_SHARES = ((OWN_FROM, 0.4), (0.5, 1.0), (0.0, 0.35))
ATTENTION_WEIGHT, LATE_ATTENTION_WEIGHT, LATE_FROM = 0.5, 0.1, 0.9


def damaged(codes, own_past):
    """The model's own frames have faults enough."""
    hit = (torch.rand(codes.shape[:2]) < DAMAGED_FRAMES) & ~own_past[:, None]
    replaced = hit[..., None] & (torch.rand(codes.shape) < 0.5)
    return torch.where(replaced, torch.randint(CODEBOOK_SIZE, codes.shape), codes)


def input_states(model, batch, damage):
    """[batch, time, width]: prompt positions, then frames."""
    states = model.prompt_states(batch.text, batch.control)
    codes = damaged(batch.codes, batch.own_past) if damage else batch.codes
    frames = model.frame_states(codes[batch.is_frame])
    if damage:
        frames = frames * (torch.rand(len(frames), 1) >= LOST_FRAMES)
    return states.index_put((batch.is_frame,), frames, accumulate=True)


def losses(model, batch, damage, predictor_share):
    """Loss of code 0, losses of codes 1.. [levels], attention loss, and the hit rates of code 0 and of attention."""
    scores = []
    hidden = model.model(input_states(model, batch, damage), scores=scores)
    states, targets = hidden[batch.predicts], batch.next_codes[batch.predicts]
    logits = model.first_logits(states)
    first = F.cross_entropy(logits, targets[:, 0])
    hits = (logits.argmax(1) == targets[:, 0]).float().mean()

    chosen = (targets[:, 0] != CODEBOOK_SIZE) & (torch.rand(len(targets)) < predictor_share)
    codes = targets[chosen]
    rest = model.predictor_logits(states[chosen], codes)
    levels = F.cross_entropy(rest.flatten(0, 1), codes[:, 1:LIVE_GROUPS].flatten(), reduction="none").view(len(codes), -1).mean(0)

    focus = batch.focus[batch.predicts]
    visible = torch.ones(hidden.shape[1], hidden.shape[1], dtype=torch.bool).tril()
    attention, on_text = 0.0, 0.0
    for score in scores:
        log_weights = score.masked_fill(~visible, -torch.inf).log_softmax(-1)[batch.predicts]
        attention = attention - torch.where(focus > 0, focus * log_weights, 0.0).sum(1).mean() / len(scores)
        on_text = on_text + (log_weights.detach().exp() * (focus > 0.05)).sum(1).mean() / len(scores)
    return first, levels, attention, hits, on_text


@torch.no_grad()
def validate(model, examples, tokenizer):
    """Losses on both layouts in a fixed mixture, as a dict."""
    rng = np.random.default_rng(0)
    rows = []
    for start in range(0, len(examples), 20):
        batch = make_batch(examples[start : start + 20], tokenizer, rng)
        first, levels, attention, hits, on_text = losses(model, batch, damage=False, predictor_share=1.0)
        rows.append([first, levels[1:4].mean(), levels[4:].mean(), attention, hits, on_text])
    names = ("valid_code_0", "valid_codes_2_4", "valid_codes_5_9", "valid_attention", "valid_hits", "valid_on_text")
    return dict(zip(names, np.mean(rows, 0).tolist()))


def make_optimiser(model, rate):
    """AdamW; matrices decay, embeddings and norms do not."""
    decaying, free = [], []
    for name, parameter in model.named_parameters():
        (decaying if parameter.ndim == 2 and "embedding" not in name else free).append(parameter)
    groups = [{"params": decaying, "weight_decay": 0.02}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))


def main():
    args = arguments(__doc__, "talker", steps=24000, peak_rate=1.5e-3, batch=16)
    tokenizer = Tokenizer(args.work / "tokenizer")
    examples = [Example.of(u, tokenizer) for corpus in ("train", "more") for u in data.load(args.work, corpus)]
    valid = [Example.of(u, tokenizer) for u in data.load(args.work, "valid")]
    epochs = Epochs(examples, args.batch, args.seed)
    model = Talker(Sizes(), tokenizer.rows)
    template = make_batch(examples[:1], tokenizer, np.random.default_rng(0)).text.flatten().tolist()
    model.forget_text({i for example in examples for i in example.body}.union(i for i in template if i >= 0))
    codebooks = scaled(Quantiser.load(args.work / "quantiser.npz").codebooks)
    if args.start:
        check_codes(args.start, codebooks)
        load_talker(args.start, model)

    run = Run(args.work / args.run, model, make_optimiser(model, args.peak_rate), args.first_step)
    batches = Batches(epochs, tokenizer, args.seed, run.average.model, codebooks)

    def loss_at(step):
        progress = step / args.steps
        torch.manual_seed((args.seed << 32) + step)  # damage of this step
        batch = batches.batch(step, own_speech=progress >= OWN_FROM)
        share = next(share for begin, share in PREDICTOR_SHARES if progress >= begin)
        first, levels, attention, _, on_text = losses(model, batch, True, share)
        weight = LATE_ATTENTION_WEIGHT if progress >= LATE_FROM else ATTENTION_WEIGHT
        loss = first + (levels * LEVEL_WEIGHTS).sum() / LEVEL_WEIGHTS.sum() + weight * attention
        return loss, {
            "code_0": first.item(),
            "codes_2_4": levels[1:4].mean().item(),
            "codes_5_9": levels[4:].mean().item(),
            "attention": attention.item(),
            "on_text": on_text.item(),
        }

    train(run, args, 150, 1.0, loss_at, lambda average: validate(average, valid, tokenizer))


if __name__ == "__main__":
    main()
