"""Talker and code predictor, with the official structure and parameter names, and the official prompt layouts."""

import torch
from torch import nn
from torch.nn import functional as F

import config
from config import CODE_GROUPS, CODEBOOK_SIZE, CODEC_VOCABULARY, LIVE_GROUPS
from layers import Layer, RmsNorm, rotary_table

NONE = -1  # no text token, or no control token, at a position
ATTENTION_LAYERS = (1, 2)  # whose head 0 is taught to follow the text


def _keep_rows(table, rows):
    """Set every other row to zero."""
    kept = torch.zeros(len(table), 1)
    kept[rows] = 1
    table.mul_(kept)


class TextProjection(nn.Module):
    def __init__(self, text_width, width):
        super().__init__()
        self.linear_fc1 = nn.Linear(text_width, text_width)
        self.linear_fc2 = nn.Linear(text_width, width)

    def forward(self, x):
        return self.linear_fc2(F.silu(self.linear_fc1(x)))


class Stack(nn.Module):
    """Transformer layers with a final norm."""

    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(sizes.num_hidden_layers))
        self.norm = RmsNorm(sizes.hidden_size, sizes.rms_norm_eps)

    def forward(self, x, caches=None, scores=None):
        """x [batch, time, width]; caches, one dict a layer, continue earlier calls."""
        past = caches[0]["k"].shape[2] if caches and caches[0] else 0
        table = rotary_table(past + x.shape[1], self.sizes.head_dim, self.sizes.rope_theta)
        table = tuple(part[past:] for part in table)
        for i, layer in enumerate(self.layers):
            wanted = scores if i in ATTENTION_LAYERS else None
            x = layer(x, table, cache=caches[i] if caches else None, scores=wanted)
        return self.norm(x)

    def new_caches(self):
        return [{} for _ in self.layers]


class TalkerModel(Stack):
    def __init__(self, sizes, text_rows):
        super().__init__(sizes)
        self.text_embedding = nn.Embedding(text_rows, sizes.text_hidden_size)
        self.codec_embedding = nn.Embedding(CODEC_VOCABULARY, sizes.hidden_size)


class PredictorModel(Stack):
    def __init__(self, sizes, talker_width):
        super().__init__(sizes)
        self.codec_embedding = nn.ModuleList(nn.Embedding(CODEBOOK_SIZE, talker_width) for _ in range(CODE_GROUPS - 1))


class CodePredictor(nn.Module):
    def __init__(self, sizes, talker_width):
        super().__init__()
        self.small_to_mtp_projection = nn.Linear(talker_width, sizes.hidden_size)
        self.model = PredictorModel(sizes, talker_width)
        heads = (nn.Linear(sizes.hidden_size, CODEBOOK_SIZE, bias=False) for _ in range(CODE_GROUPS - 1))
        self.lm_head = nn.ModuleList(heads)


