/**
 * version.ts - which Weir this is, from package.json beside it.
 */
import { readFileSync } from 'node:fs'

interface Manifest {
  readonly version: string
}

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest

export const VERSION = manifest.version

/** Commit that was built, from the environment of the build or of the image; `unknown` elsewhere. */
export const REVISION = process.env.WEIR_REVISION ?? 'unknown'
