"""Stage 3: turn speech into codes with a fixed quantiser.

Features (features.py) are reduced to CODE_WIDTH dimensions; code 0 is the nearest of 256 k-means centres of that vector,
and a residual chain of k-means codebooks quantises the same vector again, as the semantic and acoustic parts of the
official codec do. The acoustic chain starts with the semantic codebook, so that code 1 always equals code 0 and no level
is spent on saying the same twice. Levels from LIVE_GROUPS on are zero tables.

Writes WORK/quantiser.npz once, then WORK/codes/NAME.npy ([frames, 16], bytes) for every part of speech.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

import features
from config import CODE_GROUPS, CODE_WIDTH, CODEBOOK_SIZE, FRAME, LIVE_GROUPS


def nearest(vectors, centres):
    """Index of the nearest centre of every vector, the first on ties."""
    norms = (centres * centres).sum(1)
    return torch.cat([(norms - 2 * chunk @ centres.t()).argmin(1) for chunk in vectors.split(8192)])


def k_means(vectors, count, iterations, generator):
    centres = vectors[torch.randperm(len(vectors), generator=generator)[:count]].clone()
    for _ in range(iterations):
        owner = nearest(vectors, centres)
        members = torch.bincount(owner, minlength=count).float()
        sums = torch.zeros_like(centres).index_add_(0, owner, vectors)
        centres = sums / members.clamp(min=1)[:, None]
        lonely = members < 2
        if lonely.any():
            centres[lonely] = vectors[torch.randint(len(vectors), (int(lonely.sum()),), generator=generator)]
    return centres


class Quantiser:
    """mean [WIDTH], axes [WIDTH, CODE_WIDTH], codebooks [CODE_GROUPS, CODEBOOK_SIZE, CODE_WIDTH]"""

    def __init__(self, mean, axes, codebooks):
        self.mean, self.axes, self.codebooks = mean, axes, codebooks

    @classmethod
    def load(cls, path):
        stored = np.load(path)
        return cls(*(torch.from_numpy(stored[name]) for name in ("mean", "axes", "codebooks")))

    def save(self, path):
        np.savez(path, mean=self.mean.numpy(), axes=self.axes.numpy(), codebooks=self.codebooks.numpy())

    @classmethod
    def fit(cls, frames, seed, report):
        generator = torch.Generator().manual_seed(seed)
        mean = frames.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov((frames - mean).t()))
        order = values.argsort(descending=True)[:CODE_WIDTH]
        report(f"{CODE_WIDTH} axes keep {float(values[order].sum() / values.sum()):.2%} of the variance")
        axes = vectors[:, order].contiguous()
        reduced = (frames - mean) @ axes
        codebooks = torch.zeros(CODE_GROUPS, CODEBOOK_SIZE, CODE_WIDTH)
        codebooks[0] = codebooks[1] = k_means(reduced, CODEBOOK_SIZE, 40, generator)
        rest = reduced - codebooks[1][nearest(reduced, codebooks[1])]
        spectrum = features.STEPS * features.BANDS
        for level in range(2, LIVE_GROUPS):
            codebooks[level] = k_means(rest, CODEBOOK_SIZE, 25, generator)
            rest = rest - codebooks[level][nearest(rest, codebooks[level])]
            error = rest @ axes.t()
            mel = error[:, :spectrum].pow(2).mean().sqrt()
            semitones = error[:, spectrum : spectrum + features.STEPS].pow(2).mean().sqrt() / features.PITCH_WEIGHT * 12
            report(f"up to code {level}: log-mel error {float(mel):.3f} nat, pitch error {float(semitones):.2f} semitones")
        return cls(mean, axes, codebooks)

    def vectors(self, frames):
        """[frames, WIDTH] -> [frames, CODE_WIDTH]"""
        return (frames - self.mean) @ self.axes

    def encode(self, frames):
        """[frames, WIDTH] -> [frames, CODE_GROUPS]"""
        vectors = self.vectors(frames)
        codes = torch.zeros(len(frames), CODE_GROUPS, dtype=torch.uint8)
        codes[:, 0] = nearest(vectors, self.codebooks[0])
        for level in range(1, LIVE_GROUPS):
            index = nearest(vectors, self.codebooks[level])
            vectors = vectors - self.codebooks[level][index]
            codes[:, level] = index
        return codes


def part_features(folder, name):
    waves = np.load(folder / f"{name}.wav.npy", mmap_mode="r")
    start = 0
    for row in json.loads((folder / f"{name}.json").read_text()):
        end = start + row["frames"] * FRAME
        yield features.frame_features(torch.from_numpy(waves[start:end].astype(np.float32) / 32768))
        start = end


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--fit-parts", type=int, default=8, help="parts of the training speech the quantiser is fitted to")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stride", type=int, default=1, help="processes that share the work")
    parser.add_argument("--offset", type=int, default=0, help="number of this process")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    speech, codes = args.work / "speech", args.work / "codes"
    codes.mkdir(exist_ok=True)
    names = sorted(path.stem for path in speech.glob("*.json"))

    stored = args.work / "quantiser.npz"
    if not stored.exists():
        fitted = [name for name in names if name.startswith("train")][: args.fit_parts]
        frames = torch.cat([frames for name in fitted for frames in part_features(speech, name)])
        print(f"fitting to {len(frames)} frames", flush=True)
        Quantiser.fit(frames, args.seed, lambda line: print(line, flush=True)).save(stored)
    quantiser = Quantiser.load(stored)

    for name in names[args.offset :: args.stride]:
        target = codes / f"{name}.npy"
        if target.exists():
            continue
        encoded = [quantiser.encode(frames) for frames in part_features(speech, name)]
        scratch = codes / f".{name}.npy"
        np.save(scratch, torch.cat(encoded).numpy())
        scratch.replace(target)
    print(f"{len(names)} parts encoded", flush=True)


if __name__ == "__main__":
    main()
