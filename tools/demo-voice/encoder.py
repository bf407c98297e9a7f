"""The codec encoder: samples to the vector that the quantiser sees, in the Mimi form with the official parameter names.

Input projections map its output to code vectors, where the frozen codebooks find the codes; see quantise.py.
"""

import torch
from torch import nn
from torch.nn import functional as F

from codec import LAYER_SCALE
from config import CODE_WIDTH
from layers import LayerScale, rotary_table, rotate


class StridedConv(nn.Module):
    """Causal convolution over whole strides: all padding on the left."""

    def __init__(self, inputs, outputs, kernel, stride=1, bias=True, pad_mode="constant"):
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride, bias=bias)
        self.history, self.pad_mode = kernel - stride, pad_mode

    def forward(self, x):
        return self.conv(F.pad(x, (self.history, 0), mode=self.pad_mode))


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        narrow = channels // 2
        self.block = nn.Sequential(nn.ELU(), StridedConv(channels, narrow, 3), nn.ELU(), StridedConv(narrow, channels, 1))

    def forward(self, x):
        return x + self.block(x)


class ConvolutionStack(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        channels = sizes.num_filters
        layers = [StridedConv(1, channels, 7)]
        for rate in reversed(sizes.upsampling_ratios):
            layers += [ResidualBlock(channels), nn.ELU(), StridedConv(channels, 2 * channels, 2 * rate, rate)]
            channels *= 2
        layers += [nn.ELU(), StridedConv(channels, sizes.hidden_size, 3)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class EncoderAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, x, table):
        q, k, v = (p(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        out = F.scaled_dot_product_attention(rotate(q, table), rotate(k, table), v, is_causal=True)
        return self.o_proj(out.transpose(1, 2).flatten(2))


class EncoderMlp(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner, bias=False), nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class EncoderLayer(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        width = sizes.hidden_size
        self.input_layernorm, self.post_attention_layernorm = nn.LayerNorm(width, eps=1e-5), nn.LayerNorm(width, eps=1e-5)
        self.self_attn = EncoderAttention(width, sizes.num_attention_heads)
        self.mlp = EncoderMlp(width, sizes.intermediate_size)
        self.self_attn_layer_scale, self.mlp_layer_scale = LayerScale(width, LAYER_SCALE), LayerScale(width, LAYER_SCALE)

    def forward(self, x, table):
        x = x + self.self_attn_layer_scale(self.self_attn(self.input_layernorm(x), table))
        return x + self.mlp_layer_scale(self.mlp(self.post_attention_layernorm(x)))


class EncoderTransformer(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.head_dim, self.theta = sizes.hidden_size // sizes.num_attention_heads, sizes.rope_theta
        self.layers = nn.ModuleList(EncoderLayer(sizes) for _ in range(sizes.num_hidden_layers))

    def forward(self, x):
        table = rotary_table(x.shape[1], self.head_dim, self.theta)
        for layer in self.layers:
            x = layer(x, table)
        return x


class CodecEncoder(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.encoder = ConvolutionStack(sizes)
        self.encoder_transformer = EncoderTransformer(sizes)
        self.downsample = StridedConv(sizes.hidden_size, sizes.hidden_size, 4, 2, bias=False, pad_mode="replicate")
        self.projection = nn.Linear(sizes.hidden_size, CODE_WIDTH, bias=False)

    def forward(self, wave):
        """[batch, 1920 * frames] -> code vectors [batch, frames, CODE_WIDTH]"""
        x = self.encoder(wave[:, None]).transpose(1, 2)
        x = self.encoder_transformer(x).transpose(1, 2)
        return self.projection(self.downsample(x).transpose(1, 2))
