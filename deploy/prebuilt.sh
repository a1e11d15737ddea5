#!/usr/bin/env bash
# prebuilt.sh x64|arm64 - builds the addon for machines without a compiler.
#
# Out:   native/prebuilt/linux-ARCH/: weir.node with libbpf, libelf and zlib of Debian 12. It needs glibc 2.33 and libstdc++ 11, which
#        Debian 12, Ubuntu 22.04, RHEL 9 and their successors have, and runs on every Node (Node-API).
# Fail:  another architecture: exit code 2. The compiler for it is a Debian package, which root installs.
set -eu
cd "$(dirname "$0")/.."
arch=${1:-}
case $arch in
x64) debian=amd64 triplet=x86_64-linux-gnu package=g++-x86-64-linux-gnu ;;
arm64) debian=arm64 triplet=aarch64-linux-gnu package=g++-aarch64-linux-gnu ;;
*)
  echo "prebuilt.sh: architecture '$arch'; allowed: x64, arm64" >&2
  exit 2
  ;;
esac
sysroot=.stamps/sysroot/$arch
deploy/debs.sh "$sysroot" "$debian" bookworm libbpf-dev libbpf1 libelf1 libuv1-dev zlib1g

out=native/prebuilt/linux-$arch
mkdir -p "$out"
if [ "$(dpkg --print-architecture)" = "$debian" ]; then
  make -s native/build/Release/weir.node
  objects=native/build
else
  deploy/packages.sh "$package"
  objects=.stamps/prebuilt/$arch
  mkdir -p "$objects"
  for source in native/*.cc; do
    # shellcheck disable=SC2046 # a list of flags
    "$triplet-g++" $(native/flags.sh compile) -I"$sysroot/usr/include" -c "$source" -o "$objects/$(basename "$source" .cc).o"
  done
fi
# rpath, not runpath: libbpf finds libelf by it as well
origin="-Wl,--disable-new-dtags,-rpath,\$ORIGIN"
libraries=$sysroot/usr/lib/$triplet
"$triplet-g++" "$objects"/*.o -shared -s -o "$out/weir.node" "$origin" \
  -L"$libraries" -Wl,-rpath-link,"$libraries:$sysroot/lib/$triplet" -l:libbpf.so.1
for library in "$libraries"/libbpf.so.1 "$libraries"/libelf.so.1 "$sysroot/lib/$triplet"/libz.so.1; do
  cp -L "$library" "$out/"
done
