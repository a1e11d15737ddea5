#!/bin/sh
# sbom.sh - write the software bill of materials (CycloneDX): npm's packages, and the C libraries, which npm does not list.
#
# In:    the file to write; x64 or arm64: the C libraries are those that prebuilt.sh took for it.
set -eu

cd "$(dirname "$0")/.."
npm sbom --sbom-format cyclonedx --omit dev --package-lock-only >"$1.npm"
node -e '
  const { readFileSync, writeFileSync, rmSync } = require("node:fs")
  const [file, arch] = process.argv.slice(1)
  const versions = new Map(
    readFileSync(`.stamps/sysroot/${arch}/versions`, "utf8").trim().split("\n").map(line => line.split(" ")),
  )
  const bom = JSON.parse(readFileSync(file + ".npm", "utf8"))
  for (const name of ["libbpf1", "libelf1", "zlib1g"]) {
    const version = versions.get(name)
    const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch === "x64" ? "amd64" : arch}&distro=debian-12`
    bom.components.push({ type: "library", name, version, purl, "bom-ref": purl })
  }
  writeFileSync(file, JSON.stringify(bom, null, 2) + "\n")
  rmSync(file + ".npm")
' "$1" "$2"
