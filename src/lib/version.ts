// SPDX-License-Identifier: Apache-2.0
/**
 * version.ts - version and build of this Weir, for --version, metrics and user agents.
 *
 * In:    package.json; revision.json, which the build writes; WEIR_* variables for what that file does not know.
 */
import { readFileSync } from 'node:fs'
import { arch } from 'node:os'

export interface Build {
  /** Commit, with `-dirty` if files had changed; or `unknown`. */
  readonly revision: string
  readonly branch: string
  readonly date: string
  readonly user: string
}

const UNKNOWN = 'unknown'

/** `file`: the revision.json of the build; may be missing. */
export function readBuild(file: URL, env: NodeJS.ProcessEnv): Build {
  const written = readJson(file)
  const known = (value: string | undefined) => (value === UNKNOWN ? undefined : value)
  return {
    revision: known(written.revision) ?? (env.WEIR_REVISION || UNKNOWN),
    branch: known(written.branch) ?? (env.WEIR_BRANCH || UNKNOWN),
    date: env.WEIR_BUILD_DATE || (written.date ?? UNKNOWN),
    user: env.WEIR_BUILD_USER || UNKNOWN,
  }
}

function readJson(file: URL): Partial<Record<keyof Build | 'version', string>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Build>
  } catch (error) {
    // Compiled without make, as by an editor.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

const manifest = readJson(new URL('../../package.json', import.meta.url))
const build = readBuild(new URL('../revision.json', import.meta.url), process.env)

export const VERSION = manifest.version ?? UNKNOWN
export const REVISION = build.revision

/** The output of `--version`, in the format of the Prometheus tools. */
export const BUILD_LINES = [
  `weir, version ${VERSION} (branch: ${build.branch}, revision: ${REVISION})`,
  `  build user:       ${build.user}`,
  `  build date:       ${build.date}`,
  `  node version:     ${process.version}`,
  `  platform:         ${process.platform}/${arch()}`,
].join('\n')
