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
if command -v compute-sanitizer > /dev/null; then
  step memcheck compute-sanitizer --error-exitcode 9 ./gpu_check 64 cuda:0
  step racecheck compute-sanitizer --tool racecheck --error-exitcode 9 ./gpu_check 16 cuda:0
fi
bench() {
  local name=$1
  shift
  step "$name" ./e2e_bench --random --device cuda:0 --labels short --frames 40 --output json "$@"
}
bench bf16
bench classic --graphs false --frames-per-read 1
bench told --graphs false
bench read1 --frames-per-read 1
bench read16 --frames-per-read 16
bench f32 --dtype f32
bench stream --streaming --layout streaming
for batch in 8 32 64; do
  bench "batch$batch" --batch "$batch"
  bench "batch$batch-classic" --batch "$batch" --graphs false --frames-per-read 1
done
exit "$failed"
