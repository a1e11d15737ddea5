#!/bin/sh
# packages.sh - install the Debian packages that are missing.
#
# In:    names of packages.
# Fail:  if packages are missing and this is not root on Debian: lists them and exits with 1.
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
# Starts no daemons: of a package with a daemon, only the program is needed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
fi
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null
