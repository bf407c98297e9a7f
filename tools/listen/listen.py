"""How well a recogniser understands a voice of the engine, beside the teacher on the same sentences.

Speaks every sentence with the embedded model (or --model) in each way of generating, has pocketsphinx write down what it hears, and
counts wrong words. pocketsphinx is a weak judge, so the teacher (flite's voice rms) is judged by it too: only the difference says
anything. Prints a Markdown table and writes a JSON report.

    cargo build --release -p tts --example speak_lines
    venv/bin/python tools/listen/listen.py tools/listen/domain.txt
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "demo-voice"))

from config import FRAME, SILENT_FRAMES  # noqa: E402
from flite import Teacher  # noqa: E402
from recognise import Recogniser, comparable, word_errors  # noqa: E402
from teach import utterance  # noqa: E402

MODES = ["single", "batch", "stream"]


def speak(lines, mode, directory, model, precision):
    """One row for every line: frames and why it ended; the audio is in the directory."""
    command = [ROOT / "target/release/examples/speak_lines", lines, directory, mode, model, precision]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted((json.loads(line) for line in printed.splitlines()), key=lambda row: row["line"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=Path, help="a sentence a line")
    parser.add_argument("--model", default="demo", help="model directory (default: the embedded model)")
    parser.add_argument("--precision", choices=["f32", "bf16", "q8", "fp8", "q4mix"], default="f32", help="of the language models")
    parser.add_argument("--mode", choices=MODES, action="append", help="may be repeated (default: all)")
    parser.add_argument("--report", type=Path, help="JSON file to write")
    args = parser.parse_args()

    texts = args.lines.read_text().splitlines()
    recogniser, teacher = Recogniser(), Teacher("rms")
    taught = [utterance(teacher, text) for text in texts]
    spoken = [comparable(row["spoken"]) for row in taught]
    heard = {"teacher": [recogniser.words(row["wave"][SILENT_FRAMES * FRAME :] / 32768) for row in taught]}

    endings, ratios = {}, {}
    for mode in args.mode or MODES:
        with tempfile.TemporaryDirectory() as directory:
            rows = speak(args.lines, mode, directory, args.model, args.precision)
            waves = [soundfile.read(f"{directory}/{row['line']:04}.wav", dtype="float32")[0] for row in rows]
        heard[mode] = [recogniser.words(wave) for wave in waves]
        endings[mode] = sum(row["finish"] != "end_of_speech" for row in rows)
        silent = SILENT_FRAMES * (mode == "stream")  # speech of this layout begins with them
        lengths = [(row["frames"] - silent) / (taught_row["frames"] - SILENT_FRAMES) for row, taught_row in zip(rows, taught)]
        ratios[mode] = min(lengths), max(lengths)

    words = sum(map(len, spoken))
    print(f"{len(texts)} sentences, {words} words ({args.lines.name})\n")
    print("| | word error rate | without an end | length beside the teacher's |\n| --- | --- | --- | --- |")
    rates = {}
    for name, said in heard.items():
        rates[name] = 100 * sum(map(word_errors, spoken, said)) / words
        end = str(endings[name]) if name in endings else "–"
        length = f"{ratios[name][0]:.2f} to {ratios[name][1]:.2f}" if name in ratios else "1"
        print(f"| {name} | {rates[name]:.1f} % | {end} | {length} |")
    if args.report:
        rows = [{"text": text, **{name: " ".join(said[i]) for name, said in heard.items()}} for i, text in enumerate(texts)]
        args.report.write_text(json.dumps({"word_error_rate": rates, "without_an_end": endings, "heard": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
