#!/usr/bin/env python3
"""Time one utterance of one peer on the CPU; beside_peers.py starts this once for every process.

    python tools/bench/peers.py vox q8.tmod
    python tools/bench/peers.py realtimetts qwen-talker-0.6b-customvoice-Q8_0.gguf qwen-tokenizer-12hz-Q8_0.gguf

A short warm-up is not reported, so what is read or packed at first use does not
count. Prints one line of JSON: the frames spoken, the seconds they took without
loading, `cores` busy on average, and the milliseconds of each stage as the peer
reports them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from typing import Callable

SAMPLES_PER_FRAME = 1920
WARM_UP_FRAMES = 4
TEXT = "The train to the coast leaves at half past nine from platform four."  # the short one of e2e_bench
SAMPLING = {"temperature": 0.9, "top_k": 50, "top_p": 1.0, "repetition_penalty": 1.05}  # as the checkpoint says

Stages = dict[str, float]
# Speaks so many frames; returns the number of samples and the milliseconds of each stage.
Speak = Callable[[int], tuple[int, Stages]]


def vox(files: list[str], threads: int, seed: int) -> Speak:
    os.environ["VOX_DEBUG_NO_EOS"] = "1"  # never an early end
    os.environ["VOX_TUNE"] = "0"  # no result of an earlier tuning on this machine
    import vox

    engine = vox.Engine(files[0], device="cpu", threads=threads)
    voice = engine.speaker_voice("ryan")
    sampling = {**SAMPLING, "sub_temperature": 0.9, "sub_top_k": 50, "sub_top_p": 1.0}

    def total_seconds() -> Stages:  # of all utterances so far
        return engine.stats()["backend"].get("seconds", {})

    def speak(frames: int) -> tuple[int, Stages]:
        before = total_seconds()
        audio = engine.synthesize(TEXT, voice, language="english", max_frames=frames, seed=seed, **sampling)
        spent = {name: 1000 * (value - before.get(name, 0.0)) for name, value in total_seconds().items()}
        return len(audio), {
            "prompt": spent["prefill"], "talker": spent["talker"], "predictor": spent["predictor"],
            "codec": spent["codec"] + spent["codec_warmup"],
        }

    return speak


def realtimetts(files: list[str], threads: int, seed: int) -> Speak:
    os.environ.setdefault("QWENTTS_CPU_FLASH_ATTN", "1")  # off by default, but a few per cent faster
    from qwentts_cpp_cpu import QwenTTS

    engine = QwenTTS(files[0], files[1], cpu_threads=threads)
    log: list[str] = []
    engine.set_log_callback(lambda _level, message: log.append(message))
    names = {"Prefill": "prompt", "TalkerDecode": "talker", "CodePredictor": "predictor", "CodecDecode": "codec"}

    def speak(frames: int) -> tuple[int, Stages]:
        log.clear()
        audio, _ = engine.synthesize(  # the code predictor samples with the same options
            text=TEXT, lang="english", speaker="ryan", max_new_tokens=frames, seed=seed, **SAMPLING
        )
        found = re.findall(r"\[Perf\] (\w+) ([0-9.]+) ms", "\n".join(log))
        return len(audio), {names[name]: float(value) for name, value in found if name in names}

    return speak


def main() -> None:
    peers = {"vox": vox, "realtimetts": realtimetts}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=list(peers))
    parser.add_argument("files", nargs="+", metavar="FILE", help="the converted model")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    speak = peers[args.peer](args.files, args.threads, args.seed)
    speak(WARM_UP_FRAMES)
    wall, busy = time.perf_counter(), time.process_time()
    samples, stages = speak(args.frames)
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    report = {
        "frames": samples / SAMPLES_PER_FRAME, "seconds": round(wall, 4), "cores": round(busy / wall, 2),
        "stages": {name: round(value, 1) for name, value in stages.items()},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
