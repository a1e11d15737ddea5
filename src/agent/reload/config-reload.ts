// SPDX-License-Identifier: Apache-2.0
/**
 * config-reload.ts - reloads the configuration of a running Weir on SIGHUP or POST to /-/reload.
 *
 * In:    a function that loads the configuration again; the parts that can change while Weir runs.
 * Out:   all changes take effect, or none; the result is logged and shows in the reload metrics.
 * Fail:  every problem, and every setting that cannot change, is reported; the previous configuration stays.
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
import { ReloadStatus } from './reload-status.js'
import type { Sighup } from './sighup.js'

/** A part of a running Weir that can take a new configuration. */
export interface Reloadable {
  /** Checks everything that can fail and changes nothing. The returned function applies the change and cannot fail. */
  prepare(next: Config): () => void
}

/** Runs a change when it is safe, and resolves when it has been made. */
export type Exclusive = (change: () => void) => Promise<void>

/** The configuration in effect, and how to load it again. */
export interface Configuration {
  readonly loaded: Loaded
  /** Throws an InvalidConfig. */
  reload(): Loaded
  /** The signal that triggers a reload. */
  readonly sighup: Sighup
}

const METRICS = { successful: M.configReloadSuccessful, time: M.configReloadTime, reloads: M.configReloads }

export class ConfigReload {
  readonly #configuration: Configuration
  readonly #parts: readonly Reloadable[]
  readonly #log: LineLog
  readonly #exclusive: Exclusive
  readonly #status: ReloadStatus
  #current: Config
  /** A reload that has not read anything yet: it serves all requests that arrive until it does. */
  #pending: Promise<string | undefined> | undefined

  constructor(
    configuration: Configuration,
    parts: readonly Reloadable[],
    store: SeriesStore,
    log: LineLog,
    exclusive: Exclusive,
  ) {
    this.#configuration = configuration
    this.#current = configuration.loaded.config
    this.#parts = parts
    this.#log = log
    this.#exclusive = exclusive
    this.#status = new ReloadStatus(store, METRICS)
  }

  /** Reloads on each SIGHUP, and once now if there was one before. */
  start(): void {
    this.#configuration.sighup.listen(() => void this.now())
  }

  stop(): void {
    this.#configuration.sighup.ignore()
  }

  /** Reloads as soon as it is safe. Resolves to the problems, one per line, or undefined on success. */
  now(): Promise<string | undefined> {
    this.#pending ??= this.#reloadExclusively()
    return this.#pending
  }

  async #reloadExclusively(): Promise<string | undefined> {
    let problems: string | undefined
    await nextTurn()
    await this.#exclusive(() => {
      this.#pending = undefined
      problems = this.#reload()
    })
    return problems
  }

  #reload(): string | undefined {
    try {
      this.#apply(this.#configuration.reload())
      return undefined
    } catch (error) {
      if (!(error instanceof InvalidConfig)) throw error
      this.#status.refused()
      for (const problem of error.problems) this.#log.error({ err: describe(problem) }, 'configuration reload failed')
      return error.message
    }
  }

  #apply({ config, origins, warnings }: Loaded): void {
    const changed = NAMES.filter(name => !isDeepStrictEqual(config[name], this.#current[name]))
    const fixed = changed.filter(name => !settingOf(name).reload)
    const problems = fixed.map(name => this.#cannotChange(name, config, origins))
    const commits = this.#parts.flatMap(part => prepared(part, config, problems))
    if (problems.length > 0) throw new InvalidConfig(problems)
    for (const commit of commits) commit()
    this.#current = config
    this.#status.applied()
    for (const warning of warnings) this.#log.warn({}, warning)
    this.#log.info({ changed }, 'configuration reloaded')
  }

  #cannotChange(name: SettingName, next: Config, origins: ReadonlyMap<SettingName, string>): Problem {
    const values = settingOf(name).secret ? '' : ` from '${shown(name, this.#current)}' to '${shown(name, next)}'`
    const message = `cannot change${values} while Weir runs; restart to apply`
    return { where: '', name: origins.get(name) ?? name, message }
  }
}

/** The function that applies the part's change; its problems go to `problems`. */
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
