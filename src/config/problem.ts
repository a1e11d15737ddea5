// SPDX-License-Identifier: Apache-2.0
/**
 * problem.ts - errors of a configuration, each with its location.
 *
 * Out:   one line each: `weir.yaml:3: web.listen-address: invalid value 'nowhere'; allowed: :PORT, ...`
 */

export interface Problem {
  /** `weir.yaml:3`; empty where the name shows the origin: `--web.listen-address`, `WEIR_WEB_LISTEN_ADDRESS`. */
  readonly where: string
  /** The setting as written there. */
  readonly name: string
  /** The invalid value, where quoting it helps. */
  readonly value?: string
  /** The reason, with what is allowed. */
  readonly message: string
}

/** Carries all problems of a configuration. */
export class InvalidConfig extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(describe).join('\n'))
    this.problems = problems
  }
}

/** One line. */
export function describe({ where, name, value, message }: Problem): string {
  const place = [where, name].filter(part => part !== '').join(': ')
  const line = value === undefined ? `${place}: ${message}` : `${place}: invalid value '${value}'; ${message}`
  return line.replaceAll('\n', ' ')
}
