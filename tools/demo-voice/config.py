"""What all stages agree on: rates, sizes, ids, folders."""

from dataclasses import dataclass, field

SAMPLE_RATE = 24000
FRAME = 1920  # samples; 12.5 frames a second
FRAME_SECONDS = FRAME / SAMPLE_RATE
SPEAKER = "rms"

# Every utterance begins with this much silence before its first phone. The streaming text layout keeps all of it, so
# that a few text tokens have arrived before speech starts; the other layout drops the silent frames.
SILENT_FRAMES = 2
ONSET_SECONDS = 0.1  # of the first spoken frame
TAIL_SECONDS = 0.12  # kept after the last phone

CODE_GROUPS = 16
CODEBOOK_SIZE = 256
CODE_WIDTH = 96  # of a codebook vector
# Code 1 repeats code 0 (both chains start with the same codebook), codes 2..9 refine it, the tables above are zero.
LIVE_GROUPS = 10

# Rows of the codec vocabulary, in the order of the official checkpoints: codes first, then 1024 control rows.
CODEC_VOCABULARY = CODEBOOK_SIZE + 1024
CODEC_PAD, CODEC_BOS, CODEC_EOS = (CODEBOOK_SIZE + i for i in (100, 101, 102))
CODEC_THINK, CODEC_NOTHINK, CODEC_THINK_BOS, CODEC_THINK_EOS = (CODEBOOK_SIZE + i for i in (106, 107, 108, 109))
LANGUAGES = {"english": CODEBOOK_SIZE + 2}
SPEAKERS = {SPEAKER: CODEBOOK_SIZE + 1013}


@dataclass
class TalkerSizes:
    hidden_size: int = 256
    intermediate_size: int = 640
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    head_dim: int = 64
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1e6
    text_hidden_size: int = 256


@dataclass
class PredictorSizes:
    hidden_size: int = 192
    intermediate_size: int = 512
    num_hidden_layers: int = 3
    num_attention_heads: int = 3
    num_key_value_heads: int = 3
    head_dim: int = 64
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1e6


@dataclass
class DecoderSizes:
    latent_dim: int = 256
    hidden_size: int = 192
    intermediate_size: int = 384
    num_hidden_layers: int = 2
    num_attention_heads: int = 3
    num_key_value_heads: int = 3
    head_dim: int = 64
    sliding_window: int = 72
    rms_norm_eps: float = 1e-5
    rope_theta: float = 1e4
    decoder_dim: int = 256
    upsample_rates: tuple = (8, 5, 4, 3)
    upsampling_ratios: tuple = (2, 2)


@dataclass
class EncoderSizes:
    num_filters: int = 6
    hidden_size: int = 80  # unlike CODE_WIDTH: with equal widths the Mimi form has no input projections
    intermediate_size: int = 160
    num_hidden_layers: int = 2
    num_attention_heads: int = 2
    rope_theta: float = 1e4
    upsampling_ratios: tuple = (8, 6, 5, 4)  # applied from the last to the first


@dataclass
class Sizes:
    talker: TalkerSizes = field(default_factory=TalkerSizes)
    predictor: PredictorSizes = field(default_factory=PredictorSizes)
    decoder: DecoderSizes = field(default_factory=DecoderSizes)
    encoder: EncoderSizes = field(default_factory=EncoderSizes)
