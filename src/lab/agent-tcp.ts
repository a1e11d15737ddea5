// SPDX-License-Identifier: Apache-2.0
/**
 * agent-tcp.ts - TCP in a pod: an echo server, and storms of short connections.
 *
 * In:    ports to listen on; or a server, the number of connections and how to close them.
 * Out:   the number of connections that got every byte back and were closed by both sides; failures by code.
 * Fail:  listen() errors reject; a failed connection is counted, never thrown.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { StormResult, TcpReceived, TcpServe, TcpStorm } from './calls.js'
import { concurrently } from './concurrent.js'

const BACKLOG = 4096
const CONNECTION_TIMEOUT_MS = 10_000
const DEFAULT_SIZE = 64
const received = { connections: 0, bytes: 0 }

/** Echoes on each port, on all IPv4 and IPv6 addresses. */
export async function tcpServe({ ports }: TcpServe): Promise<void> {
  for (const port of ports) {
    const server = createServer({ noDelay: true }, echo)
    server.listen({ port, host: '::', backlog: BACKLOG })
    await once(server, 'listening')
  }
}

/** What all servers of this agent have received since it started. */
export async function tcpReceived(): Promise<TcpReceived> {
  return { ...received }
}

/** Connects, sends, receives as much and closes, `count` times. */
export async function tcpStorm(args: TcpStorm): Promise<StormResult> {
  const payload = Buffer.alloc(args.size ?? DEFAULT_SIZE, 'weir')
  const counts = await concurrently(args.count, args.concurrency, n => visit(args, n, payload))
  const { ok: succeeded = 0, ...errors } = counts.all
  return { succeeded, failed: args.count - succeeded, errors }
}

function echo(socket: Socket): void {
  received.connections++
  // Some storms reset their connections on purpose.
  socket.on('error', () => undefined)
  socket.on('data', chunk => {
    received.bytes += chunk.length
    socket.write(chunk)
  })
}

/** One connection: `ok` or the error code. Resolves when the socket is closed, so that every packet has been sent. */
function visit(args: TcpStorm, n: number, payload: Buffer): Promise<string> {
  const { host, ports, close = 'fin', timeoutMs = CONNECTION_TIMEOUT_MS } = args
  const port = ports[n % ports.length]
  if (port === undefined) throw new Error('tcpStorm: ports is empty')
  return new Promise(resolve => {
    let missing = payload.length
    let result = 'ECONNRESET'
    const socket = connect({ host, port, noDelay: true })
    const deadline = setTimeout(() => {
      result = 'ETIMEDOUT'
      socket.destroy()
    }, timeoutMs)
    socket.on('data', chunk => {
      missing -= chunk.length
      if (missing > 0) return
      result = 'ok'
      if (close === 'reset') socket.resetAndDestroy()
      else socket.end()
    })
    socket.on('error', reason => {
      result = (reason as NodeJS.ErrnoException).code ?? reason.message
    })
    socket.on('close', () => {
      clearTimeout(deadline)
      resolve(result)
    })
    socket.write(payload)
  })
}
