//! What is found in one source file: reads and marks.

use syn::Type;

/// How often a read happens: what its mark says, or that only tests do it. The most
/// frequent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    PerFrame,
    PerChunk,
    PerUtterance,
    Load,
    Test,
}

impl Class {
    /// The class as reports write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PerFrame => "per-frame",
            Self::PerChunk => "per-chunk",
            Self::PerUtterance => "per-utterance",
            Self::Load => "load",
            Self::Test => "test",
        }
    }

    /// The class that a variant of `SyncClass` stands for.
    pub(super) fn of_variant(variant: &str) -> Option<Self> {
        match variant {
            "PerFrame" => Some(Self::PerFrame),
            "PerChunk" => Some(Self::PerChunk),
            "PerUtterance" => Some(Self::PerUtterance),
            "Load" => Some(Self::Load),
            _ => None,
        }
    }
}

/// A place in a source file.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
    /// The function, with the type it belongs to; `macro name!` in a macro definition.
    pub(super) function: String,
    /// Whether the place is compiled into tests only.
    pub(super) in_test: bool,
}

/// A read of device memory, or a wait for the device.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) place: Place,
    /// What reads: the name of the method, or the macro that formats.
    pub(super) what: String,
    pub(super) marked: Marked,
}

/// How a read stands to the marks.
#[derive(Debug, PartialEq)]
pub(super) enum Marked {
    /// By the mark of that index in [`Scan::marks`].
    By(usize),
    /// The mark before the statement has been taken by an earlier read of the statement.
    Twice,
    No,
}

/// A `gpu_sync!`.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) place: Place,
    /// The name of the site and its class; none if they are not written as a literal and
    /// a variant of `SyncClass`.
    pub(super) site: Option<(String, Class)>,
    /// Whether a read stands behind it.
    pub(super) used: bool,
}

/// A read that is imported under another name, so that its calls cannot be seen.
#[derive(Debug)]
pub(super) struct Rename {
    pub(super) place: Place,
    pub(super) name: String,
}

/// Everything found in a file.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) reads: Vec<Read>,
    pub(super) marks: Vec<Mark>,
    pub(super) renames: Vec<Rename>,
}

/// The name of the type that an `impl` is for.
pub(super) fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().map_or_else(|| "-".into(), |last| last.ident.to_string())
        }
        Type::Reference(reference) => type_name(&reference.elem),
        Type::Slice(slice) => format!("[{}]", type_name(&slice.elem)),
        _ => "impl".into(),
    }
}
