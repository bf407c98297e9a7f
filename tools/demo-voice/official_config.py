"""The configuration files of a checkpoint directory, in the form of the official ones."""

import config
from config import CODE_GROUPS, CODE_WIDTH, CODEBOOK_SIZE, CODEC_VOCABULARY, FRAME, SAMPLE_RATE

TRANSFORMERS = "4.57.3"

# Small models want a low temperature; the penalty would hit 256 codes much harder than 2048.
GENERATION = {
    "do_sample": True,
    "repetition_penalty": 1.0,
    "temperature": 0.4,
    "top_p": 1.0,
    "top_k": 50,
    "subtalker_dosample": True,
    "subtalker_temperature": 0.4,
    "subtalker_top_p": 1.0,
    "subtalker_top_k": 50,
    "max_new_tokens": 512,
}
PREPROCESSOR = {
    "padding_side": "left",
    "padding_value": 0.0,
    "processor_class": "Qwen3TTSProcessor",
    "return_attention_mask": True,
}
CODEC_PREPROCESSOR = {
    "chunk_length_s": None,
    "feature_extractor_type": "EncodecFeatureExtractor",
    "feature_size": 1,
    "overlap": None,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": True,
    "sampling_rate": SAMPLE_RATE,
}


def _transformer(sizes):
    return {
        "attention_bias": False,
        "attention_dropout": 0,
        "head_dim": sizes.head_dim,
        "hidden_act": "silu",
        "hidden_size": sizes.hidden_size,
        "intermediate_size": sizes.intermediate_size,
        "num_attention_heads": sizes.num_attention_heads,
        "num_hidden_layers": sizes.num_hidden_layers,
        "num_key_value_heads": sizes.num_key_value_heads,
        "rms_norm_eps": sizes.rms_norm_eps,
        "rope_theta": sizes.rope_theta,
    }


