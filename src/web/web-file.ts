// SPDX-License-Identifier: Apache-2.0
/**
 * web-file.ts - reloads the web config file of a running server when it or its certificates change.
 *
 * In:    a path. current() checks the contents of the file and of its certificates, at most once a second.
 * Out:   the current configuration, with `problem` while the file is wrong.
 * Fail:  a wrong file throws at the start. Later, onChange gets the error once per change, and TLS continues with the previous
 *        certificates, so that a certificate and its key can be replaced one after the other.
 */
import type { SecureContextOptions } from 'node:tls'
import { readContent } from '../lib/followed-file.js'
import { filesOf, secureOptions } from './tls.js'
import { readWebConfig, type WebConfig, WebConfigError } from './web-config.js'

export interface WebState {
  readonly config: WebConfig
  /** A new object after each change. */
  readonly secure: SecureContextOptions | undefined
  /** Why every request must be refused: the file is wrong, so its rules are unknown. */
  readonly problem?: string
  /** Why the previous certificates are still in use. */
  readonly certificateProblem?: string
}

export interface WebFileOptions {
  /** Called after each change, with the error if it was refused. */
  readonly onChange?: (problem: string | undefined) => void
  /** Milliseconds. For tests. */
  readonly now?: () => number
}

const CHECK_INTERVAL_MS = 1000

export class WebFile {
  readonly path: string
  readonly #onChange: (problem: string | undefined) => void
  readonly #now: () => number
  #state: WebState
  /** The config file and the files that it named when it last could be parsed. */
  #files: readonly string[]
  #marks: string
  #checkedAt: number

  constructor(path: string, { onChange = () => {}, now = () => performance.now() }: WebFileOptions = {}) {
    this.path = path
    this.#onChange = onChange
    this.#now = now
    const config = readWebConfig(path)
    this.#files = [path, ...filesOf(config.tls)]
    // Taken before the certificates are read, so that the next check finds a change during the read.
    this.#marks = marksOf(this.#files)
    this.#state = { config, secure: config.tls && secureOptions(config.tls) }
    this.#checkedAt = now()
  }

  current(): WebState {
    if (this.#now() - this.#checkedAt < CHECK_INTERVAL_MS) return this.#state
    this.#checkedAt = this.#now()
    const marks = marksOf(this.#files)
    if (marks === this.#marks) return this.#state
    this.#marks = marks
    let problem: string | undefined
    try {
      this.#state = this.#read()
    } catch (error) {
      problem = messageOf(error)
      this.#state = { ...this.#state, problem }
    }
    this.#onChange(problem ?? this.#state.certificateProblem)
    return this.#state
  }

  #read(): WebState {
    const config = readWebConfig(this.path)
    const has = config.tls !== undefined
    if (has !== (this.#state.secure !== undefined)) {
      throw new WebConfigError(`${this.path}: tls_server_config: TLS ${has ? 'on' : 'off'} needs a restart`)
    }
    this.#files = [this.path, ...filesOf(config.tls)]
    this.#marks = marksOf(this.#files)
    try {
      return { config, secure: config.tls && secureOptions(config.tls) }
    } catch (error) {
      const { config: old, secure } = this.#state
      return { config: { ...config, tls: old.tls }, secure, certificateProblem: messageOf(error) }
    }
  }
}

function marksOf(files: readonly string[]): string {
  return files.map(file => readContent(file).mark).join()
}

/** Whatever is wrong with a file closes the page until it is corrected; it must not end the exporter. */
function messageOf(error: unknown): string {
  return (error as Error).message
}
