"""Optional stage: train the codec encoder, so that audio can be turned into codes by the checkpoint itself.

A small causal network learns to give the vector that the quantiser computes from spectrum and pitch. Can be stopped and
started again at any time; it continues where it was.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import data
from checkpoints import Run, learning_rate
from codec import scaled
from config import FRAME, LIVE_GROUPS, Sizes
from encoder import CodecEncoder
from features import frame_features
from quantise import Quantiser, nearest

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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--run", default="encoder", help="folder of the run, inside WORK")
    parser.add_argument("--steps", type=int, default=15000)
    parser.add_argument("--peak-rate", type=float, default=1.5e-3)
    parser.add_argument("--decay-from", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    quantiser = Quantiser.load(args.work / "quantiser.npz")
    codebooks = scaled(quantiser.codebooks)
    utterances = [u for u in data.load(args.work, "train") if len(u.codes) >= FRAMES + 2 * SIDE]
    valid = data.load(args.work, "valid")[::4]
    model = CodecEncoder(Sizes().encoder)
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.peak_rate, betas=(0.9, 0.98), weight_decay=0.0)
    run = Run(args.work / args.run, model, optimiser)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, from step {run.step}", flush=True)

    recent = []
    while run.step < args.steps:
        rate = learning_rate(run.step, args.steps, args.peak_rate, 100, args.decay_from, 0.02)
        for group in optimiser.param_groups:
            group["lr"] = rate
        waves, vectors = batch(utterances, quantiser, run.step, args.seed)
        loss = (model(waves) - vectors).pow(2).mean()
        norm = run.advance(loss, clip=1.0)
        recent.append((loss.item(), norm))
        if run.step % 100 == 0:
            mean_loss, mean_norm = np.mean(recent, 0).tolist()
            recent.clear()
            extra = agreement(run.average.model, codebooks, valid) if run.step % 500 == 0 else {}
            run.log(loss=mean_loss, gradient=mean_norm, rate=rate, **extra)
        run.save_when_due()
    run.save()


if __name__ == "__main__":
    main()
