#!/bin/sh
# sbom.sh - write the software bill of materials (CycloneDX): npm's packages, and the C libraries, which npm does not list.
#
# In:    the file to write. The C libraries are Debian's, in the versions installed on this machine.
set -eu

cd "$(dirname "$0")/.."
npm sbom --sbom-format cyclonedx --omit dev --package-lock-only >"$1.npm"
node -e '
  const { readFileSync, writeFileSync, rmSync } = require("node:fs")
  const { execFileSync } = require("node:child_process")
  const [file] = process.argv.slice(1)
  const bom = JSON.parse(readFileSync(file + ".npm", "utf8"))
  for (const name of ["libbpf1", "libelf1", "zlib1g"]) {
    const version = execFileSync("dpkg-query", ["-W", "-f", "${Version}", name], { encoding: "utf8" })
    const purl = `pkg:deb/debian/${name}@${version}?distro=debian-12`
    bom.components.push({ type: "library", name, version, purl, "bom-ref": purl })
  }
  writeFileSync(file, JSON.stringify(bom, null, 2) + "\n")
  rmSync(file + ".npm")
' "$1"
