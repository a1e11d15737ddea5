/**
 * config-reload.ts - the configuration of a running Weir, read anew at SIGHUP or when somebody posts to /-/reload.
 *
 * In:    how to read it again; the parts that can change while they run.
 * Out:   all of what changed is in force, or none of it; which of both is told in log and metrics.
 * Fail:  told with all that is wrong and each setting that cannot change; what was in force stays.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Loaded } from '../../config/load.js'
import { describe, InvalidConfig, type Problem } from '../../config/problem.js'
import { type Config, NAMES, SETTINGS, type SettingName } from '../../config/schema.js'
import type { Setting } from '../../config/setting.js'
import { M } from '../../exporter/catalog/catalog.js'
import type { SeriesStore } from '../../exporter/series/series.js'
import type { LineLog } from '../../lib/log-limit.js'
import type { Sighup } from './sighup.js'

/** A part of a running Weir that can take another configuration. */
export interface Reloadable {
  /** Check all that can fail, and change nothing; what is returned puts it in force and cannot fail. */
  prepare(next: Config): () => void
}

/** Makes a change at a moment when it can be made; resolves when it is made. */
export type Exclusive = (change: () => void) => Promise<void>

/** A configuration in force, and how to read it again from where it came. */
export interface Configuration {
  readonly loaded: Loaded
  /** Throws an InvalidConfig. */
  again(): Loaded
  /** When to. */
  readonly sighup: Sighup
}

const MS = 1000

export class Reload {
  readonly #again: () => Loaded
  readonly #parts: readonly Reloadable[]
  readonly #store: SeriesStore
  readonly #log: LineLog
  readonly #counts = { applied: 0, refused: 0 }
  readonly #around: Exclusive
  readonly #sighup: Sighup
  #config: Config
  /** One that has not begun: it will read what is there then, for all who ask meanwhile. */
  #next: Promise<string | undefined> | undefined
  #lastGood = Date.now()

  constructor(
    { loaded, again, sighup }: Configuration,
    parts: readonly Reloadable[],
    store: SeriesStore,
    log: LineLog,
    exclusive: Exclusive,
  ) {
    this.#config = loaded.config
    this.#again = again
    this.#sighup = sighup
    this.#parts = parts
    this.#store = store
    this.#log = log
    this.#around = exclusive
    this.#tell(true)
  }

  /** Reload at each SIGHUP from now on, and once for those that came before. */
  start(): void {
    this.#sighup.listen(() => void this.now())
  }

  stop(): void {
    this.#sighup.unlisten()
  }

  /** Reload as soon as it can be; says why it is refused, one line for each reason, or undefined. */
  now(): Promise<string | undefined> {
    this.#next ??= this.#whenQuiet()
    return this.#next
  }

  async #whenQuiet(): Promise<string | undefined> {
    let refused: string | undefined
    await nextTurn()
    await this.#around(() => {
      this.#next = undefined
      refused = this.#reload()
    })
    return refused
  }

  #reload(): string | undefined {
    try {
      this.#apply()
      return undefined
    } catch (error) {
      if (!(error instanceof InvalidConfig)) throw error
      this.#counts.refused++
      this.#tell(false)
      for (const problem of error.problems) this.#log.error({ err: describe(problem) }, 'configuration is refused')
      return error.message
    }
  }

  #apply(): void {
    const { config, origins, warnings } = this.#again()
    const changed = NAMES.filter(name => !isDeepStrictEqual(config[name], this.#config[name]))
    const problems = changed.filter(name => !settingOf(name).reload).map(name => this.#fixed(name, config, origins))
    const commits = this.#parts.flatMap(part => prepared(part, config, problems))
    if (problems.length > 0) throw new InvalidConfig(problems)
    for (const commit of commits) commit()
    this.#config = config
    this.#counts.applied++
    this.#lastGood = Date.now()
    this.#tell(true)
    for (const warning of warnings) this.#log.warn({}, warning)
    this.#log.info({ changed }, 'configuration reloaded')
  }

  #fixed(name: SettingName, next: Config, origins: ReadonlyMap<SettingName, string>): Problem {
    const { secret } = settingOf(name)
    const value = secret ? {} : { value: shown(name, next) }
    const before = secret ? '' : ` from '${shown(name, this.#config)}'`
    const message = `it cannot change${before} while Weir runs; allowed: a restart`
    return { where: '', name: origins.get(name) ?? name, ...value, message }
  }

  #tell(good: boolean): void {
    const store = this.#store
    store.set(store.family(M.configReloadSuccessful).series([]), good ? 1 : 0)
    store.set(store.family(M.configReloadTime).series([]), this.#lastGood / MS)
    for (const [result, n] of Object.entries(this.#counts)) store.set(store.family(M.configReloads).series([result]), n)
  }
}

/** What puts the part's share in force; what it refuses goes to `problems`. */
function prepared(part: Reloadable, config: Config, problems: Problem[]): (() => void)[] {
  try {
    return [part.prepare(config)]
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error
    problems.push(...error.problems)
    return []
  }
}

function settingOf(name: SettingName): Setting<unknown> {
  return SETTINGS[name]
}

function shown(name: SettingName, config: Config): string {
  const { kind, defaultText } = settingOf(name)
  const value = config[name]
  return value === undefined ? (defaultText ?? '') : kind.show(value)
}
