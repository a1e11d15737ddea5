// SPDX-License-Identifier: Apache-2.0
/**
 * connection.ts - the one connection to the receiver, an HTTP agent that can be cut and get new certificates.
 *
 * In:    PEM files; renew() reads them before each export.
 * Fail:  an unreadable file throws; the previous certificates stay.
 */
import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { type AgentOptions, Agent as HttpsAgent } from 'node:https'
import type { OtlpConfig } from './config.js'

export class Connection {
  readonly agent: HttpAgent | HttpsAgent
  readonly #config: OtlpConfig
  #open = false

  constructor(config: OtlpConfig) {
    this.#config = config
    const options = { keepAlive: true, maxSockets: 1 }
    this.agent = config.url.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options)
    const { agent } = this
    const connect = agent.createConnection.bind(agent)
    agent.createConnection = (...args: Parameters<typeof connect>) => {
      // The SDK may be about to retry a request that we aborted.
      if (!this.#open) throw new Error('the request was aborted')
      return connect(...args)
    }
  }

  open(): void {
    this.#open = true
  }

  /** The next connection uses the current contents of the files. */
  renew(): void {
    const { certificate, clientCertificate, clientKey } = this.#config
    const options = (this.agent as HttpsAgent).options as AgentOptions
    if (certificate !== undefined) options.ca = readFileSync(certificate)
    if (clientCertificate !== undefined) options.cert = readFileSync(clientCertificate)
    if (clientKey !== undefined) options.key = readFileSync(clientKey)
  }

  /** Aborts the request in progress, if any, and allows no other until open(). */
  cut(): void {
    this.#open = false
    this.agent.destroy()
  }
}