def _rotary_sections(head_dim):
    """Three shares of the frequencies, as 24, 20, 20 for a width of 128; all three carry the same positions."""
    side = head_dim // 2 * 20 // 64
    return [head_dim // 2 - 2 * side, side, side]


def model_config(sizes, tokenizer):
    special = tokenizer.special
    predictor = {
        **_transformer(sizes.predictor),
        "initializer_range": 0.02,
        "layer_types": ["full_attention"] * sizes.predictor.num_hidden_layers,
        "max_position_embeddings": 65536,
        "max_window_layers": 28,
        "model_type": "qwen3_tts_talker_code_predictor",
        "num_code_groups": CODE_GROUPS,
        "rope_scaling": None,
        "sliding_window": None,
        "tie_word_embeddings": False,
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": CODEBOOK_SIZE,
    }
    talker = {
        **_transformer(sizes.talker),
        "code_predictor_config": predictor,
        "codec_bos_id": config.CODEC_BOS,
        "codec_eos_token_id": config.CODEC_EOS,
        "codec_language_id": config.LANGUAGES,
        "codec_nothink_id": config.CODEC_NOTHINK,
        "codec_pad_id": config.CODEC_PAD,
        "codec_think_bos_id": config.CODEC_THINK_BOS,
        "codec_think_eos_id": config.CODEC_THINK_EOS,
        "codec_think_id": config.CODEC_THINK,
        "initializer_range": 0.02,
        "max_position_embeddings": 32768,
        "model_type": "qwen3_tts_talker",
        "num_code_groups": CODE_GROUPS,
        "pad_token_id": config.CODEC_PAD,
        "position_id_per_seconds": 13,
        "rope_scaling": {
            "interleaved": True,
            "mrope_section": _rotary_sections(sizes.talker.head_dim),
            "rope_type": "default",
            "type": "default",
        },
        "sliding_window": None,
        "spk_id": config.SPEAKERS,
        "spk_is_dialect": dict.fromkeys(config.SPEAKERS, False),
        "text_hidden_size": sizes.talker.text_hidden_size,
        "text_vocab_size": tokenizer.rows,
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": CODEC_VOCABULARY,
    }
    return {
        "architectures": ["Qwen3TTSForConditionalGeneration"],
        "assistant_token_id": tokenizer.vocabulary["assistant"],
        "im_end_token_id": special["<|im_end|>"],
        "im_start_token_id": special["<|im_start|>"],
        "tts_bos_token_id": special["<tts_text_bos>"],
        "tts_eos_token_id": special["<tts_text_eod>"],
        "tts_pad_token_id": special["<tts_pad>"],
        "model_type": "qwen3_tts",
        "tokenizer_type": "qwen3_tts_tokenizer_12hz",
        "tts_model_size": "0b6",
        "tts_model_type": "custom_voice",
        "talker_config": talker,
        "transformers_version": TRANSFORMERS,
    }


def codec_config(sizes):
    decoder = {
        **_transformer(sizes.decoder),
        "codebook_dim": 2 * CODE_WIDTH,
        "codebook_size": CODEBOOK_SIZE,
        "decoder_dim": sizes.decoder.decoder_dim,
        "latent_dim": sizes.decoder.latent_dim,
        "layer_scale_initial_scale": 0.01,
        "max_position_embeddings": 8000,
        "num_quantizers": CODE_GROUPS,
        "num_semantic_quantizers": 1,
        "semantic_codebook_size": CODEBOOK_SIZE,
        "sliding_window": sizes.decoder.sliding_window,
        "upsample_rates": list(sizes.decoder.upsample_rates),
        "upsampling_ratios": list(sizes.decoder.upsampling_ratios),
        "vector_quantization_hidden_dimension": 2 * CODE_WIDTH,
    }
    width = sizes.encoder.hidden_size
    encoder = {
        "_frame_rate": SAMPLE_RATE / FRAME,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "audio_channels": 1,
        "codebook_dim": CODE_WIDTH,
        "codebook_size": CODEBOOK_SIZE,
        "compress": 2,
        "dilation_growth_rate": 2,
        "head_dim": width // sizes.encoder.num_attention_heads,
        "hidden_act": "gelu",
        "hidden_size": width,
        "initializer_range": 0.02,
        "intermediate_size": sizes.encoder.intermediate_size,
        "kernel_size": 7,
        "last_kernel_size": 3,
        "layer_scale_initial_scale": 0.01,
        "max_position_embeddings": 8000,
        "norm_eps": 1e-05,
        "normalize": False,
        "num_attention_heads": sizes.encoder.num_attention_heads,
        "num_filters": sizes.encoder.num_filters,
        "num_hidden_layers": sizes.encoder.num_hidden_layers,
        "num_key_value_heads": sizes.encoder.num_attention_heads,
        "num_quantizers": CODE_GROUPS,
        "num_residual_layers": 1,
        "num_semantic_quantizers": 1,
        "pad_mode": "constant",
        "residual_kernel_size": 3,
        "rope_theta": sizes.encoder.rope_theta,
        "sampling_rate": SAMPLE_RATE,
        "sliding_window": 250,
        "trim_right_ratio": 1.0,
        "upsample_groups": width,
        "upsampling_ratios": list(sizes.encoder.upsampling_ratios),
        "use_cache": False,
        "use_causal_conv": True,
        "use_conv_shortcut": False,
        "use_streaming": False,
        "vector_quantization_hidden_dimension": CODE_WIDTH,
    }
    return {
        "architectures": ["Qwen3TTSTokenizerV2Model"],
        "model_type": "qwen3_tts_tokenizer_12hz",
        "encoder_valid_num_quantizers": CODE_GROUPS,
        "input_sample_rate": SAMPLE_RATE,
        "output_sample_rate": SAMPLE_RATE,
        "decode_upsample_rate": FRAME,
        "encode_downsample_rate": FRAME,
        "decoder_config": decoder,
        "encoder_config": encoder,
        "transformers_version": TRANSFORMERS,
    }
