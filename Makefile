# Everything here is a one-liner over cargo; `make help` lists it.

CHECKS ?= advisories bans licenses sources
FUZZ_SECONDS ?= 60
TEXT ?= Hello from Rust. Every millisecond of this sentence can be seen.

.PHONY: help speak test lint golden fuzz deny

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

speak: ## Speak a sentence with the embedded model: hello.wav and hello.png
	cargo run --release -p tts-cli -- say "$(TEXT)" --output hello.wav
	cargo run --release -p tts-cli -- plot hello.wav --output hello.png

test: ## Run all tests, with and without profiling
	cargo test --workspace
	cargo test -p tts-profiling -p tts --features tts-profiling/profiling,tts/profiling,tts/async
	cargo xtask examples

lint: ## Format, clippy, docs and the rules of this workspace
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p tts-cli -p tts --all-targets --features tts/profiling,tts/async -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	cargo xtask tidy

golden: ## Compare with the recorded results of the official implementation
	cargo xtask golden fixtures/golden

fuzz: ## Search for inputs that break a promise, FUZZ_SECONDS for each target (nightly, cargo-fuzz)
	cargo xtask fuzz --seconds $(FUZZ_SECONDS)

deny: target/tools/bin/cargo-deny ## Check advisories, licenses and sources of all dependencies
	$< check $(CHECKS)

target/tools/bin/cargo-deny:
	cargo install --locked --root target/tools cargo-deny@0.20.2
