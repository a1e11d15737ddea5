#!/bin/sh
# image.sh - build the image weir:VERSION from this checkout.
#
# In:    further arguments of the engine's build; ENGINE (podman, else docker); BASE and RUNTIME: images with Node 24 on Debian 12.
# Fail:  exits with 1 if there is no engine.
set -eu

cd "$(dirname "$0")/.."
engine=${ENGINE:-$(command -v podman || command -v docker || true)}
[ -n "$engine" ] || { echo "weir: neither podman nor docker is installed; install one, or set ENGINE to the command of another" >&2; exit 1; }
version=$(node -p 'require("./package.json").version')
revision=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
exec "$engine" build --file deploy/Dockerfile --tag "weir:$version" \
	--build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
	${BASE:+--build-arg "BASE=$BASE"} ${RUNTIME:+--build-arg "RUNTIME=$RUNTIME"} "$@" .
