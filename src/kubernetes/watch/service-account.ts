// SPDX-License-Identifier: Apache-2.0
/**
 * service-account.ts - access with the files that the kubelet mounts into each pod.
 */
import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import type { Access, AccessSource } from './access.js'
import { ApiError } from './api-error.js'

/** A token is valid for an hour or more, and the kubelet replaces it long before it expires. */
const READ_AGAIN_MS = 60_000
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

export class ServiceAccount implements AccessSource {
  readonly name = 'service account'
  readonly #server: URL
  readonly #directory: string
  #access: Access | undefined
  #readMs = 0

  /** `directory`: other than the usual one, for tests and the demo. */
  constructor(host: string, port: string, directory = SERVICE_ACCOUNT) {
    this.#server = new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`)
    this.#directory = directory
  }

  async current(): Promise<Access> {
    if (this.#access !== undefined && performance.now() - this.#readMs < READ_AGAIN_MS) return this.#access
    this.#access = {
      server: this.#server,
      tls: { ca: this.#read('ca.crt') },
      headers: { authorization: `Bearer ${this.#read('token').trim()}` },
    }
    this.#readMs = performance.now()
    return this.#access
  }

  renew(): void {
    this.#access = undefined
  }

  #read(name: string): string {
    const path = join(this.#directory, name)
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      throw new ApiError('unauthorized', `service account: ${path}: ${(error as Error).message}`)
    }
  }
}
