//! What a user would do: design a voice, keep it, clone with it, stream a text of three
//! paragraphs, play the file.

use std::path::PathBuf;
use std::sync::Arc;

use candle_core::Device;
use tts::{
    ChunkSchedule, Delivery, LongSpeech, Model, ReferenceOptions, SplitLimits, Voice, VoicePrompt,
};
use tts_audio::{AudioFormat, Limits, StreamWriter, read_audio_file, write_wav_file};

fn model(name: &str) -> Model {
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/checkpoints");
    Model::from_pretrained(home.join(name), &Device::Cpu).unwrap()
}

#[test]
fn design_keep_clone_stream_play() {
    let home = tempfile::tempdir().unwrap();

    // A voice described in words speaks a sentence.
    let designer = model("voice_design_a");
    let line = "This is how I sound.";
    let mut options = designer.default_options();
    options.max_new_tokens = 20;
    let designed = designer.design(line, "A calm old man.", "english", Some(options)).unwrap();
    let recording = home.path().join("designed.wav");
    write_wav_file(&designed.audio, &recording).unwrap();

    // It becomes the voice of a Base model and is kept.
    let base = model("base_b");
    let audio = read_audio_file(&recording, Limits { max_seconds: 60.0 }).unwrap();
    let reference = ReferenceOptions { append_silence: 0.5, ..ReferenceOptions::default() };
    let (prompt, _) = base.voice_prompt(&audio, Some(line), &reference).unwrap();
    let kept = home.path().join("old-man.safetensors");
    prompt.save(&kept).unwrap();
    assert_eq!(VoicePrompt::load(&kept).unwrap(), prompt);

    // Another program speaks a longer text with it, chunk by chunk, into a file.
    let voice = Voice::Cloned(Arc::new(VoicePrompt::load(&kept).unwrap()));
    let text = "The first paragraph is short.\n\nThe second one is not much longer, but it has \
                a comma.\n\nAnd the third one ends it.";
    let mut request = base.request(text, voice);
    request.options.max_new_tokens = 15;
    let delivery = Delivery::Chunks(ChunkSchedule::default());
    let mut speech = LongSpeech::new(&base, &request, delivery, Some(SplitLimits::default()));
    let path = home.path().join("speech.wav");
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = StreamWriter::new(file, AudioFormat::WavPcm16, base.sample_rate()).unwrap();
    let mut written = 0;
    for samples in speech.by_ref() {
        let samples = samples.unwrap();
        writer.write(&samples).unwrap();
        written += samples.len();
    }
    writer.finish_with_sizes().unwrap();

    // Three pieces, two pauses between them, and the file has what was written.
    let frames: usize = speech.spoken().iter().map(|piece| piece.timing.frames).sum();
    assert_eq!(speech.spoken().len(), 3);
    let pauses = 2 * (0.7 * f64::from(base.sample_rate())) as usize;
    let spoken = frames * base.codec().samples_per_frame();
    assert!(written.abs_diff(spoken + pauses) <= 2, "{written} samples");
    let played = read_audio_file(&path, Limits { max_seconds: 60.0 }).unwrap();
    assert_eq!(played.samples.len(), written);
}
