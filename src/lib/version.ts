/**
 * version.ts - which Weir this is, from package.json beside it and from the variables that the build or the image sets.
 */
import { readFileSync } from 'node:fs'
import { arch } from 'node:os'

interface Manifest {
  readonly version: string
}

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest
const { WEIR_REVISION, WEIR_BRANCH, WEIR_BUILD_USER, WEIR_BUILD_DATE } = process.env

export const VERSION = manifest.version

/** Commit that was built; `unknown` where the build did not say. */
export const REVISION = WEIR_REVISION || 'unknown'

/** What `--version` prints, as the tools of Prometheus do. */
export const BUILD_LINES = [
  `weir, version ${VERSION} (branch: ${WEIR_BRANCH || 'unknown'}, revision: ${REVISION})`,
  `  build user:       ${WEIR_BUILD_USER || 'unknown'}`,
  `  build date:       ${WEIR_BUILD_DATE || 'unknown'}`,
  `  node version:     ${process.version}`,
  `  platform:         ${process.platform}/${arch()}`,
].join('\n')
