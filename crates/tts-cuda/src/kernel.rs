use crate::queue::Address;

/// An argument of a kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arg {
    /// Of memory; `None` is null.
    Memory(Option<Address>),
    /// A number.
    U32(u32),
    /// A number.
    F32(f32),
}

/// How many threads run a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    /// Blocks in each direction.
    pub grid: [u32; 3],
    /// Threads of a block in each direction.
    pub block: [u32; 3],
    /// Bytes of memory that a block shares, beside what the kernel declares; at most
    /// [`Launch::MOST_SHARED`].
    pub shared: u32,
}

impl Launch {
    /// A GPU gives a block 48 KiB without being asked; kernels of this crate that have a size of
    /// their own to it declare less than the rest.
    pub const MOST_SHARED: u32 = 46 << 10;
}

macro_rules! kernels {
    ($($variant:ident: $name:ident or $emulated:ident in $file:ident;)*) => {
        /// Every kernel of this crate.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // documented where they are called, and in their sources
        pub enum Kernel {
            $($variant,)*
        }

        impl Kernel {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in the sources, and in recordings of a GPU.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                }
            }

            /// The file that it is in, below `kernels/` and without its ending.
            #[cfg(feature = "cuda")]
            pub(crate) fn file(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($file),)*
                }
            }

            #[cfg(feature = "emulated")]
            pub(crate) fn emulated(self) -> crate::emulated::Function {
                match self {
                    $(Self::$variant => crate::emulated::functions::$emulated,)*
                }
            }
        }

        #[cfg(feature = "emulated")]
        macro_rules! emulated_kernels {
            ($declare:ident) => {
                $declare! { $($emulated)* }
            };
        }
        #[cfg(feature = "emulated")]
        pub(crate) use emulated_kernels;
    };
}

kernels! {
    AttendF32: attend_f32 or attend_f32_cpu in attention;
    AttendBf16: attend_bf16 or attend_bf16_cpu in attention;
    Conv: conv or conv_cpu in conv;
    Remember: remember or remember_cpu in conv;
    GemvF32By1: gemv_f32_1 or gemv_f32_1_cpu in gemv;
    GemvF32By4: gemv_f32_4 or gemv_f32_4_cpu in gemv;
    GemvF32By8: gemv_f32_8 or gemv_f32_8_cpu in gemv;
    GemvBf16By1: gemv_bf16_1 or gemv_bf16_1_cpu in gemv;
    GemvBf16By4: gemv_bf16_4 or gemv_bf16_4_cpu in gemv;
    GemvBf16By8: gemv_bf16_8 or gemv_bf16_8_cpu in gemv;
    GemvI8By1: gemv_i8_1 or gemv_i8_1_cpu in gemv;
    GemvI8By4: gemv_i8_4 or gemv_i8_4_cpu in gemv;
    GemvI8By8: gemv_i8_8 or gemv_i8_8_cpu in gemv;
    GemvF8By1: gemv_f8_1 or gemv_f8_1_cpu in gemv;
    GemvF8By4: gemv_f8_4 or gemv_f8_4_cpu in gemv;
    GemvF8By8: gemv_f8_8 or gemv_f8_8_cpu in gemv;
    EmbedF32: embed_f32 or embed_f32_cpu in rows;
    EmbedBf16: embed_bf16 or embed_bf16_cpu in rows;
    Put: put or put_cpu in rows;
    NextInput: next_input or next_input_cpu in rows;
    Keep: keep or keep_cpu in rows;
    RmsNorm: rms_norm or rms_norm_cpu in rows;
    SumCodes: sum_codes or sum_codes_cpu in rows;
    DepthwiseNorm: depthwise_norm or depthwise_norm_cpu in rows;
    Carry: carry or carry_cpu in rows;
    Transpose: transpose or transpose_cpu in rows;
    Advance: advance or advance_cpu in rows;
    SampleF32: sample_f32 or sample_f32_cpu in sample;
    SampleBf16: sample_bf16 or sample_bf16_cpu in sample;
}
