#!/usr/bin/env bash
# Makes static stand-ins (libcuda.a, libcublas.a, ...) that open the real CUDA library at its first call.
# A binary linked with them needs no CUDA library to START: one executable serves machines with a GPU and
# without one. Where a library is missing its calls return an error, so Device::new_cuda says "no device".
# (candle-core 0.11.1 forces cudarc's dynamic-linking, which otherwise makes the loader refuse to start.)
#
#   usage: tools/cuda-toolchain.sh calls it
#
# x86_64 Linux only (the trampolines are assembly). Idempotent.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: eval \"\$(bash $0 TOOLCHAIN_DIR)\"" >&2; exit 2; }
top=$(cd "$1" && pwd)
out=$top/lazy/lib
version=lazy-v1:$(cat "$top/.stamp")

if [ "$(cat "$out/.stamp" 2>/dev/null || true)" != "$version" ]; then
  mkdir -p "$out"
  tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
  # name, file to read symbols from, soname to open, what a call returns when the library is missing
  while read -r name file soname code; do
    nm -D --defined-only "$top/lib/$file" | awk '$2 == "T" || $2 == "W" {print $3}' | sed 's/@.*//' \
      | grep -E '^(cu|nvrtc|__cuda)' | sort -u > "$tmp/syms"
    {
      cat <<C
#include <dlfcn.h>
#include <string.h>
static const char *const names[] = {
$(sed 's/.*/"&",/' "$tmp/syms")
};
static long missing(void) { return $code; }
static const char *missing_text(void) { return "$soname is not installed on this machine"; }
static long missing_text_out(int e, const char **s) { (void)e; *s = missing_text(); return 0; }
static void *lib;
static int tried;
__attribute__((visibility("hidden"))) void *lazy_${name}_resolve(unsigned long i) {
  if (!__atomic_load_n(&tried, __ATOMIC_ACQUIRE)) {
    void *l = dlopen("$soname", RTLD_NOW | RTLD_GLOBAL);  /* dlopen is idempotent: a race is harmless */
    if (l) lib = l;
    __atomic_store_n(&tried, 1, __ATOMIC_RELEASE);
  }
  void *f = lib ? dlsym(lib, names[i]) : 0;
  if (f) return f;
  if (!strncmp(names[i], "cuGetError", 10)) return (void *)missing_text_out;
  if (strstr(names[i], "GetErrorString") || strstr(names[i], "GetErrorName") || strstr(names[i], "GetStatus")) return (void *)missing_text;
  return (void *)missing;
}
C
    } > "$tmp/$name.c"
    {
      echo '.text'
      i=0
      while read -r s; do
        printf '.globl %s\n.type %s,@function\n%s:\n movq lazy_%s_slots+%d(%%rip), %%r11\n testq %%r11, %%r11\n je 1f\n jmp *%%r11\n1: movl $%d, %%r11d\n jmp lazy_%s_go\n' \
          "$s" "$s" "$s" "$name" $((i * 8)) "$i" "$name"
        i=$((i + 1))
      done < "$tmp/syms"
      # Saves all argument registers, resolves, stores the address in the slot, jumps on.
      cat <<S
lazy_${name}_go:
 pushq %rdi; pushq %rsi; pushq %rdx; pushq %rcx; pushq %r8; pushq %r9; pushq %rax; pushq %r11
 subq \$136, %rsp
 movups %xmm0, (%rsp); movups %xmm1, 16(%rsp); movups %xmm2, 32(%rsp); movups %xmm3, 48(%rsp)
 movups %xmm4, 64(%rsp); movups %xmm5, 80(%rsp); movups %xmm6, 96(%rsp); movups %xmm7, 112(%rsp)
 movl %r11d, %edi
 call lazy_${name}_resolve
 movups (%rsp), %xmm0; movups 16(%rsp), %xmm1; movups 32(%rsp), %xmm2; movups 48(%rsp), %xmm3
 movups 64(%rsp), %xmm4; movups 80(%rsp), %xmm5; movups 96(%rsp), %xmm6; movups 112(%rsp), %xmm7
 addq \$136, %rsp
 popq %r11
 leaq lazy_${name}_slots(%rip), %rdi
 movq %rax, (%rdi,%r11,8)
 movq %rax, %r11
 popq %rax; popq %r9; popq %r8; popq %rcx; popq %rdx; popq %rsi; popq %rdi
 jmp *%r11
.local lazy_${name}_slots
.comm lazy_${name}_slots, $((i * 8)), 8
.section .note.GNU-stack,"",@progbits
S
    } > "$tmp/$name.s"
    gcc -O2 -fPIC -c "$tmp/$name.c" -o "$tmp/$name.c.o"
    gcc -c "$tmp/$name.s" -o "$tmp/$name.s.o"
    ld -r -o "$tmp/$name.o" "$tmp/$name.c.o" "$tmp/$name.s.o"
    rm -f "$out/lib$name.a"
    ar rcs "$out/lib$name.a" "$tmp/$name.o"
  done <<'LIBS'
cuda stubs/libcuda.so libcuda.so.1 100
cudart libcudart.so.13 libcudart.so.13 100
cublas libcublas.so.13 libcublas.so.13 1
cublasLt libcublasLt.so.13 libcublasLt.so.13 1
curand libcurand.so.10 libcurand.so.10 203
nvrtc libnvrtc.so.13 libnvrtc.so.13 11
LIBS
  printf '%s' "$version" > "$out/.stamp"
fi
# cudarc searches $CUDA_HOME/lib before $CUDA_PATH/lib; nvcc is found through NVCC and PATH.
printf 'export CUDA_HOME=%q\n' "$top/lazy"
