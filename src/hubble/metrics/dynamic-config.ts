/**
 * dynamic-config.ts - the file of dynamic metrics, looked at again and again.
 *
 * In:    a path; who applies its metrics.
 * Out:   each new content applied once. ConfigMaps are replaced by a link, which no watch survives, so it is read anew
 *        every few seconds; content, not time, says whether it changed.
 * Fail:  check() never throws for the file: what cannot be read or does not compile is told to the listener, and the
 *        last good configuration stays.
 */
import { readFileSync } from 'node:fs'
import { ConfigError, type MetricConfig } from './config.js'

export interface DynamicListener {
  /** Makes the change when it can be made; at once if there is none. */
  exclusive?(change: () => void): Promise<void>
  /** The file says these metrics now. Throws a ConfigError if they do not compile. */
  apply(metrics: readonly MetricConfig[]): void
  /** The file has changed and is in force. */
  onApplied(): void
  /** The file has changed and is not in force. */
  onRefused(error: ConfigError): void
}

/** Hubble looks every 10 s; a file of a few kilobytes may be read more often. */
const INTERVAL_MS = 2000

export class DynamicConfig {
  readonly #path: string
  readonly #parse: (text: string) => MetricConfig[]
  readonly #listener: DynamicListener
  #current: string | undefined
  #timer: NodeJS.Timeout | undefined

  /** `last` is the content that is in force already. */
  constructor(path: string, parse: (text: string) => MetricConfig[], listener: DynamicListener, current?: string) {
    this.#path = path
    this.#parse = parse
    this.#listener = listener
    this.#current = current
  }

  /** Look every few seconds from now on; does not keep the process alive. */
  start(intervalMs = INTERVAL_MS): void {
    this.#timer = setInterval(() => this.check(), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Look now. */
  check(): void {
    const [seen, text] = this.#read()
    if (seen === this.#current) return
    this.#current = seen
    const { exclusive } = this.#listener
    if (exclusive === undefined) this.#apply(seen, text)
    else void exclusive(() => this.#apply(seen, text))
  }

  #apply(seen: string, text: string | undefined): void {
    try {
      if (text === undefined) throw new ConfigError(seen)
      this.#listener.apply(this.#parse(text))
      this.#listener.onApplied()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#listener.onRefused(error)
    }
  }

  /** What was seen, to be told once, and the text where there is one. */
  #read(): [seen: string, text: string | undefined] {
    try {
      const text = readFileSync(this.#path, 'utf8')
      return [text, text]
    } catch (error) {
      return [`${this.#path}: ${(error as Error).message}`, undefined]
    }
  }
}
