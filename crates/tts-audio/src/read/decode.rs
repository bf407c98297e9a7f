//! Containers to packets to samples.

use std::io::ErrorKind;
use std::sync::LazyLock;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe, ProbeOptions};
use symphonia::core::formats::well_known::{
    FORMAT_ID_AIFF, FORMAT_ID_FLAC, FORMAT_ID_ISOMP4, FORMAT_ID_MP3, FORMAT_ID_WAVE,
};
use symphonia::core::formats::{FormatId, FormatOptions, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::default::{register_enabled_codecs, register_enabled_formats};

use super::mp4::{self, Boxes};
use super::opus::OpusDecoder;
use super::{Limits, MAX_CHANNELS};
use crate::audio::check_sample_rate;
use crate::{Audio, AudioError, Result};

/// How far into the data, behind tags, a container may begin, in bytes. Little,
/// so that chance does not find one in data of another kind.
const MAX_JUNK: u32 = 4096;

static FORMATS: LazyLock<Probe> = LazyLock::new(|| {
    let options = ProbeOptions { max_probe_depth: MAX_JUNK, ..ProbeOptions::default() };
    let mut formats = Probe::new_with_options(&options);
    register_enabled_formats(&mut formats);
    formats
});

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<OpusDecoder>();
    codecs
});

pub(super) fn decode(mut source: impl MediaSource, limits: Limits) -> Result<Audio> {
    if source.byte_len() == Some(0) {
        return Err(AudioError::Empty);
    }
    let boxes = if source.is_seekable() {
        mp4::scan(&mut source).map_err(AudioError::Stream)?
    } else {
        Boxes::Foreign
    };
    let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
    let mut format = FORMATS
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(header_error)?;
    if format.format_info().format == FORMAT_ID_ISOMP4 && boxes != Boxes::Whole {
        let reason = "an MP4 file in fragments or that cannot be searched".to_owned();
        return Err(AudioError::UnsupportedCodec { reason });
    }

    let no_track = || AudioError::NotAudio { reason: "it holds no audio track".to_owned() };
    let track = format.default_track(TrackType::Audio).ok_or_else(no_track)?;
    let parameters =
        track.codec_params.as_ref().and_then(CodecParameters::audio).ok_or_else(no_track)?;
    let track_id = track.id;
    let container = format.format_info().format;
    // The length of a WAV stream is not known when its header is written.
    let ends_anywhere = container == FORMAT_ID_WAVE && track.num_frames.is_none();
    let mut mono = Mono::new(limits, announced_frames(container, track));
    if let Some(rate) = parameters.sample_rate {
        mono.start(rate)?;
    }
    if let Some(channels) = &parameters.channels {
        check_channels(channels.count())?;
    }
    let options = AudioDecoderOptions::default().verify(true);
    let mut decoder = CODECS.make_audio_decoder(parameters, &options).map_err(header_error)?;

    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(error) if ends_anywhere && is_end(&error) => break,
            Err(error) => return Err(mono.error(error)),
        };
        if packet.track_id == track_id {
            let frames = decoder.decode(&packet).map_err(|error| mono.error(error))?;
            mono.append(&frames)?;
        }
    }
    if decoder.finalize().verify_ok == Some(false) {
        let reason = "the samples do not match the checksum of the file".to_owned();
        return Err(AudioError::Corrupt { reason });
    }
    mono.finish()
}

/// The number of frames that the container counts. None if it does not, or if
/// the number is an estimate or that of a demuxer that checks it itself.
fn announced_frames(format: FormatId, track: &Track) -> Option<u64> {
    let is_exact = match format {
        FORMAT_ID_WAVE | FORMAT_ID_AIFF | FORMAT_ID_FLAC => true,
        // The tag that counts frames exactly also says which ones to skip.
        FORMAT_ID_MP3 => track.delay.is_some(),
        _ => false,
    };
    track.num_frames.filter(|_| is_exact)
}

