/**
 * connection.ts - the one connection to the receiver: an agent of ours, so that it can be cut, and its certificates renewed.
 *
 * In:    files in PEM, read again by renew(), before each export.
 * Fail:  a file that cannot be read is an Error; the certificates of before stay.
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
      // The SDK may be about to repeat a request that we gave up.
      if (!this.#open) throw new Error('the request was given up')
      return connect(...args)
    }
  }

  open(): void {
    this.#open = true
  }

  /** The next connection is made with what the files hold now. */
  renew(): void {
    const { certificate, clientCertificate, clientKey } = this.#config
    const options = (this.agent as HttpsAgent).options as AgentOptions
    if (certificate !== undefined) options.ca = readFileSync(certificate)
    if (clientCertificate !== undefined) options.cert = readFileSync(clientCertificate)
    if (clientKey !== undefined) options.key = readFileSync(clientKey)
  }

  /** End the request in progress, if any, and make no other until open(). */
  cut(): void {
    this.#open = false
    this.agent.destroy()
  }
}
