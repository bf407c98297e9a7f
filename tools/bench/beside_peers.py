#!/usr/bin/env python3
"""Time this engine beside two other engines for the CPU, in turns on one CustomVoice checkpoint.

    pip install -r tools/bench/requirements-peers.txt
    cargo build --release -p tts-benches --bin e2e_bench
    python tools/bench/beside_peers.py target/release/e2e_bench MODEL_DIR PEERS_DIR

PEERS_DIR has the checkpoint as the peers convert it. vox-tts does it alone:

    python -m vox build --model MODEL_DIR --dtype bf16 --quant q8 -o PEERS_DIR/q8.tmod
    python -m vox build --model MODEL_DIR --dtype bf16 --quant q4 -o PEERS_DIR/q4.tmod    # code predictor: 8 bits

realtimetts-qwen-native-cpu wraps qwentts.cpp, whose repository (ServeurpersoCom/qwentts.cpp,
commit a8a7716) has the converter, a Python program that needs gguf, safetensors and torch, and
the quantiser, which needs the headers of ggml and the library that the package brings along.
In a clone of it, where LIB is the folder `lib` of the installed package `qwentts_cpp_cpu`:

    mkdir -p checkpoints build
    ln -s MODEL_DIR checkpoints/Qwen3-TTS-12Hz-0.6B-CustomVoice
    ln -s MODEL_DIR/speech_tokenizer checkpoints/Qwen3-TTS-Tokenizer-12Hz
    python convert.py
    echo '#define QWEN_VERSION "a8a7716"' > build/version.h
    g++ -std=c++17 -O2 tools/quantize.cpp -Isrc -Ibuild -I GGML/include LIB/libggml-base.so.0 -Wl,-rpath,LIB -o build/quantize
    for model in qwen-talker-0.6b-customvoice qwen-tokenizer-12hz; do for type in Q8_0 Q4_K_M; do
      build/quantize models/$model-F32.gguf PEERS_DIR/$model-$type.gguf $type; done; done
    for type in Q8_0 Q4_K_M; do    # an end token that cannot be drawn, so that all frames are spoken
      gguf-set-metadata --force PEERS_DIR/qwen-talker-0.6b-customvoice-$type.gguf qwen3-tts.codec.eos_id 3072; done

Each round is one process of every program, in turns, so that a slow spell of the machine hits
all. Prints the median real-time factor of the synthesis without loading, its spread, the medians
of the stages, the largest peak memory of a process, and how many times as fast as the fastest
peer each is. A program that speaks another number of frames ends the run.

What differs: the peers have a short warm-up, this engine has none, but it packs its weights
while it loads, as realtimetts does; vox-tts maps its file, and the pages it has read count as
memory. vox-tts reads the text one piece a frame, so its prompt has ten rows, and so does this
engine in the streaming layout; realtimetts has the whole text in the prompt. Q4_K_M has the code predictor in 4 bits, too. The weights of the
codec are in 32 bits here and in vox-tts, in 16 and less in realtimetts. Sampling is the same.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

FRAME_SECONDS = 1920 / 24000
STAGES = ("prompt", "talker", "predictor", "both", "codec")  # "both": talker and predictor where they are not told apart


def run(command: list[str]) -> tuple[dict, float]:
    """The JSON that a program prints, and its peak memory in GB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("%s ended with status %d" % (" ".join(command), status))
    return json.loads(output), usage.ru_maxrss * 1024 / 1e9


def ours(report: dict) -> dict:
    """What e2e_bench says, in the form of peers.py."""
    sample = report["rows"][0]["samples"][0]
    stages = {"prompt": sample["prefill_ms"], "both": sample["generate_ms"], "codec": sample["decode_ms"]}
    return {"frames": sample["frames"], "seconds": sample["wall_ms"] / 1000, "stages": stages}


def cell(reports: list[dict], stage: str, frames: int) -> str:
    """The median milliseconds: of the whole prompt, of a frame for the other stages."""
    values = [report["stages"][stage] for report in reports if stage in report["stages"]]
    return f"{statistics.median(values) / (1 if stage == 'prompt' else frames):.0f}" if values else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("e2e_bench")
    parser.add_argument("model_dir", metavar="MODEL_DIR")
    parser.add_argument("peers_dir", metavar="PEERS_DIR", type=Path)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--packed", metavar="FILE", help="a file of `tts quantize`, of any model of the same size, for rows of its own")
    args = parser.parse_args()
    models = {"q8": [args.model_dir, "--dtype", "q8"], "q4mix": [args.model_dir, "--dtype", "q4mix"]}
    if args.packed:
        models[Path(args.packed).name] = [args.packed]
    commands = {}
    for (name, model), layout in itertools.product(models.items(), ("streaming", "non-streaming")):
        commands[f"this engine, {name}, {layout}"] = [
            args.e2e_bench, "--model-dir", *model, "--device", "cpu", "--labels", "short", "--layout", layout,
            "--frames", str(args.frames), "--threads", str(args.threads), "--iterations", "1", "--warmup", "0", "-o", "json",
        ]
    files = {f"vox-tts, {quant}": ["vox", f"{quant}.tmod"] for quant in ("q8", "q4")}
    for quant in ("Q8_0", "Q4_K_M"):
        files[f"realtimetts, {quant}"] = [
            "realtimetts", f"qwen-talker-0.6b-customvoice-{quant}.gguf", f"qwen-tokenizer-12hz-{quant}.gguf",
        ]
    for name, (peer, *models) in files.items():
        commands[name] = [
            sys.executable, str(Path(__file__).with_name("peers.py")), peer, *(str(args.peers_dir / model) for model in models),
            "--frames", str(args.frames), "--threads", str(args.threads),
        ]
    reports: dict[str, list[dict]] = {name: [] for name in commands}
    memory = dict.fromkeys(commands, 0.0)
    for _ in range(args.rounds):
        for name, command in commands.items():
            report, peak = run(command)
            report = report if name in files else ours(report)
            print(name, json.dumps(report), file=sys.stderr, flush=True)
            if report["frames"] != args.frames:
                sys.exit(f"{name}: {report['frames']} frames instead of {args.frames}")
            if report.get("cores", 0) > args.threads + 0.1:
                sys.exit(f"{name}: {report['cores']} cores busy with {args.threads} threads")
            reports[name].append(report)
            memory[name] = max(memory[name], peak)
    rtf = {name: [report["seconds"] / args.frames / FRAME_SECONDS for report in told] for name, told in reports.items()}
    fastest = min(statistics.median(rtf[name]) for name in files)
    heads = [
        "program", "median RTF", "from", "to", "prompt, ms", "talker, ms a frame", "predictor", "both", "codec",
        "peak RSS, GB", "times as fast",
    ]
    print("| " + " | ".join(heads) + " |\n" + "| --- " * len(heads) + "|")
    for name, values in rtf.items():
        middle = statistics.median(values)
        cells = [name, *(f"{value:.2f}" for value in (middle, min(values), max(values)))]
        cells += [cell(reports[name], stage, args.frames) for stage in STAGES]
        print("| " + " | ".join([*cells, f"{memory[name]:.1f}", f"{fastest / middle:.2f}"]) + " |")


if __name__ == "__main__":
    main()
