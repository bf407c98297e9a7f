use candle_core::{DType, Device, Result as TensorResult, Tensor};
use tts_code_predictor::{PredictorError, PredictorWork};
use tts_nn::{Buffer, Counter, Graph, can_wait, queue_of, with_ids};
use tts_profiling::{SyncClass, gpu_sync};
use tts_sampler::{BatchSampler, Draw};
use tts_talker::TalkerWork;

use super::{Few, Run};
use crate::error::TtsError;
use crate::model::Model;
use crate::speaking::Speaking;

/// The memory of frames of some requests.
#[derive(Debug)]
pub(super) struct Work {
    /// Rows. Where frames are repeated as graphs, the last ones may be of requests that are over.
    pub(super) batch: usize,
    pub(super) talker: TalkerWork,
    pub(super) predictor: PredictorWork,
    /// Draws the tokens of codebook 0.
    pub(super) sampler: BatchSampler,
    /// One row of the batch each.
    pub(super) rows: Vec<Row>,
    /// Frames since the last read.
    pub(super) counter: Counter,
    /// The rows of the text that go with them, `[frames, batch, hidden]`, and each, `[1, hidden]`.
    pub(super) texts: Buffer,
    text_rows: Vec<Buffer>,
    /// The draws of frames that the host has not read, `[frames * words, batch]`.
    drawn: Buffer,
    /// The same, as the host knows them.
    pub(super) words: Vec<u32>,
    pub(super) frames: Frames,
}

/// How frames get to the device.
#[derive(Debug)]
pub(super) enum Frames {
    /// Kernel by kernel, or on the CPU.
    Told,
    /// As graphs, and none is recorded.
    Unrecorded,
    /// As graphs; the second is the [version](TalkerWork::version) of what they were told of.
    Repeated(Box<Graph>, u64),
}

/// The parts of [`Work`] that belong to one request, `[1, width]`.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) hidden: Tensor,
    pub(super) logits: Tensor,
}

/// Rows that graphs are made for; more are a multiple of the last. A request that joins or leaves
/// changes the graph only if it leaves the range.
const ROWS: [usize; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64];

/// Rows of a graph for so many requests.
fn rows_for(requests: usize) -> usize {
    let [.., last] = ROWS;
    ROWS.into_iter().find(|&rows| rows >= requests).unwrap_or(requests.next_multiple_of(last))
}

impl Work {
    pub(super) fn new(model: &Model, requests: usize, frames: usize) -> Result<Self, TtsError> {
        let has_graphs = queue_of(model.device())?.is_some();
        let batch = if has_graphs { rows_for(requests) } else { requests };
        let talker = model.talker.new_work(batch)?;
        let predictor = model.predictor.new_work(batch)?;
        let row = |b: usize| -> TensorResult<Row> {
            Ok(Row {
                hidden: talker.hidden().narrow(0, b, 1)?,
                logits: talker.logits().narrow(0, b, 1)?,
            })
        };
        let rows = (0..batch).map(row).collect::<TensorResult<_>>()?;
        let device = talker.logits().device();
        let words = predictor.words().dim(0)?;
        let drawn = Buffer::zeros((frames * words, batch), DType::U32, device)?;
        let input = talker.input();
        let texts = Buffer::zeros((frames, batch, input.dim(1)?), input.dtype(), device)?;
        let each = texts.flatten(0, 1)?;
        let text_row = |row: usize| Buffer::of(each.narrow(0, row, 1)?);
        let text_rows = (0..frames * batch).map(text_row).collect::<TensorResult<_>>()?;
        let counter = Counter::new(device)?;
        let frames = if has_graphs { Frames::Unrecorded } else { Frames::Told };
        let sampler = BatchSampler::new(model.first_code_rules(), batch, device)?;
        let words = Vec::with_capacity(drawn.elem_count());
        Ok(Self {
            batch,
            talker,
            predictor,
            sampler,
            rows,
            counter,
            texts,
            text_rows,
            drawn,
            words,
            frames,
        })
    }

    /// Is there room for so many requests, without many rows that nobody needs?
    pub(super) fn fits(&self, requests: usize) -> bool {
        match self.frames {
            Frames::Told => self.batch == requests,
            // A row costs less than to record frames anew.
            _ => requests <= self.batch && self.batch < 2 * requests,
        }
    }

    /// Frames that there is room for until the host reads them.
    pub(super) fn room(&self) -> TensorResult<usize> {
        Ok(self.drawn.dim(0)? / self.predictor.words().dim(0)?)
    }

