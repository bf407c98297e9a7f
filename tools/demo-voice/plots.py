"""Pictures: loss curves of the training runs, and spectrograms."""

import argparse
import json
from pathlib import Path

import librosa
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from config import SAMPLE_RATE


def spectrogram(wave, title, path):
    levels = 20 * np.log10(np.abs(librosa.stft(np.asarray(wave, np.float32), n_fft=1024, hop_length=240)) + 1e-4)
    figure, axis = plt.subplots(figsize=(10, 3.2), constrained_layout=True)
    extent = (0, len(wave) / SAMPLE_RATE, 0, SAMPLE_RATE / 2)
    axis.imshow(levels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-60, vmax=40)
    axis.set(ylim=(0, 8000), xlabel="seconds", ylabel="Hz")
    axis.set_title(title, fontsize=9)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def curves(path, target):
    """Every quantity of a run against its steps; a validation value shares the panel of its training value."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    names = {name for row in rows for name in row} - {"step", "cpu_minutes"}
    panels = sorted({name.removeprefix("valid_") for name in names})
    figure, axes = plt.subplots(-(-len(panels) // 3), 3, figsize=(13, 3 * -(-len(panels) // 3)), constrained_layout=True)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for panel, axis in zip(panels, axes.flat):
        for name, label in ((panel, "training"), (f"valid_{panel}", "validation")):
            points = [(row["step"], row[name]) for row in rows if name in row]
            if points:
                axis.plot(*zip(*points), label=label)
        axis.set_title(panel, fontsize=9)
        axis.legend(fontsize=7)
    figure.savefig(target, dpi=90)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    for path in sorted(args.work.glob("*/curves.jsonl")):
        curves(path, path.with_suffix(".png"))
        print(path.with_suffix(".png"))


if __name__ == "__main__":
    main()
