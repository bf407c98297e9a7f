use std::collections::BTreeMap;
use std::fmt;

use crate::manifest::{Part, TensorSpec};
use crate::store::TensorStore;

/// A tensor that is not as the configuration implies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its name.
    pub name: String,
    /// The expected shape.
    pub expected: Vec<usize>,
    /// The shape in the file; `None` if the tensor is missing.
    pub found: Option<Vec<usize>>,
}

impl Problem {
    pub(crate) fn list(problems: &[Self]) -> String {
        problems.iter().fold(String::new(), |list, problem| list + &format!("\n  {problem}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, expected, found } = self;
        match found {
            None => write!(f, "{name}: missing, expected shape {expected:?}"),
            Some(found) => write!(f, "{name}: expected shape {expected:?}, found {found:?}"),
        }
    }
}

/// What the weight files of a checkpoint hold, by part.
#[derive(Debug, Clone, Default)]
pub struct Census {
    /// Tensors, values and stored bytes of each part.
    pub parts: BTreeMap<Part, PartCount>,
    /// Tensors of the files that the configuration does not imply, in name order.
    pub unknown: Vec<String>,
}

/// Size of one part of a checkpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartCount {
    /// Number of tensors.
    pub tensors: usize,
    /// Number of values.
    pub values: usize,
    /// Bytes in the file. What is packed together counts for the part of its first tensor.
    pub bytes: usize,
}

impl Census {
    /// Compares a weight file with its manifest; adds to the counts and returns
    /// what is missing or wrong.
    pub(crate) fn take(&mut self, store: &TensorStore, specs: &[TensorSpec]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut known = std::collections::HashSet::with_capacity(specs.len());
        for spec in specs {
            known.insert(spec.name.as_str());
            let stored = store.view(&spec.name).map(|view| (view.shape, view.data.len()));
            let replaced = || store.replaced(&spec.name).map(|r| (r.shape.as_slice(), r.bytes));
            let count = self.parts.entry(spec.part).or_default();
            match stored.or_else(replaced) {
                Some((shape, bytes)) if shape == spec.shape => {
                    count.tensors += 1;
                    count.values += spec.shape.iter().product::<usize>();
                    count.bytes += bytes;
                }
                other => problems.push(Problem {
                    name: spec.name.clone(),
                    expected: spec.shape.clone(),
                    found: other.map(|(shape, _)| shape.to_vec()),
                }),
            }
        }
        self.unknown.extend(store.names().filter(|&name| !known.contains(name)).map(str::to_owned));
        self.unknown.sort_unstable();
        problems
    }

    /// All tensors of the expected parts.
    pub fn total(&self) -> PartCount {
        self.parts.values().fold(PartCount::default(), |sum, part| PartCount {
            tensors: sum.tensors + part.tensors,
            values: sum.values + part.values,
            bytes: sum.bytes + part.bytes,
        })
    }
}
