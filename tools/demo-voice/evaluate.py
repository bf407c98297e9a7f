"""Stage 7: word error rates of teacher, codec and voice on held-out sentences, with spectrograms.

Figures on the same sentences: the teacher's own audio, the teacher's codes through the codec decoder, sampled speech, and
(only when asked for) frames sampled one by one after the teacher's past instead of the voice's own. Writes a JSON report, the audio of the first sentences and a spectrogram of each.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile
import torch

import data
from batches import Example, make_batch
from checkpoints import load_average
from codec import CodecDecoder
from config import CODEBOOK_SIZE, FRAME, SAMPLE_RATE, SILENT_FRAMES, Sizes
from generate import Sampling, decode, draw, generate, predict_frames
from plots import spectrogram
from quantise import Quantiser
from recognise import Recogniser, comparable, word_errors
from talker import Talker
from tokenizer import Tokenizer
from train_talker import input_states


@torch.no_grad()
def after_teacher(talker, tokenizer, utterance, sampling, seed):
    """Codes [frames, CODE_GROUPS] of an utterance, every frame said after the teacher's past."""
    batch = make_batch([Example.of(utterance, tokenizer)], tokenizer, np.random.default_rng(seed), streaming_share=0.0)
    generator = torch.Generator().manual_seed(seed)
    hidden = talker.model(input_states(talker, batch, damage=False))[batch.predicts][:-1]
    first = draw(talker.first_logits(hidden)[:, :CODEBOOK_SIZE], sampling.temperature, sampling, generator)
    return predict_frames(talker, hidden, first, sampling, generator)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corpus", choices=["domain", "open"], default="domain")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--temperature", type=float, default=0.4)
    parser.add_argument("--predictor-temperature", type=float, default=0.4)
    parser.add_argument("--streaming", action="store_true", help="the layout that brings the text one token a frame")
    parser.add_argument("--language", choices=["english"], default=None)
    parser.add_argument("--only", choices=["teacher", "codec", "after_teacher", "sampled"], action="append", help="leave the others out")
    parser.add_argument("--name", help="folder of the report, inside WORK/evaluation (default: the corpus)")
    parser.add_argument("--listen", type=int, default=4, help="utterances kept as audio and picture")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    wanted = args.only or ["teacher", "codec", "sampled"]

    utterances = data.load(args.work, f"heldout_{args.corpus}")[: args.count]
    recogniser = Recogniser()
    if wanted != ["teacher"]:
        codebooks = Quantiser.load(args.work / "quantiser.npz").codebooks
        decoder = load_average(args.work / "codec" / "state.pt", CodecDecoder(Sizes().decoder, codebooks))
    if {"after_teacher", "sampled"} & set(wanted):
        tokenizer = Tokenizer(args.work / "tokenizer")
        talker = load_average(args.work / "talker" / "state.pt", Talker(Sizes(), tokenizer.rows))
    sampling = Sampling(args.temperature, args.predictor_temperature)
    out = args.work / "evaluation" / (args.name or args.corpus)
    out.mkdir(parents=True, exist_ok=True)

    errors, words, ratios, runaways, rows = dict.fromkeys(wanted, 0), 0, [], 0, []
    for i, utterance in enumerate(utterances):
        spoken = comparable(utterance.spoken)
        frames = len(utterance.codes) - SILENT_FRAMES
        waves = {}
        if "teacher" in wanted:
            waves["teacher"] = utterance.wave[SILENT_FRAMES * FRAME :] / 32768
        if "codec" in wanted:
            waves["codec"] = decode(decoder, torch.from_numpy(utterance.codes[SILENT_FRAMES:]))
        if "after_teacher" in wanted:
            waves["after_teacher"] = decode(decoder, after_teacher(talker, tokenizer, utterance, sampling, i))
        if "sampled" in wanted:
            codes, ended = generate(
                talker, tokenizer, utterance.text, sampling, seed=i, language=args.language, streaming=args.streaming
            )
            waves["sampled"] = decode(decoder, codes)
            ratios.append((len(codes) - SILENT_FRAMES * args.streaming) / frames)
            runaways += not ended
        words += len(spoken)
        row = {"text": utterance.text}
        for name, wave in waves.items():
            heard = recogniser.words(wave)
            errors[name] += word_errors(spoken, heard)
            row[name] = " ".join(heard)
            if i < args.listen:
                soundfile.write(out / f"{i:02d}-{name}.wav", wave, SAMPLE_RATE)
                spectrogram(wave, f"{utterance.text} ({name})", out / f"{i:02d}-{name}.png")
        rows.append(row)
    report = {
        "word_error_rate": {name: round(100 * count / words, 1) for name, count in errors.items()},
        "sentences": len(utterances),
        "words": words,
        "options": {key: value for key, value in vars(args).items() if key not in ("work", "name")},
    }
    if ratios:
        report["duration_ratio"] = {"mean": round(float(np.mean(ratios)), 3), "least": round(min(ratios), 3), "most": round(max(ratios), 3)}
        report["runaways"] = runaways
    print(json.dumps(report, indent=1))
    (out / "report.json").write_text(json.dumps({**report, "heard": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
