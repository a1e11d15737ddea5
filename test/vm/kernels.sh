#!/usr/bin/env bash
# kernels.sh DIR SUITE... - fetches the newest cloud kernel of each Debian suite and unpacks it into DIR/SUITE. ARCH: amd64 or arm64.
#
# Out:   DIR/SUITE/version, boot/vmlinuz-*, lib/modules/*; quick if the newest version is already there.
# Never: changes this machine's apt sources or lists: it keeps its own in DIR/apt, made from the configured mirrors.
set -eu
: "${ARCH:=amd64}"
dir=$(realpath -m "$1")
shift
apt=$dir/apt
mkdir -p "$apt"/{lists/partial,cache/archives/partial,debs}

# mirror PATTERN: the first configured URI that matches, of deb822 or one-line sources.
mirror() {
  sed 's/#.*//' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | grep -oE 'https?://[^ ]+' | grep -E "$1" | head -1
}

: >"$apt/sources.list"
for suite in "$@"; do
  case $suite in *-security) uri=$(mirror 'debian-security') ;; *) uri=$(mirror 'debian/?$') ;; esac
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" >>"$apt/sources.list"
done
cat >"$apt/apt.conf" <<C
Dir::Etc::SourceList "$apt/sources.list"; Dir::Etc::SourceParts "-"; Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null"; Dir::State::Lists "$apt/lists"; Dir::Cache "$apt/cache";
APT::Architecture "$ARCH"; APT::Sandbox::User "root"; Acquire::Languages "none";
C
export APT_CONFIG=$apt/apt.conf
apt-get -qq update

for suite in "$@"; do
  image=$(apt-cache show "linux-image-cloud-$ARCH/$suite" | sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -1)
  version=${image#linux-image-}
  [ "$(cat "$dir/$suite/version" 2>/dev/null)" = "$version" ] && continue
  rm -rf "${dir:?}/$suite" "$apt"/debs/*.deb
  mkdir -p "$dir/$suite"
  cd "$apt/debs"
  apt-get -qq download "$image"
  # from 7.1 on, the image package is empty and depends on these
  for part in "linux-binary-$version" "linux-modules-$version"; do apt-get -qq download "$part" 2>/dev/null || true; done
  for deb in *.deb; do dpkg-deb -x "$deb" "$dir/$suite"; done
  echo "$version" >"$dir/$suite/version"
done
