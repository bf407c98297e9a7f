"""The codec decoder: 16 codes a frame to 1920 samples, with the official structure and parameter names."""

import torch
from torch import nn
from torch.nn import functional as F

from config import CODE_GROUPS, CODE_WIDTH, CODEBOOK_SIZE, LIVE_GROUPS
from layers import Layer, RmsNorm, rotary_table, window_mask

LAYER_SCALE = 0.1  # larger than the official 0.01, to learn faster


class _Snake(torch.autograd.Function):
    """x + sin²(a x) / b, written as x + (1 - cos 2ax) / 2b; by hand, as it is half the decoder's element-wise work."""

    @staticmethod
    def forward(ctx, x, a, b):
        half = 0.5 / b
        y = torch.addcmul(x + half, torch.cos(x * (2 * a)), -half)
        ctx.save_for_backward(x, y, a, b)
        return y

    @staticmethod
    def backward(ctx, grad):
        x, y, a, b = ctx.saved_tensors
        slope = grad * torch.sin(x * (2 * a))
        grad_x = torch.addcmul(grad, slope, a / b)
        grad_a = (slope * x).sum((0, 2), keepdim=True) / b
        grad_b = (grad * (x - y)).sum((0, 2), keepdim=True) / b
        return grad_x, grad_a, grad_b


class SnakeBeta(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return _Snake.apply(x, self.alpha.exp()[None, :, None], self.beta.exp()[None, :, None] + 1e-9)


class CausalConv(nn.Module):
    def __init__(self, inputs, outputs, kernel, dilation=1, groups=1):
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, dilation=dilation, groups=groups)
        self.history = (kernel - 1) * dilation

    def forward(self, x):
        return self.conv(F.pad(x, (self.history, 0)))


class CausalTransposedConv(nn.Module):
    """Kernel of one or two strides, right side trimmed; computed as one matrix product over [x_t, x_{t-1}]."""

    def __init__(self, inputs, outputs, kernel, stride):
        super().__init__()
        self.conv = nn.ConvTranspose1d(inputs, outputs, kernel, stride=stride)
        self.stride, self.taps = stride, kernel // stride

    def forward(self, x):
        batch, _, time = x.shape
        weight = self.conv.weight
        outputs = weight.shape[1]
        if self.taps == 2:
            x = torch.cat([x, F.pad(x, (1, -1))], 1)
            weight = torch.cat(weight.split(self.stride, 2), 0)
        y = weight.reshape(len(weight), -1).t() @ x
        y = y.view(batch, outputs, self.stride, time).transpose(2, 3).reshape(batch, outputs, -1)
        return y + self.conv.bias[:, None]


class ResidualUnit(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.act1, self.conv1 = SnakeBeta(channels), CausalConv(channels, channels, 7, dilation)
        self.act2, self.conv2 = SnakeBeta(channels), CausalConv(channels, channels, 1)

    def forward(self, x):
        return x + self.conv2(self.act2(self.conv1(self.act1(x))))


class UpsampleBlock(nn.Module):
    def __init__(self, inputs, outputs, rate):
        super().__init__()
        units = [ResidualUnit(outputs, dilation) for dilation in (1, 3, 9)]
        self.block = nn.Sequential(SnakeBeta(inputs), CausalTransposedConv(inputs, outputs, 2 * rate, rate), *units)

    def forward(self, x):
        return self.block(x)


class ConvNeXt(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.dwconv = CausalConv(channels, channels, 7, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), LAYER_SCALE))

    def forward(self, x):
        y = self.norm(self.dwconv(x).transpose(1, 2))
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + y.transpose(1, 2)


class PreTransformer(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes
        self.input_proj = nn.Linear(sizes.latent_dim, sizes.hidden_size)
        self.layers = nn.ModuleList(Layer(sizes, LAYER_SCALE) for _ in range(sizes.num_hidden_layers))
        self.norm = RmsNorm(sizes.hidden_size, sizes.rms_norm_eps)
        self.output_proj = nn.Linear(sizes.hidden_size, sizes.latent_dim)

    def forward(self, x):
        x = self.input_proj(x)
        table = rotary_table(x.shape[1], self.sizes.head_dim, self.sizes.rope_theta)
        mask = window_mask(x.shape[1], self.sizes.sliding_window)
        for layer in self.layers:
            x = layer(x, table, mask)
        return self.output_proj(self.norm(x))


def scaled(codebooks):
    """Codebooks in units of the first one's spread; codec decoder and encoder both work in these units."""
    return codebooks / codebooks[0].std()


class CodeVectors(nn.Module):
    """The split quantiser: frozen codebooks and one learned projection for code 0, one for the sum of the others."""

    def __init__(self, codebooks):
        super().__init__()
        self.register_buffer("codebooks", scaled(codebooks))
        self.first = nn.Linear(CODE_WIDTH, 2 * CODE_WIDTH, bias=False)
        self.rest = nn.Linear(CODE_WIDTH, 2 * CODE_WIDTH, bias=False)

    def forward(self, codes):
        """[batch, time, CODE_GROUPS] -> [batch, time, 2 * CODE_WIDTH]"""
        rest = sum(self.codebooks[level][codes[..., level]] for level in range(1, LIVE_GROUPS))
        return self.first(self.codebooks[0][codes[..., 0]]) + self.rest(rest)


class CodecDecoder(nn.Module):
    def __init__(self, sizes, codebooks):
        super().__init__()
        assert codebooks.shape == (CODE_GROUPS, CODEBOOK_SIZE, CODE_WIDTH)
        self.quantizer = CodeVectors(codebooks)
        self.pre_conv = CausalConv(2 * CODE_WIDTH, sizes.latent_dim, 3)
        self.pre_transformer = PreTransformer(sizes)
        width = sizes.latent_dim
        self.upsample = nn.ModuleList(
            nn.Sequential(CausalTransposedConv(width, width, rate, rate), ConvNeXt(width)) for rate in sizes.upsampling_ratios
        )
        channels = [sizes.decoder_dim >> i for i in range(len(sizes.upsample_rates) + 1)]
        blocks = [UpsampleBlock(i, o, rate) for i, o, rate in zip(channels, channels[1:], sizes.upsample_rates)]
        self.decoder = nn.Sequential(
            CausalConv(width, channels[0], 7), *blocks, SnakeBeta(channels[-1]), CausalConv(channels[-1], 1, 7)
        )

    def forward(self, codes):
        """[batch, time, CODE_GROUPS] -> samples [batch, 1920 * time], not clamped"""
        x = self.pre_conv(self.quantizer(codes).transpose(1, 2)).transpose(1, 2)
        x = self.pre_transformer(x).transpose(1, 2)
        for stage in self.upsample:
            x = stage(x)
        return self.decoder(x)[:, 0]
