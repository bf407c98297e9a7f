"""The transformer layer that talker, code predictor and codec decoder share, with the official parameter names."""

import torch
from torch import nn
from torch.nn import functional as F


class RmsNorm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


def rotary_table(length, head_dim, theta):
    """cos and sin, each [length, head_dim], for the half-split rotation."""
    frequencies = theta ** (-torch.arange(0, head_dim, 2) / head_dim)
    angles = torch.arange(length)[:, None] * frequencies
    angles = torch.cat([angles, angles], 1)
    return angles.cos(), angles.sin()


def rotate(x, table):
    cos, sin = table
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def window_mask(length, window):
    """True where a query may look: itself and the window - 1 positions before it."""
    distance = torch.arange(length)[:, None] - torch.arange(length)
    return (distance >= 0) & (distance < window)


class Attention(nn.Module):
    def __init__(self, sizes, head_norm):
        super().__init__()
        self.heads, self.groups, self.head_dim = sizes.num_attention_heads, sizes.num_key_value_heads, sizes.head_dim
        width = sizes.hidden_size
        self.q_proj = nn.Linear(width, self.heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(width, self.groups * self.head_dim, bias=False)
        self.v_proj = nn.Linear(width, self.groups * self.head_dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.head_dim, width, bias=False)
        self.q_norm = RmsNorm(self.head_dim, sizes.rms_norm_eps) if head_norm else nn.Identity()
        self.k_norm = RmsNorm(self.head_dim, sizes.rms_norm_eps) if head_norm else nn.Identity()

    def _split(self, x, heads):
        return x.view(*x.shape[:2], heads, self.head_dim)

    def forward(self, x, table, mask=None, cache=None, scores=None):
        """x [batch, time, width]. With a cache (a dict), x continues what the cache holds.

        A list given as scores receives the attention logits of head 0, [batch, time, time], for the attention loss.
        """
        q = rotate(self.q_norm(self._split(self.q_proj(x), self.heads)).transpose(1, 2), table)
        k = rotate(self.k_norm(self._split(self.k_proj(x), self.groups)).transpose(1, 2), table)
        v = self._split(self.v_proj(x), self.groups).transpose(1, 2)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache["k"], k], 2), torch.cat([cache["v"], v], 2)
            cache.update(k=k, v=v)
        if scores is not None:
            scores.append(q[:, 0] @ k[:, 0].transpose(1, 2) * self.head_dim**-0.5)
        repeat = self.heads // self.groups
        k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
        causal = mask is None and q.shape[2] > 1
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        return self.o_proj(out.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class LayerScale(nn.Module):
    def __init__(self, width, initial):
        super().__init__()
        self.scale = nn.Parameter(torch.full((width,), initial))

    def forward(self, x):
        return self.scale * x


class Layer(nn.Module):
    """Pre-norm layer; layer_scale (the initial value) adds the scales of the codec decoder, which has no head norms."""

    def __init__(self, sizes, layer_scale=None):
        super().__init__()
        width = sizes.hidden_size
        self.input_layernorm = RmsNorm(width, sizes.rms_norm_eps)
        self.self_attn = Attention(sizes, head_norm=layer_scale is None)
        self.post_attention_layernorm = RmsNorm(width, sizes.rms_norm_eps)
        self.mlp = Mlp(width, sizes.intermediate_size)
        self.self_attn_layer_scale = LayerScale(width, layer_scale) if layer_scale else nn.Identity()
        self.mlp_layer_scale = LayerScale(width, layer_scale) if layer_scale else nn.Identity()

    def forward(self, x, table, mask=None, cache=None, scores=None):
        attended = self.self_attn(self.input_layernorm(x), table, mask, cache, scores)
        x = x + self.self_attn_layer_scale(attended)
        return x + self.mlp_layer_scale(self.mlp(self.post_attention_layernorm(x)))
