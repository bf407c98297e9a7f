"""Stage 4: train the codec decoder to speak the codes.

Short crops are decoded and compared with the teacher's audio in spectra of four window lengths. Can be stopped and
started again at any time; it continues where it was.
"""

import librosa
import numpy as np
import torch
from torch.nn import functional as F

import data
from checkpoints import Run
from codec import CodecDecoder
from config import FRAME, SAMPLE_RATE, SILENT_FRAMES, Sizes
from exported import check_codes, load_decoder
from quantise import Quantiser
from training import arguments, train

HIGHEST = 8500  # Hz; the teacher has nothing above 8 kHz
RESOLUTIONS = ((2048, 480), (1024, 240), (512, 120), (256, 64))  # window, hop
MEL_BANDS = {2048: 128, 512: 64}
HANN = {window: torch.hann_window(window) for window, _ in RESOLUTIONS}
MEL = {
    window: torch.tensor(librosa.filters.mel(sr=SAMPLE_RATE, n_fft=window, n_mels=bands, fmin=0, fmax=HIGHEST))
    for window, bands in MEL_BANDS.items()
}
WARM_FRAMES = 2  # at the start of a crop, where the decoder lacks its past; not in the loss
# In every eighth batch the crops are the beginnings of utterances, in full, as the decoder meets them in use.
BEGINNINGS_EVERY = 8
# Crops are short for most of the training, and longer at the end, so that the transformer sees a long past too.
SHORT, LONG = (4, 16), (2, 40)  # batch, frames
LONG_FROM = 0.85


def spectral_loss(made, true):
    """Loss and, apart, the mean log-mel distance in nats."""
    total, mel_distance = 0.0, None
    for window, hop in RESOLUTIONS:
        a, b = (torch.stft(x, window, hop, window=HANN[window], return_complex=True).abs() for x in (made, true))
        bins, floor = int(HIGHEST / SAMPLE_RATE * window), 2e-3 * window / 512
        total = total + (a - b).norm() / (b.norm() + 1e-3)
        total = total + F.l1_loss(torch.log(a[:, :bins] + floor), torch.log(b[:, :bins] + floor))
        if window in MEL:
            distance = F.l1_loss(torch.log(MEL[window] @ a + 1e-3), torch.log(MEL[window] @ b + 1e-3))
            total = total + 2 * distance
            mel_distance = distance.detach() if mel_distance is None else mel_distance
    return total / len(RESOLUTIONS), float(mel_distance)


class Crops:
    """The batch of every step follows from seed and step alone."""

    def __init__(self, utterances, seed):
        self.long_enough = {frames: [u for u in utterances if len(u.codes) >= frames] for _, frames in (SHORT, LONG)}
        self.seed = seed

    def batch(self, step, size, frames):
        """Samples, codes, and how many frames to leave out of the loss."""
        beginnings = step % BEGINNINGS_EVERY == 0
        rng = np.random.default_rng((self.seed, step))
        waves, codes = [], []
        utterances = self.long_enough[frames]
        for index in rng.integers(len(utterances), size=size):
            utterance = utterances[index]
            last = len(utterance.codes) - frames
            start = min(rng.choice((0, SILENT_FRAMES)), last) if beginnings else rng.integers(last + 1)
            waves.append(utterance.wave[start * FRAME : (start + frames) * FRAME])
            codes.append(utterance.codes[start : start + frames])
        wave, codes = torch.from_numpy(np.stack(waves)).float() / 32768, torch.from_numpy(np.stack(codes)).long()
        return wave, codes, 0 if beginnings else WARM_FRAMES


@torch.no_grad()
def validation_distance(model, utterances):
    distances = []
    for utterance in utterances:
        made = model(torch.from_numpy(utterance.codes).long()[None])
        distances.append(spectral_loss(made, torch.from_numpy(utterance.wave.astype(np.float32))[None] / 32768)[1])
    return float(np.mean(distances))


def main():
    args = arguments(__doc__, "codec", steps=14000, peak_rate=1e-3)
    crops = Crops(data.load(args.work, "train"), args.seed)
    valid = data.load(args.work, "valid")[::4]
    model = CodecDecoder(Sizes().decoder, Quantiser.load(args.work / "quantiser.npz").codebooks)
    if args.start:
        check_codes(args.start, model.quantizer.codebooks)
        load_decoder(args.start, model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.peak_rate, betas=(0.8, 0.98), weight_decay=0.0)

    def loss_at(step):
        size, frames = LONG if step >= LONG_FROM * args.steps else SHORT
        wave, codes, unheard = crops.batch(step, size, frames)
        loss, distance = spectral_loss(model(codes)[:, unheard * FRAME :], wave[:, unheard * FRAME :])
        return loss, {"loss": loss.item(), "mel": distance}

    run = Run(args.work / args.run, model, optimiser, args.first_step)
    train(run, args, 100, 3.0, loss_at, lambda average: {"valid_mel": validation_distance(average, valid)})


if __name__ == "__main__":
    main()
