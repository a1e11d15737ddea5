#!/bin/sh
# version.sh - set the one version everywhere: package, chart, image, compose file and plain manifests.
#
# In:    the version, X.Y.Z or X.Y.Z-PRERELEASE.
# Fail:  another form, or a missing helm (make .stamps/bin/helm): one line, exit code 2 or 1.
set -eu

version=${1:-}
echo "$version" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$' || {
	echo "version.sh: version '$version'; allowed: X.Y.Z or X.Y.Z-PRERELEASE, such as 1.2.3 or 1.3.0-rc.1" >&2
	exit 2
}
cd "$(dirname "$0")/.."
npm version --no-git-tag-version --allow-same-version "$version" >/dev/null
sed -i "s/^version: .*/version: $version/; s/^appVersion: .*/appVersion: \"$version\"/" deploy/chart/Chart.yaml
sed -i "s/^ARG VERSION=.*/ARG VERSION=$version/" deploy/Dockerfile
sed -i "s/WEIR_VERSION:-[^}]*}/WEIR_VERSION:-$version}/" deploy/compose/compose.yaml
make -s manifests
echo "version $version; next: CHANGELOG.md, then RELEASING.md, step 2" >&2
