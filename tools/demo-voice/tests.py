"""Checks of the parts that the stages rely on; needs no data: python -m unittest tests.py"""

import copy
import random
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import config
import numbers_in_words
from batches import Epochs, Example, make_batch
from checkpoints import Run, learning_rate
from codec import CausalTransposedConv, CodecDecoder, SnakeBeta
from config import CODE_GROUPS, CODE_WIDTH, CODEBOOK_SIZE, FRAME, Sizes
from corpus import expand, load_grammar, polish
from encoder import CodecEncoder
from export import codec_tensors, talker_tensors
from exported import load_codebooks, load_decoder, load_encoder, load_talker
from flite import SpokenToken
from generate import Sampling, generate
from own_speech import WINDOW, Batches, aligned, go_on_from_own, speak
from quantise import Quantiser
from recognise import comparable, word_errors
from talker import Prompt, Talker
from teach import character_times
from tokenizer import Tokenizer, learn_merges, write_files

TEXTS = ["Hello there, how are you?", "It is seven thirty in the morning.", "The assistant isn't here."] * 20


def make_tokenizer(folder):
    write_files(folder, learn_merges(TEXTS, 20))
    return Tokenizer(folder)


class Parts(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.tokenizer = make_tokenizer(Path(self.folder.name))

    def example(self, frames=20):
        body, _ = self.tokenizer.encode("Hello there, how are you?")
        codes = np.random.default_rng(0).integers(0, CODEBOOK_SIZE, (frames, CODE_GROUPS)).astype(np.uint8)
        codes[:, 1], codes[:, config.LIVE_GROUPS :] = codes[:, 0], 0
        return Example(body, np.linspace(0.3, 1.4, len(body)), codes)

    def test_numbers_are_written_out(self):
        cases = {7: "seven", 21: "twenty one", 140: "one hundred and forty", 999: "nine hundred and ninety nine"}
        for n, words in cases.items():
            self.assertEqual(numbers_in_words.in_words(n), words)
        self.assertEqual(numbers_in_words.year_in_words(1905), "nineteen oh five")
        self.assertEqual(numbers_in_words.ordinal_in_words(22), "twenty second")
        self.assertEqual(numbers_in_words.ordinal_in_digits(11), "11th")

    def test_every_slot_of_the_grammar_can_be_filled(self):
        rules, rng = load_grammar(Path(__file__).parent / "grammar.txt"), random.Random(0)
        for name, alternatives in rules.items():
            for alternative in alternatives:
                self.assertNotIn("{", polish(expand(rules, alternative, rng)), name)

    def test_characters_are_spread_over_the_phones_of_their_word(self):
        tokens = [SpokenToken("Hi", ["hi"], [(0.0, 0.2), (0.2, 0.4)]), SpokenToken("ho", ["ho"], [(0.5, 0.6), (0.6, 0.7)])]
        times = character_times("Hi, ho", tokens)
        np.testing.assert_allclose(times, [0.1, 0.3, 0.42, 0.45, 0.55, 0.65])
        self.assertIsNone(character_times("Hi", tokens))

    def test_the_role_is_one_token_and_text_survives(self):
        self.assertEqual(len(self.tokenizer.encode("assistant")[0]), 1)
        text = "An assistant isn't a caf\u00e9 waiter."
        self.assertEqual(sum(self.tokenizer.encode(text)[1]), len(text.encode()))

    def test_prompts_have_the_official_lengths(self):
        for language, streaming, length in ((None, True, 9), ("english", True, 10), (None, False, 15), ("english", False, 16)):
            prompt = Prompt(self.tokenizer, [1, 2, 3, 4, 5], language, streaming)
            self.assertEqual((len(prompt.text), len(prompt.control)), (length, length))
            self.assertEqual(prompt.text[prompt.text_start], 1)

    def test_attention_is_taught_only_where_text_is_visible(self):
        for seed in range(6):  # both layouts occur
            batch = make_batch([self.example()], self.tokenizer, np.random.default_rng(seed))
            focus = batch.focus[0]
            self.assertFalse(focus.triu(1).any())
            torch.testing.assert_close(focus.sum(1), batch.predicts[0].float())

    def test_generation_agrees_with_teacher_forcing(self):
        model = Talker(Sizes(), self.tokenizer.rows).eval()
        codes, _ = generate(model, self.tokenizer, "Hello there", Sampling(greedy=True), streaming=True, longest=6)
        prompt = Prompt(self.tokenizer, self.tokenizer.encode("Hello there")[0], None, True)
        states = model.prompt_states(torch.tensor(prompt.text), torch.tensor(prompt.control))
        with torch.no_grad():
            frames = model.frame_states(codes) + model.text_states(torch.tensor(prompt.trailing_text(len(codes))))
            hidden = model.model(torch.cat([states, frames])[None])[0, len(prompt.text) - 1 : -1]
            rest = model.predictor_logits(hidden, codes).argmax(-1)
            self.assertTrue(torch.equal(rest, codes[:, 1 : config.LIVE_GROUPS]))
            self.assertTrue(torch.equal(model.first_logits(hidden)[2:].argmax(-1), codes[2:, 0]))

    def test_many_sentences_spoken_together_are_those_spoken_alone(self):
        model, frames = Talker(Sizes(), self.tokenizer.rows).eval(), (7, 4, 9)
        batch = make_batch([self.example(count) for count in frames], self.tokenizer, np.random.default_rng(1))
        together = speak(model, batch.text, batch.control, batch.is_frame, Sampling(greedy=True), None)
        for row, is_frame in enumerate(batch.is_frame):
            end = int(is_frame.nonzero().max()) + 1
            part = (tensor[row : row + 1, :end] for tensor in (batch.text, batch.control, batch.is_frame))
            alone = speak(model, *part, Sampling(greedy=True), None)
            self.assertTrue(torch.equal(together[row, :end], alone[0]))
            self.assertFalse(together[row][~is_frame].any())

    def test_own_frames_are_aligned_without_going_back(self):
        taught = torch.randn(12, 8, generator=torch.Generator().manual_seed(4))
        said = [0, 1, 2, 2, 3, 4, 6, 7, 8]
        own = taught[said] + 0.1 * torch.randn(len(said), 8, generator=torch.Generator().manual_seed(5))
        self.assertEqual(aligned(own, taught).tolist(), said)

    def test_the_lesson_goes_on_from_what_was_said(self):
        codebooks = torch.randn(CODE_GROUPS, CODEBOOK_SIZE, CODE_WIDTH, generator=torch.Generator().manual_seed(6))
        batch = make_batch([self.example()], self.tokenizer, np.random.default_rng(0), streaming_share=0.0)
        plain = copy.deepcopy(batch)
        frames = batch.is_frame[0].nonzero()[:, 0]
        first, count = int(frames[0]) - 1, len(frames)
        go_on_from_own(batch, 0, codebooks)  # its own frames are the teacher's
        self.assertTrue(torch.equal(batch.next_codes, plain.next_codes) and torch.equal(batch.predicts, plain.predicts))
        torch.testing.assert_close(batch.focus, plain.focus)
        batch.codes[0, frames[4:]] = plain.codes[0, frames[3:-1]]  # one frame said twice
        go_on_from_own(batch, 0, codebooks)
        lesson = batch.next_codes[0, first : first + count + 1]
        self.assertTrue(torch.equal(lesson[:4], plain.next_codes[0, first : first + 4]))
        self.assertTrue(torch.equal(lesson[5:], plain.next_codes[0, first + 4 : first + count]))
        batch, late = copy.deepcopy(plain), plain.codes[0, frames[1:]]
        batch.codes[0, frames[:-1]], batch.codes[0, frames[-1]] = late, late[-1]  # the first frame left out
        go_on_from_own(batch, 0, codebooks)
        self.assertEqual(int(batch.predicts.sum()), count)
        self.assertEqual(int(batch.next_codes[0, first + count - 1, 0]), CODEBOOK_SIZE)

    def test_only_the_past_becomes_the_models_own(self):
        model = Talker(Sizes(), self.tokenizer.rows).eval()
        epochs = Epochs([self.example(count) for count in range(12, 28)], 4, seed=1)
        codebooks = torch.randn(CODE_GROUPS, CODEBOOK_SIZE, CODE_WIDTH)
        batches = Batches(epochs, self.tokenizer, 1, model, codebooks)
        own = taught = 0
        for step in range(WINDOW + 1):
            batch, plain = batches.batch(step, own_speech=True), batches.batch(step, own_speech=False)
            self.assertTrue(torch.equal(batch.next_codes[~batch.own_past], plain.next_codes[~batch.own_past]))
            self.assertTrue(torch.equal(batch.codes[~batch.own_past], plain.codes[~batch.own_past]))
            differ = (batch.codes != plain.codes).any(-1)[batch.own_past]
            self.assertTrue(differ.any(1).all() and not differ[~batch.is_frame[batch.own_past]].any())
            own, taught = own + int(batch.own_past.sum()), taught + int((~batch.own_past).sum())
        self.assertTrue(own > 0 and taught > 0)

    def test_an_exported_checkpoint_is_read_back(self):
        sizes = Sizes()
        talker, encoder = Talker(sizes, self.tokenizer.rows), CodecEncoder(sizes.encoder)
        decoder = CodecDecoder(sizes.decoder, torch.randn(CODE_GROUPS, CODEBOOK_SIZE, CODE_WIDTH))
        folder = Path(self.folder.name)
        (folder / "speech_tokenizer").mkdir()
        save_file(talker_tensors(talker), folder / "model.safetensors")
        save_file(codec_tensors(decoder, encoder), folder / "speech_tokenizer" / "model.safetensors")
        torch.manual_seed(1)
        others = Talker(sizes, self.tokenizer.rows), CodecDecoder(sizes.decoder, load_codebooks(folder)), CodecEncoder(sizes.encoder)
        for load, model, other in zip((load_talker, load_decoder, load_encoder), (talker, decoder, encoder), others):
            read = load(folder, other).state_dict()
            rounding = torch.bfloat16 if load is load_talker else torch.float16
            for name, tensor in model.state_dict().items():
                self.assertTrue(torch.equal(read[name], tensor.to(rounding).float()), name)

    def test_hand_written_gradients_and_transposed_convolution(self):
        x = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
        snake = SnakeBeta(3).double()
        self.assertTrue(torch.autograd.gradcheck(snake, x))
        layer = CausalTransposedConv(3, 4, 6, 3).double()
        torch.testing.assert_close(layer(x), layer.conv(x)[..., : 5 * 3])

    def test_codec_has_whole_frames_and_no_look_ahead(self):
        codebooks = torch.randn(CODE_GROUPS, CODEBOOK_SIZE, CODE_WIDTH)
        decoder, encoder = CodecDecoder(Sizes().decoder, codebooks).eval(), CodecEncoder(Sizes().encoder).eval()
        codes = torch.randint(CODEBOOK_SIZE, (1, 5, CODE_GROUPS))
        with torch.no_grad():
            wave = decoder(codes)
            self.assertEqual(wave.shape, (1, 5 * FRAME))
            torch.testing.assert_close(decoder(codes[:, :3]), wave[:, : 3 * FRAME], atol=1e-5, rtol=1e-4)
            vectors = encoder(wave)
            self.assertEqual(vectors.shape, (1, 5, CODE_WIDTH))
            torch.testing.assert_close(encoder(wave[:, : 3 * FRAME]), vectors[:, :3], atol=1e-5, rtol=1e-4)

    def test_code_1_repeats_code_0(self):
        frames = torch.randn(2000, 120)
        quantiser = Quantiser.fit(frames, seed=0, report=lambda line: None)
        codes = quantiser.encode(frames)
        self.assertTrue(torch.equal(codes[:, 0], codes[:, 1]))
        self.assertFalse(codes[:, config.LIVE_GROUPS :].any())

    def test_a_resumed_run_equals_an_unbroken_one(self):
        def train(folder, steps):
            torch.manual_seed(3)
            model = torch.nn.Linear(4, 4)
            run = Run(Path(folder), model, torch.optim.AdamW(model.parameters(), lr=0.1))
            while run.step < steps:
                torch.manual_seed(run.step)
                run.advance(model(torch.randn(8, 4)).pow(2).mean(), clip=1.0)
            run.save()
            return run

        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            whole = train(first, 6)
            train(second, 3)
            resumed = train(second, 6)
            torch.testing.assert_close(whole.model.state_dict(), resumed.model.state_dict(), atol=0, rtol=0)
            torch.testing.assert_close(whole.average.model.state_dict(), resumed.average.model.state_dict(), atol=0, rtol=0)

    def test_learning_rate_rises_holds_and_falls(self):
        rates = [learning_rate(step, 1000, 1.0, 100, 0.5, 0.02) for step in (0, 99, 400, 750, 999)]
        np.testing.assert_allclose(rates, [0.01, 1.0, 1.0, 0.5, 0.02])

    def test_word_errors_are_counted_after_normalisation(self):
        self.assertEqual(comparable("Anna\u2019s cat, 42!"), ["annas", "cat", "forty", "two"])
        self.assertEqual(word_errors(["a", "b", "c"], ["a", "x", "c", "d"]), 2)


if __name__ == "__main__":
    unittest.main()
