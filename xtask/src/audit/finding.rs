//! What an audit objects to.

/// What a finding objects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    Unmarked,
    HotUnmarked,
    Stale,
    Malformed,
    Duplicate,
    Renamed,
    OverBudget,
    Unlisted,
    Gone,
}

impl Rule {
    /// Every rule.
    pub(super) const ALL: [Self; 9] = [
        Self::Unmarked,
        Self::HotUnmarked,
        Self::Stale,
        Self::Malformed,
        Self::Duplicate,
        Self::Renamed,
        Self::OverBudget,
        Self::Unlisted,
        Self::Gone,
    ];

    /// The rule as reports write it.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Unmarked => "unmarked-read",
            Self::HotUnmarked => "hot-crate-read",
            Self::Stale => "stale-mark",
            Self::Malformed => "malformed-mark",
            Self::Duplicate => "duplicate-site",
            Self::Renamed => "renamed-read",
            Self::OverBudget => "over-budget",
            Self::Unlisted => "unlisted-site",
            Self::Gone => "gone-site",
        }
    }

    /// What the rule demands.
    pub(super) fn demand(self) -> &'static str {
        match self {
            Self::Unmarked => "A `gpu_sync!` stands directly before the statement of every read",
            Self::HotUnmarked => "In a hot crate no function without a mark reads",
            Self::Stale => "A read stands directly behind every `gpu_sync!`",
            Self::Malformed => "A `gpu_sync!` is a statement with a name and a `SyncClass`",
            Self::Duplicate => "The name of a site is unique",
            Self::Renamed => "A read is not imported under another name",
            Self::OverBudget => "One frame does not read more often than the budget allows",
            Self::Unlisted => "Every per-frame site is justified in audit.toml",
            Self::Gone => "Every site of audit.toml is a per-frame site of the sources",
        }
    }
}

/// A broken rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// Path below the workspace root.
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) rule: Rule,
    pub(super) message: String,
}