class Talker(nn.Module):
    def __init__(self, sizes, text_rows):
        super().__init__()
        talker, predictor = sizes.talker, sizes.predictor
        self.model = TalkerModel(talker, text_rows)
        self.text_projection = TextProjection(talker.text_hidden_size, talker.hidden_size)
        self.codec_head = nn.Linear(talker.hidden_size, CODEC_VOCABULARY, bias=False)
        self.code_predictor = CodePredictor(predictor, talker.hidden_size)
        self._initialise()

    @torch.no_grad()
    def _initialise(self):
        self.model.text_embedding.weight.normal_(std=0.5)
        self.model.codec_embedding.weight.normal_(std=0.1)
        for i, table in enumerate(self.code_predictor.model.codec_embedding):
            table.weight.normal_(std=0.04 if i + 1 < LIVE_GROUPS else 0.0)
        for i, head in enumerate(self.code_predictor.lm_head):
            head.weight.normal_(std=head.in_features**-0.5 if i + 1 < LIVE_GROUPS else 0.0)
        controls = [config.CODEC_PAD, config.CODEC_BOS, config.CODEC_THINK, config.CODEC_NOTHINK]
        controls += [config.CODEC_THINK_BOS, config.CODEC_THINK_EOS, *config.LANGUAGES.values(), *config.SPEAKERS.values()]
        _keep_rows(self.model.codec_embedding.weight, [*range(CODEBOOK_SIZE), *controls])
        _keep_rows(self.codec_head.weight, [*range(CODEBOOK_SIZE), config.CODEC_EOS])
        for stack in (self.model, self.code_predictor.model):
            for layer in stack.layers:
                for linear in (layer.self_attn.o_proj, layer.mlp.down_proj):
                    linear.weight.mul_((2 * len(stack.layers)) ** -0.5)

    @torch.no_grad()
    def forget_text(self, seen):
        """Make text tokens that training never shows neutral instead of random."""
        _keep_rows(self.model.text_embedding.weight, sorted(seen))

    def text_states(self, ids):
        return self.text_projection(self.model.text_embedding(ids))

    def frame_states(self, codes):
        """The summed embeddings of frames [..., CODE_GROUPS]; groups that are not live have zero tables."""
        tables = self.code_predictor.model.codec_embedding
        total = self.model.codec_embedding(codes[..., 0])
        for group in range(1, LIVE_GROUPS):
            total = total + tables[group - 1](codes[..., group])
        return total

    def prompt_states(self, text_ids, control_ids):
        """Sum of the text and the control channel at every position; NONE leaves a channel out."""
        text = self.text_states(text_ids.clamp(min=0)) * (text_ids != NONE)[..., None]
        control = self.model.codec_embedding(control_ids.clamp(min=0)) * (control_ids != NONE)[..., None]
        return text + control

    def first_logits(self, hidden):
        """Logits of code 0, and last of the end of speech: [..., CODEBOOK_SIZE + 1]."""
        end = self.codec_head.weight[config.CODEC_EOS : config.CODEC_EOS + 1]
        return F.linear(hidden, torch.cat([self.codec_head.weight[:CODEBOOK_SIZE], end]))

    def predictor_logits(self, hidden, codes):
        """Teacher-forced logits of codes 1..LIVE_GROUPS-1: hidden [frames, width], codes [frames, CODE_GROUPS]."""
        predictor = self.code_predictor
        rows = [hidden, self.model.codec_embedding(codes[:, 0])]
        rows += [predictor.model.codec_embedding[g - 1](codes[:, g]) for g in range(1, LIVE_GROUPS - 1)]
        out = predictor.model(predictor.small_to_mtp_projection(torch.stack(rows, 1)))
        heads = torch.stack([head.weight for head in predictor.lm_head[: LIVE_GROUPS - 1]])
        return torch.einsum("ngw,gcw->ngc", out[:, 1:], heads)


class Prompt:
    """Ids of both channels, position by position, and the text that follows during generation.

    streaming puts one text token beside every frame; otherwise the whole text comes first. text_start is the position of
    the first text token (in the streaming layout later tokens follow it one by one, beside the frames).
    """

    def __init__(self, tokenizer, body, language=None, streaming=False):
        special = tokenizer.special
        pad, bos, eos = (special[name] for name in ("<tts_pad>", "<tts_text_bos>", "<tts_text_eod>"))
        role = [special["<|im_start|>"], tokenizer.vocabulary["assistant"], *tokenizer.encode("\n")[0]]
        if language is None:
            control = [config.CODEC_NOTHINK, config.CODEC_THINK_BOS, config.CODEC_THINK_EOS]
        else:
            control = [config.CODEC_THINK, config.CODEC_THINK_BOS, config.LANGUAGES[language], config.CODEC_THINK_EOS]
        control.append(config.SPEAKERS[config.SPEAKER])
        self.text = [*role, *[pad] * len(control), bos]
        self.control = [*[NONE] * len(role), *control, config.CODEC_PAD]
        self.text_start = len(self.text)
        self.pad = pad
        if streaming:
            self.text.append(body[0])
            self.control.append(config.CODEC_BOS)
            self.trailing = [*body[1:], eos]
        else:
            self.text += [*body, eos, pad]
            self.control += [*[config.CODEC_PAD] * (len(body) + 1), config.CODEC_BOS]
            self.trailing = []

    def trailing_text(self, frames):
        """The text ids beside the first frames."""
        return (self.trailing + [self.pad] * frames)[:frames]