    /// Tells the device what the host knows of the requests for some frames.
    pub(super) fn begin(
        &mut self,
        model: &Model,
        live: &mut [&mut Speaking],
        frames: usize,
    ) -> Result<(), TtsError> {
        self.counter.reset()?;
        {
            let mut states: Few<_> = live.iter_mut().map(|speaking| &mut speaking.talker).collect();
            model.talker.begin(&mut self.talker, &mut states)?;
        }
        self.tell_texts(model, live, frames)?;
        for (b, speaking) in live.iter().enumerate() {
            self.predictor.hidden().set_rows(b, &speaking.output.hidden)?;
        }
        let mut tokens: Few<u32> =
            live.iter().filter_map(|speaking| speaking.first_codes.last().copied()).collect();
        tokens.resize(self.batch, 0);
        if let Some(first) = self.predictor.first_tokens() {
            first.write(&tokens)?;
        }
        let first: Few<_> = live.iter().map(|speaking| speaking.first_code_row()).collect();
        self.sampler.begin(&first)?;
        let others: Few<_> = live.iter().map(|speaking| speaking.other_codes_row()).collect();
        Ok(self.predictor.begin(&others)?)
    }

    /// The rows of the text that go with some frames.
    fn tell_texts(
        &self,
        model: &Model,
        live: &[&mut Speaking],
        frames: usize,
    ) -> Result<(), TtsError> {
        if !matches!(self.frames, Frames::Told) {
            // All at once: a launch takes longer than a row.
            let pad = model.config().tts_pad_token_id;
            let id = |place: usize| {
                let (index, b) = (place / self.batch, place % self.batch);
                live.get(b).and_then(|one| one.text.id(one.frames.len() + index)).unwrap_or(pad)
            };
            let ids: Vec<u32> = (0..frames * self.batch).map(id).collect();
            let rows = model.talker.text(&ids)?;
            return Ok(self.texts.set_rows(0, &rows.reshape((frames, self.batch, ()))?)?);
        }
        for (index, rows) in self.text_rows.chunks(self.batch).take(frames).enumerate() {
            for (speaking, row) in live.iter().zip(rows) {
                let frame = speaking.frames.len() + index;
                speaking.text.row_into(frame, row, &model.talker, &self.talker)?;
            }
        }
        Ok(())
    }

    /// Draws the next codebook-0 token of each request from what the talker said; nothing is read
    /// yet.
    pub(super) fn draw_first_codes(&mut self) -> Result<(), TtsError> {
        if let Some(draw) = self.predictor.first_draw() {
            self.sampler.draw_into(self.talker.logits(), 0, true, draw)?;
        }
        Ok(())
    }

    /// What comes behind the talker in a frame: the next draw, and room for the next frame.
    pub(super) fn end_frame(&mut self) -> Result<(), TtsError> {
        self.draw_first_codes()?;
        self.counter.keep(self.predictor.words(), &self.drawn)?;
        self.predictor.hidden().set(self.talker.hidden())?;
        Ok(self.counter.advance()?)
    }

    /// All that the host has to know of the frames since the last read, in one.
    pub(super) fn read(&mut self) -> TensorResult<()> {
        self.words.clear();
        can_wait("generate.frame")?;
        gpu_sync!("generate.frame", SyncClass::PerFrame);
        match self.drawn.device() {
            Device::Cpu => with_ids(&self.drawn, |words| self.words.extend_from_slice(words))?,
            _ => self.words.extend(self.drawn.flatten_all()?.to_vec1::<u32>()?),
        }
        Ok(())
    }

    /// Gives those of the requests of a run that are still `live` what was read of it.
    pub(super) fn finish(&self, run: &Run, live: &mut [&mut Speaking], end_of_speech: u32) {
        for speaking in live {
            let row = run.items.iter().position(|&item| item == speaking.item);
            if let Some(b) = row
                && let Err(error) = self.finish_row(b, run.frames, speaking, end_of_speech)
            {
                speaking.failure = Some(error);
            }
        }
    }

    /// As [`Work::finish`], for the request of row `b`.
    fn finish_row(
        &self,
        b: usize,
        frames: usize,
        speaking: &mut Speaking,
        end_of_speech: u32,
    ) -> Result<(), TtsError> {
        let codebooks = self.codebooks();
        for frame in 0..frames {
            if speaking.finish.is_some() {
                break;
            }
            let mut codes = Vec::with_capacity(codebooks);
            codes.extend(speaking.first_codes.last());
            for codebook in 1..codebooks {
                codes.push(self.draw_of(frame, codebook, b)?.token);
            }
            speaking.frames.push(codes);
            speaking.drawn(self.draw_of(frame, 0, b)?, end_of_speech)?;
        }
        if let Some(row) = self.rows.get(b) {
            speaking.output.hidden.slice_set(&row.hidden, 0, 0)?;
        }
        Ok(())
    }

    /// The draw of a codebook for request `b`, of a frame since the last read.
    pub(super) fn draw_of(
        &self,
        frame: usize,
        codebook: usize,
        b: usize,
    ) -> Result<Draw, TtsError> {
        let first = (frame * self.codebooks() + codebook) * Draw::WORDS;
        let word = |word: usize| self.words.get((first + word) * self.batch + b).copied();
        let draw = Draw::from_words([0, 1, 2].map(|index| word(index).unwrap_or_default()));
        draw.map_err(|source| match codebook {
            0 => source.into(),
            _ => PredictorError::Draw { codebook, source }.into(),
        })
    }

    pub(super) fn codebooks(&self) -> usize {
        self.predictor.words().dims().first().map_or(0, |words| words / Draw::WORDS)
    }
}
