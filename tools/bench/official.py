#!/usr/bin/env python3
"""Time the official PyTorch package on a CustomVoice checkpoint, on the CPU.

    pip install -r tools/bench/requirements.txt
    python tools/bench/official.py MODEL_DIR --frames 40 --threads 2

Every round synthesises exactly the same number of frames: the end token is
masked until the limit is reached.  One short warm-up is not reported.  Each
round prints one line of JSON; its `stages` are seconds inside

* `talker`     the talker's layers (prompt included),
* `predictor`  the code predictor, its sampling and generation loop included,
* `codec`      the codec decoder,
* `other`      everything else: tokeniser, prompt, sampling of the first code, ...
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import importlib.machinery
import json
import os
import resource
import sys
import time
import types
from collections import Counter
from typing import Any

FRAME_SECONDS = 1920 / 24000
WARM_UP_FRAMES = 4
TEXT = "The quick brown fox jumps over the lazy dog while the sun goes down behind the hills."


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_dir", metavar="MODEL_DIR")
    parser.add_argument("--frames", type=int, default=40, help="frames per round, at least 2; 12.5 make a second")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32", help="of the talker; the codec is F32")
    parser.add_argument("--greedy", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--seed", type=int, default=0, help="of the first round; each round counts up")
    parser.add_argument("--text", default=TEXT)
    parser.add_argument("--speaker", default="ryan")
    parser.add_argument("--language", default="English")
    args = parser.parse_args()
    if args.frames < 2 or args.threads < 1 or args.rounds < 1:
        parser.error("--frames must be at least 2, --threads and --rounds at least 1")
    return args


def import_qwen_tts() -> types.ModuleType:
    """Import the package even where torchaudio does not match torch.

    Only the 25 Hz tokenizer uses torchaudio, but the package always imports it.
    """
    try:
        importlib.import_module("torchaudio")
    except Exception:  # missing, or built for another torch: any kind of error
        names = ("torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi")
        for name in [loaded for loaded in sys.modules if loaded.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        for name in names:
            stub = types.ModuleType(name)
            stub.__spec__ = importlib.machinery.ModuleSpec(name, loader=None, is_package=True)
            stub.__path__ = []
            sys.modules[name] = stub
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], child, stub)
    with contextlib.redirect_stdout(sys.stderr):  # it prints advice about optional programs
        return importlib.import_module("qwen_tts")


def time_calls(owner: Any, method: str, stage: str, seconds: Counter[str]) -> None:
    """Add the time spent in `owner.method` to `seconds[stage]`."""
    original = getattr(owner, method)

    @functools.wraps(original)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            seconds[stage] += time.perf_counter() - start

    setattr(owner, method, timed)


def forbid_early_end(talker: Any) -> None:
    """Raise the package's fixed minimum of new tokens to the maximum."""
    original = talker.generate

    @functools.wraps(original)
    def generate(*args: Any, **kwargs: Any) -> Any:
        kwargs["min_new_tokens"] = kwargs["max_new_tokens"]
        return original(*args, **kwargs)

    talker.generate = generate


def main() -> None:
    args = arguments()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before torch starts its pool
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    qwen_tts = import_qwen_tts()
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    torch.set_num_threads(args.threads)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[args.dtype]
    start = time.perf_counter()
    wrapper = qwen_tts.Qwen3TTSModel.from_pretrained(args.model_dir, dtype=dtype, device_map="cpu")
    load_seconds = time.perf_counter() - start

    model, seconds = wrapper.model, Counter()
    forbid_early_end(model.talker)
    time_calls(model.talker.model, "forward", "talker", seconds)
    time_calls(model.talker.code_predictor, "generate", "predictor", seconds)
    time_calls(model.speech_tokenizer, "decode", "codec", seconds)

    def synthesise(frames: int, seed: int) -> float:
        """Seconds that one utterance takes."""
        torch.manual_seed(seed)
        seconds.clear()
        start = time.perf_counter()
        waves, rate = wrapper.generate_custom_voice(
            text=args.text, speaker=args.speaker, language=args.language,
            do_sample=not args.greedy, subtalker_dosample=not args.greedy,
            max_new_tokens=frames + 1,  # the last token drawn yields no frame
        )
        wall = time.perf_counter() - start
        if len(waves[0]) != round(frames * FRAME_SECONDS * rate):
            sys.exit(f"expected {frames} frames, got {len(waves[0])} samples")
        return wall

    synthesise(WARM_UP_FRAMES, args.seed)
    for number in range(args.rounds):
        wall = synthesise(args.frames, args.seed + number)
        audio = args.frames * FRAME_SECONDS
        stages = {name: round(seconds[name], 4) for name in ("talker", "predictor", "codec")}
        stages["other"] = round(wall - sum(stages.values()), 4)
        # Linux counts in KiB, macOS in bytes.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        report = {
            "round": number, "frames": args.frames, "wall_seconds": round(wall, 4), "audio_seconds": round(audio, 4),
            "rtf": round(wall / audio, 4), "stages": stages, "load_seconds": round(load_seconds, 2),
            "peak_rss_bytes": peak, "dtype": args.dtype, "greedy": args.greedy, "threads": torch.get_num_threads(),
            "torch": torch.__version__, "transformers": transformers.__version__,
        }
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
