/// How often a device-to-host read happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SyncClass {
    /// While a model is loaded.
    Load,
    /// A fixed number of times in one request.
    PerUtterance,
    /// Once for every chunk of audio.
    PerChunk,
    /// Once for every frame of 80 ms.
    PerFrame,
}

impl SyncClass {
    /// Every class, rarest first.
    pub const ALL: [Self; 4] = [Self::Load, Self::PerUtterance, Self::PerChunk, Self::PerFrame];

    /// The class as it is written into traces and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::PerUtterance => "per-utterance",
            Self::PerChunk => "per-chunk",
            Self::PerFrame => "per-frame",
        }
    }
}
