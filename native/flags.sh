#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# flags.sh - prints the g++ flags of the addon: `flags.sh compile`, `flags.sh link`.
#
# Headers come from npm (node-api-headers, node-addon-api) and Debian (libbpf-dev, libuv1-dev), never from Node itself: Node-API and
# libuv 1 are stable, so one build runs on every Node, and nothing downloads Node's headers as node-gyp would.
# libbpf is linked shared: Debian's libbpf.a is not position independent.
set -eu

modules=$(cd "$(dirname "$0")/../node_modules" && pwd)
case ${1:-} in
compile)
	# -isystem: warnings in node-addon-api are not ours to fix.
	# SWALLOW: a worker that is being terminated cannot throw; without it an error there aborts the process.
	echo "-std=gnu++20 -O2 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -Wall -Wextra -Werror" \
		"-DNAPI_VERSION=8 -DNAPI_DISABLE_CPP_EXCEPTIONS -DNODE_GYP_MODULE_NAME=weir -DBUILDING_NODE_EXTENSION" \
		"-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS" \
		"-isystem $modules/node-api-headers/include -isystem $modules/node-addon-api" ;;
link)
	echo "-shared $(pkg-config --libs libbpf)" ;;
*)
	echo "flags.sh: '${1:-}'; allowed: compile, link" >&2
	exit 2 ;;
esac
