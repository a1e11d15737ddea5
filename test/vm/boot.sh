#!/usr/bin/env bash
# boot.sh KERNEL GUEST.cpio SCRIPT [NAME=VALUE...] - runs SCRIPT (bash, root) in an emulated machine; prints what it printed.
#
# In:    KERNEL: a folder with vmlinuz*, and lib/modules/VERSION if it has modules, as kernels.sh fills it; GUEST.cpio of guest.sh. NAME=VALUE are variables of the script. A line
#        `# Modules: NAME...` of the script adds modules.
# Out:   stdout of the script, and its exit code. The last line on stderr is the cost: seconds, CPU seconds.
# Fail:  124: longer than $LIMIT seconds; 125: the guest ended without a code, e.g. a panic. The kernel's log is then on stderr.
# Never: shows the guest a disk, a network or a file of this machine.
set -eu
kernel=$(realpath "$1")
guest=$2
script=$3
shift 3
: "${MEM:=1024}" "${CPUS:=2}" "${LIMIT:=300}" "${MODULES:=veth nf_tables nft_chain_nat nft_nat nf_conntrack nf_conntrack_netlink sch_ingress cls_bpf}"
MODULES+=$(sed -n 's/^# Modules://p' "$script")
modules=$kernel/modules.$(cksum <<<"$MODULES" | cut -d ' ' -f 1).cpio
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Modules uncompressed, in the order in which init inserts them; made once for a kernel and a list.
pack_modules() {
  local folder version file name
  folder=$(find -L "$kernel" -maxdepth 5 -path '*/lib/modules/*' -type d | head -1)
  version=$(basename "$folder")
  mkdir -p "$work/tree/lib/modules" "$work/root/vm/modules"
  if [ -n "$folder" ]; then
    ln -s "$folder" "$work/tree/lib/modules/$version"
    depmod -b "$work/tree" "$version" 2>/dev/null
  fi
  for name in ${folder:+$MODULES}; do modprobe -d "$work/tree" -S "$version" --show-depends "$name" 2>/dev/null || true; done |
    awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
    name=$(basename "$file")
    name=${name%.xz}
    name=${name%.zst}
    echo "$name" >>"$work/root/vm/modules.order"
    case $file in *.xz) xz -dc "$file" ;; *.zst) zstd -dcq "$file" ;; *) cat "$file" ;; esac >"$work/root/vm/modules/$name"
  done
  (cd "$work/root" && find . | cpio -o -H newc --quiet -R 0:0) >"$work/modules.cpio"
  mv "$work/modules.cpio" "$modules"
}
[ -s "$modules" ] || pack_modules

mkdir -p "$work/script/vm"
{ for variable in "$@"; do printf '%s=%q\n' "${variable%%=*}" "${variable#*=}"; done; cat "$script"; } >"$work/script/vm/script"
(cd "$work/script" && find vm | cpio -o -H newc --quiet -R 0:0) >"$work/script.cpio"
cat "$guest" "$modules" "$work/script.cpio" >"$work/initrd"

: >"$work/stdout"
start=$EPOCHREALTIME
timeout "$LIMIT" qemu-system-x86_64 -nodefaults -no-user-config -machine pc -accel tcg,thread=multi -cpu max -smp "$CPUS" \
  -m "$MEM" -display none -no-reboot -kernel "$(find -L "$kernel" -name 'vmlinuz*' -type f | head -1)" -initrd "$work/initrd" \
  -append "console=ttyS0 panic=-1 quiet loglevel=6 nokaslr rdinit=/init" \
  -serial "file:$work/console" -serial "file:$work/stdout" </dev/null >&2 && rc=0 || rc=$?
grep -v '^@@ ' "$work/stdout" || true
awk -v start="$start" -v end="$EPOCHREALTIME" -v name="$(cat "$kernel/version")" 'BEGIN { printf "%s: %.0f s\n", name, end - start }' >&2
[ $rc != 124 ] || exit 124
rc=$(sed -n 's/^@@ rc=\([0-9]*\).*/\1/p' "$work/stdout" | tail -1)
[ -n "$rc" ] || { tail -20 "$work/console" >&2; exit 125; }
exit "$rc"
