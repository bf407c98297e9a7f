"""Read an exported checkpoint directory back into the training models: to go on from it, and to compare engines with it."""

import torch
from safetensors.torch import load_file

from config import CODE_GROUPS


def _codec_part(directory, part):
    stored = load_file(directory / "speech_tokenizer" / "model.safetensors")
    return {name.removeprefix(f"{part}."): tensor.float() for name, tensor in stored.items() if name.startswith(f"{part}.")}


def load_codebooks(directory):
    """[CODE_GROUPS, CODEBOOK_SIZE, CODE_WIDTH], in units of the first one's spread."""
    stored = _codec_part(directory, "decoder")
    names = ["rvq_first.vq.layers.0", *(f"rvq_rest.vq.layers.{level}" for level in range(CODE_GROUPS - 1))]
    return torch.stack([stored[f"quantizer.{name}._codebook.embedding_sum"] for name in names])


def load_talker(directory, talker):
    stored = load_file(directory / "model.safetensors")
    talker.load_state_dict({name.removeprefix("talker."): tensor.float() for name, tensor in stored.items()})
    return talker


def load_decoder(directory, decoder):
    stored = _codec_part(directory, "decoder")
    own = {name: stored[name] for name in decoder.state_dict() if not name.startswith("quantizer.")}
    own["quantizer.first.weight"] = stored["quantizer.rvq_first.output_proj.weight"][..., 0]
    own["quantizer.rest.weight"] = stored["quantizer.rvq_rest.output_proj.weight"][..., 0]
    own["quantizer.codebooks"] = load_codebooks(directory)
    decoder.load_state_dict(own)
    return decoder


def load_encoder(directory, encoder):
    stored = _codec_part(directory, "encoder")
    own = {name: stored[name] for name in encoder.state_dict() if not name.startswith("projection.")}
    own["projection.weight"] = stored["quantizer.semantic_residual_vector_quantizer.input_proj.weight"][..., 0]
    encoder.load_state_dict(own)
    return encoder


def check_codes(directory, codebooks):
    """Refuse a checkpoint whose codes mean something else than those that the data was turned into."""
    difference = float((load_codebooks(directory) - codebooks).abs().max())
    if difference > 0.01:
        raise SystemExit(f"{directory}: its codebooks differ from the quantiser's by up to {difference:.3f} standard deviations")
