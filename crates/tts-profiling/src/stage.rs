/// A stage of the pipeline. The single list of span names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// One request from text to samples.
    Synthesize,
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
    /// Codes to samples.
    Decode,
}

impl Stage {
    /// Every stage, outermost first.
    pub const ALL: [Self; 9] = [
        Self::Synthesize,
        Self::Prefill,
        Self::GenerateFrames,
        Self::CodePredictor,
        Self::TalkerStep,
        Self::Sampling,
        Self::TopK,
        Self::TopP,
        Self::Decode,
    ];

    /// The span name, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Synthesize => "synthesize",
            Self::Prefill => "prefill",
            Self::GenerateFrames => "generate_frames",
            Self::CodePredictor => "code_predictor",
            Self::TalkerStep => "talker_step",
            Self::Sampling => "sampling",
            Self::TopK => "top_k",
            Self::TopP => "top_p",
            Self::Decode => "decode",
        }
    }
}
