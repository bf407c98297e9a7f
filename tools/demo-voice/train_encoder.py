"""Optional stage: train the codec encoder, so that audio can be turned into codes by the checkpoint itself.

A small causal network learns to give the vector that the quantiser computes from spectrum and pitch. Can be stopped and
started again at any time; it continues where it was.
"""

import numpy as np
import torch

import data
from checkpoints import Run
from codec import scaled
from config import FRAME, LIVE_GROUPS, Sizes
from encoder import CodecEncoder
from exported import check_codes, load_encoder
from features import frame_features
from quantise import Quantiser, nearest
from training import arguments, train

BATCH, FRAMES = 8, 24
SIDE = 1  # frames on both sides of a crop, that its features need


def batch(utterances, quantiser, step, seed):
    """Waves [BATCH, samples] and the vectors of their frames [BATCH, FRAMES, CODE_WIDTH]."""
    rng = np.random.default_rng((seed, step))
    waves, vectors = [], []
    for index in rng.integers(len(utterances), size=BATCH):
        wave = utterances[index].wave
        start = rng.integers(len(wave) // FRAME - FRAMES - 2 * SIDE + 1)
        wave = torch.from_numpy(wave[start * FRAME : (start + FRAMES + 2 * SIDE) * FRAME].astype(np.float32)) / 32768
        vectors.append(quantiser.vectors(frame_features(wave))[SIDE:-SIDE])
        waves.append(wave[SIDE * FRAME : -SIDE * FRAME])
    return torch.stack(waves), torch.stack(vectors) / quantiser.codebooks[0].std()


@torch.no_grad()
def agreement(encoder, codebooks, utterances):
    """Share of the frames whose code 0 is the quantiser's, and the mean squared error left after all live codes."""
    equal, error = [], []
    for utterance in utterances:
        vectors = encoder(torch.from_numpy(utterance.wave.astype(np.float32))[None] / 32768)[0]
        codes = torch.from_numpy(utterance.codes).long()
        equal.append((nearest(vectors, codebooks[0]) == codes[:, 0]).float().mean())
        true = sum(codebooks[group][codes[:, group]] for group in range(1, LIVE_GROUPS))
        error.append((vectors - true).pow(2).mean())
    return {"valid_code_0": float(np.mean(equal)), "valid_loss": float(np.mean(error))}


def main():
    args = arguments(__doc__, "encoder", steps=15000, peak_rate=1.5e-3)
    quantiser = Quantiser.load(args.work / "quantiser.npz")
    codebooks = scaled(quantiser.codebooks)
    utterances = [u for u in data.load(args.work, "train") if len(u.codes) >= FRAMES + 2 * SIDE]
    valid = data.load(args.work, "valid")[::4]
    model = CodecEncoder(Sizes().encoder)
    if args.start:
        check_codes(args.start, codebooks)
        load_encoder(args.start, model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.peak_rate, betas=(0.9, 0.98), weight_decay=0.0)

    def loss_at(step):
        waves, vectors = batch(utterances, quantiser, step, args.seed)
        loss = (model(waves) - vectors).pow(2).mean()
        return loss, {"loss": loss.item()}

    run = Run(args.work / args.run, model, optimiser, args.first_step)
    train(run, args, 100, 1.0, loss_at, lambda average: agreement(average, codebooks, valid))


if __name__ == "__main__":
    main()
