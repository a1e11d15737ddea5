/**
 * connections.ts - a server's connections: which have an answer under way, and which must go.
 *
 * In:    node:http's, and above TLS node:tls's, sockets: both ends' addresses and ports tie the two of a connection.
 * Out:   beyond `most` connections the one that has been idle for longest ends: also one that sends its request byte by
 *        byte, and one in its handshake. closeIdle() ends all idle ones, and each other when its last answer has left.
 * Never: cuts an answer off, but for one that does not leave before its deadline.
 */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Connection {
  /** The one that node:http has, once there is one. */
  socket: Socket
  /** Answers under way; more than one when requests are pipelined. */
  answers: number
}

export class Connections {
  readonly #server: Pick<Server, 'listening' | 'on'>
  readonly #most: number
  /** By key; those that were active last are last. */
  readonly #all = new Map<string, Connection>()
  readonly #evicted: (peer: string | undefined) => void

  /** `evicted` is told each that ends to make room. */
  constructor(
    server: Pick<Server, 'listening' | 'on'>,
    most: number,
    evicted: (peer: string | undefined) => void = () => {},
  ) {
    this.#server = server
    this.#most = most
    this.#evicted = evicted
    server.on('connection', (socket: Socket) => this.#add(socket))
    server.on('secureConnection', (socket: Socket) => this.#add(socket))
  }

  get size(): number {
    return this.#all.size
  }

  isAnswering(socket: Socket): boolean {
    return (this.#all.get(keyOf(socket))?.answers ?? 0) > 0
  }

  /** An answer begins; it ends when the system has all its bytes, or with the connection. */
  answering(socket: Socket, response: ServerResponse, deadlineMs: number): void {
    const key = keyOf(socket)
    const connection = this.#all.get(key)
    if (connection === undefined) return
    connection.answers++
    const deadline = setTimeout(() => socket.destroy(), deadlineMs).unref()
    response.once('close', () => {
      clearTimeout(deadline)
      connection.answers--
      if (this.#all.get(key) === connection) this.#touch(key, connection)
      if (!this.#server.listening) this.closeIdle()
    })
  }

  closeIdle(): void {
    for (const { socket, answers } of this.#all.values()) if (answers === 0) socket.destroySoon()
  }

  #add(socket: Socket): void {
    const key = keyOf(socket)
    const connection = this.#all.get(key) ?? { socket, answers: 0 }
    connection.socket = socket
    this.#touch(key, connection)
    socket.once('close', () => {
      if (this.#all.get(key) === connection && connection.socket === socket) this.#all.delete(key)
    })
    if (this.#all.size > this.#most) this.#evict()
  }

  #touch(key: string, connection: Connection): void {
    this.#all.delete(key)
    this.#all.set(key, connection)
  }

  /** The newest, when all others have answers under way. */
  #evict(): void {
    for (const [key, { socket, answers }] of this.#all) {
      if (answers > 0) continue
      this.#all.delete(key)
      this.#evicted(socket.remoteAddress)
      socket.destroy()
      return
    }
  }
}

function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
