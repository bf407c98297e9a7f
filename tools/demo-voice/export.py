"""Stage 6: write the trained models as a checkpoint directory that engines for the official checkpoints load.

model.safetensors is bfloat16 as in the official checkpoints; the codec is float16 to be half as large (the official one
is float32), which every loader widens. Without a trained encoder (train_encoder.py) the encoder part is left untrained.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from checkpoints import load_average
from codec import CodecDecoder
from config import CODE_GROUPS, CODE_WIDTH, CODEBOOK_SIZE, Sizes
from encoder import CodecEncoder
from official_config import CODEC_PREPROCESSOR, GENERATION, PREPROCESSOR, codec_config, model_config
from quantise import Quantiser
from talker import Talker
from tokenizer import Tokenizer


def talker_tensors(talker):
    return {f"talker.{name}": tensor.to(torch.bfloat16).contiguous() for name, tensor in talker.state_dict().items()}


def codebook_tensors(prefix, sum_name, codebook):
    return {f"{prefix}.{sum_name}": codebook, f"{prefix}.cluster_usage": torch.ones(CODEBOOK_SIZE)}


def decoder_tensors(decoder):
    tensors = {name: tensor for name, tensor in decoder.state_dict().items() if not name.startswith("quantizer.")}
    vectors = decoder.quantizer
    for part, projection in (("rvq_first", vectors.first), ("rvq_rest", vectors.rest)):
        tensors[f"quantizer.{part}.output_proj.weight"] = projection.weight[..., None]
        tensors[f"quantizer.{part}.input_proj.weight"] = torch.zeros(CODE_WIDTH, 2 * CODE_WIDTH, 1)  # not used to decode
    for group in range(CODE_GROUPS):
        prefix = "rvq_first.vq.layers.0" if group == 0 else f"rvq_rest.vq.layers.{group - 1}"
        tensors |= codebook_tensors(f"quantizer.{prefix}._codebook", "embedding_sum", vectors.codebooks[group])
    return tensors


def encoder_tensors(encoder, codebooks):
    tensors = {name: tensor for name, tensor in encoder.state_dict().items() if not name.startswith("projection.")}
    projection = encoder.projection.weight[..., None]
    for part in ("semantic", "acoustic"):
        prefix = f"quantizer.{part}_residual_vector_quantizer"
        tensors[f"{prefix}.input_proj.weight"] = projection
        tensors[f"{prefix}.output_proj.weight"] = torch.zeros_like(projection.transpose(0, 1))  # not used to encode
    for group in range(CODE_GROUPS):
        part, layer = ("semantic", 0) if group == 0 else ("acoustic", group - 1)
        prefix = f"quantizer.{part}_residual_vector_quantizer.layers.{layer}.codebook"
        tensors |= codebook_tensors(prefix, "embed_sum", codebooks[group])
        tensors[f"{prefix}.initialized"] = torch.ones(1)
    return tensors


def codec_tensors(decoder, encoder):
    both = {f"decoder.{k}": v for k, v in decoder_tensors(decoder).items()}
    both |= {f"encoder.{k}": v for k, v in encoder_tensors(encoder, decoder.quantizer.codebooks).items()}
    return {name: tensor.detach().to(torch.float16).clone().contiguous() for name, tensor in both.items()}


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="checkpoint directory to write")
    args = parser.parse_args()
    sizes, tokenizer = Sizes(), Tokenizer(args.work / "tokenizer")
    codebooks = Quantiser.load(args.work / "quantiser.npz").codebooks
    talker = load_average(args.work / "talker" / "state.pt", Talker(sizes, tokenizer.rows))
    decoder = load_average(args.work / "codec" / "state.pt", CodecDecoder(sizes.decoder, codebooks))
    torch.manual_seed(1)
    encoder, trained = CodecEncoder(sizes.encoder), args.work / "encoder" / "state.pt"
    if trained.exists():
        load_average(trained, encoder)

    (args.out / "speech_tokenizer").mkdir(parents=True, exist_ok=True)
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        shutil.copyfile(args.work / "tokenizer" / name, args.out / name)
    write_json(args.out / "config.json", model_config(sizes, tokenizer))
    write_json(args.out / "generation_config.json", GENERATION)
    write_json(args.out / "preprocessor_config.json", PREPROCESSOR)
    write_json(args.out / "speech_tokenizer" / "config.json", codec_config(sizes))
    write_json(args.out / "speech_tokenizer" / "preprocessor_config.json", CODEC_PREPROCESSOR)
    parameters = size = 0
    for tensors, path in (
        (talker_tensors(talker), args.out / "model.safetensors"),
        (codec_tensors(decoder, encoder), args.out / "speech_tokenizer" / "model.safetensors"),
    ):
        save_file(tensors, path, metadata={"format": "pt"})
        path.chmod(0o644)
        parameters += sum(tensor.numel() for tensor in tensors.values())
        size += path.stat().st_size
    print(f"{parameters:,} parameters, {size / 1e6:.2f} MB of weights, encoder {'trained' if trained.exists() else 'not trained'}")


if __name__ == "__main__":
    main()
