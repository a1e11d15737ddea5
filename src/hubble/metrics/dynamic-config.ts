// SPDX-License-Identifier: Apache-2.0
/**
 * dynamic-config.ts - polls the file of dynamic metrics and applies its changes.
 *
 * In:    a path; a listener that applies the metrics.
 * Out:   each new content is applied once.
 * Fail:  check() never throws because of the file. The listener gets the error if the file cannot be read or does not
 *        compile; the last good configuration stays in force.
 */
import { type FileContent, FollowedFile } from '../../lib/followed-file.js'
import { ConfigError, type MetricConfig } from './config.js'

export interface DynamicListener {
  /** Runs the change when it is safe to; without this function it runs at once. */
  exclusive?(change: () => void): Promise<void>
  /** Switches to these metrics. Throws a ConfigError if they do not compile. */
  apply(metrics: readonly MetricConfig[]): void
  /** The file has changed, and its new content is in force. */
  onApplied(): void
  /** The file has changed, and its new content was refused. */
  onRefused(error: ConfigError): void
}

export class DynamicConfig {
  readonly #file: FollowedFile
  readonly #parse: (text: string) => MetricConfig[]
  readonly #listener: DynamicListener

  /** `current`: the content that is already in force. */
  constructor(path: string, parse: (text: string) => MetricConfig[], listener: DynamicListener, current?: string) {
    this.#file = new FollowedFile(path, current)
    this.#parse = parse
    this.#listener = listener
  }

  /** Checks the file at this interval, more often than Hubble's 10 s; does not keep the process alive. */
  start(intervalMs?: number): void {
    this.#file.start(() => this.check(), intervalMs)
  }

  stop(): void {
    this.#file.stop()
  }

  /** Checks the file now. */
  check(): void {
    const content = this.#file.changed()
    if (content === undefined) return
    this.#file.settle(content)
    const { exclusive } = this.#listener
    if (exclusive === undefined) this.#apply(content)
    else void exclusive(() => this.#apply(content))
  }

  #apply({ text, error }: FileContent): void {
    try {
      if (text === undefined) throw new ConfigError(`${this.#file.path}: ${error.message}`)
      this.#listener.apply(this.#parse(text))
      this.#listener.onApplied()
    } catch (problem) {
      if (!(problem instanceof ConfigError)) throw problem
      this.#listener.onRefused(problem)
    }
  }
}
