#!/bin/sh
# packages.sh - install the Debian packages that are missing, and nothing when none is.
#
# In:    names of packages.
# Fail:  without root, or elsewhere than on Debian: says which are missing, and ends with 1.
set -eu

missing=""
for package in "$@"; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "weir: these Debian packages are missing, and only root can install them:$missing" >&2
	exit 1
fi
echo "weir: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# No daemon starts: a package that brings one is wanted for its program alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
fi
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null
