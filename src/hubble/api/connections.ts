// SPDX-License-Identifier: Apache-2.0
/**
 * connections.ts - listens on the addresses of the flow API and owns their connections.
 *
 * In:    addresses as address.ts parses them; a function that takes each accepted socket.
 * Fail:  listen() rejects with an Error that names the address. A connection over a limit is closed at once, and counted.
 * Never: keeps a connection after destroy(), whatever its peer does. A graceful shutdown would wait for a peer that does not
 *        read.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type ApiAddress, listenOptions } from './address.js'

/** Of all addresses together. Each costs some 20 kB. */
export const MAX_CONNECTIONS = 256
/** Of one remote address. A Relay and a user or two need ten. */
export const MAX_CONNECTIONS_PER_PEER = 64
/** After this time without traffic the kernel probes whether the peer still exists. */
const KEEP_ALIVE_MS = 60_000

export class ApiConnections {
  /** Connections closed because a limit was reached. */
  refused = 0
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #byPeer = new Map<string, number>()

  /** Open connections. */
  get open(): number {
    return this.#sockets.size
  }

  /** Returns the port; 0 for a unix socket. */
  async listen(address: ApiAddress, accept: (socket: Socket) => void): Promise<number> {
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }
    const server = createServer(options, socket => this.#accept(socket, accept))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(listenOptions(address), resolve)
    })
    server.removeAllListeners('error')
    // accept() may fail later, out of descriptors for example: the connection is lost, the others are not.
    server.on('error', () => this.refused++)
    this.#servers.push(server)
    return address.kind === 'unix' ? 0 : (server.address() as AddressInfo).port
  }

  /** Stops accepting. */
  close(): void {
    for (const server of this.#servers.splice(0)) server.close()
  }

  destroy(): void {
    this.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(socket: Socket, accept: (socket: Socket) => void): void {
    // Connections of the unix socket have no remote address, and the file's mode limits its clients.
    const { remoteAddress: peer } = socket
    const ofPeer = peer === undefined ? 0 : (this.#byPeer.get(peer) ?? 0)
    if (this.#sockets.size >= MAX_CONNECTIONS || ofPeer >= MAX_CONNECTIONS_PER_PEER) {
      this.refused++
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    if (peer !== undefined) this.#byPeer.set(peer, ofPeer + 1)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      if (peer !== undefined) this.#release(peer)
    })
    accept(socket)
  }

  #release(peer: string): void {
    const left = this.#byPeer.get(peer)! - 1
    if (left === 0) this.#byPeer.delete(peer)
    else this.#byPeer.set(peer, left)
  }
}
