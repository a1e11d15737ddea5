/**
 * problem.ts - what is wrong with a configuration: each part of it, with where it was given.
 *
 * Out:   one line each: `weir.yaml:3: web.listen-address: 'nowhere' is refused; allowed: :PORT, ...`
 */

export interface Problem {
  /** `weir.yaml:3`, or nothing where the name tells: `--web.listen-address`, `WEIR_WEB_LISTEN_ADDRESS`. */
  readonly where: string
  /** As it was written there. */
  readonly name: string
  /** What was given, where that helps. */
  readonly value?: string
  /** Why not, with what is allowed. */
  readonly message: string
}

/** A configuration that is refused, with all that is wrong with it. */
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
  const line = value === undefined ? `${place}: ${message}` : `${place}: '${value}' is refused; ${message}`
  return line.replaceAll('\n', ' ')
}
