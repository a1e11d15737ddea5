/**
 * sockets.ts - a server's connections, and which of them have an answer under way.
 *
 * Out:   closeIdle() ends those that have none, and each other one when its last answer has left.
 * Never: cuts an answer off.
 */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export class Sockets {
  readonly #server: Server
  /** Answers under way; more than one when requests are pipelined. */
  readonly #answers = new Map<Socket, number>()

  constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#answers.set(socket, 0)
      socket.once('close', () => this.#answers.delete(socket))
    })
  }

  /** An answer begins; it ends when the system has all its bytes, or with the connection. */
  answering(socket: Socket, response: ServerResponse): void {
    this.#add(socket, 1)
    response.once('close', () => {
      this.#add(socket, -1)
      if (!this.#server.listening) this.closeIdle()
    })
  }

  closeIdle(): void {
    for (const [socket, answers] of this.#answers) if (answers === 0) socket.destroySoon()
  }

  #add(socket: Socket, difference: number): void {
    const answers = this.#answers.get(socket)
    if (answers !== undefined) this.#answers.set(socket, answers + difference)
  }
}
