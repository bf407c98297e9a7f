#!/usr/bin/env bash
# Prints registers, spilled bytes and shared memory of every kernel of crates/tts-cuda, as a table.
#
#   usage:  eval "$(bash tools/cuda-toolchain.sh DIR)"; bash tools/cuda-registers.sh [ARCHITECTURE...]
set -euo pipefail
cd "$(dirname "$0")/../crates/tts-cuda/kernels"
echo '| kernel | architecture | registers | spilled, bytes | shared memory, bytes |'
echo '| --- | --- | --- | --- | --- |'
for architecture in "${@:-90}"; do
  for file in *.cu; do
    "${NVCC:-nvcc}" -cubin -O3 -std=c++17 -Xptxas -v "-arch=sm_$architecture" -o /dev/null "$file" 2>&1
  done | awk -v sm="sm_$architecture" '
    /Compiling entry function/ { split($0, name, "\047"); kernel = name[2] }
    /spill stores/ { spilled = $5 }
    /Used [0-9]+ registers/ {
      match($0, /Used [0-9]+/); registers = substr($0, RSTART + 5, RLENGTH - 5)
      shared = match($0, /[0-9]+ bytes smem/) ? substr($0, RSTART, RLENGTH - 11) : 0
      printf "| `%s` | %s | %s | %s | %s |\n", kernel, sm, registers, spilled, shared
    }' | sort
done
