"""What a codec frame stands for: 80 ms of log-mel spectrum, pitch and voicing.

Eight steps of 10 ms, each with 64 log-mel bands (0-8 kHz), the pitch in octaves and a voicing degree: 528 numbers a
frame. Pitch and voicing are scaled so that a plain Euclidean distance weighs them against the spectrum.
"""

import librosa
import numpy as np
import torch
from torch.nn import functional as F

from config import FRAME, SAMPLE_RATE

STEP = 240
STEPS = FRAME // STEP
WINDOW = 1024
BANDS = 64
FLOOR = 1e-3
PITCH_WEIGHT = 24.0  # per octave: 2 per semitone
VOICING_WEIGHT = 4.0
SHORTEST_LAG, LONGEST_LAG = 60, 400  # 400 Hz to 60 Hz
WIDTH = STEPS * (BANDS + 2)

MEL = torch.tensor(librosa.filters.mel(sr=SAMPLE_RATE, n_fft=WINDOW, n_mels=BANDS, fmin=0, fmax=8000))
HANN = torch.hann_window(WINDOW)


def _windows_padded(wave):
    """Pad so that window j is centred on the middle of step j."""
    side = (WINDOW - STEP) // 2
    return F.pad(wave, (side, side))


def log_mel(wave):
    """[samples] -> [steps, BANDS]"""
    spectrum = torch.stft(_windows_padded(wave), WINDOW, STEP, window=HANN, center=False, return_complex=True).abs()
    return torch.log(MEL @ spectrum + FLOOR).t()


def pitch_and_voicing(wave):
    """[samples] -> log2 of the pitch in Hz [steps], voicing 0..1 [steps]; pitch is interpolated where unvoiced."""
    windows = _windows_padded(wave).unfold(0, WINDOW, STEP)
    windows = windows - windows.mean(1, keepdim=True)
    power = torch.fft.rfft(windows, 2 * WINDOW).abs() ** 2
    correlation = torch.fft.irfft(power, 2 * WINDOW)[:, :LONGEST_LAG]
    correlation = correlation / (correlation[:, :1] + FLOOR) / (1 - torch.arange(LONGEST_LAG) / WINDOW)
    candidates = correlation[:, SHORTEST_LAG:]
    best = candidates.max(1, keepdim=True).values
    # The first lag nearly as good as the best avoids octave errors; then climb to the peak beside it.
    first = (candidates > 0.9 * best).float().argmax(1, keepdim=True)
    near = (first + torch.arange(12)).clamp(max=candidates.shape[1] - 1)
    peak = near.gather(1, candidates.gather(1, near).argmax(1, keepdim=True))
    pitch = torch.log2(SAMPLE_RATE / (peak[:, 0] + SHORTEST_LAG).float())
    voicing = ((candidates.gather(1, peak)[:, 0] - 0.35) * 4).clamp(0, 1)
    voicing = voicing * (windows.pow(2).mean(1).sqrt() > 3e-3)
    voiced = torch.nonzero(voicing > 0.4)[:, 0].numpy()
    if len(voiced):
        pitch = torch.tensor(np.interp(np.arange(len(pitch)), voiced, pitch.numpy()[voiced])).float()
    return pitch, voicing


def frame_features(wave):
    """[frames * FRAME] -> [frames, WIDTH]"""
    frames = len(wave) // FRAME
    pitch, voicing = pitch_and_voicing(wave)
    parts = [log_mel(wave), pitch[:, None] * PITCH_WEIGHT, voicing[:, None] * VOICING_WEIGHT]
    return torch.cat([part.reshape(frames, -1) for part in parts], 1)
