#!/usr/bin/env bash
# Checks the engine on a machine with an NVIDIA GPU, then times it; what comes out is in a folder.
#
#   usage:  run.sh [FOLDER]        # needs the driver and the libraries of CUDA 13 (or the Python wheels)
set -uo pipefail
out=$(realpath -m "${1:-results}")
cd "$(dirname "$0")" && mkdir -p "$out" || exit 1

wheels=$(python3 -c 'import glob, nvidia; print(":".join(glob.glob(list(nvidia.__path__)[0] + "/*/lib")))' 2>/dev/null)
export LD_LIBRARY_PATH=/usr/local/cuda/lib64:${wheels:-}:${LD_LIBRARY_PATH:-}
failed=0

# Runs a command under a name; its output goes to a file, and how it ended is remembered.
step() {
  local name=$1
  shift
  echo "== $name: $*"
  timeout 300 "$@" 2>&1 | tee "$out/$name.txt"
  local code=${PIPESTATUS[0]}
  echo "$name $code" >> "$out/steps.txt"
  [ "$code" = 0 ] || failed=1
}

: > "$out/steps.txt"
step gpu nvidia-smi
step check ./gpu_check 100000 cuda:0
# Stage by stage against the official implementation, in f32 and in bf16.
step golden ./tts-golden golden --device cuda:0
step golden-bf16 ./tts-golden golden --device cuda:0 --dtype bf16
if command -v compute-sanitizer > /dev/null; then
  step memcheck compute-sanitizer --error-exitcode 9 ./gpu_check 64 cuda:0
  step racecheck compute-sanitizer --tool racecheck --error-exitcode 9 ./gpu_check 16 cuda:0
fi
step kernels bash -c './gpu_kernels "$0" && test -s "$0"' "$out/kernels.json"

# Times utterances; the report goes to a file of its own.
bench() {
  local name=$1
  shift
  step "$name" bash -c '"$@" > "$0"' "$out/$name.json" ./e2e_bench --device cuda:0 --labels short \
    --frames 40 --output json "$@"
}
for size in 0.6b 1.7b; do
  bench "$size" --random "$size"
  bench "$size-q8" --random "$size" --dtype q8
  bench "$size-fp8" --random "$size" --dtype fp8
  bench "$size-classic" --random "$size" --graphs false --frames-per-read 1
  bench "$size-told" --random "$size" --graphs false
  bench "$size-read1" --random "$size" --frames-per-read 1
  bench "$size-read16" --random "$size" --frames-per-read 16
  bench "$size-stream" --random "$size" --streaming --layout streaming
  for batch in 8 32 64; do
    bench "$size-batch$batch" --random "$size" --batch "$batch"
    bench "$size-batch$batch-classic" --random "$size" --batch "$batch" --graphs false --frames-per-read 1
  done
done
bench 0.6b-f32 --random 0.6b --dtype f32
# Fails if the GPU did copies to the host that no mark tells of.
step profile ./e2e_bench --random 0.6b --device cuda:0 --labels short --frames 40 --summary \
  --profile "chrome=$out/trace.json" --summary-json "$out/summary.json"
exit "$failed"
