/// Enters the span of a [`Stage`](crate::Stage); it ends when the returned
/// value is dropped.
#[cfg(feature = "profiling")]
#[macro_export]
macro_rules! stage_span {
    ($stage:expr) => {
        $crate::private::tracing::info_span!(target: "tts", $stage.name()).entered()
    };
}

/// Enters the span of a [`Stage`](crate::Stage); it ends when the returned
/// value is dropped. The feature `profiling` is off: this is [`NoSpan`](crate::NoSpan).
#[cfg(not(feature = "profiling"))]
#[macro_export]
macro_rules! stage_span {
    ($stage:expr) => {{
        let _ = $stage;
        $crate::NoSpan
    }};
}

/// Enters the span of a [`Stage`](crate::Stage) of one frame, with the frame
/// index as field `frame`.
#[cfg(feature = "profiling")]
#[macro_export]
macro_rules! frame_span {
    ($stage:expr, $frame:expr) => {
        $crate::private::tracing::info_span!(target: "tts", $stage.name(), frame = $frame as u64)
            .entered()
    };
}

/// Enters the span of a [`Stage`](crate::Stage) of one frame. The feature
/// `profiling` is off: this is [`NoSpan`](crate::NoSpan).
#[cfg(not(feature = "profiling"))]
#[macro_export]
macro_rules! frame_span {
    ($stage:expr, $frame:expr) => {{
        let _ = ($stage, &$frame);
        $crate::NoSpan
    }};
}

/// Marks a device-to-host read: its site and its [`SyncClass`](crate::SyncClass).
/// Stands directly before the read.
#[cfg(feature = "profiling")]
#[macro_export]
macro_rules! gpu_sync {
    ($site:literal, $class:expr) => {
        $crate::private::tracing::trace!(
            name: $site,
            target: "gpu_sync",
            site = $site,
            class = $class.name()
        )
    };
}

/// Marks a device-to-host read: its site and its [`SyncClass`](crate::SyncClass).
/// The feature `profiling` is off: nothing is left of it.
#[cfg(not(feature = "profiling"))]
#[macro_export]
macro_rules! gpu_sync {
    ($site:literal, $class:expr) => {
        let _ = $class;
    };
}
