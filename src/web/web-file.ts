/**
 * web-file.ts - the web config file of a running server, followed.
 *
 * In:    a path. current() looks at the times of the file and of its certificates, at most once a second.
 * Out:   what is in force; `broken` while the file is wrong.
 * Fail:  a wrong file throws at the start. Later it is told once a change; TLS goes on with what it had, so that a
 *        certificate and its key may be replaced one after the other.
 */
import { statSync } from 'node:fs'
import type { SecureContextOptions } from 'node:tls'
import { filesOf, secureOptions } from './tls.js'
import { readWebConfig, type WebConfig, WebConfigError } from './web-config.js'

export interface WebState {
  readonly config: WebConfig
  /** Another object after each change. */
  readonly secure: SecureContextOptions | undefined
  /** Why requests can't be let in: what the file asks for is not known. */
  readonly broken?: string
  /** Why the certificates are those of before. */
  readonly certificateFault?: string
}

export interface WebFileOptions {
  /** Told each change: why it was refused, or undefined. */
  readonly onChange?: (fault: string | undefined) => void
  /** Milliseconds; for tests. */
  readonly now?: () => number
}

const LOOK_AGAIN_MS = 1000

export class WebFile {
  readonly path: string
  readonly #onChange: (fault: string | undefined) => void
  readonly #now: () => number
  #state: WebState
  /** Of the last file that could be parsed. */
  #files: readonly string[]
  #seen: string
  #lookedAt: number

  constructor(path: string, { onChange = () => {}, now = () => performance.now() }: WebFileOptions = {}) {
    this.path = path
    this.#onChange = onChange
    this.#now = now
    const config = readWebConfig(path)
    this.#files = [path, ...filesOf(config.tls)]
    // Before the certificates are read: a change during that is found by the next look.
    this.#seen = timesOf(this.#files)
    this.#state = { config, secure: config.tls && secureOptions(config.tls) }
    this.#lookedAt = now()
  }

  current(): WebState {
    if (this.#now() - this.#lookedAt < LOOK_AGAIN_MS) return this.#state
    this.#lookedAt = this.#now()
    const times = timesOf(this.#files)
    if (times === this.#seen) return this.#state
    this.#seen = times
    let fault: string | undefined
    try {
      this.#state = this.#read()
    } catch (error) {
      fault = messageOf(error)
      this.#state = { ...this.#state, broken: fault }
    }
    this.#onChange(fault ?? this.#state.certificateFault)
    return this.#state
  }

  #read(): WebState {
    const config = readWebConfig(this.path)
    const has = config.tls !== undefined
    if (has !== (this.#state.secure !== undefined)) {
      throw new WebConfigError(`${this.path}: tls_server_config: TLS ${has ? 'on' : 'off'} needs a restart`)
    }
    this.#files = [this.path, ...filesOf(config.tls)]
    this.#seen = timesOf(this.#files)
    try {
      return { config, secure: config.tls && secureOptions(config.tls) }
    } catch (error) {
      const { config: old, secure } = this.#state
      return { config: { ...config, tls: old.tls }, secure, certificateFault: messageOf(error) }
    }
  }
}

/** Links are followed: a mounted secret is replaced by pointing its link elsewhere. */
function timesOf(files: readonly string[]): string {
  return files
    .map(file => statSync(file, { bigint: true, throwIfNoEntry: false }))
    .map(stat => (stat === undefined ? '-' : `${stat.ino} ${stat.mtimeNs} ${stat.size}`))
    .join()
}

/** Anything else is a bug. */
function messageOf(error: unknown): string {
  if (error instanceof WebConfigError) return error.message
  throw error
}
