//! Opus, which the library of decoders lacks.

use ruopus::{MultistreamDecoder, OpusDecoder as StreamDecoder, PacketError};
use symphonia::core::audio::{
    AsGenericAudioBufferRef, Audio, AudioBuffer, AudioMut, AudioSpec, GenericAudioBufferRef,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult,
};
use symphonia::core::codecs::registry::{RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::errors::{Error, Result};
use symphonia::core::packet::PacketRef;

/// Opus always decodes to this rate, in Hz.
const SAMPLE_RATE: u32 = 48_000;
const INFO: CodecInfo = CodecInfo { short_name: "opus", long_name: "Opus", profiles: &[] };

/// The longest packet, in frames: 120 ms.
const MAX_FRAMES: usize = 5760;

/// A decoder of the packets of an Ogg Opus stream (RFC 7845).
pub(super) struct OpusDecoder {
    parameters: AudioCodecParameters,
    is_gapless: bool,
    /// Frames at the beginning that are still to be dropped.
    pre_skip: usize,
    gain: f32,
    streams: Streams,
    buffer: AudioBuffer<f32>,
}

enum Streams {
    One(Box<StreamDecoder>),
    Many(Box<MultistreamDecoder>),
}

impl Streams {
    fn decode(&mut self, packet: &[u8]) -> std::result::Result<Vec<f32>, PacketError> {
        match self {
            Self::One(decoder) => decoder.decode_packet(packet),
            Self::Many(decoder) => decoder.decode_packet(packet),
        }
    }
}

/// The identification header (RFC 7845, section 5.1).
#[derive(Clone, Copy)]
struct Head<'a> {
    channels: usize,
    pre_skip: usize,
    /// A factor on the samples.
    gain: f32,
    /// The number of streams, how many of them are stereo, and for each channel
    /// the decoded channel it takes. None for one stream of 1 or 2 channels.
    mapping: Option<(usize, usize, &'a [u8])>,
}

impl<'a> Head<'a> {
    fn parse(header: &'a [u8]) -> Option<Self> {
        let header = header.strip_prefix(b"OpusHead")?;
        let byte = |index: usize| header.get(index).copied();
        let channels = usize::from(byte(1)?);
        let pre_skip = u16::from_le_bytes([byte(2)?, byte(3)?]).into();
        let gain_db = f32::from(i16::from_le_bytes([byte(8)?, byte(9)?])) / 256.0;
        let mapping = match byte(10)? {
            0 if (1..=2).contains(&channels) => None,
            1 => Some((byte(11)?.into(), byte(12)?.into(), header.get(13..13 + channels)?)),
            _ => return None,
        };
        let head = Self { channels, pre_skip, gain: 10_f32.powf(gain_db / 20.0), mapping };
        head.is_possible().then_some(head)
    }

    /// Whether the mapping is one that the decoder accepts.
    fn is_possible(&self) -> bool {
        let Some((streams, coupled, mapping)) = self.mapping else { return true };
        let decoded = streams + coupled;
        let exists = |&channel: &u8| channel == 255 || usize::from(channel) < decoded;
        streams >= 1 && coupled <= streams && decoded <= 255 && mapping.iter().all(exists)
    }

    fn streams(&self) -> Streams {
        match self.mapping {
            None => Streams::One(Box::new(StreamDecoder::with_rate(SAMPLE_RATE, self.channels))),
            Some((streams, coupled, mapping)) => Streams::Many(Box::new(
                MultistreamDecoder::with_rate(SAMPLE_RATE, streams, coupled, mapping),
            )),
        }
    }
}

impl RegisterableAudioDecoder for OpusDecoder {
    fn try_registry_new(
        parameters: &AudioCodecParameters,
        options: &AudioDecoderOptions,
    ) -> Result<Box<dyn AudioDecoder>> {
        let unknown = || Error::Unsupported("opus: no header of a known kind");
        let head = parameters.extra_data.as_deref().and_then(Head::parse).ok_or_else(unknown)?;
        let channels = parameters.channels.clone().ok_or_else(unknown)?;
        if channels.count() != head.channels {
            return Err(Error::DecodeError("opus: contradictory numbers of channels"));
        }
        Ok(Box::new(Self {
            parameters: parameters.clone(),
            is_gapless: options.gapless,
            pre_skip: head.pre_skip,
            gain: head.gain,
            streams: head.streams(),
            buffer: AudioBuffer::new(AudioSpec::new(SAMPLE_RATE, channels), MAX_FRAMES),
        }))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        &[SupportedAudioCodec { id: CODEC_ID_OPUS, info: INFO }]
    }
}

impl AudioDecoder for OpusDecoder {
    fn reset(&mut self) {
        if let Some(head) = self.parameters.extra_data.as_deref().and_then(Head::parse) {
            self.streams = head.streams();
        }
        self.pre_skip = 0;
        self.buffer.clear();
    }

    fn codec_info(&self) -> &CodecInfo {
        &INFO
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.parameters
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.buffer.clear();
        let interleaved = self
            .streams
            .decode(packet.data)
            .map_err(|_| Error::DecodeError("opus: invalid packet"))?;
        let channels = self.buffer.num_planes().max(1);
        let frames = (interleaved.len() / channels).min(MAX_FRAMES);
        self.buffer.render_uninit(Some(frames));
        for (channel, plane) in self.buffer.iter_planes_mut().enumerate() {
            let values = interleaved.iter().skip(channel).step_by(channels);
            for (sample, value) in plane.iter_mut().zip(values) {
                *sample = self.gain * value;
            }
        }
        if self.is_gapless {
            let end = usize::try_from(packet.trim_end.get()).unwrap_or(frames);
            let skipped = self.pre_skip.min(frames);
            self.pre_skip -= skipped;
            self.buffer.trim(skipped, end);
        }
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(channels: u8, family: u8, table: &[u8]) -> Vec<u8> {
        let mut header = b"OpusHead\x01".to_vec();
        header.extend([channels, 0x38, 0x01]); // pre-skip 312
        header.extend(48_000_u32.to_le_bytes());
        header.extend((-6_i16 * 256).to_le_bytes());
        header.push(family);
        header.extend(table);
        header
    }

    #[test]
    fn the_header_gives_layout_pre_skip_and_gain() {
        let bytes = head(2, 0, &[]);
        let stereo = Head::parse(&bytes).unwrap();
        assert_eq!((stereo.channels, stereo.pre_skip, stereo.mapping), (2, 312, None));
        assert!((stereo.gain - 0.501_187).abs() < 1e-6);

        let bytes = head(3, 1, &[2, 1, 0, 2, 1]);
        let surround = Head::parse(&bytes).unwrap();
        assert_eq!(surround.mapping, Some((2, 1, &[0, 2, 1][..])));
    }

    /// The decoder panics on what this refuses.
    #[test]
    fn impossible_layouts_are_refused() {
        let cases: [(u8, u8, &[u8]); 9] = [
            (0, 0, &[]),
            (3, 0, &[]),
            (2, 2, &[1, 1, 0, 1]),
            (2, 1, &[]),
            (2, 1, &[0, 0, 0, 0]),
            (2, 1, &[1, 2, 0, 1]),
            (2, 1, &[1, 1, 0, 2]),
            (2, 1, &[1, 1, 0]),
            (2, 1, &[200, 100, 0, 1]),
        ];
        for (channels, family, table) in cases {
            let bytes = head(channels, family, table);
            assert!(Head::parse(&bytes).is_none(), "{channels} {family} {table:?}");
        }
        assert!(Head::parse(&head(2, 0, &[])[..18]).is_none());
    }
}
