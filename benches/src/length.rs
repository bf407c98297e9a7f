use tts::{Guard, GuardAction, Options};

/// Makes an utterance exactly so many frames long, whatever the model says of the end.
pub fn fix_length(options: &mut Options, frames: usize) {
    // The last token is no frame.
    options.max_new_tokens = frames + 1;
    options.talker.min_new_tokens = frames + 1;
    options.guard = Guard {
        action: GuardAction::Report,
        length: None,
        repeated_seconds: None,
        silent_seconds: None,
        overdue_frames: None,
    };
}
