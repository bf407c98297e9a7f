#!/usr/bin/env bash
# Stands in for nvcc where there is no CUDA toolkit: writes empty outputs, so that clippy sees the code behind the
# feature `cuda`. What is built with it never runs, so it needs a target directory of its own.
set -euo pipefail
mode=
output=
directory=.
sources=()
while (($#)); do
    case $1 in
    --version)
        printf 'nvcc stand-in\n\n\nCuda compilation tools, release 13.0, V13.0.0\n'
        exit
        ;;
    --list-gpu-code)
        echo sm_80
        exit
        ;;
    -ptx | --ptx) mode=ptx ;;
    -fatbin | --fatbin | -cubin | --cubin) mode=binary ;;
    -c) mode=object ;;
    -lib | --lib) mode=library ;;
    -o) output=$2 && shift ;;
    --output-directory) directory=$2 && shift ;;
    *.cu) sources+=("$1") ;;
    esac
    shift
done
case $mode in
ptx)
    for source in "${sources[@]}"; do
        : >"${output:-$directory/$(basename "$source" .cu).ptx}"
    done
    ;;
binary) : >"$output" ;;
object) "${CC:-cc}" -x c -c /dev/null -o "$output" ;;
library) rm -f "$output" && ar rcs "$output" ;;
*)
    echo "nvcc stand-in: nothing known to make" >&2
    exit 1
    ;;
esac