/// Mono samples as they come in.
struct Mono {
    limits: Limits,
    announced: Option<u64>,
    /// Set by the first frames at the latest.
    sample_rate: Option<u32>,
    samples: Vec<f32>,
    /// The frames of one packet, interleaved.
    interleaved: Vec<f64>,
}

impl Mono {
    fn new(limits: Limits, announced: Option<u64>) -> Self {
        Self { limits, announced, sample_rate: None, samples: vec![], interleaved: vec![] }
    }

    /// Fixes the sample rate and judges the duration that was announced.
    fn start(&mut self, sample_rate: u32) -> Result<()> {
        check_sample_rate(sample_rate)?;
        self.sample_rate = Some(sample_rate);
        self.check_duration(sample_rate, self.announced.unwrap_or(0))
    }

    fn check_duration(&self, sample_rate: u32, frames: u64) -> Result<()> {
        let max_seconds = self.limits.max_seconds;
        let seconds = frames as f64 / f64::from(sample_rate);
        if (0.0..=max_seconds).contains(&seconds) {
            Ok(())
        } else {
            Err(AudioError::TooLong { seconds, max_seconds })
        }
    }

    fn append(&mut self, frames: &GenericAudioBufferRef<'_>) -> Result<()> {
        let found = frames.spec().rate();
        match self.sample_rate {
            None => self.start(found)?,
            Some(rate) if rate == found => {}
            Some(rate) => {
                let reason = format!("the sample rate changes from {rate} Hz to {found} Hz");
                return Err(AudioError::Corrupt { reason });
            }
        }
        let channels = frames.spec().channels().count();
        check_channels(channels)?;
        self.check_duration(found, (self.samples.len() + frames.frames()) as u64)?;

        frames.copy_to_vec_interleaved(&mut self.interleaved);
        for frame in self.interleaved.chunks_exact(channels) {
            let value = (frame.iter().sum::<f64>() / channels as f64) as f32;
            if !value.is_finite() {
                let index = self.samples.len();
                return Err(AudioError::NotFinite { index, value });
            }
            self.samples.push(value);
        }
        Ok(())
    }

    /// An error of demuxer or decoder at this point.
    fn error(&self, error: Error) -> AudioError {
        if is_end(&error) { self.truncated() } else { data_error(error) }
    }

    fn truncated(&self) -> AudioError {
        AudioError::Truncated { expected: self.announced, found: self.samples.len() }
    }

    fn finish(self) -> Result<Audio> {
        if self.announced.is_some_and(|announced| (self.samples.len() as u64) < announced) {
            return Err(self.truncated());
        }
        match self.sample_rate {
            Some(sample_rate) if !self.samples.is_empty() => {
                Ok(Audio { samples: self.samples, sample_rate })
            }
            _ => Err(AudioError::Empty),
        }
    }
}

fn check_channels(found: usize) -> Result<()> {
    if (1..=MAX_CHANNELS).contains(&found) { Ok(()) } else { Err(AudioError::Channels { found }) }
}

/// Whether an error says that the data is at its end.
fn is_end(error: &Error) -> bool {
    matches!(error, Error::IoError(source) if source.kind() == ErrorKind::UnexpectedEof)
}

fn header_error(error: Error) -> AudioError {
    match error {
        error if is_end(&error) => AudioError::Truncated { expected: None, found: 0 },
        // The prefix is that of the search for a container.
        Error::Unsupported(reason) if reason.starts_with("core (probe)") => {
            AudioError::NotAudio { reason: "it begins like no known audio format".to_owned() }
        }
        other => data_error(other),
    }
}

fn data_error(error: Error) -> AudioError {
    match error {
        Error::IoError(source) => AudioError::Stream(source),
        Error::Unsupported(reason) => AudioError::UnsupportedCodec { reason: reason.to_owned() },
        Error::ResetRequired => {
            let reason = "several streams, one after the other".to_owned();
            AudioError::UnsupportedCodec { reason }
        }
        Error::DecodeError(reason) => AudioError::Corrupt { reason: reason.to_owned() },
        other => AudioError::Corrupt { reason: other.to_string() },
    }
}
