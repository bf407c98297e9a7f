"""Speak with the training models, in the same way as an engine would: prompt, sampling loop, codec decoder."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from config import CODE_GROUPS, CODEBOOK_SIZE, LIVE_GROUPS
from talker import Prompt

LEAST_FRAMES = 2


@dataclass
class Sampling:
    temperature: float = 0.4
    predictor_temperature: float = 0.4
    top_k: int = 50
    greedy: bool = False


def draw(logits, temperature, sampling, generator):
    """[batch, tokens] -> [batch]"""
    if sampling.greedy:
        return logits.argmax(-1)
    values, indices = (logits / temperature).topk(min(sampling.top_k, logits.shape[-1]))
    return indices.gather(-1, torch.multinomial(values.softmax(-1), 1, generator=generator))[:, 0]


def predict_frames(model, hidden, first, sampling, generator):
    """[batch, CODE_GROUPS], given the talker's states [batch, width] and code 0 [batch]; groups that are not live stay 0."""
    predictor = model.code_predictor
    caches = predictor.model.new_caches()
    codes = [first]
    rows = torch.stack([hidden, model.model.codec_embedding(first)], 1)
    for group in range(1, LIVE_GROUPS):
        out = predictor.model(predictor.small_to_mtp_projection(rows), caches)[:, -1]
        codes.append(draw(predictor.lm_head[group - 1](out), sampling.predictor_temperature, sampling, generator))
        rows = predictor.model.codec_embedding[group - 1](codes[-1])[:, None]
    return F.pad(torch.stack(codes, 1), (0, CODE_GROUPS - LIVE_GROUPS))


@torch.no_grad()
def generate(model, tokenizer, text, sampling, seed=0, language=None, streaming=False, longest=200):
    """Codes [frames, CODE_GROUPS] of the spoken text, and whether the end was reached."""
    generator = torch.Generator().manual_seed(seed)
    prompt = Prompt(tokenizer, tokenizer.encode(text)[0], language, streaming)
    trailing = prompt.trailing_text(longest)
    states = model.prompt_states(torch.tensor([prompt.text]), torch.tensor([prompt.control]))
    caches = model.model.new_caches()
    frames = []
    while len(frames) < longest:
        hidden = model.model(states, caches)[:, -1]
        logits = model.first_logits(hidden)
        if len(frames) < LEAST_FRAMES:
            logits[:, CODEBOOK_SIZE] = -torch.inf
        first = draw(logits, sampling.temperature, sampling, generator)
        if first == CODEBOOK_SIZE:
            return torch.cat(frames), True
        frames.append(predict_frames(model, hidden, first, sampling, generator))
        states = model.frame_states(frames[-1]) + model.text_states(torch.tensor(trailing[len(frames) - 1]))
        states = states[None]
    return torch.cat(frames), False


@torch.no_grad()
def decode(decoder, codes):
    """Samples in [-1, 1]."""
    return decoder(codes[None].long())[0].clamp(-1, 1).numpy()
