"""Compare an exported checkpoint in the official Python package with the training models.

The same weights, widened to float32, run in both; decoding is greedy. Compared are the token ids, the codes in both text
layouts and with both language settings, and the waveforms. Needs the packages of requirements-official.txt.
"""

import argparse
import json
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import torch

from codec import CodecDecoder
from config import SPEAKER, Sizes
from exported import load_codebooks, load_decoder, load_talker
from generate import Sampling, decode, generate
from talker import Talker
from tokenizer import Tokenizer

SENTENCES = [
    "Hello, my name is Anna.",
    "It is 7:30 in the morning.",
    "\u201cWhere are you going?\u201d asked the fox.",
    "The quick brown fox jumps over the lazy dog.",
    "An assistant isn't a caf\u00e9 waiter; see page 42!",
]


def official_package():
    """qwen_tts, with an empty torchaudio: only its other codec uses that, and a build that does not fit torch fails to load."""
    names = ("torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi")
    for name in names:
        module = types.ModuleType(name)
        module.__spec__ = ModuleSpec(name, loader=None, is_package=True)
        sys.modules[name] = module
    for parent, name in zip(names, names[1:]):
        setattr(sys.modules[parent], name.rpartition(".")[2], sys.modules[name])
    import qwen_tts

    return qwen_tts


def our_models(directory):
    """The training models with the weights of the checkpoint."""
    sizes, tokenizer = Sizes(), Tokenizer(directory)
    talker = load_talker(directory, Talker(sizes, tokenizer.rows))
    decoder = load_decoder(directory, CodecDecoder(sizes.decoder, load_codebooks(directory)))
    return talker.eval(), decoder.eval(), tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--longest", type=int, default=100, help="frames after which greedy decoding is stopped")
    args = parser.parse_args()
    torch.set_num_threads(1)
    talker, decoder, tokenizer = our_models(args.checkpoint)
    model = official_package().Qwen3TTSModel.from_pretrained(str(args.checkpoint), dtype=torch.float32, attn_implementation="sdpa")

    decoded, original = [], model.model.speech_tokenizer.decode
    model.model.speech_tokenizer.decode = lambda items: decoded.append(items) or original(items)
    failures, worst = 0, 0.0
    for text in SENTENCES:
        official_ids = model.processor(text=text, return_tensors="pt")["input_ids"][0].tolist()
        if official_ids != tokenizer.encode(text)[0]:
            failures += 1
            print(f"token ids differ: {text!r}")
        for streaming in (False, True):
            for language in (None, "english"):
                wavs, _ = model.generate_custom_voice(
                    text=text, speaker=SPEAKER, language=language or "auto", non_streaming_mode=not streaming,
                    do_sample=False, subtalker_dosample=False, max_new_tokens=args.longest + 1,
                )  # fmt: skip
                theirs = decoded.pop()[0]["audio_codes"].cpu()
                ours, _ = generate(talker, tokenizer, text, Sampling(greedy=True), language=language, streaming=streaming, longest=args.longest)
                equal = theirs.shape == ours.shape and torch.equal(theirs, ours)
                failures += not equal
                wave = decode(decoder, theirs)
                difference = float(np.abs(wave - wavs[0]).max())
                worst = max(worst, difference)
                layout = "streaming" if streaming else "non-streaming"
                print(f"{text!r} {layout} {language or 'auto'}: {len(theirs)} frames, codes {'equal' if equal else 'DIFFER'}")
    failures += worst > 1e-4
    print(json.dumps({"failures": failures, "largest_waveform_difference": worst}))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
