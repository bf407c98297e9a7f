//! Rule `unsafe-code`: `unsafe` stays in files that are named here.

use proc_macro2::TokenTree;

use super::Finding;
use super::tokens::each_tree;
use super::workspace::Workspace;

/// Where `unsafe` is allowed, each block with its `// SAFETY:`.
const ALLOWED: [&str; 57] = [
    "benches/examples/load_time.rs",
    "benches/examples/precision.rs",
    "benches/src/bin/e2e_bench/main.rs",
    "benches/src/bin/roofline/main.rs",
    "benches/src/bin/roofline/peaks.rs",
    "benches/src/gpu_kernels/single.rs",
    "crates/tts-cli/src/model.rs",
    "crates/tts-checkpoint/src/mmap.rs",
    "crates/tts-cpu/src/arm.rs",
    "crates/tts-cpu/src/pool.rs",
    "crates/tts-cpu/src/products.rs",
    "crates/tts-cpu/src/region.rs",
    "crates/tts-cpu/src/x86.rs",
    "crates/tts-cpu/src/packed.rs",
    "crates/tts-cpu/src/x86/conv.rs",
    "crates/tts-cpu/src/x86/products.rs",
    "crates/tts-cpu/src/x86/wide.rs",
    "crates/tts-cuda/examples/draw.rs",
    "crates/tts-cuda/src/attention.rs",
    "crates/tts-cuda/src/conv.rs",
    "crates/tts-cuda/src/decoder.rs",
    "crates/tts-cuda/src/emulated.rs",
    "crates/tts-cuda/src/gemv.rs",
    "crates/tts-cuda/src/gpu.rs",
    "crates/tts-cuda/src/graph.rs",
    "crates/tts-cuda/src/queue.rs",
    "crates/tts-cuda/src/rows.rs",
    "crates/tts-cuda/src/sample.rs",
    "crates/tts-cuda/src/time_rows.rs",
    "crates/tts-cuda/tests/kernels/attention.rs",
    "crates/tts-cuda/tests/kernels/conv.rs",
    "crates/tts-cuda/tests/kernels/on_gpu.rs",
    "crates/tts-cuda/tests/kernels/products.rs",
    "crates/tts-cuda/tests/kernels/rows.rs",
    "crates/tts-cuda/tests/kernels/time_rows.rs",
    "crates/tts-gpu-stand-in/src/lib.rs",
    "crates/tts-gpu-trace/src/counters.rs",
    "crates/tts-gpu-trace/src/kernels.rs",
    "crates/tts-gpu-trace/src/library.rs",
    "crates/tts-gpu-trace/src/queue.rs",
    "crates/tts-gpu-trace/src/records.rs",
    "crates/tts-gpu-trace/tests/stand_in.rs",
    "crates/tts-nn/src/buffer.rs",
    "crates/tts-nn/src/counter.rs",
    "crates/tts-nn/src/embedding.rs",
    "crates/tts-nn/src/gpu_conv.rs",
    "crates/tts-nn/src/gpu_matrix.rs",
    "crates/tts-nn/src/gpu_rows.rs",
    "crates/tts-nn/src/graph.rs",
    "crates/tts-nn/src/resident.rs",
    "crates/tts-profiling/src/record/allocations.rs",
    "crates/tts-profiling/tests/gpu.rs",
    "crates/tts-sampler/src/kernel.rs",
    "crates/tts-sampler/tests/kernel.rs",
    "crates/tts/src/device.rs",
    "crates/tts/src/threads.rs",
    "crates/tts/tests/counting/mod.rs",
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, tokens) in workspace.rust_files() {
        if ALLOWED.contains(&file.path.as_str()) {
            continue;
        }
        each_tree(tokens, &mut |tree| {
            if matches!(tree, TokenTree::Ident(ident) if ident == "unsafe") {
                let line = tree.span().start().line;
                let message = "`unsafe` outside the files that may use it";
                findings.push(Finding::at_line(&file.path, line, message));
            }
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::workspace::SourceFile;
    use super::*;

    fn count(path: &str, code: &str) -> usize {
        let workspace =
            Workspace { files: vec![SourceFile::new(path, code).unwrap()], ..Workspace::default() };
        check(&workspace).len()
    }

    #[test]
    fn only_named_files_use_it() {
        let code = "fn f() { unsafe { g() } }";
        assert_eq!(count(ALLOWED[0], code), 0);
        for path in ["crates/a/src/lib.rs", "benches/b.rs", "crates/a/tests/t.rs"] {
            assert_eq!(count(path, code), 1, "{path}");
        }
    }

    #[test]
    fn words_about_it_pass() {
        let code = "#![forbid(unsafe_code)] // unsafe\nconst A: &str = \"unsafe\";";
        assert_eq!(count("crates/a/src/lib.rs", code), 0);
    }
}
