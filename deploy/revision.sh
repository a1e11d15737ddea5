#!/bin/sh
# revision.sh - write the revision of this checkout as JSON to a file that ships with the build; `weir --version` prints it.
#
# In:    the file; git, or WEIR_REVISION and WEIR_BRANCH where there is no repository, as in the image's build stage.
# Out:   {"revision", "branch", "date"}, `-dirty` behind the revision of changed files. An up-to-date file keeps its date.
set -eu

file=$1
cd "$(dirname "$0")/.."
# Only a repository of our own: a build inside another one would report that one's revision.
if [ -e .git ]; then
	revision=$(git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null || true)
	branch=$(git rev-parse --abbrev-ref HEAD 2>/dev/null || true)
fi
revision=${revision:-${WEIR_REVISION:-unknown}}
branch=${branch:-${WEIR_BRANCH:-unknown}}
if grep -qsF "\"revision\":\"$revision\",\"branch\":\"$branch\"" "$file"; then exit 0; fi
mkdir -p "$(dirname "$file")"
printf '{"revision":"%s","branch":"%s","date":"%s"}\n' "$revision" "$branch" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$file"
