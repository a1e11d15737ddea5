#!/bin/sh
# install.sh - install the files that Weir needs at run time below a root: /opt/weir, and a link in /usr/local/bin.
#
# In:    the root (/ for this machine); a built checkout, with the run-time packages in node_modules. ARCH (x64, arm64): for another
#        machine, the addon of prebuilt.sh instead of the checkout's.
# Used by the image, and on hosts without Kubernetes (deploy/weir.service).
set -eu

root=${1%/}
addon=native/build/Release
[ -z "${2:-}" ] || addon=native/prebuilt/linux-$2
cd "$(dirname "$0")/.."
home=$root/opt/weir
for built in dist/cli/main.js dist/revision.json dist/weir.bpf.o dist/weir-before-6.2.bpf.o "$addon/weir.node"; do
	[ -e "$built" ] || { echo "weir: $built is missing; run make build first" >&2; exit 1; }
done
mkdir -p "$home/$addon" "$root/usr/local/bin" "$root/usr/share/doc/weir"
cp -R dist package.json README.md LICENSE LICENSES "$home/"
find "$addon" -maxdepth 1 -type f -exec cp {} "$home/$addon/" \;
# The run-time packages of the lock file, and their dependencies.
npm ls --omit=dev --all --parseable 2>/dev/null | tail -n +2 | while read -r package; do
	to=$home/${package#"$PWD/"}
	mkdir -p "$(dirname "$to")"
	[ -e "$to" ] || cp -R "$package" "$to"
done
mkdir -p "$home/examples"
cp examples/records.pcap examples/inventory.json "$home/examples/"
ln -sf /opt/weir/dist/cli/main.js "$root/usr/local/bin/weir"
[ ! -e sbom.cdx.json ] || cp sbom.cdx.json "$root/usr/share/doc/weir/"
