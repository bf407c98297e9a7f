//! Attention of one token of every row.

use crate::Float;
use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};
use crate::queue::{Address, Queue};

const THREADS: u32 = 128;
/// Positions that one block looks at.
const RUN: u32 = 128;
/// Steps of a launch.
const REMEMBER: u32 = 1;
const ATTEND: u32 = 2;

/// The keys and values of some rows, and where their tokens belong.
#[derive(Debug, Clone, Copy)]
pub struct Caches {
    /// `[rows]` addresses, of 64 bits: of each row's `[layers, 2, kv_heads, capacity, head_dim]`, keys
    /// before values.
    pub caches: Address,
    /// `[rows]` numbers of 32 bits: positions that a cache has room for.
    pub capacities: Address,
    /// `[rows]` numbers of 32 bits: the position of the token, but for what comes next.
    pub positions: Address,
    /// Added to every position.
    pub offset: u32,
    /// A number of 32 bits that is added to every position, too.
    pub count: Option<Address>,
    /// Positions that a token sees, itself included; all if there is none. With a window a cache keeps the
    /// last positions: it has room for those that the tokens of a launch see and write.
    pub window: Option<u32>,
    /// The type of keys and values.
    pub dtype: Float,
    /// The most positions that a token sees: the window, or the largest of the capacities.
    pub longest: u32,
    /// Cosines of the rotary angles, `[positions, head_dim / 2]` in f32.
    pub cosines: Address,
    /// Sines of the rotary angles, `[positions, head_dim / 2]` in f32.
    pub sines: Address,
    /// Are there positions of the same sequence? Attention takes a second launch then.
    pub shared: bool,
}

/// Head norms, rotation, keys and values to the cache, and attention.
#[derive(Debug, Clone, Copy)]
pub struct Attend {
    /// `[rows, (heads + 2 kv_heads) head_dim]` in f32: queries, keys, values.
    pub qkv: Address,
    /// Weights `[head_dim]` in f32 of the norms of queries and of keys, if there are norms.
    pub head_norms: Option<[Address; 2]>,
    /// Epsilon of both.
    pub epsilon: f32,
    /// What every row has seen.
    pub caches: Caches,
    /// Index of the layer, for the caches.
    pub layer: u32,
    /// Rows.
    pub rows: u32,
    /// Query heads, up to eight for each key head.
    pub heads: u32,
    /// Key and value heads.
    pub kv_heads: u32,
    /// Width of a head, even and up to 256.
    pub head_dim: u32,
    /// `[rows, heads head_dim]` in f32: takes what the heads found.
    pub mixed: Address,
    /// [`Attend::parts`] numbers in f32, of any value.
    pub parts: Address,
    /// `[rows, kv_heads]` numbers of 32 bits that are 0, and are 0 again afterwards.
    pub arrived: Address,
}

impl Attend {
    /// Numbers that the parts of attention take.
    pub fn parts(rows: u32, heads: u32, head_dim: u32, longest: u32) -> usize {
        let runs = longest.div_ceil(RUN);
        [rows, heads, runs, head_dim + 2].into_iter().map(|size| size as usize).product()
    }

    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// All addresses are of as much memory as they are documented to be, which lives until the
    /// kernel has run and is not used otherwise meanwhile. Every position has been written in every
    /// cache up to the token's, or is another row's. Rows have caches of their own, unless
    /// [they share](Caches::shared) them.
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let kernel = match self.caches.dtype {
            Float::F32 => Kernel::AttendF32,
            Float::Bf16 => Kernel::AttendBf16,
        };
        let grid = [self.kv_heads, self.rows, self.caches.longest.div_ceil(RUN).max(1)];
        let launch = Launch { grid, block: [THREADS, 1, 1], shared: 0 };
        let (query_norm, key_norm) = self.head_norms.map(|[query, key]| (query, key)).unzip();
        let args = |steps: u32| {
            [
                Arg::Memory(Some(self.qkv)),
                Arg::Memory(query_norm),
                Arg::Memory(key_norm),
                Arg::F32(self.epsilon),
                Arg::Memory(Some(self.caches.cosines)),
                Arg::Memory(Some(self.caches.sines)),
                Arg::Memory(Some(self.caches.caches)),
                Arg::Memory(Some(self.caches.capacities)),
                Arg::Memory(Some(self.caches.positions)),
                Arg::U32(self.caches.offset),
                Arg::Memory(self.caches.count),
                Arg::U32(self.caches.window.unwrap_or(0)),
                Arg::U32(self.layer),
                Arg::U32(self.heads),
                Arg::U32(self.head_dim),
                Arg::Memory(Some(self.mixed)),
                Arg::Memory(Some(self.parts)),
                Arg::Memory(Some(self.arrived)),
                Arg::U32(steps),
            ]
        };
        let launches: &[u32] =
            if self.caches.shared { &[REMEMBER, ATTEND] } else { &[REMEMBER | ATTEND] };
        for steps in launches {
            // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
            unsafe { queue.launch(kernel, launch, &args(*steps))? };
        }
        Ok(())
    }
}
