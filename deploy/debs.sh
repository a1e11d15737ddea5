#!/usr/bin/env bash
# debs.sh DIR ARCH SUITE PACKAGE... - unpacks Debian packages of another architecture or suite into DIR.
#
# In:    ARCH as Debian names it (amd64, arm64). SUITE: a Debian suite, from the mirror that this machine's apt uses.
# Out:   DIR/usr/...; DIR/versions: a package and its version per line. Quick if the same packages are already there.
# Never: changes this machine's apt sources, lists or architectures: apt's state is in DIR/apt.
set -eu
dir=$(realpath -m "$1")
arch=$2
suite=$3
shift 3
apt=$dir/apt
wanted="$arch $suite $*"
[ "$(cat "$dir/unpacked" 2>/dev/null)" != "$wanted" ] || exit 0
rm -rf "$dir"
mkdir -p "$apt"/{lists/partial,cache/archives/partial,debs}

# mirrors PATTERN: the configured URIs that match, of deb822 or one-line sources
mirrors() {
  sed 's/#.*//' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | grep -oE 'https?://[^ ]+' | grep -E "$1" | sort -u
}
key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
mirrors 'debian/?$' | sed "s|.*|deb $key & $suite main|" >"$apt/sources.list"
[ -s "$apt/sources.list" ] || { echo "debs.sh: apt has no Debian mirror" >&2; exit 1; }
mirrors 'debian-security/?$' | sed "s|.*|deb $key & $suite-security main|" >>"$apt/sources.list"
cat >"$apt/apt.conf" <<C
Dir::Etc::SourceList "$apt/sources.list"; Dir::Etc::SourceParts "-"; Dir::State::Lists "$apt/lists"; Dir::Cache "$apt/cache";
APT::Architecture "$arch"; APT::Architectures "$arch"; APT::Sandbox::User "root"; Acquire::Languages "none";
C
export APT_CONFIG=$apt/apt.conf
apt-get -qq update
cd "$apt/debs"
apt-get -qq download "$@"
for deb in *.deb; do
  dpkg-deb -x "$deb" "$dir"
  dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb" >>"$dir/versions"
done
rm -rf "$apt"
echo "$wanted" >"$dir/unpacked"
