#!/usr/bin/env bash
# Checks the engine on a machine with an NVIDIA GPU, then times it; what comes out is in a folder.
#
#   usage:  run.sh [FOLDER]        # needs the driver and the libraries of CUDA 13 (or the Python wheels)
set -uo pipefail
out=$(realpath -m "${1:-results}")
if [ -n "$(ls -A "$out" 2>/dev/null)" ]; then
  echo "$out is not empty" >&2
  exit 1
fi
cd "$(dirname "$0")" && mkdir -p "$out" || exit 1

wheels=$(python3 -c 'import glob, nvidia; print(":".join(glob.glob(list(nvidia.__path__)[0] + "/*/lib")))' 2>/dev/null)
cuda=/usr/local/cuda
export LD_LIBRARY_PATH=$cuda/lib64:$cuda/extras/CUPTI/lib64:${wheels:-}:${LD_LIBRARY_PATH:-}
export PATH=$PATH:$cuda/bin
failed=0

# Runs a command under a name; its output goes to a file, and how it ended is remembered.
limit=300
step() {
  local name=$1
  shift
  echo "== $name: $*"
  timeout -k 10 "$limit" "$@" 2>&1 | tee "$out/$name.txt"
  local code=${PIPESTATUS[0]}
  echo "$name $code" >> "$out/steps.txt"
  [ "$code" = 0 ] || failed=1
}

: > "$out/steps.txt"
step gpu nvidia-smi
# Every kernel against exact sums; the memory is shared with the program, which runs one test at a time.
step kernel-tests ./kernels --test-threads=1
step check ./gpu_check 100000 cuda:0
# Stage by stage against the official implementation, in f32 and in bf16.
step golden ./tts-golden golden --device cuda:0
step golden-bf16 ./tts-golden golden --device cuda:0 --dtype bf16
step say ./tts say "Hello." --device cuda:0 -o "$out/hello.wav"
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
# Fail if the GPU did copies to the host, or calls that wait for it, that no mark tells of.
for graphs in false true; do
  step "profile-graphs-$graphs" ./e2e_bench --random 0.6b --device cuda:0 --labels short --frames 40 \
    --graphs "$graphs" --summary --profile "chrome=$out/trace-graphs-$graphs.json" \
    --summary-json "$out/summary-graphs-$graphs.json"
done
# What is out of bounds, and threads that race; slow, so at the end. Without the tool that is "127".
limit=600
for tool in memcheck racecheck synccheck; do
  step "$tool" compute-sanitizer --tool "$tool" --error-exitcode 9 ./gpu_check 32 cuda:0
  step "$tool-kernels" compute-sanitizer --tool "$tool" --error-exitcode 9 ./kernels --test-threads=1
done
exit "$failed"
