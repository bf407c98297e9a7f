#!/usr/bin/env python3
"""Time `tts say` and the official PyTorch package in turns on one checkpoint.

    pip install -r tools/bench/requirements.txt
    cargo build --release -p tts-cli
    python tools/bench/beside_official.py target/release/tts MODEL_DIR

Each round is one process of either program, in turns, so that a slow spell of
the machine hits both. Prints the median real-time factor of the synthesis, its
spread, the ratio of the medians, and the largest peak memory of a process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

TEXT = "The quick brown fox jumps over the lazy dog while the sun goes down behind the hills."


def run(command: list[str]) -> tuple[dict, float]:
    """The JSON line that a program prints, and its peak memory in GB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("%s ended with status %d" % (command[0], status))
    return json.loads(output.splitlines()[-1]), usage.ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model_dir", metavar="MODEL_DIR")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    ours = [
        args.program, "say", TEXT, "--model", args.model_dir, "--speaker", "ryan", "--language", "english",
        "--max-new-tokens", str(args.frames + 1), "--threads", str(args.threads), "--json", "-o", os.devnull,
    ]
    official = [
        sys.executable, str(Path(__file__).with_name("official.py")), args.model_dir,
        "--frames", str(args.frames), "--threads", str(args.threads), "--rounds", "1",
    ]
    rtf: dict[str, list[float]] = {"tts": [], "official": []}
    memory = dict.fromkeys(rtf, 0.0)
    for _ in range(args.rounds):
        for name, command in (("tts", ours), ("official", official)):
            report, peak = run(command)
            assert report["frames"] == args.frames, report
            rtf[name].append(report["timing"]["rtf"] if name == "tts" else report["rtf"])
            memory[name] = max(memory[name], peak)
    print("| | median RTF | from | to | peak RSS, GB |\n| --- | --- | --- | --- | --- |")
    for name, values in rtf.items():
        middle, low, high = statistics.median(values), min(values), max(values)
        print(f"| {name} | {middle:.2f} | {low:.2f} | {high:.2f} | {memory[name]:.1f} |")
    ratio = statistics.median(rtf["official"]) / statistics.median(rtf["tts"])
    print(f"official / tts: {ratio:.2f}")


if __name__ == "__main__":
    main()
