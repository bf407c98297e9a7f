use std::fmt;

/// How a comparison came out.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Largest absolute difference, and what it may be.
    Difference {
        /// Largest absolute difference.
        max_abs: f64,
        /// What it may be.
        bound: f64,
    },
    /// Integers that have to be equal, and whether they are.
    Equal(bool),
    /// Shapes or lengths that differ, or an error of the engine.
    Failed(String),
    /// A kind of case this engine does not support.
    NotSupported,
}

/// One compared tensor of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The case.
    pub case: String,
    /// The tensor.
    pub stage: String,
    /// How it came out.
    pub outcome: Outcome,
}

impl Row {
    /// Whether the comparison holds.
    pub fn passed(&self) -> bool {
        match &self.outcome {
            Outcome::Difference { max_abs, bound } => max_abs <= bound,
            Outcome::Equal(equal) => *equal,
            Outcome::Failed(_) | Outcome::NotSupported => false,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed() { "pass" } else { "FAIL" };
        write!(f, "{:26} {:28} ", self.case, self.stage)?;
        match &self.outcome {
            Outcome::Difference { max_abs, bound } => {
                write!(f, "{max_abs:10.2e} {bound:10.0e} {verdict}")
            }
            Outcome::Equal(_) => write!(f, "{:>10} {:>10} {verdict}", "integer", "equal"),
            Outcome::Failed(why) => write!(f, "{why} {verdict}"),
            Outcome::NotSupported => write!(f, "not supported {verdict}"),
        }
    }
}
