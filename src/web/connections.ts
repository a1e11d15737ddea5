// SPDX-License-Identifier: Apache-2.0
/**
 * connections.ts - tracks the connections of a server and evicts idle ones.
 *
 * In:    the sockets of node:http and, over TLS, of node:tls; addresses and ports identify the two sockets of a connection.
 * Out:   beyond `max` connections, closes the one idle for longest. A connection in its handshake or sending a request byte by
 *        byte counts as idle. closeIdle() closes all idle ones now and the others after their last response.
 * Never: cuts off a response, except one that misses its deadline, and by destroyAll().
 */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Connection {
  /** The socket of node:http if it has one already, else that of node:net or node:tls. */
  socket: Socket
  /** Responses in progress; more than one when requests are pipelined. */
  responses: number
}

export class Connections {
  readonly #server: Pick<Server, 'listening' | 'on'>
  readonly #max: number
  /** By key, least recently active first. */
  readonly #all = new Map<string, Connection>()
  readonly #onEvicted: (peer: string | undefined) => void

  /** `evicted` is called for each connection closed to make room. */
  constructor(
    server: Pick<Server, 'listening' | 'on'>,
    max: number,
    onEvicted: (peer: string | undefined) => void = () => {},
  ) {
    this.#server = server
    this.#max = max
    this.#onEvicted = onEvicted
    server.on('connection', (socket: Socket) => this.#add(socket))
    server.on('secureConnection', (socket: Socket) => this.#add(socket))
  }

  get size(): number {
    return this.#all.size
  }

  isResponding(socket: Socket): boolean {
    return (this.#all.get(keyOf(socket))?.responses ?? 0) > 0
  }

  /** Call when a response starts. It ends when the kernel has all its bytes, or with the connection. */
  startResponse(socket: Socket, response: ServerResponse, deadlineMs: number): void {
    const key = keyOf(socket)
    const connection = this.#all.get(key)
    if (connection === undefined) return
    connection.responses++
    const deadline = setTimeout(() => socket.destroy(), deadlineMs).unref()
    response.once('close', () => {
      clearTimeout(deadline)
      connection.responses--
      if (this.#all.get(key) === connection) this.#touch(key, connection)
      if (!this.#server.listening) this.closeIdle()
    })
  }

  /** Cuts off every connection, whatever it is doing. */
  destroyAll(): void {
    for (const { socket } of this.#all.values()) socket.destroy()
  }

  closeIdle(): void {
    for (const { socket, responses } of this.#all.values()) if (responses === 0) socket.destroySoon()
  }

  #add(socket: Socket): void {
    const key = keyOf(socket)
    const connection = this.#all.get(key) ?? { socket, responses: 0 }
    connection.socket = socket
    this.#touch(key, connection)
    socket.once('close', () => {
      if (this.#all.get(key) === connection && connection.socket === socket) this.#all.delete(key)
    })
    if (this.#all.size > this.#max) this.#evict()
  }

  #touch(key: string, connection: Connection): void {
    this.#all.delete(key)
    this.#all.set(key, connection)
  }

  /** Closes the least recently active connection without a response in progress: the newest if all others have one. */
  #evict(): void {
    for (const [key, { socket, responses }] of this.#all) {
      if (responses > 0) continue
      this.#all.delete(key)
      this.#onEvicted(socket.remoteAddress)
      socket.destroy()
      return
    }
  }
}

function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
