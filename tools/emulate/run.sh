#!/bin/sh
# Runs static programs on a processor that this machine does not have: boots Linux in Bochs.
#
#   RUSTFLAGS=-Ctarget-feature=+crt-static cargo test -p tts-cpu --tests --release --no-run \
#       --target x86_64-unknown-linux-gnu        # prints where the programs are
#   BOCHS=DIR KERNEL=FILE tools/emulate/run.sh sapphire_rapids PROGRAM...    # AVX-512 with VNNI
#   BOCHS=DIR KERNEL=FILE tools/emulate/run.sh arrow_lake PROGRAM...         # AVX-VNNI
#
# BOCHS is a source tree of Bochs 3.0 that was built with
#   ./configure --enable-cpu-level=6 --enable-x86-64 --enable-avx --enable-evex --enable-pci \
#       --enable-all-optimizations --with-nogui --disable-plugins
# KERNEL is a kernel image (6.12; 6.1 does not boot there). Debian's isolinux, xorriso, cpio and
# busybox-static are needed, too. Prints what the programs print; fails if one of them does.
set -eu
model=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/root/bin" "$dir/root/proc" "$dir/root/dev" "$dir/root/tmp" "$dir/iso"
cp /bin/busybox "$dir/root/bin/busybox"
{
    echo '#!/bin/busybox sh'
    echo '/bin/busybox mount -t proc proc /proc; /bin/busybox mount -t devtmpfs dev /dev; cd /tmp'
    for program; do
        cp "$program" "$dir/root/"
        name=$(basename "$program")
        echo "echo RUN $name; /$name && echo PASSED $name"
    done
    echo '/bin/busybox sleep 2; /bin/busybox poweroff -f'
} > "$dir/root/init"
chmod +x "$dir/root/init"
(cd "$dir/root" && find . | cpio -o -H newc --quiet) > "$dir/iso/initrd"
cp "$KERNEL" "$dir/iso/vmlinuz"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$dir/iso"
cat > "$dir/iso/isolinux.cfg" <<CONFIG
default linux
label linux
kernel vmlinuz
initrd initrd
append console=ttyS0,115200 quiet mitigations=off nokaslr panic=-1
CONFIG
xorriso -as mkisofs -quiet -o "$dir/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot \
    -boot-load-size 4 -boot-info-table "$dir/iso" 2> "$dir/xorriso.log"
cat > "$dir/bochsrc" <<CONFIG
config_interface: textconfig
display_library: nogui
romimage: file=$BOCHS/bios/BIOS-bochs-latest
vgaromimage: file=$BOCHS/bios/VGABIOS-lgpl/VGABIOS-lgpl-latest.bin
cpu: model=$model, count=1, ips=50000000, reset_on_triple_fault=0
memory: guest=512, host=512
ata0: enabled=1
ata0-master: type=cdrom, path=$dir/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$dir/out
clock: sync=none
log: $dir/log
panic: action=fatal
CONFIG
"$BOCHS/bochs" -q -f "$dir/bochsrc" < /dev/null > "$dir/screen" 2>&1 || tail -n 12 "$dir/screen"
cat "$dir/out"
test "$(grep -c '^PASSED ' "$dir/out")" = "$#"
