# Everything here is a one-liner over cargo; `make help` lists it.

CHECKS ?= advisories bans licenses sources
FUZZ_SECONDS ?= 60
MODEL = $(if $(MODEL_DIR),--model-dir "$(MODEL_DIR)")
BUILD = $(if $(FEATURES),--features "$(FEATURES)")
PROFILED = tts-profiling/record tts/profiling tts/async tts-cli/profiling
TEXT ?= Hello from Rust. Every millisecond of this sentence can be seen.

.PHONY: help speak test test-arm lint golden fuzz memcheck asan deny audit-gpu-syncs profile-chrome profile-flamegraph profile-nsys profile-report profile-roofline bench bench-gate cuda

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

speak: ## Speak a sentence with the embedded model: hello.wav and hello.png
	cargo run --release -p tts-cli -- say "$(TEXT)" --output hello.wav
	cargo run --release -p tts-cli -- plot hello.wav --output hello.png

test: ## Run all tests, with and without profiling
	cargo test --workspace
	cargo test --workspace --features "$(PROFILED)" --lib $(addprefix --test ,cancel concurrent gpu gpu_spans profile promises record spans streaming)
	cargo test --workspace --features "$(PROFILED)" --doc
	cargo xtask examples

lint: ## Format, clippy, docs and the rules of this workspace
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --workspace --all-targets --features "$(PROFILED) tts-benches/nvtx tts-benches/sampling" -- -D warnings
	NVCC=$(CURDIR)/tools/nvcc-stand-in.sh CUDARC_CUDA_VERSION=13000 CUDA_COMPUTE_CAP=80 cargo clippy --target-dir target/cuda-stand-in -p tts-cli -p tts-benches -p tts-golden -p tts-cuda --lib --bins --examples --test kernels --features tts-cli/profiling,tts-cli/cuda,tts-benches/profiling,tts-benches/cuda,tts-golden/cuda,tts-cuda/cuda -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	cargo xtask tidy
	cargo xtask audit-gpu-syncs

profile-chrome: ## Trace every stage of every frame: trace.json (MODEL_DIR=path, else the embedded model)
	cargo xtask profile chrome $(MODEL) $(BUILD)

profile-flamegraph: ## Draw where the time goes: flamegraph.svg
	cargo xtask profile flamegraph $(MODEL) $(BUILD)

profile-nsys: ## Record with Nsight Systems: nsys_report.nsys-rep (CUDA)
	cargo xtask profile nsys $(MODEL) $(BUILD)

profile-report: ## All of it on one page: profile.html
	cargo xtask profile report $(MODEL) $(BUILD)

profile-roofline: ## Compare each stage with what this machine can do: roofline.svg
	cargo xtask profile roofline $(if $(MODEL_DIR),-- $(MODEL))

bench: ## Time whole utterances, stage by stage
	cargo run --release -p tts-benches $(BUILD) -- $(MODEL)

bench-gate: ## Count instructions, compare with those on record and with profiling (valgrind)
	cargo xtask bench gate
	cargo xtask bench overhead
	cargo xtask bench erased

audit-gpu-syncs: ## List every place where the host waits for the device, and check the marks there
	cargo xtask audit-gpu-syncs

cuda: ## Build with kernels for NVIDIA GPUs, toolchain and all: target/cuda/release (a quarter of an hour the first time)
	eval "$$(bash tools/cuda-toolchain.sh target/cuda-toolchain)" && cargo build --release --target-dir target/cuda -p tts-cli -p tts-benches --features tts-cli/cuda,tts-benches/cuda

golden: ## Compare with the recorded results of the official implementation
	cargo xtask golden fixtures/golden

fuzz: ## Search for inputs that break a promise, FUZZ_SECONDS for each target (nightly, cargo-fuzz)
	cargo xtask fuzz --seconds $(FUZZ_SECONDS)

test-arm: ## Test the kernels for 64-bit ARM, with and without dot products, in an emulator (docs/testing.md)
	for processor in max cortex-a72; do \
		CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
		CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64-static -L /usr/aarch64-linux-gnu -cpu $$processor" \
		cargo test -p tts-cpu --lib --tests --target aarch64-unknown-linux-gnu || exit 1; \
	done

memcheck: ## Test the kernels under valgrind (or, with a nightly toolchain: make asan)
	cargo test -p tts-cpu --tests --config "target.'cfg(unix)'.runner=['valgrind','-q','--error-exitcode=9']"

asan: ## Test the kernels under AddressSanitizer (nightly)
	RUSTFLAGS=-Zsanitizer=address cargo +nightly test -p tts-cpu --tests --target x86_64-unknown-linux-gnu --target-dir target/asan
	CXXFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined" RUSTFLAGS="-Zsanitizer=address -Clink-arg=-lubsan" cargo +nightly test -p tts-cuda --features emulated --tests --target x86_64-unknown-linux-gnu --target-dir target/asan
	CXXFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined" RUSTFLAGS="-Zsanitizer=address -Clink-arg=-lubsan" cargo +nightly test -p tts-sampler --test kernel --target x86_64-unknown-linux-gnu --target-dir target/asan some_more

deny: target/tools/bin/cargo-deny ## Check advisories, licenses and sources of all dependencies
	$< check $(CHECKS)

target/tools/bin/cargo-deny:
	cargo install --locked --root target/tools cargo-deny@0.20.2
