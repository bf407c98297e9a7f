/// A stage of the pipeline. The single list of span names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A model directory to a model.
    Load,
    /// Reference audio to a voice.
    VoicePrompt,
    /// Inside that: audio to an x-vector.
    SpeakerEncoder,
    /// Inside that: audio to codes.
    CodecEncoder,
    /// One request from text to samples; of a stream, one chunk of it.
    Synthesize,
    /// Inside that: several requests that share every step.
    Batch,
    /// Inside that: the next chunk of a stream.
    StreamChunk,
    /// The prompt through the talker, up to the first token.
    Prefill,
    /// The loop over frames.
    GenerateFrames,
    /// Codebooks 1 and up of one frame.
    CodePredictor,
    /// One decoder step of the talker.
    TalkerStep,
    /// Logits to a codebook-0 token.
    Sampling,
    /// Inside sampling: everything below the k-th score is dropped.
    TopK,
    /// Inside sampling: everything outside the nucleus is dropped.
    TopP,
    /// One frame that a GPU repeats as a whole, in place of its parts.
    FrameGraph,
    /// Codes to samples.
    Decode,
}

impl Stage {
    /// Every stage, outermost first.
    pub const ALL: [Self; 16] = [
        Self::Load,
        Self::VoicePrompt,
        Self::SpeakerEncoder,
        Self::CodecEncoder,
        Self::Synthesize,
        Self::Batch,
        Self::StreamChunk,
        Self::Prefill,
        Self::GenerateFrames,
        Self::CodePredictor,
        Self::TalkerStep,
        Self::Sampling,
        Self::TopK,
        Self::TopP,
        Self::FrameGraph,
        Self::Decode,
    ];

    /// The span name, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::VoicePrompt => "voice_prompt",
            Self::SpeakerEncoder => "speaker_encoder",
            Self::CodecEncoder => "codec_encoder",
            Self::Synthesize => "synthesize",
            Self::Batch => "batch",
            Self::StreamChunk => "stream_chunk",
            Self::Prefill => "prefill",
            Self::GenerateFrames => "generate_frames",
            Self::CodePredictor => "code_predictor",
            Self::TalkerStep => "talker_step",
            Self::Sampling => "sampling",
            Self::TopK => "top_k",
            Self::TopP => "top_p",
            Self::FrameGraph => "frame_graph",
            Self::Decode => "decode",
        }
    }
}
