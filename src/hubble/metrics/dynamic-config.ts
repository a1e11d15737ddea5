/**
 * dynamic-config.ts - polls the file of dynamic metrics and applies its changes.
 *
 * In:    a path; a listener that applies the metrics.
 * Out:   each new content is applied once. Kubernetes replaces a ConfigMap by swapping a symlink, which a file watch
 *        does not survive, so the file is read every few seconds; it has changed when its content has.
 * Fail:  check() never throws because of the file. The listener gets the error if the file cannot be read or does not
 *        compile; the last good configuration stays in force.
 */
import { readFileSync } from 'node:fs'
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

/** Hubble reads the file every 10 s; a few kilobytes can be read more often. */
const INTERVAL_MS = 2000

export class DynamicConfig {
  readonly #path: string
  readonly #parse: (text: string) => MetricConfig[]
  readonly #listener: DynamicListener
  #current: string | undefined
  #timer: NodeJS.Timeout | undefined

  /** `current`: the content that is already in force. */
  constructor(path: string, parse: (text: string) => MetricConfig[], listener: DynamicListener, current?: string) {
    this.#path = path
    this.#parse = parse
    this.#listener = listener
    this.#current = current
  }

  /** Checks the file at this interval; does not keep the process alive. */
  start(intervalMs = INTERVAL_MS): void {
    this.#timer = setInterval(() => this.check(), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Checks the file now. */
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

  /** `seen`: the text, or the error if it cannot be read, so that each error is reported once. */
  #read(): [seen: string, text: string | undefined] {
    try {
      const text = readFileSync(this.#path, 'utf8')
      return [text, text]
    } catch (error) {
      return [`${this.#path}: ${(error as Error).message}`, undefined]
    }
  }
}
