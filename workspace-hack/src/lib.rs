//! Nothing but its manifest: it asks for the features of shared libraries that some part
//! of the workspace needs.
//!
//! Cargo builds a library anew for every set of features, and all libraries that rest upon
//! it. Were these features asked for by those parts alone, a program with profiling would
//! need other builds of the matrix library than one without, and its tests others again:
//! minutes each. The programs depend on this crate, so all of them share one build.
