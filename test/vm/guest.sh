#!/usr/bin/env bash
# guest.sh OUT.cpio - packs what every guest needs: the built checkout, node, ip, tc, nft, bpftool, busybox, traffic, netkit.
#
# In:    a built checkout around this file; busybox-static, gcc. For shapes.sh, where installed: iptables, ipvsadm, wireguard-tools,
#        openvswitch-switch.
# Out:   an uncompressed initramfs, about 160 MB.
set -eu
checkout=$(realpath "$(dirname "$0")/../..")
out=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
root=$tmp/root
put() { install -D -m 755 "$(realpath "$1")" "$root$1"; }

mkdir -p "$root"/{bin,sbin,lib64,vm,weir,usr/bin,usr/sbin,etc,run,tmp}
install -m 755 /bin/busybox "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
install -m 755 "$checkout/test/vm/init" "$root/init"
for program in traffic netkit; do gcc -O2 -static -o "$root/usr/bin/$program" "$checkout/test/vm/$program.c"; done
for program in bash node ip tc nft bpftool setpriv sysctl ping; do
  # by name: a node of nvm or npm is outside the guest's PATH
  install -D -m 755 "$(realpath "$(command -v "$program")")" "$root/usr/bin/$program"
  ldd "$root/usr/bin/$program" 2>/dev/null | grep -o '/[^ ]*' >>"$tmp/libraries" || true
done
for program in iptables-nft iptables-legacy ipvsadm wg ovs-vswitchd ovsdb-server ovsdb-tool ovs-vsctl; do
  path=$(command -v "$program") || continue
  install -D -m 755 "$(realpath "$path")" "$root/usr/bin/$program"
  ldd "$path" | grep -o '/[^ ]*' >>"$tmp/libraries"
done
for file in /usr/share/openvswitch/vswitch.ovsschema /usr/lib/*/xtables/libxt_{DNAT,MASQUERADE,MARK,comment,conntrack,mark,statistic,standard,udp,tcp}.so \
  /usr/lib/*/xtables/libipt_{DNAT,MASQUERADE}.so; do
  [ ! -e "$file" ] || echo "$file" >>"$tmp/libraries"
done
ldd "$checkout/native/build/Release/weir.node" | grep -o '/[^ ]*' >>"$tmp/libraries"
sort -u "$tmp/libraries" | while read -r file; do put "$file"; done
cd "$checkout"
{
  find dist -type f ! -name '*.d.ts' ! -name '*.tsbuildinfo'
  echo native/build/Release/weir.node
  echo package.json
  echo test/vm/verifier.mjs
  npm ls --omit=dev --all --parseable 2>/dev/null | sed -n "s|^$checkout/\(node_modules/.*\)|\1|p" | while read -r package; do
    find "$package" -path "$package/node_modules" -prune -o -type f -regex '.*\.\(c?js\|mjs\|json\|node\|proto\)' \
      ! -path '*/esm/*' ! -path '*/esnext/*' -print
  done
} | sort -u | cpio -pdm --quiet "$root/weir"
cd "$root"
find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0 >"$tmp/guest.cpio"
mv "$tmp/guest.cpio" "$out"
